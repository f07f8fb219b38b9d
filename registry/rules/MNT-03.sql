/*
id = "MNT-03"
severity = "error"
blocks = true
zh = "未批先修"
en = "Repaired before the approval"
finding_zh = "自 {since} 起处于修缮，没有已批准的大中修案件"
finding_en = "under repair since {since}, and no repair was approved"
remedy_zh = "停工，补办审批手续；险情抢修的补齐手续"
remedy_en = "stop the works and apply; of an emergency bring the papers afterwards"
source = "《机关团体建设楼堂馆所管理条例》第二十八条"
subject = "building"
reads = ["policy_case"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id, jsonb_build_object('since', lower(v.valid)) as evidence
  from spatial_unit_version v
 where v.kind = 'building' and v.occupancy = 'under_repair'
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and not exists (
       select from policy_case_version c
        where c.asset_id = v.object_id and c.procedure = 'repair' and c.state in ('working', 'inspected', 'emergency', 'regularising')
          and upper_inf(c.recorded))
