/*
id = "TTL-09"
severity = "error"
zh = "账账不符"
en = "Ledger against the unit's own ledger"
finding_zh = "单位分台账与总台账不一致（{lines} 条）：{differs_zh}"
finding_en = "the unit's own ledger differs from the bureau's in {lines} lines: {differs_en}"
remedy_zh = "核对后更正总台账，或由单位更正分台账"
remedy_en = "look which is right, and correct the ledger or have the unit correct its own"
source = "《党政机关办公用房管理办法》第六条"
subject = "spatial_unit"
reads = ["stocktaking", "stocktaking_line", "title", "room"]
*/
-- What units said last of their own ledgers, in whichever stocktaking, against the ledger as it is on the day.
with told as materialized (
     select distinct on (l.asset_id) l.asset_id, l.kind, l.no, coalesce(l.building_id, l.asset_id) as shown_id,
            coalesce(nullif(l.name, ''), l.code, '') as name, a.own_area_m2, a.own_title_number
       from stocktaking_line_version a
       join stocktaking_line l on l.id = a.object_id
       join stocktaking_version s on s.object_id = l.stocktaking_id and upper_inf(s.recorded) and (s.is_open or s.is_finished)
      where upper_inf(a.recorded) and not l.is_extra and (a.own_area_m2 is not null or a.own_title_number is not null)
        and ($2::uuid[] is null or coalesce(l.building_id, l.asset_id) = any($2))
      order by l.asset_id, s.as_of desc, lower(a.recorded) desc)
select told.shown_id as object_id, null::uuid as other_id, told.shown_id as at_id,
       jsonb_build_object('lines', count(distinct told.asset_id),
                          'differs_zh', array_to_string((array_agg(difference.zh order by told.no))[1:3], '；'),
                          'differs_en', array_to_string((array_agg(difference.en order by told.no))[1:3], '; ')) as evidence
  from told
 cross join lateral (
       select v.registered_area_m2 as area_m2 from spatial_unit_version v
        where v.object_id = told.asset_id and told.kind <> 'room' and upper_inf(v.recorded) and v.valid @> $1::date
        union all
       select coalesce(r.use_area_m2, r.building_area_m2) from room_version r
        where r.object_id = told.asset_id and told.kind = 'room' and upper_inf(r.recorded) and r.valid @> $1::date) book
  left join lateral (
       select t.cert_no from title_version t
        where told.own_title_number is not null and t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
          and (t.parcel_ids @> array[told.asset_id] or t.building_ids @> array[told.asset_id])
        order by lower(t.valid) desc limit 1) title on true
  join lateral (
       select format('%s 面积 %s 与 %s m²', told.name, trim_scale(told.own_area_m2), coalesce(trim_scale(book.area_m2)::text, '—')) as zh,
              format('%s area %s and %s m²', told.name, trim_scale(told.own_area_m2), coalesce(trim_scale(book.area_m2)::text, '—')) as en
        where told.own_area_m2 is not null and (book.area_m2 is null or abs(told.own_area_m2 - book.area_m2) > 0.01)
        union all
       select format('%s 证号 %s 与 %s', told.name, told.own_title_number, coalesce(title.cert_no, '—')),
              format('%s certificate %s and %s', told.name, told.own_title_number, coalesce(title.cert_no, '—'))
        where told.own_title_number is not null
          and translate(regexp_replace(told.own_title_number, '\s', '', 'g'), '（）', '()')
              is distinct from translate(regexp_replace(title.cert_no, '\s', '', 'g'), '（）', '()')) difference on true
 group by told.shown_id
