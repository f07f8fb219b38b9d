-- 租用面积: what is rented in, of all office space with it; what stands in no register counts where its unit is.
with rented as (
     select l.asset_id, sum(l.area_m2) as area_m2
       from lease_version l
       left join spatial_unit_version a on a.object_id = l.asset_id and a.valid @> $1::date and a.recorded @> $2::timestamptz
       left join unit_version u
         on u.object_id = l.unit_id and l.asset_id is null and u.valid @> $1::date and u.recorded @> $2::timestamptz
      where l.direction = 'in' and l.valid @> $1::date and l.recorded @> $2::timestamptz
        and starts_with(coalesce(a.region_code, u.region_code), $3::text)
        and coalesce(a.admin_level, u.level, $4::text) = $4
        and ($5::uuid is null or coalesce(a.unit_id, u.object_id) = $5)
      group by l.asset_id),
own as (
     select s.area_m2
       from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
      where s.object_id not in (select asset_id from rented where asset_id is not null))
select coalesce((select sum(area_m2) from rented), 0) as numerator,
       coalesce((select sum(area_m2) from rented), 0) + coalesce((select sum(area_m2) from own), 0) as denominator,
       (select count(*) from own where area_m2 is null) as "left_out!"
