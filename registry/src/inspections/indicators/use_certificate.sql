-- 使用权证核发率: of the rooms that organs use, those of a certificate that holds (USE-02).
select count(*) filter (where exists (
           select from use_agreement_version a
            where a.room_ids @> array[r.object_id] and a.status = 'certified' and a.starts_on <= $1::date
              and (a.ends_on is null or $1::date < a.ends_on)
              and a.valid @> $1::date and a.recorded @> $2::timestamptz))::numeric as numerator,
       count(*)::numeric as denominator,
       0::bigint as "left_out!"
  from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
  join room_version r on r.building_id = s.object_id and r.valid @> $1::date and r.recorded @> $2::timestamptz
  join unit_version u on u.object_id = r.unit_id and u.valid @> $1::date and u.recorded @> $2::timestamptz
 where r.occupancy = 'in_use' and u.kind not in ('platform_company', 'other') and ($5::uuid is null or r.unit_id = $5)
