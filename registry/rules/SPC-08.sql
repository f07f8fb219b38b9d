/*
id = "SPC-08"
severity = "warning"
zh = "附属用房超标"
en = "Ancillary rooms too large"
finding_zh = "{name} 食堂建筑面积 {held_m2} m²，按编制 {persons} 人核定 {due_m2} m²"
finding_en = "{name} has a canteen of {held_m2} m² (building area); {due_m2} m² are due to its {persons} persons"
remedy_zh = "与相邻单位合用，或调整用途"
remedy_en = "share it with units nearby, or use a part otherwise"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号，附属用房"
subject = "unit"
reads = ["room"]
parameters = ["tolerance_m2"]
*/
-- Of garages the number of places is a matter of local planning rules, so only the canteen can be judged.
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'persons', due.persons, 'held_m2', round(held.area_m2, 2), 'due_m2', round(canteen.area_m2, 2)) as evidence
  from unit_version u
 cross join lateral space_entitlement(u.level, u.headcount, $3::jsonb -> 'space_standard') due
 cross join lateral (
       select sum(r.building_area_m2) as area_m2
         from room_version r
        where r.unit_id = u.object_id and r.purpose = 'canteen'
          and upper_inf(r.recorded) and r.valid @> $1::date) held
 cross join lateral (
       select least(due.persons, (figures ->> 'up_to')::numeric) * (figures ->> 'first_m2')::numeric
              + greatest(due.persons - (figures ->> 'up_to')::numeric, 0) * (figures ->> 'beyond_m2')::numeric as area_m2
         from (select $3::jsonb -> 'space_standard' -> 'canteen' as figures) given) canteen
 where upper_inf(u.recorded) and u.valid @> $1::date and ($2::uuid[] is null or u.object_id = any($2))
   and held.area_m2 > canteen.area_m2 + ($3::jsonb ->> 'tolerance_m2')::numeric
