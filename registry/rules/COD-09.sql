/*
id = "COD-09"
severity = "error"
zh = "地类代码无效或版本不明"
en = "Land-use code not in its scheme"
finding_zh = "地类代码 {land_use_code} 不在 {land_use_scheme} 中"
finding_en = "the land-use code {land_use_code} is not in {land_use_scheme}"
remedy_zh = "核对地类版本：旧证多用 2007 版的三位代码"
remedy_en = "check the edition: old certificates mostly use the three digits of 2007"
source = "GB/T 21010-2017"
subject = "parcel"
*/
-- Of the edition of 2007 and of the planners' classes only the form is known here: 2 or 3 digits, and 2, 4 or 6.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('land_use_code', v.land_use_code, 'land_use_scheme', v.land_use_scheme) as evidence
  from spatial_unit_version v
 where v.kind = 'parcel' and v.land_use_code is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and case v.land_use_scheme
       when 'GB21010-2017' then not v.land_use_code = any(string_to_array(
            '01 0101 0102 0103 02 0201 0202 0203 0204 03 0301 0302 0303 0304 0305 0306 0307 04 0401 0402 0403 0404 05 0501 0502 0503 0504 0505 0506 0507 06 0601 0602 0603 0604 07 0701 0702 08 0801 0802 0803 0804 0805 0806 0807 0808 0809 0810 09 0901 0902 0903 0904 0905 0906 10 1001 1002 1003 1004 1005 1006 1007 1008 1009 11 1101 1102 1103 1104 1105 1106 1107 1108 1109 1110 12 1201 1202 1203 1204 1205 1206 1207', ' '))
       when 'GB21010-2007' then v.land_use_code !~ '^(0[1-9]|1[0-2])\d?$'
       when 'YDYH-2023' then v.land_use_code !~ '^\d{2}(\d{2}){0,2}$'
       else true
       end
