/*
id = "MNT-06"
severity = "warning"
zh = "近期已大修"
en = "Repaired not long ago"
finding_zh = "{before} 已竣工的大中修之后不足 {years} 年再次申报"
finding_en = "applied for again within {years} years of the repair that ended on {before}"
remedy_zh = "核实必要性，说明质量责任"
remedy_en = "ask whether it is needed, and who answers for the works"
source = "《党政机关办公用房管理办法》第二十五条"
subject = "building"
reads = ["policy_case"]
parameters = ["repair_cycle_years"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('before', p.before, 'years', ($3::jsonb ->> 'repair_cycle_years')::float8) as evidence
  from spatial_unit_version v
 cross join lateral (
       select max((f ->> 'completed_on')::date) as before
         from policy_case_version c, policy_case_facts(c.details, 'completion') f
        where c.asset_id = v.object_id and c.procedure = 'repair' and not c.is_open and upper_inf(c.recorded)) p
 where v.kind = 'building' and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and p.before + make_interval(years => (($3::jsonb ->> 'repair_cycle_years')::float8)::int) > $1::date
   and exists (
       select from policy_case_version c
        where c.asset_id = v.object_id and c.procedure = 'repair' and c.is_open and c.state <> 'drafted' and upper_inf(c.recorded))
