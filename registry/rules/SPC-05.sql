/*
id = "SPC-05"
severity = "warning"
zh = "服务用房超标"
en = "Too many service rooms"
finding_zh = "{name} 服务用房使用面积 {held_m2} m²，按编制核定 {due_m2} m²"
finding_en = "{name} has {held_m2} m² of service rooms; {due_m2} m² are due to it"
remedy_zh = "调整为办公室，或交回统一调配"
remedy_en = "use them as offices, or give them back"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号，服务用房人均使用面积"
subject = "unit"
reads = ["room"]
parameters = ["tolerance_m2"]
*/
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'held_m2', round(held.area_m2, 2), 'due_m2', round(due.service_m2, 2)) as evidence
  from unit_version u
 cross join lateral space_entitlement(u.level, u.headcount, $3::jsonb -> 'space_standard') due
 cross join lateral (
       select sum(r.use_area_m2) as area_m2
         from room_version r
        where r.unit_id = u.object_id and r.room_type = 'service'
          and upper_inf(r.recorded) and r.valid @> $1::date) held
 where upper_inf(u.recorded) and u.valid @> $1::date and ($2::uuid[] is null or u.object_id = any($2))
   and held.area_m2 > due.service_m2 + ($3::jsonb ->> 'tolerance_m2')::numeric
