/*
id = "USE-09"
severity = "error"
zh = "腾退移交超期"
en = "Vacated and not handed over"
finding_zh = "自 {since} 腾退至今未移交，已超过 {months} 个月{of_zh}"
finding_en = "being vacated since {since} and not handed over, longer than {months} months{of_en}"
remedy_zh = "限期办理移交，核对房间和公物仓移交清单"
remedy_en = "have it handed over, with its rooms and the list for the shared store"
source = "《机关事务管理条例》第二十二条；《党政机关办公用房管理办法》"
subject = "building"
reads = ["room", "unit"]
parameters = ["handover_months"]
*/
-- One finding for a building. It is being vacated since the last day on which it was anything else.
with leaving as materialized (
     select v.building_id, v.unit_id,
            coalesce((select max(upper(o.valid)) from room_version o
                       where o.object_id = v.object_id and upper_inf(o.recorded) and upper(o.valid) <= $1::date
                         and o.occupancy is distinct from 'vacating'),
                     (select min(lower(o.valid)) from room_version o
                       where o.object_id = v.object_id and upper_inf(o.recorded))) as since
       from room_version v
      where v.occupancy = 'vacating' and upper_inf(v.recorded) and v.valid @> $1::date
        and ($2::uuid[] is null or v.building_id = any($2)))
select b.object_id, null::uuid as other_id, b.object_id as at_id,
       jsonb_build_object(
           'since', late.since, 'months', ($3::jsonb ->> 'handover_months')::numeric::int,
           'of_zh', coalesce('（' || late.rooms || ' 间' || coalesce('，' || late.units, '') || '）', ''),
           'of_en', coalesce(' (' || late.rooms || ' rooms' || coalesce(', ' || late.units, '') || ')', '')) as evidence
  from spatial_unit_version b
 cross join lateral (
       select min(s.since) as since, nullif(sum(s.rooms), 0) as rooms, max(s.units) as units
         from (select min(l.since) as since, count(*) as rooms, string_agg(distinct u.name, '、') as units
                 from leaving l
                 left join unit_version u on u.object_id = l.unit_id and upper_inf(u.recorded) and u.valid @> $1::date
                where l.building_id = b.object_id
                  and l.since + make_interval(months => ($3::jsonb ->> 'handover_months')::numeric::int) < $1::date
               having count(*) > 0
               union all
               select coalesce((select max(upper(o.valid)) from spatial_unit_version o
                                 where o.object_id = b.object_id and upper_inf(o.recorded) and upper(o.valid) <= $1::date
                                   and o.occupancy is distinct from 'vacating'),
                               (select min(lower(o.valid)) from spatial_unit_version o
                                 where o.object_id = b.object_id and upper_inf(o.recorded))), 0, null
                where b.occupancy = 'vacating') s
        where s.since + make_interval(months => ($3::jsonb ->> 'handover_months')::numeric::int) < $1::date) late
 where b.kind = 'building' and late.since is not null and upper_inf(b.recorded) and b.valid @> $1::date
   and (b.occupancy = 'vacating' or b.object_id in (select building_id from leaving))
   and ($2::uuid[] is null or b.object_id = any($2))
