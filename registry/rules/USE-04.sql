/*
id = "USE-04"
severity = "error"
zh = "转给其他单位使用"
en = "Used by another unit than certified"
finding_zh = "房间 {number} 核发给{certified}，实际由{user}使用"
finding_en = "room {number} is certified to {certified} and used by {user}"
remedy_zh = "收回，或办理调剂和转移登记"
remedy_en = "take it back, or have it reassigned and register the transfer"
source = "《党政机关办公用房管理办法》第十九条"
subject = "room"
reads = ["use_agreement", "unit"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'user', u.name, 'certified', string_agg(distinct c.name, '、')) as evidence
  from use_agreement_version a
 cross join unnest(a.room_ids) room (id)
  join room_version v on v.object_id = room.id and upper_inf(v.recorded) and v.valid @> $1::date
  join unit_version u on u.object_id = v.unit_id and upper_inf(u.recorded) and u.valid @> $1::date
  join unit_version c on c.object_id = a.unit_id and upper_inf(c.recorded) and c.valid @> $1::date
 where upper_inf(a.recorded) and a.valid @> $1::date and a.status = 'certified'
   and a.starts_on <= $1::date and (a.ends_on is null or $1::date < a.ends_on)
   and v.unit_id <> a.unit_id and v.occupancy = 'in_use'
   and not exists (select from use_agreement_version own
                    where own.room_ids @> array[v.object_id] and own.unit_id = v.unit_id and own.status = 'certified'
                      and own.starts_on <= $1::date and (own.ends_on is null or $1::date < own.ends_on)
                      and upper_inf(own.recorded) and own.valid @> $1::date)
   and ($2::uuid[] is null
        or (a.building_ids && $2 or a.room_ids && $2) and (v.object_id = any($2) or v.building_id = any($2)))
 group by v.object_id, v.building_id, v.number, u.name
