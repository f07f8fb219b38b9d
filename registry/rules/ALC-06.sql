/*
id = "ALC-06"
severity = "error"
zh = "未经批准借用"
en = "Borrowed without an approval"
finding_zh = "借用而没有已核准的案件，也没有登记批准文号（自 {since}{rooms_zh}）"
finding_en = "borrowed since {since}{rooms_en}: no approval is on record"
remedy_zh = "补办审批，按无租金租入登记批准文号；不符合规定的腾退归还"
remedy_en = "apply for the approval and register its number with the lease in, at no rent; or give it back"
source = "《党政机关厉行节约反对浪费条例》"
subject = "spatial_unit"
reads = ["policy_case", "lease", "room"]
*/
-- What is borrowed is on record as such, or as a lease in at no rent. A lease in that names its approval settles it.
with borrowed as (
     select v.object_id as asset_id, null::uuid as lease_id, lower(v.valid) as since, null::bigint as rooms
       from spatial_unit_version v
      where v.kind = 'building' and v.occupancy = 'borrowed_in' and upper_inf(v.recorded) and v.valid @> $1::date
        and ($2::uuid[] is null or v.object_id = any($2))
        and not exists (select from lease_version l
                         where l.asset_id = v.object_id and l.direction = 'in' and l.valid @> $1::date and upper_inf(l.recorded))
     union all
     select r.building_id, null, min(lower(r.valid)), count(*)
       from room_version r
       join spatial_unit_version b
         on b.object_id = r.building_id and b.occupancy is distinct from 'borrowed_in' and upper_inf(b.recorded) and b.valid @> $1::date
      where r.occupancy = 'borrowed_in' and upper_inf(r.recorded) and r.valid @> $1::date
        and ($2::uuid[] is null or r.building_id = any($2))
        and not exists (select from lease_version l
                         where l.asset_id = r.building_id and l.direction = 'in' and l.valid @> $1::date and upper_inf(l.recorded)
                           and (cardinality(l.room_ids) = 0 or l.room_ids @> array[r.object_id]))
      group by r.building_id
     union all
     select coalesce(l.asset_id, l.unit_id), l.object_id, lower(l.valid), null
       from lease_version l
      where l.direction = 'in' and l.monthly_rent = 0 and l.approval_number is null and l.valid @> $1::date
        and upper_inf(l.recorded) and ($2::uuid[] is null or coalesce(l.asset_id, l.unit_id) = any($2)))
select b.asset_id as object_id, b.lease_id as other_id, (select id from spatial_unit where id = b.asset_id) as at_id,
       jsonb_build_object('since', b.since, 'rooms_zh', coalesce('，' || b.rooms || ' 间', ''),
           'rooms_en', coalesce(', ' || b.rooms || ' rooms', '')) as evidence
  from borrowed b
 where not exists (
       select from policy_case_version c
        where (c.asset_id = b.asset_id or c.object_id = (select case_id from lease_version where object_id = b.lease_id and upper_inf(recorded)))
          and c.procedure = 'rent_in' and c.state = 'renting' and upper_inf(c.recorded))
