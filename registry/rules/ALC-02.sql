/*
id = "ALC-02"
severity = "error"
zh = "未经批准租用"
en = "Rented without an approval"
finding_zh = "楼栋为租入，没有已核准的租用案件"
finding_en = "the building is rented in, and no approval to rent is on record"
remedy_zh = "补办核准，或按期退租"
remedy_en = "apply for the approval, or give it back"
source = "《机关事务管理条例》第二十三条；《党政机关厉行节约反对浪费条例》"
subject = "building"
reads = ["policy_case"]
*/
select v.object_id, null::uuid as other_id, v.object_id as at_id, jsonb_build_object('since', lower(v.valid)) as evidence
  from spatial_unit_version v
 where v.kind = 'building' and v.occupancy = 'rented_in'
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and not exists (
       select from policy_case_version c
        where c.asset_id = v.object_id and c.procedure = 'rent_in' and c.state = 'renting' and upper_inf(c.recorded))
