/*
id = "GEO-08"
severity = "error"
blocks = true
zh = "坐标不在辖区"
en = "Outside its region"
finding_zh = "图形不在行政区 {region_code} 的范围内"
finding_en = "it lies outside the region {region_code}"
remedy_zh = "核对行政区划代码与坐标系；跨区的，改用上一级区划"
remedy_en = "check the region's code and the coordinate system; across regions use the one above"
source = "领域规则：坐标落在辖区之外多为带号或坐标轴错误"
subject = "spatial_unit"
reads = ["region"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('region_code', v.region_code) as evidence
  from region_version r
  join spatial_unit_version v
    on v.region_code = r.code and v.geometry is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
 where r.geometry is not null and upper_inf(r.recorded) and r.valid @> $1::date
   and not st_intersects(r.geometry, v.geometry)
