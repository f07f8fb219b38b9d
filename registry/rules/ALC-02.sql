/*
id = "ALC-02"
severity = "error"
zh = "未经批准租用"
en = "Rented in without an approval"
finding_zh = "租入而没有已核准的租用案件，租约上也没有批准文号（自 {since}）"
finding_en = "rented in since {since}: no approval to rent is on record, and no lease names one"
remedy_zh = "补办核准并登记文号，或按期退租"
remedy_en = "apply for the approval and register its number, or give it back"
source = "《机关事务管理条例》第二十三条；《党政机关厉行节约反对浪费条例》"
subject = "spatial_unit"
reads = ["policy_case", "lease"]
*/
-- At no rent it is borrowed: ALC-06.
with rented as (
     select v.object_id as asset_id, null::uuid as lease_id, lower(v.valid) as since
       from spatial_unit_version v
      where v.kind = 'building' and v.occupancy = 'rented_in' and upper_inf(v.recorded) and v.valid @> $1::date
        and ($2::uuid[] is null or v.object_id = any($2))
        and not exists (select from lease_version l
                         where l.asset_id = v.object_id and l.direction = 'in' and l.valid @> $1::date and upper_inf(l.recorded))
     union all
     select coalesce(l.asset_id, l.unit_id), l.object_id, lower(l.valid)
       from lease_version l
      where l.direction = 'in' and l.monthly_rent > 0 and l.approval_number is null and l.valid @> $1::date and upper_inf(l.recorded)
        and ($2::uuid[] is null or coalesce(l.asset_id, l.unit_id) = any($2)))
select r.asset_id as object_id, r.lease_id as other_id, (select id from spatial_unit where id = r.asset_id) as at_id, jsonb_build_object('since', r.since) as evidence
  from rented r
 where not exists (
       select from policy_case_version c
        where (c.asset_id = r.asset_id or c.object_id = (select case_id from lease_version where object_id = r.lease_id and upper_inf(recorded)))
          and c.procedure = 'rent_in' and c.state = 'renting' and upper_inf(c.recorded))
