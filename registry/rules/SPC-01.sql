/*
id = "SPC-01"
severity = "error"
zh = "办公室超标"
en = "Office above its limit"
finding_zh = "房间 {number} 使用面积 {use_area_m2} m²，{persons} 名使用人限额合计 {limit_m2} m²，超出 {over_m2} m²"
finding_en = "room {number} has {use_area_m2} m² of use area, the limits of its {persons} occupants add up to {limit_m2} m²: {over_m2} m² above"
remedy_zh = "先调换或合用；无法改造的，登记原因，待维修或人员变动时整改"
remedy_en = "exchange or share rooms first; what can't be altered is registered with the reason until the next refit or change of person"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号，各级工作人员办公室使用面积"
subject = "room"
reads = ["occupant", "unit"]
parameters = ["tolerance_m2"]
*/
-- A shared room has the sum of its occupants' limits; rest room and washroom count with their office.
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'use_area_m2', suite.area_m2, 'limit_m2', seated.limit_m2,
                          'persons', seated.persons, 'over_m2', round(suite.area_m2 - seated.limit_m2, 2)) as evidence
  from (
       select o.room_id, count(*) as persons, sum(($3::jsonb -> 'space_standard' -> 'office' -> space_level(u.level) ->> plain_rank(o.rank))::numeric) as limit_m2,
              bool_and(($3::jsonb -> 'space_standard' -> 'office' -> space_level(u.level) ->> plain_rank(o.rank))::numeric is not null) as is_ranked
         from occupant_version o
         join room_version r on r.object_id = o.room_id and upper_inf(r.recorded) and r.valid @> $1::date
         left join unit_version u
           on u.object_id = coalesce(o.unit_id, r.unit_id) and upper_inf(u.recorded) and u.valid @> $1::date
        where upper_inf(o.recorded) and o.valid @> $1::date and ($2::uuid[] is null or o.room_id = any($2))
        group by o.room_id) seated
  join room_version v
    on v.object_id = seated.room_id and v.room_type = 'office' and upper_inf(v.recorded) and v.valid @> $1::date
 cross join lateral (
       select v.use_area_m2 + coalesce(sum(p.use_area_m2), 0) as area_m2
         from room_version p
        where p.part_of_id = v.object_id and upper_inf(p.recorded) and p.valid @> $1::date) suite
 where seated.is_ranked and suite.area_m2 > seated.limit_m2 + ($3::jsonb ->> 'tolerance_m2')::numeric
