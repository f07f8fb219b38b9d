/*
id = "USE-07"
severity = "error"
zh = "兼职用房未按期腾退"
en = "Office of a part-time post not vacated"
finding_zh = "{persons} 的兼职于 {since} 结束，房间 {number} 未按期腾退"
finding_en = "the part-time post of {persons} ended on {since}; room {number} was not vacated in time"
remedy_zh = "催告腾退，登记腾退日期"
remedy_en = "ask for it to be vacated, and register the day"
source = "《党政机关办公用房管理办法》第十九条"
subject = "room"
reads = ["occupant"]
parameters = ["part_time_months"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'persons', late.persons, 'since', late.since) as evidence
  from (select o.room_id, string_agg(o.person, '、' order by o.person) as persons, min(o.post_ends) as since
          from occupant_version o
         where o.post = 'part_time' and upper_inf(o.recorded) and o.valid @> $1::date and ($2::uuid[] is null or o.room_id = any($2))
           and o.post_ends + make_interval(months => ($3::jsonb ->> 'part_time_months')::numeric::int) < $1::date
         group by o.room_id) late
  join room_version v on v.object_id = late.room_id and upper_inf(v.recorded) and v.valid @> $1::date
