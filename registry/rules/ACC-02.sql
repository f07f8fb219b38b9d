/*
id = "ACC-02"
severity = "error"
zh = "盘盈盘亏未处理"
en = "Differences of a stocktaking left open"
finding_zh = "盘点“{stocktaking}”自 {since} 起有 {lines} 条差异未处理完毕，已 {days} 天"
finding_en = "{lines} differences of the stocktaking {stocktaking} are open since {since}: {days} days"
remedy_zh = "说明、审核差异，并通过变更业务更正台账"
remedy_en = "explain and decide the differences, and correct the ledger by a normal change"
source = "《行政事业性国有资产管理条例》第三十八条、第三十九条"
subject = "spatial_unit"
reads = ["stocktaking", "stocktaking_line"]
parameters = ["difference_days"]
*/
-- One finding for a parcel or a building with its rooms; what is extra is shown where it was found.
select asset.id as object_id, null::uuid as other_id, asset.id as at_id,
       jsonb_build_object('stocktaking', max(s.name), 'since', min(lower(a.valid)), 'lines', count(*),
                          'days', $1::date - min(lower(a.valid))) as evidence
  from stocktaking_line_version a
  join stocktaking_line l on l.id = a.object_id
  join stocktaking_version s on s.object_id = l.stocktaking_id and upper_inf(s.recorded) and (s.is_open or s.is_finished)
 cross join lateral (select coalesce(l.building_id, l.asset_id, l.near_id) as id) asset
 where upper_inf(a.recorded) and a.difference is not null
   and a.decision is distinct from 'book_stands' and a.settled_on is null
   and $1::date - lower(a.valid) > ($3::jsonb ->> 'difference_days')::float8
   and ($2::uuid[] is null or asset.id = any($2))
 group by asset.id
