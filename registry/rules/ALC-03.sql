/*
id = "ALC-03"
severity = "error"
zh = "租用期满未续未退"
en = "Rented in past its term"
finding_zh = "{lessee}租用{lessor}的房产已于 {ends_on} 期满，未续租也未退还"
finding_en = "the term of what {lessee} rents from {lessor} ended on {ends_on}; it was neither renewed nor given back"
remedy_zh = "退还房产，或重新核准后续租"
remedy_en = "give it back, or renew the lease upon a new approval"
source = "租赁合同期限；《机关事务管理条例》第二十三条"
subject = "spatial_unit"
reads = ["lease"]
*/
select coalesce(l.asset_id, l.unit_id) as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessor', l.lessor_name, 'lessee', l.lessee_name, 'ends_on', l.ends_on) as evidence
  from lease_version l
 where l.direction = 'in' and l.valid @> $1::date and l.ends_on < $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or coalesce(l.asset_id, l.unit_id) = any($2))
