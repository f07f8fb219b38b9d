/*
id = "COD-11"
severity = "warning"
zh = "统一社会信用代码校验"
en = "Check character of the social credit code"
finding_zh = "统一社会信用代码 {code} 的校验码不对，应为 {expected}"
finding_en = "the check character of {code} is wrong; it would be {expected}"
remedy_zh = "对照单位的法人证书改正代码"
remedy_en = "compare with the unit's certificate and correct the code"
source = "GB 32100"
subject = "unit"
*/
select v.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('code', v.code, 'expected', checked.expected) as evidence
  from unit_version v
 cross join lateral (
       -- Each character by its value times 3 to the power of its place, modulo 31.
       select substr('0123456789ABCDEFGHJKLMNPQRTUWXY',
                     ((31 - sum((strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(v.code, place, 1)) - 1)
                                * (array[1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])[place]) % 31) % 31 + 1)::int,
                     1) as expected
         from generate_series(1, 17) as place) checked
 where v.code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$' and right(v.code, 1) <> checked.expected
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
