/*
id = "DSP-14"
severity = "error"
zh = "租约超期"
en = "Lease past its term"
finding_zh = "租给{lessee}的租约已于 {ends_on} 到期，未收回也未续租"
finding_en = "the lease to {lessee} ended on {ends_on}; it was neither handed back nor renewed"
remedy_zh = "收回房产，或重新公开招租、办理续租"
remedy_en = "take it back, or let it anew in public, or renew the lease"
source = "租赁合同期限；《行政事业性国有资产管理条例》第二十六条"
subject = "spatial_unit"
reads = ["lease"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'ends_on', l.ends_on, 'days', $1::date - l.ends_on) as evidence
  from lease_version l
 where l.direction = 'out' and l.valid @> $1::date and l.ends_on < $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
