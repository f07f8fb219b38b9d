/*
id = "DSP-02"
severity = "warning"
zh = "闲置土地"
en = "Idle land"
finding_zh = "土地使用期限自 {from} 起算，已满一年仍未建设"
finding_en = "its term began on {from}, a year has passed, and nothing is built"
remedy_zh = "核实是否构成闲置土地，会同自然资源部门处置"
remedy_en = "find out whether it is idle land by law, and settle it with the land authority"
source = "《闲置土地处置办法》第二条"
subject = "parcel"
reads = ["title", "relation"]
parameters = ["idle_land_months"]
*/
-- The agreed start of the works is in no register of ours: the term's first day stands for it.
select v.object_id, null::uuid as other_id, v.object_id as at_id, jsonb_build_object('from', t.term_from) as evidence
  from spatial_unit_version v
  join title_version t
    on t.parcel_ids @> array[v.object_id] and t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
 where v.kind = 'parcel' and t.term_from + make_interval(months => (($3::jsonb ->> 'idle_land_months')::float8)::int) < $1::date
   and cardinality(t.building_ids) = 0
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and not exists (
       select from spatial_unit_relation r
        where r.upper_id = v.object_id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date)
