/*
id = "ACC-01"
severity = "warning"
zh = "年度盘点未完成"
en = "No stocktaking this year"
finding_zh = "{name} 的 {assets} 处宗地、房屋没有 {year} 年度的已办结盘点"
finding_en = "{assets} parcels and buildings of {name} are in no finished stocktaking of {year}"
remedy_zh = "组织年度清查盘点，并办结"
remedy_en = "plan this year's stocktaking and bring it to its end"
source = "《党政机关办公用房管理办法》第六条；《行政事业性国有资产管理条例》第三十四条"
subject = "unit"
reads = ["stocktaking"]
parameters = ["stocktaking_lead_days", "stocktaking_new_days"]
*/
-- A year is late once few of its days are left, and stays so until a stocktaking of it, or of a later one, is finished. What
-- came to be known in the last months of the year waits for the next.
with late as materialized (
     select make_date(extract(year from $1::date + (($3::jsonb ->> 'stocktaking_lead_days')::float8)::int)::int - 1, 1, 1) as begins),
counted as materialized (
     select distinct l.asset_id
       from stocktaking_version s
       join stocktaking_line l on l.stocktaking_id = s.object_id
      cross join late
      where upper_inf(s.recorded) and s.is_finished and s.as_of >= late.begins and l.kind <> 'room'),
uncounted as materialized (
     select v.unit_id, count(*) as assets
       from spatial_unit_version v
      cross join late
      where v.kind in ('parcel', 'building') and v.unit_id is not null and upper_inf(v.recorded) and v.valid @> $1::date
        and v.occupancy is distinct from 'demolished' and ($2::uuid[] is null or v.unit_id = any($2))
        and not exists (select from counted c where c.asset_id = v.object_id)
        and exists (select from spatial_unit_version known
                     where known.object_id = v.object_id
                       and lower(known.recorded) < late.begins + interval '1 year'
                           - make_interval(days => (($3::jsonb ->> 'stocktaking_new_days')::float8)::int))
      group by v.unit_id)
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'assets', n.assets, 'year', extract(year from late.begins)::int) as evidence
  from unit_version u
  join uncounted n on n.unit_id = u.object_id
 cross join late
 where upper_inf(u.recorded) and u.valid @> $1::date
