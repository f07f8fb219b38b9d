/*
id = "SPC-02"
severity = "error"
zh = "独立卫生间超6㎡或人员不符"
en = "Private washroom too large or not allowed"
finding_zh = "独立卫生间 {number} 使用面积 {use_area_m2} m²：{why_zh}"
finding_en = "private washroom {number} of {use_area_m2} m²: {why_en}"
remedy_zh = "改为公用卫生间或储藏室，或核对使用人"
remedy_en = "make it a common washroom or a store, or correct the occupants"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号；地方规定"
subject = "room"
reads = ["occupant", "unit"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'use_area_m2', v.use_area_m2,
                          'why_zh', case when judged.is_large then '超过 6 m²' else '使用人不得设独立卫生间' end,
                          'why_en', case when judged.is_large then 'above 6 m²' else 'nobody in the office may have one' end) as evidence
  from room_version v
 cross join lateral (
       select coalesce(v.use_area_m2 > ($3::jsonb -> 'space_standard' -> 'parameters' ->> 'washroom_m2')::numeric, false) as is_large,
              (select bool_and(not $3::jsonb -> 'space_standard' -> 'washroom_ranks' -> space_level(u.level) ? plain_rank(o.rank))
                 from occupant_version o
                 join room_version r on r.object_id = o.room_id and upper_inf(r.recorded) and r.valid @> $1::date
                 join unit_version u
                   on u.object_id = coalesce(o.unit_id, r.unit_id) and upper_inf(u.recorded) and u.valid @> $1::date
                where o.room_id = v.part_of_id and upper_inf(o.recorded) and o.valid @> $1::date) as nobody_may) judged
 where v.purpose = 'private_washroom' and (judged.is_large or judged.nobody_may)
   and upper_inf(v.recorded) and v.valid @> $1::date
   and ($2::uuid[] is null or v.object_id = any($2) or v.part_of_id = any($2))
