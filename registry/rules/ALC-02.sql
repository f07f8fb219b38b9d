/*
id = "ALC-02"
severity = "error"
zh = "未经批准租用"
en = "Rented in without approval"
finding_zh = "{lessee}租用{lessor}的房产没有批准文号"
finding_en = "{lessee} rents from {lessor} without approval"
remedy_zh = "停止租用，或补办核准并登记文号"
remedy_en = "give it up, or obtain the approval and register its number"
source = "《机关事务管理条例》第二十三条；《党政机关厉行节约反对浪费条例》"
subject = "spatial_unit"
reads = ["lease"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessor', l.lessor_name, 'lessee', l.lessee_name) as evidence
  from lease_version l
 where l.direction = 'in' and l.approval_number is null and l.valid @> $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
