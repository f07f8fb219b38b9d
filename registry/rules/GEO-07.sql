/*
id = "GEO-07"
severity = "error"
zh = "宗地面积不符"
en = "Registered area against the shape"
finding_zh = "登记面积 {registered_area_m2} m²，图形面积 {area_m2} m²，相差 {percent}%"
finding_en = "registered {registered_area_m2} m², by the shape {area_m2} m²: {percent} % apart"
remedy_zh = "核对权籍调查成果；以登记簿为准更正图形，或申请面积变更登记"
remedy_en = "compare with the survey; correct the shape by the book, or apply for the area to be changed"
source = "领域规则：宗地面积按 3 度带平面面积比较"
subject = "parcel"
parameters = ["parcel_area_tol", "parcel_area_least_m2"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('registered_area_m2', v.registered_area_m2, 'area_m2', round(v.area_m2::numeric, 2),
                          'percent', round(((v.registered_area_m2 - v.area_m2::numeric) / nullif(v.area_m2, 0)::numeric * 100), 2)) as evidence
  from spatial_unit_version v
 where v.kind = 'parcel' and v.registered_area_m2 is not null and v.area_m2 is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and abs(v.registered_area_m2 - v.area_m2)
       > greatest(v.registered_area_m2 * ($3::jsonb ->> 'parcel_area_tol')::float8,
                  ($3::jsonb ->> 'parcel_area_least_m2')::float8)
