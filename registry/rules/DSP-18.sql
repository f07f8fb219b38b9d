/*
id = "DSP-18"
severity = "warning"
zh = "租期过长"
en = "Lease too long"
finding_zh = "租给{lessee}的租期自 {starts_on} 至 {ends_on}，超过 {most} 年"
finding_en = "the lease to {lessee} from {starts_on} to {ends_on} is longer than {most} years"
remedy_zh = "核对批准文件；到期前不再续长"
remedy_en = "compare it with its approval; make the next one shorter"
source = "地方规定：出租期限一般不超过五年"
subject = "spatial_unit"
reads = ["lease"]
parameters = ["lease_max_years"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'starts_on', lower(l.valid), 'ends_on', l.ends_on, 'most', ($3::jsonb ->> 'lease_max_years')::numeric::int) as evidence
  from lease_version l
 where l.direction = 'out' and l.valid @> $1::date
   and l.ends_on >= lower(l.valid) + make_interval(years => ($3::jsonb ->> 'lease_max_years')::numeric::int)
   and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
