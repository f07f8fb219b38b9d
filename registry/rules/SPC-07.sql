/*
id = "SPC-07"
severity = "warning"
zh = "使用面积系数过低"
en = "Use coefficient too low"
finding_zh = "使用面积系数 {percent}%，低于 {least_percent}%"
finding_en = "the use coefficient is {percent} %, below {least_percent} %"
remedy_zh = "核对房间使用面积与分摊面积"
remedy_en = "compare use areas with the shares of common parts"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号，总使用面积系数"
subject = "building"
reads = ["room"]
parameters = ["listed_share"]
*/
-- Only where nearly all of the building is listed: a part of its rooms tells nothing of its coefficient.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('percent', round(listed.use_m2 / listed.basic_m2 * 100, 1), 'least_percent', round(k.least * 100, 1)) as evidence
  from (select r.building_id, sum(r.building_area_m2) as all_m2,
               sum(r.use_area_m2) filter (where r.room_type in ('office', 'service', 'equipment')) as use_m2,
               sum(r.building_area_m2) filter (where r.room_type in ('office', 'service', 'equipment', 'public')) as basic_m2
          from room_version r
         where upper_inf(r.recorded) and r.valid @> $1::date and ($2::uuid[] is null or r.building_id = any($2))
         group by r.building_id) listed
  join spatial_unit_version v
    on v.object_id = listed.building_id and v.kind = 'building' and upper_inf(v.recorded) and v.valid @> $1::date
 cross join lateral (
       select case when v.floors_above >= ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'high_rise_floors')::int
                   then ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'coefficient_high_rise')::numeric
                   else ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'coefficient_multi_storey')::numeric end as least) k
 where listed.basic_m2 > 0 and v.registered_area_m2 > 0
   and listed.all_m2 >= v.registered_area_m2 * ($3::jsonb ->> 'listed_share')::numeric
   and listed.use_m2 < listed.basic_m2 * k.least
