/*
id = "SPC-11"
severity = "error"
zh = "房间面积之和超楼栋"
en = "Rooms larger than their building"
finding_zh = "房间建筑面积合计 {rooms_m2} m²，超过楼栋建筑面积 {building_m2} m²"
finding_en = "its rooms add up to {rooms_m2} m² of building area, more than its {building_m2} m²"
remedy_zh = "核对房间台账与房产测绘成果"
remedy_en = "compare the list of rooms with the building survey"
source = "算术关系"
subject = "building"
reads = ["room"]
*/
-- Rounding of each room to a hundredth of a square metre must not add up to a finding.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('rooms_m2', inside.area_m2, 'building_m2', v.registered_area_m2) as evidence
  from spatial_unit_version v
  join (select r.building_id, sum(r.building_area_m2) as area_m2, count(*) as rooms
          from room_version r
         where upper_inf(r.recorded) and r.valid @> $1::date and ($2::uuid[] is null or r.building_id = any($2))
         group by r.building_id) inside on inside.building_id = v.object_id
 where v.kind = 'building' and v.registered_area_m2 is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and inside.area_m2 > v.registered_area_m2 + 0.005 * inside.rooms
