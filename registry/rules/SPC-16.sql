/*
id = "SPC-16"
severity = "information"
zh = "套用1999标准"
en = "Figure of 1999"
finding_zh = "房间 {number} 的核定面积 {approved_m2} m² 是 1999 年标准的数值，{rank}现行限额为 {limit_m2} m²"
finding_en = "the approved area of {approved_m2} m² in room {number} is a figure of 1999; {limit_m2} m² hold for {rank} today"
remedy_zh = "按 2014 年标准更正核定面积"
remedy_en = "correct it by the standard of 2014"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号"
subject = "room"
reads = ["occupant", "unit"]
*/
select distinct on (v.object_id) v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'rank', o.rank, 'approved_m2', o.approved_area_m2, 'limit_m2', ($3::jsonb -> 'space_standard' -> 'office' -> space_level(u.level) ->> plain_rank(o.rank))::numeric) as evidence
  from occupant_version o
  join room_version v on v.object_id = o.room_id and upper_inf(v.recorded) and v.valid @> $1::date
  join unit_version u on u.object_id = coalesce(o.unit_id, v.unit_id) and upper_inf(u.recorded) and u.valid @> $1::date
 where o.approved_area_m2 is not null and upper_inf(o.recorded) and o.valid @> $1::date
   and ($2::uuid[] is null or o.room_id = any($2))
   and o.approved_area_m2 in (select old::numeric from jsonb_array_elements_text($3::jsonb -> 'space_standard' -> 'old_limits' -> space_level(u.level)) as old)
   and o.approved_area_m2 <> ($3::jsonb -> 'space_standard' -> 'office' -> space_level(u.level) ->> plain_rank(o.rank))::numeric
 order by v.object_id, o.object_id
