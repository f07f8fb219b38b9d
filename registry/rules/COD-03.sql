/*
id = "COD-03"
severity = "error"
zh = "单元号与宗地不符"
en = "Unit code of another parcel"
finding_zh = "单元号 {unit_code} 的前 19 位与宗地代码 {code} 不符"
finding_en = "the unit code {unit_code} does not begin with the parcel's code {code}"
remedy_zh = "核对宗地代码与不动产单元号，改正有误的一个"
remedy_en = "compare the parcel's code with the unit code and correct the wrong one"
source = "GB/T 37346-2019"
subject = "parcel"
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('unit_code', v.unit_code, 'code', v.code) as evidence
  from spatial_unit_version v
 where v.kind = 'parcel' and v.unit_code ~ '^\d{12}[GJZ][ABSXCDEFLNHGWY]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$'
   -- What has a code of its own kind instead says nothing about this.
   and v.code ~ '^\d{12}[GJZ][A-Z]\d{5}$' and left(v.unit_code, 19) <> v.code
   -- That is COD-01's.
   and substr(v.unit_code, 15, 5) <> '00000'
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
