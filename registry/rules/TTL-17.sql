/*
id = "TTL-17"
severity = "warning"
zh = "竣工后未登记"
en = "Not registered after completion"
finding_zh = "{completed_year} 年竣工，土地已登记，楼栋不在任何证书上"
finding_en = "completed in {completed_year}, its land is registered, but no certificate covers the building"
remedy_zh = "持竣工、规划核实和房产测绘材料申请首次登记；无法登记的办理备案"
remedy_en = "apply for first registration with completion, planning and survey papers, or file it"
source = "《行政事业性国有资产管理条例》（国务院令第738号）第三十一条、第四十条"
subject = "building"
reads = ["title", "title_case", "relation", "parcel"]
parameters = ["registration_months"]
*/
-- Only the year is known: the building counts as completed at its end.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('completed_year', v.completed_year) as evidence
  from spatial_unit_version v
 where v.kind = 'building' and v.completed_year is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and make_date(v.completed_year, 12, 31) + make_interval(months => (($3::jsonb ->> 'registration_months')::float8)::int) < $1::date
   and exists (
       select from spatial_unit_relation r
         join title_version t
           on t.parcel_ids @> array[r.upper_id] and t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
        where r.lower_id = v.object_id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date)
   and not exists (
       select from title_version t
        where t.building_ids @> array[v.object_id] and t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date)
   -- Filed, kept, or at work.
   and not exists (
       select from title_case_version c
        where c.asset_id = v.object_id and c.state <> 'archived' and upper_inf(c.recorded) and c.valid @> $1::date)
