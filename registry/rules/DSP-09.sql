/*
id = "DSP-09"
severity = "error"
zh = "收入未缴库"
en = "Income not remitted"
finding_zh = "{lessee}的租金 {late} 元收到后未按期缴库"
finding_en = "{late} yuan of rent from {lessee} came in and did not go to the treasury in time"
remedy_zh = "缴入国库并登记缴款书号"
remedy_en = "remit it to the treasury, and record the payment slip"
source = "《行政事业性国有资产管理条例》第二十五条、第二十六条"
subject = "spatial_unit"
reads = ["lease", "rent_account"]
parameters = ["remit_days"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'late', kept.late::text) as evidence
  from lease_version l
 cross join lateral (
       select coalesce(sum(p.amount) filter (
                  where p.kind = 'payment'
                    and lower(p.valid) + ($3::jsonb ->> 'remit_days')::numeric::int < $1::date), 0)
              - coalesce(sum(p.amount) filter (where p.kind = 'remittance'), 0) as late
         from rent_movement_version p
        where p.object_id = l.object_id and p.kind <> 'reversal' and upper_inf(p.recorded) and lower(p.valid) <= $1::date
          and not exists (select from rent_movement_version r
                           where r.reverses_id = p.version_id and lower(r.valid) <= $1::date)) kept
 where l.direction = 'out' and l.lessor_kind in ('bureau', 'using_unit') and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
   and kept.late > 0
