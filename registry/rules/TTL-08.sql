/*
id = "TTL-08"
severity = "error"
zh = "账证不符"
en = "Ledger against the certificate"
finding_zh = "台账与证书不一致：{differs_zh}"
finding_en = "the ledger differs from the certificate: {differs_en}"
remedy_zh = "以证书为准更正台账；证书有误的，申请更正登记"
remedy_en = "correct the ledger by the certificate; where that is wrong, apply for its correction"
source = "《党政机关办公用房管理办法》第六条"
subject = "spatial_unit"
reads = ["title"]
*/
with told as (
    select t.object_id, asset.id, v.kind, t.parcel_ids, t.building_ids, t.land_area_m2, t.house_area_m2, v.address, t.location,
           v.land_use_scheme, v.land_use_code, t.land_use_scheme as title_scheme, t.land_use_code as title_use,
           trim(v.source_attributes ->> '权利人') as holder, t.holders
      from title_version t
     cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
      join spatial_unit_version v on v.object_id = asset.id and upper_inf(v.recorded) and v.valid @> $1::date
     where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
       and ($2::uuid[] is null or t.parcel_ids && $2 or t.building_ids && $2)
)
select told.id as object_id, told.object_id as other_id, told.id as at_id,
       jsonb_build_object('differs_zh', string_agg(difference.zh, '；' order by difference.place),
                          'differs_en', string_agg(difference.en, '; ' order by difference.place)) as evidence
  from told
 cross join lateral (
       -- What the ledger adds up to, where it knows the area of all that the certificate covers.
       select case when count(v.registered_area_m2) = count(*) then sum(v.registered_area_m2) end as area_m2, count(*) as assets
         from spatial_unit_version v
        where v.object_id = any(case told.kind when 'parcel' then told.parcel_ids else told.building_ids end)
          and upper_inf(v.recorded) and v.valid @> $1::date) ledger
 cross join lateral (select case told.kind when 'parcel' then told.land_area_m2 else told.house_area_m2 end as area_m2) paper
  join lateral (
       select 1 as place,
              format('面积 %s 与 %s m²', trim_scale(ledger.area_m2), trim_scale(paper.area_m2)) as zh,
              format('area %s and %s m²', trim_scale(ledger.area_m2), trim_scale(paper.area_m2)) as en
        where abs(ledger.area_m2 - paper.area_m2) > 0.01 * ledger.assets
        union all
       select 2, format('地类 %s 与 %s', told.land_use_code, told.title_use), format('land use %s and %s', told.land_use_code, told.title_use)
        where told.kind = 'parcel' and told.land_use_scheme = told.title_scheme and told.land_use_code <> told.title_use
        union all
       select 3, format('权利人 %s 与 %s', told.holder, held.names), format('holder %s and %s', told.holder, held.names)
         from (select string_agg(h.one ->> 'name', '、') as names, bool_or(h.one ->> 'name' = told.holder) as is_one
                 from json_array_elements(told.holders) as h (one)) held
        where told.holder <> '' and not held.is_one
        union all
       select 4, format('坐落 %s 与 %s', told.address, told.location), format('location %s and %s', told.address, told.location)
         from (select regexp_replace(told.address, '[\s,，、()（）]', '', 'g') as ours,
                      regexp_replace(told.location, '[\s,，、()（）]', '', 'g') as theirs) place
        -- The shorter form of an address is no difference. The certificate tells where the land lies; houses on it may stand
        -- at other numbers of the street.
        where (told.kind = 'parcel' or told.parcel_ids = '{}') and strpos(place.ours, place.theirs) = 0 and strpos(place.theirs, place.ours) = 0) difference on true
 group by told.id, told.object_id
