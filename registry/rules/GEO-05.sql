/*
id = "GEO-05"
severity = "warning"
zh = "建筑跨宗地"
en = "Building on several parcels"
finding_zh = "楼栋落在 {count} 宗地上：{parcels}"
finding_en = "the building stands on {count} parcels: {parcels}"
remedy_zh = "核实能否并宗；不能的，按幢分别登记"
remedy_en = "find out whether the parcels can be merged; otherwise register its parts separately"
source = "《不动产登记暂行条例实施细则》第五条"
subject = "building"
neighbours = true
reads = ["parcel"]
parameters = ["outside_m2"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('count', land.parcels, 'parcels', land.codes) as evidence
  from spatial_unit_version v
 cross join lateral (
       select count(*) as parcels, string_agg(coalesce(p.code, p.object_id::text), ', ' order by p.code) as codes
         from spatial_unit_version p
        where box(p.geometry) && box(v.geometry) and p.kind = 'parcel'
          and upper_inf(p.recorded) and p.valid @> $1::date
          and not st_covers(p.geometry, v.geometry)
          and st_intersects(v.geometry, p.geometry)
          and st_area(st_intersection(v.geometry, p.geometry)::geography) > ($3::jsonb ->> 'outside_m2')::float8) land
 where v.kind = 'building' and v.geometry is not null and land.parcels > 1
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
