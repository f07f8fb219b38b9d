/*
id = "GEO-03"
severity = "information"
zh = "宗地缝隙"
en = "Sliver between parcels"
finding_zh = "与邻宗之间有宽约 {width_m} m、长 {length_m} m 的缝隙"
finding_en = "between it and its neighbour lies a strip {width_m} m wide and {length_m} m long"
remedy_zh = "核对两宗地的共用界址线；同一条界线的，统一界址点"
remedy_en = "compare the line that both share; where it is one line, give both the same points"
source = "领域规则：窄于 gap_m 的缝隙多为界址点未共用"
subject = "parcel"
parameters = ["gap_m", "gap_least_m"]
gap = "gap_m"
*/
-- Ground, air and underground (B, S, X) are three worlds: each is compared with its own.
select v.object_id, st_asbinary(v.geometry) as shape, case when substr(v.unit_code, 14, 1) in ('S', 'X') then substr(v.unit_code, 14, 1) else 'B' end as worlds,
       $2::uuid[] is null or v.object_id = any($2) as is_asked
  from spatial_unit_version v
 where v.kind = 'parcel' and v.geometry is not null and upper_inf(v.recorded) and v.valid @> $1::date
   and ($2::uuid[] is null or v.object_id in (
       select near.object_id
         from spatial_unit_version asked
         join spatial_unit_version near on box(near.geometry) && box(st_expand(asked.geometry, ($3::jsonb ->> 'gap_m')::float8 / 50000))
        where asked.object_id = any($2) and asked.geometry is not null and upper_inf(asked.recorded) and asked.valid @> $1::date))
