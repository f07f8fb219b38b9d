/*
id = "ACC-03"
severity = "error"
zh = "账外资产"
en = "Assets outside the ledger"
finding_zh = "有资产在用而不在台账中：{what_zh}"
finding_en = "what is there or in use isn't in the ledger: {what_en}"
remedy_zh = "按资产来源办理登记入账；确不属本级资产的，在盘点中说明并审核"
remedy_en = "register it by where it came from; where it is nobody's here, explain that in the stocktaking and have it decided"
source = "《行政事业性国有资产管理条例》第三十条"
subject = "spatial_unit"
reads = ["stocktaking", "stocktaking_line", "lease", "room"]
*/
with outside as (
     -- 盘盈 that is neither registered nor found to be no asset.
     select coalesce(l.building_id, l.near_id) as id, 1 as place, format('盘盈 %s', l.name) as zh, format('surplus %s', l.name) as en
       from stocktaking_line_version a
       join stocktaking_line l on l.id = a.object_id
       join stocktaking_version s on s.object_id = l.stocktaking_id and upper_inf(s.recorded) and (s.is_open or s.is_finished)
      where upper_inf(a.recorded) and a.difference = 'surplus' and a.decision is distinct from 'book_stands' and a.settled_on is null
        and ($2::uuid[] is null or coalesce(l.building_id, l.near_id) = any($2))
      union all
     -- Let, while the ledger no longer holds it.
     select l.asset_id, 2, format('租给%s', l.lessee_name), format('let to %s', l.lessee_name)
       from lease_version l
      where l.direction = 'out' and upper_inf(l.recorded) and l.valid @> $1::date
        and ($2::uuid[] is null or l.asset_id = any($2))
        and not exists (select from spatial_unit_version v
                         where v.object_id = l.asset_id and upper_inf(v.recorded) and v.valid @> $1::date)
      union all
     -- Used room by room, while the ledger no longer holds the building.
     select r.building_id, 3, format('%s 间房在用', count(*)), format('%s rooms in use', count(*))
       from room_version r
      where r.unit_id is not null and coalesce(r.occupancy, 'in_use') = 'in_use'
        and upper_inf(r.recorded) and r.valid @> $1::date and ($2::uuid[] is null or r.building_id = any($2))
        and not exists (select from spatial_unit_version v
                         where v.object_id = r.building_id and upper_inf(v.recorded) and v.valid @> $1::date)
      group by r.building_id)
select o.id as object_id, null::uuid as other_id, o.id as at_id,
       jsonb_build_object('what_zh', string_agg(o.zh, '；' order by o.place, o.zh),
                          'what_en', string_agg(o.en, '; ' order by o.place, o.en)) as evidence
  from outside o
 group by o.id
