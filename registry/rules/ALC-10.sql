/*
id = "ALC-10"
severity = "error"
zh = "新建后旧房未交"
en = "Built, and the old premises kept"
finding_zh = "{name} 应在 {due} 前移交旧房"
finding_en = "{name} was to hand over its old premises by {due}"
remedy_zh = "限期腾退移交旧房"
remedy_en = "have the old premises vacated and handed over"
source = "《党政机关办公用房管理办法》第十七条"
subject = "unit"
reads = ["policy_case"]
*/
select c.unit_id as object_id, c.object_id as other_id, null::uuid as at_id,
       jsonb_build_object('due', c.due_on, 'name', u.name) as evidence
  from policy_case_version c
  join unit_version u on u.object_id = c.unit_id and upper_inf(u.recorded) and u.valid @> $1::date
 where c.procedure = 'build' and c.state = 'accounted' and c.due_on < $1::date and c.details -> 'need' ->> 'vacates' = 'true'
   and upper_inf(c.recorded) and ($2::uuid[] is null or c.unit_id = any($2))
