/*
id = "TTL-13"
severity = "warning"
zh = "存在查封、异议或争议"
en = "Seized, objected to or disputed"
finding_zh = "查封、异议或争议：{holders}"
finding_en = "seized, objected to or disputed by {holders}"
remedy_zh = "处理完毕前不得处置"
remedy_en = "it may not be disposed of before that is settled"
source = "《城市房地产管理法》第三十八条"
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
        where e.title_id = t.object_id and e.kind in ('seizure', 'objection', 'dispute') and upper_inf(e.recorded) and e.valid @> $1::date
          and (e.expires_on is null or e.expires_on >= $1::date)) laid on laid.holders is not null
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and true
