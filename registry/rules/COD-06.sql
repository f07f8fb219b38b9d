/*
id = "COD-06"
severity = "warning"
zh = "定着物码与实物不符"
en = "Fixture mark against the facts"
finding_zh = "单元号 {unit_code} 的定着物特征码与实物不符（地上楼栋 {buildings} 栋）"
finding_en = "the fixture mark of {unit_code} does not fit what stands there (buildings: {buildings})"
remedy_zh = "有楼栋的用 F 码，无定着物的用 W 码；核对后改正或补登楼栋"
remedy_en = "F where buildings stand, W where nothing does; correct the code or register the building"
source = "GB/T 37346-2019"
subject = "parcel"
reads = ["relation"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('unit_code', v.unit_code, 'buildings', built.buildings) as evidence
  from spatial_unit_version v
 cross join lateral (
       select count(*) as buildings from spatial_unit_relation r
        where r.upper_id = v.object_id and r.kind = 'parcel_building'
          and upper_inf(r.recorded) and r.valid @> $1::date) built
 where v.kind = 'parcel' and v.unit_code ~ '^\d{12}[GJZ][ABSXCDEFLNHGWY]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$'
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and case substr(v.unit_code, 20, 1) when 'W' then built.buildings > 0 when 'F' then built.buildings = 0 end
