-- 账证相符率: of the office buildings with a current title, those where area, holder and address are what the title says (TTL-08).
select count(*) filter (where not titled.differs)::numeric as numerator,
       count(*)::numeric as denominator,
       0::bigint as "left_out!"
  from (select s.object_id,
               bool_or(coalesce(abs(ledger.area_m2 - t.house_area_m2) > 0.01 * ledger.assets, false)
                       or coalesce(book.holder <> '' and not held.is_one, false)
                       or (t.parcel_ids = '{}' and coalesce(strpos(place.ours, place.theirs) = 0 and strpos(place.theirs, place.ours) = 0, false))) as differs
          from inspected_buildings($1::date, $2::timestamptz, $3::text, $4::text, $5::uuid) s
          join spatial_unit_version b on b.object_id = s.object_id and b.valid @> $1::date and b.recorded @> $2::timestamptz
          join title_version t on t.building_ids @> array[s.object_id] and t.book_state = '1'
                              and t.valid @> $1::date and t.recorded @> $2::timestamptz
         cross join lateral (select trim(b.source_attributes ->> '权利人') as holder) book
         cross join lateral (
               select case when count(v.registered_area_m2) = count(*) then sum(v.registered_area_m2) end as area_m2, count(*) as assets
                 from spatial_unit_version v
                where v.object_id = any(t.building_ids) and v.valid @> $1::date and v.recorded @> $2::timestamptz) ledger
         cross join lateral (
               select bool_or(h.one ->> 'name' = book.holder) as is_one from json_array_elements(t.holders) as h (one)) held
         cross join lateral (
               select regexp_replace(b.address, '[\s,，、()（）]', '', 'g') as ours,
                      regexp_replace(t.location, '[\s,，、()（）]', '', 'g') as theirs) place
         group by s.object_id) titled
