/*
id = "ACC-05"
severity = "warning"
zh = "使用状况与租约不符"
en = "Let, and recorded as used otherwise"
finding_zh = "已租给{lessee}，而登记的使用状况不是出租：{what_zh}"
finding_en = "let to {lessee}, and recorded as used otherwise: {what_en}"
remedy_zh = "核实现状：更正使用状况，或更正、办结租约"
remedy_en = "look at what is there: correct the use that is recorded, or correct the lease, or hand it back"
source = "《行政事业性国有资产管理条例》第三十条（账实相符）"
subject = "spatial_unit"
reads = ["lease", "room"]
*/
-- What a lease takes as a whole is let; what it takes a part of is not idle as a whole. Homes for staff have their tenancies.
with leased as (
     select l.object_id as lease_id, l.asset_id, l.lessee_name, l.room_ids, l.room_areas_m2, a.occupancy,
            coalesce(cardinality(l.room_ids) = 0 and l.area_m2 >= lease_thing_area(l.asset_id, $1::date), false) as is_whole
       from lease_version l
       join spatial_unit_version a on a.object_id = l.asset_id and upper_inf(a.recorded) and a.valid @> $1::date
      where l.direction = 'out' and l.details -> 'is_housing' is null and l.valid @> $1::date and upper_inf(l.recorded)
        and ($2::uuid[] is null or l.asset_id = any($2))),
words (occupancy, zh, en) as (
     values ('in_use', '在用', 'in use'), ('idle', '闲置', 'idle'), ('lent', '出借', 'lent'), ('rented_in', '租入', 'rented in'),
            ('borrowed_in', '借入', 'borrowed in'), ('under_repair', '维修中', 'under repair'), ('vacating', '腾退中', 'being vacated'),
            ('dangerous', '危房封存', 'sealed as dangerous'), ('demolished', '已拆除', 'pulled down'), ('', '未登记', 'not recorded')),
otherwise as (
     select lease_id, asset_id, lessee_name, coalesce(occupancy, '') as occupancy, null::text as room
       from leased
      where (is_whole and occupancy is distinct from 'let') or occupancy = 'idle'
     union all
     select l.lease_id, l.asset_id, l.lessee_name, coalesce(r.occupancy, ''), r.number
       from leased l
       join room_version r on r.building_id = l.asset_id and upper_inf(r.recorded) and r.valid @> $1::date
       left join lateral (
            select part.area from unnest(l.room_ids, l.room_areas_m2) part (id, area) where part.id = r.object_id) part on true
      where r.occupancy is distinct from 'let'
        and (l.is_whole or part.area >= coalesce(greatest(r.building_area_m2, r.use_area_m2), 0))),
told as (
     select o.lease_id, o.asset_id, o.lessee_name, false as is_room, w.zh, w.en
       from otherwise o join words w on w.occupancy = o.occupancy
      where o.room is null
     union all
     select o.lease_id, o.asset_id, o.lessee_name, true, string_agg(o.room, '、' order by o.room) || ' 室' || w.zh,
            'rooms ' || string_agg(o.room, ', ' order by o.room) || ' ' || w.en
       from otherwise o join words w on w.occupancy = o.occupancy
      where o.room is not null
      group by o.lease_id, o.asset_id, o.lessee_name, w.zh, w.en)
select t.asset_id as object_id, t.lease_id as other_id, t.asset_id as at_id,
       jsonb_build_object('lessee', t.lessee_name, 'what_zh', string_agg(t.zh, '；' order by t.is_room, t.zh),
                          'what_en', string_agg(t.en, '; ' order by t.is_room, t.en)) as evidence
  from told t
 group by t.asset_id, t.lease_id, t.lessee_name
