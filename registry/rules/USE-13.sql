/*
id = "USE-13"
severity = "warning"
zh = "年度内部公示缺失"
en = "Use of offices not published for the year"
finding_zh = "{name} 使用 {rooms} 间房，没有 {year} 年度内部公示记录"
finding_en = "{name} uses {rooms} rooms, and there is no record that it was published inside the unit for {year}"
remedy_zh = "补作内部公示，登记日期和公示材料"
remedy_en = "publish it, and enter the day and the paper"
source = "《党政机关办公用房管理办法》第十九条"
subject = "unit"
reads = ["room", "use_filing"]
parameters = ["filing_days"]
*/
-- The last year whose publication should be there by now, of units that used rooms at its end.
with due as materialized (
     select late.year, make_date(late.year, 12, 31) + least(held.days, 0) as stood_on
       from (select round(($3::jsonb ->> 'filing_days')::numeric)::int as days) held
      cross join lateral (select extract(year from $1::date - held.days)::int - 1 as year) late)
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'year', due.year, 'rooms', count(distinct r.object_id)) as evidence
  from due
  join unit_version u on upper_inf(u.recorded) and u.valid @> $1::date
  join room_version r
    on r.unit_id = u.object_id and r.occupancy = 'in_use' and r.room_type in ('office', 'service', 'equipment')
   and upper_inf(r.recorded) and r.valid @> due.stood_on
 where u.kind not in ('platform_company', 'other') and ($2::uuid[] is null or u.object_id = any($2))
   and not exists (select from use_filing_version f
                    where f.unit_id = u.object_id and f.kind = 'internal_publication' and f.year = due.year
                      and upper_inf(f.recorded) and f.valid @> $1::date)
 group by u.object_id, u.name, due.year
