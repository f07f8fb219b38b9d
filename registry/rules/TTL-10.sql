/*
id = "TTL-10"
severity = "error"
zh = "权利性质变化无依据"
en = "Nature of the right changed without approval"
finding_zh = "{on} 起权利性质由{before_zh}变为{after_zh}，没有批准文件"
finding_en = "from {on} the land is {after_en} instead of {before_en}, and no document approves it"
remedy_zh = "补录批准文件；没有批准的，申请更正登记"
remedy_en = "add the approval; where there is none, apply for a correction"
source = "《土地管理法》第五十六条"
subject = "spatial_unit"
reads = ["title", "title_case"]
*/
select distinct on (asset.id, t.object_id)
       asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('on', lower(t.valid),
           'before_zh', case b.right_nature_land when '101' then '划拨' when '102' then '出让' else '作价出资（入股）' end,
           'after_zh', case t.right_nature_land when '101' then '划拨' when '102' then '出让' else '作价出资（入股）' end,
           'before_en', case b.right_nature_land when '101' then 'allocated' when '102' then 'granted' else 'contributed as capital' end,
           'after_en', case t.right_nature_land when '101' then 'allocated' when '102' then 'granted' else 'contributed as capital' end) as evidence
  from title_version now
  join title_version t on t.object_id = now.object_id and upper_inf(t.recorded) and lower(t.valid) <= $1::date
  join title_version b on b.object_id = t.object_id and upper_inf(b.recorded) and upper(b.valid) = lower(t.valid)
 cross join lateral unnest(now.parcel_ids || now.building_ids) as asset (id)
 where now.book_state = '1' and upper_inf(now.recorded) and now.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and ((b.right_nature_land = '101' and t.right_nature_land in ('102', '103'))
        or (b.right_nature_land in ('102', '103') and t.right_nature_land = '101'))
   and not exists (
       select from title_case_version c
        where (c.object_id = t.case_id or c.title_id = t.object_id) and upper_inf(c.recorded)
          and (c.details ->> 'approval' <> ''
               or exists (select from json_array_elements(coalesce(c.details -> 'documents', '[]')) as document
                           where document ->> 'kind' in ('government_approval', 'transfer_act'))))
 order by asset.id, t.object_id, lower(t.valid) desc
