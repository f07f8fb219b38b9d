/*
id = "ALC-05"
severity = "error"
blocks = true
zh = "租用面积超核定"
en = "More rented in than approved"
finding_zh = "{lessee}租用 {area_m2} m²，核定 {approved_m2} m²"
finding_en = "{lessee} rents {area_m2} m²; {approved_m2} m² were approved"
remedy_zh = "按核准面积签订合同，退还超出部分"
remedy_en = "sign for what was approved, and give back what is more than that"
source = "《党政机关办公用房建设标准》（发改投资〔2014〕2674号）第三条"
subject = "spatial_unit"
reads = ["lease"]
*/
select coalesce(l.asset_id, l.unit_id) as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'area_m2', trim_scale(l.area_m2), 'approved_m2', (l.details ->> 'approved_area_m2')::numeric) as evidence
  from lease_version l
 where l.direction = 'in' and l.area_m2 > (l.details ->> 'approved_area_m2')::numeric and l.valid @> $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or coalesce(l.asset_id, l.unit_id) = any($2))
