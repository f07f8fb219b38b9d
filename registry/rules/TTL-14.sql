/*
id = "TTL-14"
severity = "warning"
zh = "存在抵押"
en = "Mortgaged"
finding_zh = "抵押权人：{holders}"
finding_en = "mortgaged to {holders}"
remedy_zh = "划转、处置前须解除抵押或取得抵押权人同意"
remedy_en = "have it released or get the mortgagee's consent before it is returned or disposed of"
source = "《民法典》第四百零六条、第三百九十九条"
subject = "spatial_unit"
reads = ["title", "encumbrance"]
*/
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('holders', laid.holders) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
  join lateral (
       select string_agg(e.holder, '、' order by e.holder) as holders
         from encumbrance_version e
        where e.title_id = t.object_id and e.kind in ('mortgage') and upper_inf(e.recorded) and e.valid @> $1::date
          and (e.expires_on is null or e.expires_on >= $1::date)) laid on laid.holders is not null
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and true
