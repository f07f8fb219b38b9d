/*
id = "DSP-12"
severity = "warning"
zh = "划拨地出租收益未上缴"
en = "Let on allocated land without a record of land income"
finding_zh = "租给{lessee}的房屋占用划拨土地，没有土地收益上缴记录"
finding_en = "what is let to {lessee} stands on allocated land, and nothing says how the land income goes to the state"
remedy_zh = "核定租金中的土地收益并登记上缴依据"
remedy_en = "settle the land income in the rent, and register by which document it is paid"
source = "《城市房地产管理法》第五十六条"
subject = "spatial_unit"
reads = ["lease", "title"]
*/
-- A home for staff is let by the rules of public housing: neither for profit nor in public.
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name) as evidence
  from lease_version l
 where l.direction = 'out' and l.valid @> $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
   and l.details -> 'is_housing' is null
   and l.details ->> 'land_income_document' is null
   and exists (
       select from title_version t
        where t.book_state = '1' and t.right_nature_land = '101' and upper_inf(t.recorded) and t.valid @> $1::date
          and (l.asset_id = any(t.parcel_ids || t.building_ids)
               or exists (select from spatial_unit_relation r
                           where r.kind = 'parcel_building' and r.lower_id = l.asset_id and r.upper_id = any(t.parcel_ids)
                             and upper_inf(r.recorded) and r.valid @> $1::date)))
