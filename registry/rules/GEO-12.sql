/*
id = "GEO-12"
severity = "warning"
zh = "院落不在其宗地上"
en = "Site away from its land"
finding_zh = "院落的{what_zh}不在所属宗地（{parcels}）的范围内"
finding_en = "the {what_en} of the site lies outside its parcels ({parcels})"
remedy_zh = "核对院落位置与院落—宗地关系，改正有误的一个"
remedy_en = "compare the place of the site with the parcels it is connected with, and correct the wrong one"
source = "领域规则：包含关系"
subject = "site"
reads = ["parcel", "relation"]
*/
-- Rooms have no shape of their own yet: whether they lie in their storey can't be asked.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('what_zh', case geometrytype(v.geometry) when 'POINT' then '点' else '范围' end,
                          'what_en', case geometrytype(v.geometry) when 'POINT' then 'point' else 'ground' end,
                          'parcels', land.codes) as evidence
  from spatial_unit_version v
 cross join lateral (
       select string_agg(coalesce(p.code, p.object_id::text), ', ' order by p.code) as codes,
              bool_or(st_intersects(p.geometry, v.geometry)) as is_there
         from spatial_unit_relation r
         join spatial_unit_version p
           on p.object_id = r.lower_id and p.geometry is not null and upper_inf(p.recorded) and p.valid @> $1::date
        where r.upper_id = v.object_id and r.kind = 'site_parcel' and upper_inf(r.recorded) and r.valid @> $1::date) land
 where v.kind = 'site' and v.geometry is not null and not land.is_there
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
