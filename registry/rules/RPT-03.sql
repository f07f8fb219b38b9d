/*
id = "RPT-03"
severity = "error"
zh = "权属登记情况缺失"
en = "Registration status missing"
finding_zh = "院落没有填写权属登记情况，统计报表无法上报"
finding_en = "the site has no registration status; the yearly form can't go up without"
remedy_zh = "按六类权属登记情况选填"
remedy_en = "choose one of the six national registration statuses"
source = "党政机关办公用房统计报告制度"
subject = "site"
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id, jsonb_build_object() as evidence
  from spatial_unit_version v
 where v.kind = 'site' and v.title_status is null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
