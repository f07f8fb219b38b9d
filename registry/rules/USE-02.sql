/*
id = "USE-02"
severity = "error"
zh = "无使用权证 / 已过期"
en = "No current use certificate"
finding_zh = "{rooms} 间办公用房已签使用协议而没有有效的使用权证（{units}）"
finding_en = "{rooms} rooms have a signed agreement and no current use certificate ({units})"
remedy_zh = "核发使用权证；到期的办理换证"
remedy_en = "issue the use certificate; renew what has ended"
source = "《党政机关办公用房管理办法》第十八条"
subject = "building"
reads = ["room", "use_agreement", "unit"]
*/
with uncertified as materialized (
     select room.id
       from use_agreement_version a, unnest(a.room_ids) room (id)
      where upper_inf(a.recorded) and a.valid @> $1::date and a.status in ('signed', 'certified')
        and a.starts_on <= $1::date and ($2::uuid[] is null or a.building_ids && $2)
      group by room.id
     having not bool_or(a.status = 'certified' and (a.ends_on is null or $1::date < a.ends_on)))
select b.object_id, null::uuid as other_id, b.object_id as at_id,
       jsonb_build_object('rooms', count(*), 'units', string_agg(distinct u.name, '、')) as evidence
  from spatial_unit_version b
  join room_version v on v.building_id = b.object_id and upper_inf(v.recorded) and v.valid @> $1::date
  join uncertified on uncertified.id = v.object_id
  join unit_version u on u.object_id = v.unit_id and upper_inf(u.recorded) and u.valid @> $1::date
 where b.kind = 'building' and b.usage = 'administrative_office' and upper_inf(b.recorded) and b.valid @> $1::date
   and v.occupancy = 'in_use' and ($2::uuid[] is null or b.object_id = any($2))
 group by b.object_id
