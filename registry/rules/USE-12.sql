/*
id = "USE-12"
severity = "warning"
zh = "领导办公室未年度备案"
en = "Leaders' offices not filed for the year"
finding_zh = "{name} 有 {leaders} 名领导干部使用办公室，没有 {year} 年度备案记录"
finding_en = "{name} has offices of {leaders} leaders, and there is no filing of {year}"
remedy_zh = "补报年度备案，登记日期和文号"
remedy_en = "file it, and enter the day and the number"
source = "《党政机关办公用房管理办法》第十九条"
subject = "unit"
reads = ["occupant", "room", "use_filing"]
parameters = ["filing_days"]
*/
-- The last year whose filing should be there by now, and how things stood at its end. A leader is who has an office whose
-- limit is above that of the staff.
with due as materialized (
     select late.year, make_date(late.year, 12, 31) + least(held.days, 0) as stood_on
       from (select round(($3::jsonb ->> 'filing_days')::numeric)::int as days) held
      cross join lateral (select extract(year from $1::date - held.days)::int - 1 as year) late),
seated as (
     select coalesce(o.unit_id, r.unit_id) as unit_id, o.rank, o.person, o.staff_number
       from due
       join occupant_version o
         on upper_inf(o.recorded) and o.valid @> due.stood_on and (o.left_on is null or o.left_on > due.stood_on)
       join room_version r on r.object_id = o.room_id and upper_inf(r.recorded) and r.valid @> due.stood_on)
select u.object_id, null::uuid as other_id, null::uuid as at_id,
       jsonb_build_object('name', u.name, 'year', due.year, 'leaders', count(distinct (s.person, s.staff_number))) as evidence
  from due
  join unit_version u on upper_inf(u.recorded) and u.valid @> $1::date
  join seated s on s.unit_id = u.object_id
 cross join lateral (select $3::jsonb -> 'space_standard' -> 'office' -> space_level(u.level) as limits) standard
 where u.kind not in ('platform_company', 'other') and ($2::uuid[] is null or u.object_id = any($2))
   and (standard.limits ->> plain_rank(s.rank))::numeric > (select min(one.value::numeric) from jsonb_each_text(standard.limits) one)
   and not exists (select from use_filing_version f
                    where f.unit_id = u.object_id and f.kind = 'leader_offices' and f.year = due.year
                      and upper_inf(f.recorded) and f.valid @> $1::date)
 group by u.object_id, u.name, due.year
