-- 备案率: of the office buildings that are not registered, those that are filed or kept apart with approval.
select count(*) filter (where exists (
           select from title_case_version c
            where c.asset_id = s.object_id and c.state in ('filed', 'kept') and c.valid @> $1::date
              and c.recorded @> known_on($1::date, $2::timestamptz)))::numeric as numerator,
       count(*)::numeric as denominator,
       0::bigint as "left_out!"
  from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
 where s.title_status in ('none_handed', 'none_not_handed')
