/*
id = "COD-04"
severity = "error"
zh = "单元号与行政区不符"
en = "Unit code of another region"
finding_zh = "单元号前 6 位 {code_region} 与所在行政区 {region_code} 不符"
finding_en = "the unit code begins with {code_region}, but the parcel lies in {region_code}"
remedy_zh = "核对行政区划代码；区划调整前的旧代码应登记为该区划的前身"
remedy_en = "check the region; register an older code as the predecessor of the region"
source = "GB/T 2260"
subject = "parcel"
reads = ["region"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('code_region', left(v.unit_code, 6), 'region_code', v.region_code) as evidence
  from spatial_unit_version v
 where v.kind = 'parcel' and v.unit_code ~ '^\d{12}[GJZ][ABSXCDEFLNHGWY]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$'
   and length(v.region_code) >= 6 and left(v.unit_code, 6) <> left(v.region_code, 6)
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and not exists (
       select from region_version former
         join region_version latter
           on latter.object_id = any(former.successor_ids) and upper_inf(latter.recorded)
        where upper_inf(former.recorded) and former.code = left(v.unit_code, 6) and latter.code = left(v.region_code, 6))
