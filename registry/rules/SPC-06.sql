/*
id = "SPC-06"
severity = "warning"
zh = "设备用房超9%"
en = "Equipment rooms above 9 %"
finding_zh = "{name} 设备用房使用面积 {held_m2} m²，办公室与服务用房的 9% 为 {due_m2} m²"
finding_en = "{name} has {held_m2} m² of equipment rooms; 9 % of its offices and service rooms are {due_m2} m²"
remedy_zh = "核对设备用房是否为多家单位共用"
remedy_en = "see whether several units share them"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号，设备用房"
subject = "unit"
reads = ["room"]
parameters = ["eq_tol"]
*/
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'held_m2', round(held.area_m2, 2), 'due_m2', round(due.equipment_m2, 2)) as evidence
  from unit_version u
 cross join lateral space_entitlement(u.level, u.headcount, $3::jsonb -> 'space_standard') due
 cross join lateral (
       select sum(r.use_area_m2) as area_m2
         from room_version r
        where r.unit_id = u.object_id and r.room_type = 'equipment'
          and upper_inf(r.recorded) and r.valid @> $1::date) held
 where upper_inf(u.recorded) and u.valid @> $1::date and ($2::uuid[] is null or u.object_id = any($2))
   and held.area_m2 > due.equipment_m2 * (1 + ($3::jsonb ->> 'eq_tol')::numeric)
