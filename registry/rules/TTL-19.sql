/*
id = "TTL-19"
severity = "error"
zh = "涉密保留登记无核准"
en = "Kept in the unit's name without approval"
finding_zh = "保留登记没有核准文件"
finding_en = "it is kept in the unit's name, and no document approves it"
remedy_zh = "补录核准文件；没有核准的，转入统一登记"
remedy_en = "add the approval; where there is none, have it registered to the bureau"
source = "《党政机关办公用房管理办法》第五条"
subject = "spatial_unit"
reads = ["title_case"]
*/
select c.asset_id as object_id, c.object_id as other_id, c.asset_id as at_id, jsonb_build_object() as evidence
  from title_case_version c
 where c.state = 'kept' and upper_inf(c.recorded) and c.valid @> $1::date
   and ($2::uuid[] is null or c.asset_id = any($2))
   and coalesce(c.details ->> 'approval', '') = ''
