/*
id = "USE-10"
severity = "error"
zh = "企业协会占用"
en = "Company or association in office space"
finding_zh = "房间 {number} 由 {name} 使用，其不属于党政机关"
finding_en = "room {number} is used by {name}, which is no Party or government organ"
remedy_zh = "清理腾退，或按规定办理租赁"
remedy_en = "have it vacated, or let it by the rules"
source = "《党政机关办公用房管理办法》第二十一条"
subject = "room"
reads = ["unit"]
*/
-- Institutions (事业单位) differ by region and are not judged here.
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'name', u.name) as evidence
  from unit_version u
  join room_version v on v.unit_id = u.object_id and upper_inf(v.recorded) and v.valid @> $1::date
 where u.kind in ('platform_company', 'other') and v.room_type in ('office', 'service', 'equipment')
   and coalesce(v.occupancy, 'in_use') not in ('let', 'lent')
   and upper_inf(u.recorded) and u.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
