/*
id = "TTL-02"
severity = "error"
zh = "登记在平台公司名下"
en = "Held by a platform company"
finding_zh = "权利人 {holder} 是平台公司"
finding_en = "the holder {holder} is a platform company"
remedy_zh = "启动划转，规范划转到机关事务管理部门名下"
remedy_en = "begin its return to the bureau"
source = "永州市机关事务系统“三年行动”方案 2.2"
subject = "spatial_unit"
reads = ["unit", "right", "title"]
*/
with companies as materialized (
    select name from unit_version
     where kind = 'platform_company' and upper_inf(recorded) and valid @> $1::date
    union
    select holder ->> 'name'
      from title_version t
     cross join lateral json_array_elements(t.holders) as holder
     where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
       and holder ->> 'kind' = 'platform_company'
),
held as (
    select v.object_id, v.source_attributes ->> '权利人' as holder
      from spatial_unit_version v
     where v.source_attributes ->> '权利人' is not null
       and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
       and exists (select from companies)
    union
    select r.asset_id, r.holder
      from listed_right_version r
     where upper_inf(r.recorded) and r.valid @> $1::date and ($2::uuid[] is null or r.asset_id = any($2))
    union
    select asset.id, holder ->> 'name'
      from title_version t
     cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
     cross join lateral json_array_elements(t.holders) as holder
     where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
       and ($2::uuid[] is null or asset.id = any($2)) and holder ->> 'kind' = 'platform_company'
)
select h.object_id, null::uuid as other_id, h.object_id as at_id,
       jsonb_build_object('holder', string_agg(h.holder, ', ' order by h.holder)) as evidence
  from held h
  join companies c on c.name = h.holder
 group by h.object_id
