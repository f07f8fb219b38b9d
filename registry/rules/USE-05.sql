/*
id = "USE-05"
severity = "error"
zh = "擅自出租出借"
en = "Let by a using unit"
finding_zh = "使用单位{lessor}将其租给{lessee}"
finding_en = "the unit {lessor} that uses it lets it to {lessee}"
remedy_zh = "收回房产，由机关事务管理部门统一处置；租金缴库"
remedy_en = "take it back; the bureau lets, and the rent goes to the treasury"
source = "《机关事务管理条例》第二十三条"
subject = "spatial_unit"
reads = ["lease"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessor', l.lessor_name, 'lessee', l.lessee_name) as evidence
  from lease_version l
 where l.direction = 'out' and l.lessor_kind = 'using_unit' and l.valid @> $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
