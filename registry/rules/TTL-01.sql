/*
id = "TTL-01"
severity = "error"
zh = "权利人不是机关事务管理部门"
en = "Not in the bureau's name"
finding_zh = "权利人 {holders} 不是机关事务管理部门"
finding_en = "the holder {holders} is not the bureau"
remedy_zh = "办理统一登记；涉密或垂直管理的，办理保留登记核准"
remedy_en = "have it registered to the bureau, or its keeping approved where secrecy or a vertical body asks for it"
source = "《党政机关办公用房管理办法》第五条"
subject = "spatial_unit"
reads = ["title", "encumbrance", "title_case"]
*/
-- A people's government's name counts as unified (Yunnan); a platform company is TTL-02's.
select asset.id as object_id, t.object_id as other_id, asset.id as at_id,
       jsonb_build_object('holders', (select string_agg(holder ->> 'name', '、') from json_array_elements(t.holders) as holder)) as evidence
  from title_version t
 cross join lateral unnest(t.parcel_ids || t.building_ids) as asset (id)
 where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
   and ($2::uuid[] is null or asset.id = any($2))
   and exists (select from json_array_elements(t.holders) as holder
                where holder ->> 'kind' not in ('bureau', 'government', 'platform_company'))
   and not exists (select from title_case_version c
                    where c.asset_id = asset.id and c.state = 'kept' and upper_inf(c.recorded) and c.valid @> $1::date)
