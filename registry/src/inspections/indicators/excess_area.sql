-- 超标面积率: of the basic office space that units hold, building area, what is above what is due to them (SPC-04). Units whose
-- staffing says nothing of what is due are left out.
select sum(greatest(held.building_m2 - allowed.area_m2, 0)) as numerator,
       sum(held.building_m2) filter (where allowed.area_m2 is not null) as denominator,
       count(*) filter (where allowed.area_m2 is null) as "left_out!"
  from unit_version u
 cross join lateral (
       select sum(coalesce(r.building_area_m2, r.use_area_m2 / k.least)) as building_m2,
              sum(coalesce(r.use_area_m2, r.building_area_m2 * k.least)) as use_m2,
              sum(coalesce(r.use_area_m2, r.building_area_m2 * k.least) / k.least) as weighted_m2
         from room_version r
         left join spatial_unit_version b
           on b.object_id = r.building_id and b.valid @> $1::date and b.recorded @> $2::timestamptz
        cross join lateral (
              select case when b.floors_above >= ($6::jsonb -> 'parameters' ->> 'high_rise_floors')::int
                          then ($6::jsonb -> 'parameters' ->> 'coefficient_high_rise')::numeric
                          else ($6::jsonb -> 'parameters' ->> 'coefficient_multi_storey')::numeric end as least) k
        where r.unit_id = u.object_id and r.room_type in ('office', 'service', 'equipment')
          and r.valid @> $1::date and r.recorded @> $2::timestamptz) held
  left join lateral space_entitlement(u.level, u.headcount, $6::jsonb) due on true
 cross join lateral (select due.use_area_m2 * held.weighted_m2 / nullif(held.use_m2, 0) as area_m2) allowed
 where u.valid @> $1::date and u.recorded @> $2::timestamptz
   and starts_with(u.region_code, $3::text) and u.level = $4::text and ($5::uuid is null or u.object_id = $5)
   and held.building_m2 > 0
