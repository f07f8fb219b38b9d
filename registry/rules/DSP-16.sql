/*
id = "DSP-16"
severity = "warning"
zh = "租金欠缴"
en = "Rent in arrears"
finding_zh = "{lessee}欠缴租金 {arrears} 元"
finding_en = "{lessee} owes {arrears} yuan of rent"
remedy_zh = "催缴；收到的款项登记后即消除"
remedy_en = "ask for it; once what comes in is recorded, this is settled"
source = "《行政事业性国有资产管理条例》第二十六条"
subject = "spatial_unit"
reads = ["lease", "rent_schedule", "rent_account"]
*/
select l.asset_id as object_id, l.object_id as other_id, l.asset_id as at_id,
       jsonb_build_object('lessee', l.lessee_name, 'arrears', owed.arrears::text) as evidence
  from lease_version l
 cross join lateral (
       select (select coalesce(sum(i.amount_due), 0) from rent_instalment_version i
                where i.object_id = l.object_id and upper_inf(i.recorded) and i.due_on < $1::date)
              - (select coalesce(sum(p.amount), 0) from rent_movement_version p
               where p.object_id = l.object_id and p.kind = 'payment' and upper_inf(p.recorded) and lower(p.valid) <= $1::date
                 and not exists (select from rent_movement_version r
                                  where r.reverses_id = p.version_id and lower(r.valid) <= $1::date)) as arrears) owed
 where l.direction = 'out' and lower(l.valid) <= $1::date and upper_inf(l.recorded) and ($2::uuid[] is null or l.asset_id = any($2))
   and owed.arrears > 0
