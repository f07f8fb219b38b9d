/*
id = "TTL-03"
severity = "error"
zh = "未登记且未备案"
en = "Neither registered nor filed"
finding_zh = "权属登记情况为{status_zh}，且没有备案"
finding_en = "its status is {status_en}, and there is no filing"
remedy_zh = "具备条件的办理登记；因历史原因无法登记的，办理权属备案"
remedy_en = "have it registered; what can't be for reasons of the past is filed"
source = "《党政机关办公用房管理办法》第五条；《行政事业性国有资产管理条例》（国务院令第738号）第四十条"
subject = "spatial_unit"
reads = ["title_case", "relation"]
*/
-- A building is judged with its land, and on its own where the land is registered or unknown.
with open_case as (
    select c.asset_id
      from title_case_version c
     where c.state in ('filed', 'kept') and upper_inf(c.recorded) and c.valid @> $1::date
)
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object(
           'status_zh', case v.title_status when 'none_handed' then '未登记、资料已移交' else '未登记、资料未移交' end,
           'status_en', case v.title_status when 'none_handed' then 'not registered, papers handed over' else 'not registered, papers not handed over' end) as evidence
  from spatial_unit_version v
 where v.kind in ('parcel', 'building') and v.title_status in ('none_handed', 'none_not_handed')
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and v.object_id not in (select asset_id from open_case)
   and not exists (
       select from spatial_unit_relation r
         join spatial_unit_version land
           on land.object_id = r.upper_id and upper_inf(land.recorded) and land.valid @> $1::date
        where r.lower_id = v.object_id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date
          and (land.title_status in ('none_handed', 'none_not_handed') or land.object_id in (select asset_id from open_case)))
