-- 出租合规率: of what is let, what no using unit lets (USE-05), whose term is not over (DSP-14), and whose rent rests on a public
-- letting or an appraisal that held (DSP-15).
select count(*) filter (
           where l.lessor_kind <> 'using_unit' and l.ends_on >= $1::date
             and (l.details ->> 'exchange_record' is not null
                  or (l.details ->> 'appraisal_report' is not null
                      and coalesce((l.details ->> 'appraisal_valid_to')::date >= lower(l.valid), true))))::numeric as numerator,
       count(*)::numeric as denominator,
       0::bigint as "left_out!"
  from lease_version l
  join spatial_unit_version a on a.object_id = l.asset_id and a.valid @> $1::date and a.recorded @> $2::timestamptz
 where l.direction = 'out' and l.valid @> $1::date and l.recorded @> $2::timestamptz
   and starts_with(a.region_code, $3::text) and coalesce(a.admin_level, $4::text) = $4 and ($5::uuid is null or a.unit_id = $5)
