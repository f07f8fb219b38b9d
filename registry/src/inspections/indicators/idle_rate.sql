-- 闲置率: of the area of office buildings, what stands idle: whole buildings, and the idle rooms of others.
select coalesce(sum(case when s.occupancy = 'idle' then s.area_m2 else least(s.area_m2, rooms.idle_m2) end), 0) as numerator,
       sum(s.area_m2) as denominator,
       count(*) filter (where s.area_m2 is null) as "left_out!"
  from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
 cross join lateral (
       select coalesce(sum(coalesce(r.building_area_m2, r.use_area_m2)), 0) as idle_m2
         from room_version r
        where r.building_id = s.object_id and r.occupancy = 'idle'
          and r.valid @> $1::date and r.recorded @> $2::timestamptz) rooms
