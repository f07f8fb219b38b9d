/*
id = "MNT-04"
severity = "warning"
zh = "拆分项目"
en = "A repair split up"
finding_zh = "{year} 年度同一楼栋有 {count} 个大中修项目，合计概算 {sum} 元"
finding_en = "{count} repairs of one building are in the plan of {year}, {sum} yuan together"
remedy_zh = "合并立项，按合计金额报批"
remedy_en = "make one project of them, and have the sum approved"
source = "《机关事务管理条例》第十五条"
subject = "building"
reads = ["policy_case"]
parameters = ["repair_split_yuan"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('year', p.year, 'count', p.count, 'sum', p.sum) as evidence
  from spatial_unit_version v
 cross join lateral (
       select f ->> 'for_year' as year, count(*) as count, sum((f ->> 'estimate')::numeric) as sum
         from policy_case_version c, policy_case_facts(c.details, 'repair_application') f
        where c.asset_id = v.object_id and c.procedure = 'repair' and c.state not in ('refused', 'withdrawn')
          and upper_inf(c.recorded)
        group by f ->> 'for_year'
       having count(distinct c.object_id) > 1 and sum((f ->> 'estimate')::numeric) > ($3::jsonb ->> 'repair_split_yuan')::numeric
        order by sum desc
        limit 1) p
 where v.kind = 'building' and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
