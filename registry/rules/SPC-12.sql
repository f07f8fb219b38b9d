/*
id = "SPC-12"
severity = "error"
blocks = true
zh = "使用面积大于建筑面积"
en = "Use area larger than building area"
finding_zh = "房间 {number} 的使用面积 {use_area_m2} m² 大于建筑面积 {building_area_m2} m²"
finding_en = "room {number}: {use_area_m2} m² of use area, but {building_area_m2} m² of building area"
remedy_zh = "核对两项面积是否填反"
remedy_en = "see whether the two areas were exchanged"
source = "算术关系"
subject = "room"
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'use_area_m2', v.use_area_m2, 'building_area_m2', v.building_area_m2) as evidence
  from room_version v
 where v.use_area_m2 > v.building_area_m2
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
