/*
id = "USE-03"
severity = "error"
zh = "未经批准改变功能"
en = "Function changed without an approval"
finding_zh = "{what}的用途自 {since} 由{was_zh}改为{now_zh}，没有当时已批准的案件，也没有批准依据"
finding_en = "the use of {what} went from {was} to {now} on {since}: no approved case was under way, and no approval is named"
remedy_zh = "补办改变用途的审批并登记依据；未获批准的，恢复原用途"
remedy_en = "have the change approved and enter the approval; without one, put it back to what it was for"
source = "《机关事务管理条例》第二十三条；《党政机关办公用房管理办法》第十九条"
subject = "spatial_unit"
reads = ["room", "policy_case"]
*/
-- What the words are in Chinese; a word without one is told as it is.
with named (word, zh) as (values
     ('administrative_office', '行政办公'), ('housing_security', '住房保障'), ('technical', '技术业务'), ('public_service', '公共服务'),
     ('commercial', '经营性'), ('idle_land', '闲置土地'), ('other', '其他'), ('office', '办公室'), ('service', '服务用房'),
     ('equipment', '设备用房'), ('ancillary', '附属用房'), ('shop', '门面'), ('public', '公共部位'), ('turnover_housing', '周转住房')),
-- What follows on another period with another use is a change; what corrects a period is none.
past as materialized (
     select distinct on (p.object_id) p.object_id as asset_id, null::uuid as room_id, coalesce(v.name, v.code, '') as what,
            p.usage as was, v.usage as now, upper(p.valid) as since
       from spatial_unit_version p
       join spatial_unit_version v on v.object_id = p.object_id and upper_inf(v.recorded) and v.valid @> $1::date
      where upper(p.valid) <= $1::date and p.usage <> v.usage and upper_inf(p.recorded) and ($2::uuid[] is null or p.object_id = any($2))
      order by p.object_id, lower(p.valid) desc),
roomy as materialized (
     select distinct on (p.object_id) r.building_id as asset_id, p.object_id as room_id, r.number as what,
            p.room_type as was, r.room_type as now, upper(p.valid) as since, r.type_basis
       from room_version p
       join room_version r on r.object_id = p.object_id and upper_inf(r.recorded) and r.valid @> $1::date
      where upper(p.valid) <= $1::date and p.room_type <> r.room_type and upper_inf(p.recorded) and ($2::uuid[] is null or r.building_id = any($2))
      order by p.object_id, lower(p.valid) desc)
select c.asset_id as object_id, c.room_id as other_id, c.asset_id as at_id,
       jsonb_build_object('what', c.what, 'was', c.was, 'now', c.now, 'since', c.since,
                          'was_zh', coalesce(w.zh, c.was), 'now_zh', coalesce(n.zh, c.now)) as evidence
  from (select asset_id, room_id, what, was, now, since from past
        union all
        select asset_id, room_id, what, was, now, since from roomy where coalesce(type_basis, '') = '') c
  left join named w on w.word = c.was
  left join named n on n.word = c.now
 where not exists (
       select from policy_case_version k
        cross join lateral json_array_elements(coalesce(k.details -> 'decisions', '[]')) decided
        where k.asset_id = c.asset_id and upper_inf(k.recorded)
          and decided ->> 'what' = 'approval' and (decided ->> 'void') is distinct from 'true' and (decided ->> 'on')::date <= c.since
          and (k.is_open or c.since <= (select max((taken ->> 'on')::date) from json_array_elements(k.details -> 'taken') taken)))
