/*
id = "COD-07"
severity = "warning"
zh = "临时单元号"
en = "Provisional unit code"
finding_zh = "单元号 {unit_code} 是临时编码"
finding_en = "the unit code {unit_code} is provisional"
remedy_zh = "地籍调查完成后换成正式单元号"
remedy_en = "replace it once the cadastral survey has given the real one"
source = "GB/T 37346-2019；登记数据汇交实践"
subject = "parcel"
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('unit_code', v.unit_code) as evidence
  from spatial_unit_version v
 where v.kind = 'parcel' and v.unit_code ~ '^\d{12}[GJZ][ABSXCDEFLNHGWY]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$'
   and (substr(v.unit_code, 7, 6) in ('000000', '999999') or substr(v.unit_code, 15, 5) = '99999')
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
