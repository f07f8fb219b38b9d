/*
id = "DSP-15"
severity = "error"
zh = "租金未按公开招租/评估"
en = "Rent without public letting or appraisal"
finding_zh = "租给{lessee}的租金没有公开招租记录，也没有有效的租金评估"
finding_en = "the rent of what is let to {lessee} rests on no public letting and on no appraisal that held"
remedy_zh = "补登交易或评估记录；没有的，到期后公开招租"
remedy_en = "register the record of the letting or the appraisal; where there is none, let in public next time"
source = "《行政事业性国有资产管理条例》第三十六条"
subject = "spatial_unit"
reads = ["lease"]
*/
-- A home for staff is let by the rules of public housing: neither for profit nor in public.
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name) as evidence
  from lease_version l
 where l.direction = 'out' and l.valid @> $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
   and l.details -> 'is_housing' is null
   and l.details ->> 'exchange_record' is null
   and (l.details ->> 'appraisal_report' is null
        or coalesce((l.details ->> 'appraisal_valid_to')::date < lower(l.valid), false))
