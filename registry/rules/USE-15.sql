/*
id = "USE-15"
severity = "error"
zh = "危房仍在使用"
en = "Dangerous and in use"
finding_zh = "房间 {number} 所在楼栋或房间为危房，仍在使用"
finding_en = "room {number} is dangerous, or its building is, and it is in use"
remedy_zh = "立即停止使用，组织腾退"
remedy_en = "stop using it at once, and vacate it"
source = "安全管理规定"
subject = "room"
reads = ["building", "occupant"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id, jsonb_build_object('number', v.number) as evidence
  from room_version v
  join spatial_unit_version b on b.object_id = v.building_id and upper_inf(b.recorded) and b.valid @> $1::date
 where (b.occupancy = 'dangerous' or v.occupancy = 'dangerous')
   and (v.occupancy = 'in_use'
        or exists (select from occupant_version o
                    where o.room_id = v.object_id and upper_inf(o.recorded) and o.valid @> $1::date))
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2) or v.building_id = any($2))
