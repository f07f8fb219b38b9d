/*
id = "TTL-16"
severity = "warning"
zh = "证照不全"
en = "Papers incomplete"
finding_zh = "{evidence_zh}"
finding_en = "{evidence_en}"
remedy_zh = "补办缺少的登记"
remedy_en = "have what is missing registered"
source = "郴州市 2025 年权属清查四类证照"
subject = "spatial_unit"
reads = ["title"]
*/
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object(
           'evidence_zh', case t.evidence when 'land_only' then '有国有土地使用证，无房屋所有权证' else '有房屋所有权证，无国有土地使用证' end,
           'evidence_en', case t.evidence when 'land_only' then 'a land certificate and none of the house' else 'a house certificate and none of the land' end) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and t.evidence in ('land_only', 'house_only')
