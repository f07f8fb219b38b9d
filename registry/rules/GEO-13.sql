/*
id = "GEO-13"
severity = "information"
zh = "无图形资产"
en = "Asset without shape"
finding_zh = "没有图形，地图上看不到"
finding_en = "it has no shape and is not on the map"
remedy_zh = "补测或补录图形"
remedy_en = "survey it or add its shape"
source = "领域规则：允许，但要计数"
subject = "spatial_unit"
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id, jsonb_build_object() as evidence
  from spatial_unit_version v
 where v.geometry is null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
