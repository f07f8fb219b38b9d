/*
id = "SPC-09"
severity = "warning"
zh = "编制数缺失"
en = "Staffing missing"
finding_zh = "{name} 没有分职级的编制数，无法核定面积"
finding_en = "{name} has no approved staffing by rank, so no area can be worked out for it"
remedy_zh = "向编办取得分职级编制数后录入"
remedy_en = "get the staffing by rank from the staffing office and enter it"
source = "党政机关办公用房统计报告制度，填表说明"
subject = "unit"
*/
select v.object_id, null::uuid as other_id, null::uuid as at_id, jsonb_build_object('name', v.name) as evidence
  from unit_version v
 where v.headcount = '{}' and v.kind not in ('platform_company', 'other')
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
