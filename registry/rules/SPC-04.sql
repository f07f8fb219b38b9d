/*
id = "SPC-04"
severity = "error"
zh = "单位总面积超核定"
en = "Unit above what is due to it"
finding_zh = "{name} 使用基本办公用房 {held_m2} m²（建筑面积），按编制 {persons} 人核定 {due_m2} m²，超出 {over_m2} m²"
finding_en = "{name} uses {held_m2} m² of basic office space (building area); {due_m2} m² are due to its {persons} persons: {over_m2} m² above"
remedy_zh = "腾退超出的面积，或核对编制与房间类型"
remedy_en = "vacate what is above, or correct staffing and types of rooms"
source = "《机关事务管理条例》第二十二条；《党政机关办公用房建设标准》发改投资〔2014〕2674号"
subject = "unit"
reads = ["room", "building"]
parameters = ["tolerance_m2"]
*/
-- What is due is use area; each building's share of it is divided by that building's least coefficient.
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'persons', due.persons, 'held_m2', round(held.building_m2, 2),
                          'due_m2', round(allowed.area_m2, 2), 'over_m2', round(held.building_m2 - allowed.area_m2, 2)) as evidence
  from unit_version u
 cross join lateral space_entitlement(u.level, u.headcount, $3::jsonb -> 'space_standard') due
 cross join lateral (
       select sum(coalesce(r.building_area_m2, r.use_area_m2 / k.least)) as building_m2,
              sum(coalesce(r.use_area_m2, r.building_area_m2 * k.least)) as use_m2,
              sum(coalesce(r.use_area_m2, r.building_area_m2 * k.least) / k.least) as weighted_m2
         from room_version r
         left join spatial_unit_version b
           on b.object_id = r.building_id and upper_inf(b.recorded) and b.valid @> $1::date
        cross join lateral (
       select case when b.floors_above >= ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'high_rise_floors')::int
                   then ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'coefficient_high_rise')::numeric
                   else ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'coefficient_multi_storey')::numeric end as least) k
        where r.unit_id = u.object_id and r.room_type in ('office', 'service', 'equipment')
          and upper_inf(r.recorded) and r.valid @> $1::date) held
 cross join lateral (select due.use_area_m2 * held.weighted_m2 / nullif(held.use_m2, 0) as area_m2) allowed
 where upper_inf(u.recorded) and u.valid @> $1::date and ($2::uuid[] is null or u.object_id = any($2))
   and held.building_m2 > allowed.area_m2 + ($3::jsonb ->> 'tolerance_m2')::numeric
