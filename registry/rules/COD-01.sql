/*
id = "COD-01"
severity = "error"
blocks = true
zh = "单元号格式"
en = "Form of the unit code"
finding_zh = "不动产单元号 {unit_code} 不符合 28 位编码规则"
finding_en = "the unit code {unit_code} does not have the form of a 28-character code"
remedy_zh = "核对证书或登记簿后改正单元号"
remedy_en = "compare with the certificate or the book and correct the code"
source = "GB/T 37346-2019"
subject = "parcel"
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('unit_code', v.unit_code) as evidence
  from spatial_unit_version v
 where v.kind = 'parcel' and v.unit_code is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and (v.unit_code !~ '^\d{12}[GJZ][ABSXCDEFLNHGWY]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$'
        -- The county, not the city above it.
        or substr(v.unit_code, 5, 2) = '00'
        or substr(v.unit_code, 15, 5) = '00000'
        -- 集体土地所有权 and 宅基地 stand on collective land alone.
        or (substr(v.unit_code, 14, 1) in ('A', 'C') and substr(v.unit_code, 13, 1) <> 'J')
        -- No house without its building.
        or (substr(v.unit_code, 20, 5) = 'F0000' and substr(v.unit_code, 25, 4) <> '0000'))
