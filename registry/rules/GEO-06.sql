/*
id = "GEO-06"
severity = "warning"
zh = "建筑重叠"
en = "Buildings overlap"
finding_zh = "与另一楼栋重叠 {overlap_m2} m²"
finding_en = "it overlaps another building by {overlap_m2} m²"
remedy_zh = "核对两栋楼的轮廓；同一幢楼重复登记的，注销其一"
remedy_en = "compare the footprints; where one building was registered twice, end one of them"
source = "房产测量规范 GB/T 17986.1"
subject = "building"
parameters = ["overlap_m2"]
overlap = "overlap_m2"
*/
-- One that is only underground does not meet one that is only above.
select v.object_id, st_asbinary(v.geometry) as shape, case when v.floors_above = 0 then 'U' when coalesce(v.floors_below, 0) = 0 then 'A' else 'AU' end as worlds,
       $2::uuid[] is null or v.object_id = any($2) as is_asked
  from spatial_unit_version v
 where v.kind = 'building' and v.geometry is not null and upper_inf(v.recorded) and v.valid @> $1::date
   and ($2::uuid[] is null or v.object_id in (
       select near.object_id
         from spatial_unit_version asked
         join spatial_unit_version near on box(near.geometry) && box(asked.geometry)
        where asked.object_id = any($2) and upper_inf(asked.recorded) and asked.valid @> $1::date))
