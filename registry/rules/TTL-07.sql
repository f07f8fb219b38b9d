/*
id = "TTL-07"
severity = "error"
zh = "证实不符（面积）"
en = "Certificate against the survey"
finding_zh = "证载土地面积 {certificate_m2} m²，实测 {surveyed_m2} m²，相差 {percent}%"
finding_en = "{certificate_m2} m² of land by the certificate, {surveyed_m2} m² by the survey: {percent} % apart"
remedy_zh = "复测核实；确属登记错误的申请更正登记，实际变化的申请变更登记"
remedy_en = "survey again; apply for a correction where the book is wrong, for a change where the land is another"
source = "《党政机关办公用房管理办法》第六条；嵊泗县权属统一登记容差"
subject = "parcel"
reads = ["title"]
parameters = ["title_area_tol"]
*/
-- The land alone: what a house measures in all is nowhere surveyed, its rooms don't add up to it.
select land.id as object_id, t.object_id as other_id, land.id as at_id,
       jsonb_build_object('certificate_m2', t.land_area_m2, 'surveyed_m2', round(found.area_m2::numeric, 2),
                          'percent', round(((found.area_m2 - t.land_area_m2::float8) / t.land_area_m2::float8 * 100)::numeric, 2)) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids) as land (id)
 cross join lateral (
       select sum(v.area_m2) as area_m2, count(v.area_m2) as surveyed
         from spatial_unit_version v
        where v.object_id = any(t.parcel_ids) and upper_inf(v.recorded) and v.valid @> $1::date) found
 where t.book_state = '1' and t.land_area_m2 > 0 and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or t.parcel_ids && $2)
   and found.surveyed = cardinality(t.parcel_ids)
   and abs(found.area_m2 - t.land_area_m2::float8) > t.land_area_m2::float8 * ($3::jsonb ->> 'title_area_tol')::float8
