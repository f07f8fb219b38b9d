-- 闲置处置率: of what stood idle in the period, what was no longer idle on the day: put to use, let, turned to another use, given up.
select count(distinct i.object_id) filter (where upper(i.valid) <= $1::date)::numeric as numerator,
       count(distinct i.object_id)::numeric as denominator,
       0::bigint as "left_out!"
  from idle_record_version i
 where i.recorded @> $2::timestamptz and i.valid && daterange($6::date, $1::date, '[]')
   and exists (select from spatial_unit_version a
                where a.object_id = i.asset_id and a.recorded @> $2::timestamptz and a.valid && i.valid
                  and starts_with(a.region_code, $3::text) and coalesce(a.admin_level, $4::text) = $4
                  and ($5::uuid is null or a.unit_id = $5))
