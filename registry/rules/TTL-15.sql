/*
id = "TTL-15"
severity = "information"
zh = "历史证书未换发"
en = "Old certificates only"
finding_zh = "只有旧证：{certificates}"
finding_en = "there are old certificates only: {certificates}"
remedy_zh = "旧证继续有效，办理登记时换发不动产权证书"
remedy_en = "they stay valid, and are exchanged when something is registered"
source = "《不动产登记暂行条例》第三十三条"
subject = "spatial_unit"
reads = ["title"]
*/
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('certificates', concat_ws('、', t.old_land_certificate, t.old_house_certificate)) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and t.cert_no is null and coalesce(t.old_land_certificate, t.old_house_certificate) is not null
