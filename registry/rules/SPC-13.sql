/*
id = "SPC-13"
severity = "information"
zh = "人均面积异常"
en = "Unusual area a head"
finding_zh = "{name} 人均基本办公用房使用面积 {per_head_m2} m²，同类单位多在 {from_m2} 至 {to_m2} m²"
finding_en = "{name} has {per_head_m2} m² of basic use area a head; most of its peers have {from_m2} to {to_m2} m²"
remedy_zh = "核对编制数、房间类型与使用单位"
remedy_en = "compare staffing, types of rooms and who uses them"
source = "统计方法：同层级同类型单位的四分位距"
subject = "unit"
reads = ["room"]
parameters = ["iqr_times", "peers_least", "peer_share"]
*/
with held as (
     select u.object_id, u.name, u.level, u.kind, area.use_m2 / persons.count as per_head_m2
       from unit_version u
      cross join lateral (select sum(ranked.value::numeric) as count from jsonb_each_text(u.headcount) as ranked) persons
      cross join lateral (
            select sum(r.use_area_m2) as use_m2
              from room_version r
             where r.unit_id = u.object_id and r.room_type in ('office', 'service', 'equipment')
               and upper_inf(r.recorded) and r.valid @> $1::date) area
      where upper_inf(u.recorded) and u.valid @> $1::date and persons.count > 0 and area.use_m2 > 0),
peers as (
     select level, kind, count(*) as units, percentile_cont(0.5) within group (order by per_head_m2) as middle_m2, percentile_cont(0.25) within group (order by per_head_m2) as lower_m2,
            percentile_cont(0.75) within group (order by per_head_m2) as upper_m2
       from held
      group by level, kind)
select h.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', h.name, 'per_head_m2', round(h.per_head_m2, 2), 'from_m2', round(fence.lower_m2::numeric, 2),
                          'to_m2', round(fence.upper_m2::numeric, 2)) as evidence
  from held h
  join peers p on p.level = h.level and p.kind = h.kind and p.units >= ($3::jsonb ->> 'peers_least')::numeric::int
 cross join lateral (
       -- Where peers are all alike a small difference is many times theirs, and yet nothing unusual.
       select greatest((p.upper_m2 - p.lower_m2) * ($3::jsonb ->> 'iqr_times')::float8,
                       p.middle_m2 * ($3::jsonb ->> 'peer_share')::float8) as width_m2) allowed
 cross join lateral (
       select greatest(p.lower_m2 - allowed.width_m2, 0) as lower_m2, p.upper_m2 + allowed.width_m2 as upper_m2) fence
 where ($2::uuid[] is null or h.object_id = any($2))
   and (h.per_head_m2 < fence.lower_m2 or h.per_head_m2 > fence.upper_m2)
