/*
id = "GEO-04"
severity = "error"
zh = "建筑超出宗地"
en = "Building outside its parcel"
finding_zh = "有 {outside_m2} m² 在宗地之外"
finding_en = "{outside_m2} m² of it stand outside its parcel"
remedy_zh = "核对楼栋轮廓与用地界线；确属越界的，按超红线处理"
remedy_en = "compare the footprint with the boundary; where it truly stands outside, treat it as beyond the red line"
source = "《不动产登记暂行条例实施细则》"
subject = "building"
reads = ["parcel", "relation"]
parameters = ["outside_m2"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('outside_m2', round(beyond.area_m2::numeric, 2), 'parcels', land.codes) as evidence
  from spatial_unit_version v
 cross join lateral (
       select st_union(p.geometry) as geometry, string_agg(coalesce(p.code, p.object_id::text), ', ' order by p.code) as codes
         from spatial_unit_relation r
         join spatial_unit_version p
           on p.object_id = r.upper_id and upper_inf(p.recorded) and p.valid @> $1::date and p.geometry is not null
        where r.lower_id = v.object_id and r.kind = 'parcel_building'
          and upper_inf(r.recorded) and r.valid @> $1::date) land
 cross join lateral (
       select st_area(st_difference(v.geometry, land.geometry)::geography) as area_m2
        where not st_covers(land.geometry, v.geometry)) beyond
 where v.kind = 'building' and v.geometry is not null and land.geometry is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and beyond.area_m2 > ($3::jsonb ->> 'outside_m2')::float8
