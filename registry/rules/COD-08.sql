/*
id = "COD-08"
severity = "error"
zh = "区划代码无效或停用"
en = "Region code unknown or out of use"
finding_zh = "行政区划代码 {region_code} 在该日无效"
finding_en = "the region code {region_code} is not in force on that day"
remedy_zh = "登记该行政区划，或改用现行代码"
remedy_en = "register the region, or use the code in force"
source = "GB/T 2260"
subject = "spatial_unit"
reads = ["region"]
*/
with in_force as materialized (
    select distinct code from region_version where upper_inf(recorded) and valid @> $1::date
)
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('region_code', v.region_code) as evidence
  from spatial_unit_version v
 where v.region_code is not null and v.region_code not in (select code from in_force)
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
