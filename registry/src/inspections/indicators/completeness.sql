-- 数据完整率: of ten facts of each office building, those that are on record.
select sum(num_nonnulls(b.name, b.address, b.region_code, b.admin_level, b.title_status, b.occupancy, b.registered_area_m2,
                        b.floors_above, b.completed_year, b.geometry))::numeric as numerator,
       (count(*) * 10)::numeric as denominator,
       0::bigint as "left_out!"
  from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
  join spatial_unit_version b on b.object_id = s.object_id and b.valid @> $1::date and b.recorded @> $2::timestamptz
