/*
id = "MNT-07"
severity = "error"
zh = "因人事变动重新装修"
en = "A new fit-out for a new user"
finding_zh = "申报理由为使用人变动"
finding_en = "its reason is another user"
remedy_zh = "退回申报；人员、单位变动不得重新装修"
remedy_en = "send it back: a new user is no reason for a new fit-out"
source = "《党政机关厉行节约反对浪费条例》；云南省机关办公用房维修规定"
subject = "building"
reads = ["policy_case"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id, jsonb_build_object('case', c.object_id) as evidence
  from policy_case_version c
  join spatial_unit_version v on v.object_id = c.asset_id and upper_inf(v.recorded) and v.valid @> $1::date
 where c.procedure = 'repair' and c.is_open and c.state <> 'drafted' and upper_inf(c.recorded)
   and ($2::uuid[] is null or v.object_id = any($2))
   and exists (select from policy_case_facts(c.details, 'repair_application') f where f ->> 'necessity' = 'change_of_user')
