/*
id = "MNT-08"
severity = "warning"
zh = "竣工未核查或资料未归档"
en = "Works done, and nothing inspected or archived"
finding_zh = "{completed} 竣工，超过 {days} 天未核查归档"
finding_en = "the works ended on {completed}, and more than {days} days later nothing is inspected or archived"
remedy_zh = "组织竣工核查，资料归档，更新房间台账"
remedy_en = "inspect the works, archive their papers, bring the rooms up to date"
source = "《机关团体建设楼堂馆所管理条例》第十八条"
subject = "building"
reads = ["policy_case"]
parameters = ["archive_days"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('completed', p.completed, 'days', ($3::jsonb ->> 'archive_days')::float8) as evidence
  from policy_case_version c
  join spatial_unit_version v on v.object_id = c.asset_id and upper_inf(v.recorded) and v.valid @> $1::date
 cross join lateral (
       select max((f ->> 'completed_on')::date) as completed from policy_case_facts(c.details, 'completion') f) p
 where c.procedure = 'repair' and c.state in ('working', 'inspected') and upper_inf(c.recorded)
   and p.completed + (($3::jsonb ->> 'archive_days')::float8)::int < $1::date
   and ($2::uuid[] is null or v.object_id = any($2))
