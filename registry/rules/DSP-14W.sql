/*
id = "DSP-14W"
severity = "warning"
zh = "租约即将到期"
en = "Lease about to end"
finding_zh = "与{lessee}的租约将于 {ends_on} 到期"
finding_en = "the lease with {lessee} ends on {ends_on}"
remedy_zh = "提前安排收回、续租或重新招租"
remedy_en = "arrange in time for its return, its renewal or a new letting"
source = "租赁合同期限"
subject = "spatial_unit"
reads = ["lease"]
parameters = ["lease_warn_days"]
*/
select coalesce(l.asset_id, l.unit_id) as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'ends_on', l.ends_on) as evidence
  from lease_version l
 where upper_inf(l.valid) and l.valid @> $1::date
   and l.ends_on >= $1::date and l.ends_on < $1::date + ($3::jsonb ->> 'lease_warn_days')::numeric::int
   and upper_inf(l.recorded) and ($2::uuid[] is null or coalesce(l.asset_id, l.unit_id) = any($2))
