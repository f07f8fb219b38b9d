/*
id = "TTL-12"
severity = "warning"
zh = "划拨地出现期限或出让地无期限"
en = "Term against the nature of the right"
finding_zh = "权利性质为{nature_zh}，使用期限为 {term_to}"
finding_en = "the land is {nature_en}, its term of use ends: {term_to}"
remedy_zh = "划拨无期限，出让有期限；核对证书后改正"
remedy_en = "allocated land has no term, granted land has one; compare with the certificate"
source = "《城市房地产管理法》第二十三条"
subject = "spatial_unit"
reads = ["title"]
*/
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('term_to', coalesce(t.term_to::text, '—'),
           'nature_zh', case t.right_nature_land when '101' then '划拨' else '出让' end,
           'nature_en', case t.right_nature_land when '101' then 'allocated' else 'granted' end) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and ((t.right_nature_land = '101' and t.term_to is not null) or (t.right_nature_land = '102' and t.term_to is null))
