/*
id = "TTL-11"
severity = "warning"
zh = "使用期限将届满或已届满"
en = "Term ends soon or has ended"
finding_zh = "使用期限至 {term_to}"
finding_en = "the term of use ends on {term_to}"
remedy_zh = "提前一年申请续期"
remedy_en = "apply for its extension a year before"
source = "国务院令第55号第十二条"
subject = "spatial_unit"
reads = ["title"]
parameters = ["term_warn_months"]
*/
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('term_to', t.term_to) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and t.term_to < $1::date + make_interval(months => (($3::jsonb ->> 'term_warn_months')::float8)::int)
