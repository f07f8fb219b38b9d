/*
id = "GEO-02"
severity = "error"
zh = "宗地重叠"
en = "Parcels overlap"
finding_zh = "与另一宗地重叠 {overlap_m2} m²"
finding_en = "it overlaps another parcel by {overlap_m2} m²"
remedy_zh = "核对两宗地的界址点，重测或更正有误的一宗"
remedy_en = "compare the boundary points of both, and survey or correct the wrong one"
source = "《民法典》第三百四十六条"
subject = "parcel"
parameters = ["overlap_m2"]
overlap = "overlap_m2"
*/
-- Ground, air and underground (B, S, X) are three worlds: each is compared with its own.
select v.object_id, st_asbinary(v.geometry) as shape, case when substr(v.unit_code, 14, 1) in ('S', 'X') then substr(v.unit_code, 14, 1) else 'B' end as worlds,
       $2::uuid[] is null or v.object_id = any($2) as is_asked
  from spatial_unit_version v
 where v.kind = 'parcel' and v.geometry is not null and upper_inf(v.recorded) and v.valid @> $1::date
   and ($2::uuid[] is null or v.object_id in (
       select near.object_id
         from spatial_unit_version asked
         join spatial_unit_version near on box(near.geometry) && box(asked.geometry)
        where asked.object_id = any($2) and upper_inf(asked.recorded) and asked.valid @> $1::date))
