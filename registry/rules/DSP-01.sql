/*
id = "DSP-01"
severity = "warning"
zh = "闲置超期无方案"
en = "Idle too long without a case"
finding_zh = "自 {since} 起闲置已 {months} 个月，没有一资一策案件"
finding_en = "idle since {since}, for {months} months, and no case says what becomes of it"
remedy_zh = "核实后立案，拟定一资一策"
remedy_en = "verify it and open a case"
source = "《机关事务管理条例》第十九条；《党政机关办公用房管理办法》第二十七条"
subject = "spatial_unit"
reads = ["policy_case", "relation"]
parameters = ["idle_warn_months", "idle_alarm_months"]
*/
-- Land counts where nothing idle stands on it: the house's case is the land's, too.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('since', s.since, 'months',
           extract(year from age($1::date, s.since)) * 12 + extract(month from age($1::date, s.since))) as evidence
  from spatial_unit_version v
 cross join lateral (select coalesce(v.idle_since, lower(v.valid)) as since) s
 where v.kind in ('parcel', 'building') and v.occupancy = 'idle' and s.since + make_interval(months => (($3::jsonb ->> 'idle_warn_months')::float8)::int) < $1::date and s.since + make_interval(months => (($3::jsonb ->> 'idle_alarm_months')::float8)::int) >= $1::date
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and not exists (
       select from policy_case_version c
        where c.asset_id = v.object_id and c.procedure = 'idle_disposal' and c.is_open and upper_inf(c.recorded))
   and (v.kind = 'building' or not exists (
       select from spatial_unit_relation r
         join spatial_unit_version b on b.object_id = r.lower_id and upper_inf(b.recorded) and b.valid @> $1::date
        where r.upper_id = v.object_id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date))
