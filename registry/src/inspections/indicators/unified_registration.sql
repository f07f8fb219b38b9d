-- 权属统一登记率: of the area of office buildings, what is registered to the bureau.
select coalesce(sum(s.area_m2) filter (where s.title_status = 'unified'), 0) as numerator,
       sum(s.area_m2) as denominator,
       count(*) filter (where s.area_m2 is null) as "left_out!"
  from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
