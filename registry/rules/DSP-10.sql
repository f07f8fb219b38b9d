/*
id = "DSP-10"
severity = "error"
zh = "处置后未核销或未登记"
en = "Disposed of and still on the books"
finding_zh = "案件已于 {closed} 归档，资产或权利仍在册"
finding_en = "its case was closed on {closed}, and the asset or its title is still current"
remedy_zh = "核销资产，办理转移或注销登记"
remedy_en = "write it off, and have the title transferred or struck"
source = "《行政事业性国有资产管理条例》第三十五条"
subject = "spatial_unit"
reads = ["policy_case", "title"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('closed', lower(c.recorded)::date) as evidence
  from policy_case_version c
  join spatial_unit_version v on v.object_id = c.asset_id and upper_inf(v.recorded) and v.valid @> $1::date
 where c.procedure = 'idle_disposal' and c.state = 'closed' and c.route in ('auction', 'swap', 'land_return', 'demolish')
   -- Some rooms of a building were sold: the building stays.
   and c.details -> 'room_ids' is null
   and upper_inf(c.recorded) and ($2::uuid[] is null or v.object_id = any($2))
