/*
id = "TTL-05"
severity = "warning"
zh = "权属资料未移交"
en = "Papers not handed over"
finding_zh = "自 {since} 起权属资料未移交，已 {days} 天"
finding_en = "its papers have not been handed over since {since}: {days} days"
remedy_zh = "督促使用单位移交权属资料，并更新权属登记情况"
remedy_en = "have the using unit hand its papers over, and update the status"
source = "党政机关办公用房统计报告制度（国管办发〔2019〕22号）"
subject = "spatial_unit"
reads = ["relation"]
parameters = ["handover_days"]
*/
-- The yearly form counts by site: what belongs to one is told with it.
select v.object_id, null::uuid as other_id, v.object_id as at_id,
       jsonb_build_object('since', began.since, 'days', $1::date - began.since) as evidence
  from spatial_unit_version v
 cross join lateral (
       -- The day after the last on which they were handed over, or the first that is known.
       select coalesce(
                  (select max(upper(b.valid)) from spatial_unit_version b
                    where b.object_id = v.object_id and upper_inf(b.recorded) and upper(b.valid) <= lower(v.valid)
                      and b.title_status is distinct from 'other_not_handed' and b.title_status is distinct from 'none_not_handed'),
                  (select min(lower(b.valid)) from spatial_unit_version b
                    where b.object_id = v.object_id and upper_inf(b.recorded))) as since) began
 where v.title_status in ('other_not_handed', 'none_not_handed')
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   and $1::date - began.since > ($3::jsonb ->> 'handover_days')::float8
   and (v.kind = 'site' or not exists (
       select from spatial_unit_relation r
        where r.lower_id = v.object_id and r.kind in ('site_parcel', 'site_building')
          and upper_inf(r.recorded) and r.valid @> $1::date))
