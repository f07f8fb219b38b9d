/*
id = "GEO-14"
severity = "error"
blocks = true
zh = "分割合并面积不守恒"
en = "Split or merge doesn't conserve the area"
finding_zh = "分割合并前共 {before_m2} m²，之后共 {after_m2} m²，相差 {percent}%"
finding_en = "{before_m2} m² before the split or merge, {after_m2} m² after it: {percent} % apart"
remedy_zh = "核对分割合并的权籍调查成果，改正图形有误的一方"
remedy_en = "compare with the survey of the split or merge, and correct the shape that is wrong"
source = "权籍调查要求：分割合并前后界址相符、面积守恒"
subject = "spatial_unit"
reads = ["succession"]
parameters = ["split_tol"]
*/
select s.to_ids[1] as object_id, s.from_ids[1] as other_id, s.to_ids[1] as at_id,
       jsonb_build_object('before_m2', round(old.area_m2::numeric, 2), 'after_m2', round(new.area_m2::numeric, 2),
                          'percent', round(((new.area_m2 - old.area_m2) / nullif(old.area_m2, 0) * 100)::numeric, 2)) as evidence
  from succession_version s
 cross join lateral (
       select sum(v.area_m2) as area_m2, count(v.area_m2) as measured
         from spatial_unit_version v
        where v.object_id = any (s.from_ids) and upper_inf(v.recorded) and v.valid @> lower(s.valid) - 1) old
 cross join lateral (
       select sum(v.area_m2) as area_m2, count(v.area_m2) as measured
         from spatial_unit_version v
        where v.object_id = any (s.to_ids) and upper_inf(v.recorded) and v.valid @> lower(s.valid)) new
 where upper_inf(s.recorded) and s.valid @> $1::date
   and ($2::uuid[] is null or s.from_ids && $2 or s.to_ids && $2 or s.object_id = any ($2))
   and old.measured = cardinality(s.from_ids) and new.measured = cardinality(s.to_ids)
   and abs(new.area_m2 - old.area_m2) > old.area_m2 * ($3::jsonb ->> 'split_tol')::float8
