/*
id = "COD-05"
severity = "error"
zh = "特征码与权利不符"
en = "Kind of parcel against the right"
finding_zh = "单元号 {unit_code} 的宗地特征码为 {mark}：{fact_zh}"
finding_en = "the unit code {unit_code} says {mark}, but {fact_en}"
remedy_zh = "核对权籍调查表的权利设定方式：地上用 S、地表用 B、地下用 X，有争议的用 W"
remedy_en = "see the cadastral survey: S above ground, B on it, X under it, W where it is disputed"
source = "GB/T 37346-2019"
subject = "parcel"
reads = ["relation", "building", "title", "encumbrance"]
*/
-- A and C on land that isn't collective are COD-01's: the form itself is broken.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('unit_code', v.unit_code, 'mark', mark, 'fact_zh', fact.zh, 'fact_en', fact.en) as evidence
  from spatial_unit_version v
 cross join lateral (select substr(v.unit_code, 14, 1) as mark,
                            case trim(v.source_attributes ->> '权利设定方式')
                                when '1' then 'S' when '地上' then 'S' when '2' then 'B' when '地表' then 'B'
                                when '3' then 'X' when '地下' then 'X' end as stated) code
 cross join lateral (
       select '权利设定方式为' || case stated when 'S' then '地上' when 'X' then '地下' else '地表' end as zh,
              'the right is set ' || case stated when 'S' then 'above ground' when 'X' then 'underground' else 'on the surface' end as en
        where mark in ('B', 'S', 'X') and stated <> mark
        union all
       select '宗地上有地上楼栋', 'a building stands above ground'
        where mark = 'X' and stated is null and exists (
              select from spatial_unit_relation r
                join spatial_unit_version b
                  on b.object_id = r.lower_id and b.floors_above > 0 and upper_inf(b.recorded) and b.valid @> $1::date
               where r.upper_id = v.object_id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date)
        union all
       select '登记簿上没有争议', 'the book knows of no dispute'
        where mark = 'W' and exists (
              select from title_version t
               where v.object_id = any(t.parcel_ids) and t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
                 and not exists (select from encumbrance_version e
                                  where e.title_id = t.object_id and e.kind = 'dispute'
                                    and upper_inf(e.recorded) and e.valid @> $1::date))
        limit 1) fact
 where v.kind = 'parcel'
   -- Of the usual parcel on the surface nobody says how its right was set: the form is looked at for the few others.
   and case when substr(v.unit_code, 14, 1) in ('S', 'X', 'W') or v.source_attributes ->> '权利设定方式' is not null
            then v.unit_code ~ '^\d{12}[GJZ][BSXW]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$' else false end
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
