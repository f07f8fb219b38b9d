/*
id = "TTL-18"
severity = "warning"
zh = "登记案件超期"
en = "Case overdue"
finding_zh = "应在 {due_on} 前办结"
finding_en = "it was to be done by {due_on}"
remedy_zh = "向登记机构催办，并记录原因"
remedy_en = "ask the registry office, and write down why"
source = "《不动产登记暂行条例》第二十条"
subject = "spatial_unit"
reads = ["title_case"]
*/
select c.asset_id as object_id, c.object_id as other_id, c.asset_id as at_id,
       jsonb_build_object('due_on', c.due_on) as evidence
  from title_case_version c
 where c.state in ('accepted', 'reviewing') and c.due_on < $1::date
   and upper_inf(c.recorded) and c.valid @> $1::date and ($2::uuid[] is null or c.asset_id = any($2))
