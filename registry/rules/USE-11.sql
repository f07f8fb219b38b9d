/*
id = "USE-11"
severity = "error"
zh = "机构撤并仍占用"
en = "Dissolved unit still holds rooms"
finding_zh = "房间 {number} 的使用单位 {name} 已于 {until} 撤并"
finding_en = "the unit {name} that uses room {number} was dissolved on {until}"
remedy_zh = "收回房间，重新调配"
remedy_en = "take the room back and allot it anew"
source = "《机关事务管理条例》第二十二条；《行政事业性国有资产管理条例》第二十二条"
subject = "room"
reads = ["unit"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'name', gone.name, 'until', upper(gone.valid)) as evidence
  from room_version v
 cross join lateral (
       select u.name, u.valid from unit_version u
        where u.object_id = v.unit_id and upper_inf(u.recorded) and lower(u.valid) <= $1::date
        order by lower(u.valid) desc limit 1) gone
 where v.unit_id is not null and not gone.valid @> $1::date
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
