-- 大中修计划执行率: of the repairs in the plan of the period's last year, those whose works are inspected.
select count(*) filter (where c.state in ('inspected', 'archived'))::numeric as numerator,
       count(*)::numeric as denominator,
       0::bigint as "left_out!"
  from policy_case_version c
  join spatial_unit_version a on a.object_id = c.asset_id and a.valid @> $1::date and a.recorded @> $2::timestamptz
 where c.procedure = 'repair' and c.recorded @> known_on($1::date, $2::timestamptz)
   and starts_with(a.region_code, $3::text) and coalesce(a.admin_level, $4::text) = $4 and ($5::uuid is null or a.unit_id = $5)
   and exists (
       select from json_array_elements(c.details -> 'records') entry
        where entry -> 'fact' ->> 'record' = 'plan_entry'
          and (entry -> 'fact' ->> 'year')::int = extract(year from $6::date)
          and not exists (select from json_array_elements(c.details -> 'records') void
                           where void -> 'fact' ->> 'record' = 'void' and void -> 'fact' ->> 'no' = entry ->> 'no'))
