/*
id = "ALC-09"
severity = "error"
zh = "建成未决算"
en = "Built, and no accounts"
finding_zh = "{name} 的建设项目应在 {due} 前完成竣工决算"
finding_en = "the accounts of what {name} built were due on {due}"
remedy_zh = "编制竣工财务决算，办理资产入账"
remedy_en = "close the accounts and enter the asset"
source = "《行政事业性国有资产管理条例》第三十一条"
subject = "unit"
reads = ["policy_case"]
*/
select c.unit_id as object_id, c.object_id as other_id, null::uuid as at_id,
       jsonb_build_object('due', c.due_on, 'name', u.name) as evidence
  from policy_case_version c
  join unit_version u on u.object_id = c.unit_id and upper_inf(u.recorded) and u.valid @> $1::date
 where c.procedure = 'build' and c.state = 'completed' and c.due_on < $1::date 
   and upper_inf(c.recorded) and ($2::uuid[] is null or c.unit_id = any($2))
