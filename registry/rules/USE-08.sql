/*
id = "USE-08"
severity = "error"
zh = "调离退休未腾退"
en = "Not vacated after leaving"
finding_zh = "{persons} 于 {since} 调离或退休，房间 {number} 未按期腾退"
finding_en = "{persons} left or retired on {since}; room {number} was not vacated in time"
remedy_zh = "催告腾退，登记腾退日期"
remedy_en = "ask for it to be vacated, and register the day"
source = "《党政机关办公用房管理办法》第十九条；《机关事务管理条例》第二十二条"
subject = "room"
reads = ["occupant"]
parameters = ["leave_months"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'persons', late.persons, 'since', late.since) as evidence
  from (select o.room_id, string_agg(o.person, '、' order by o.person) as persons, min(o.left_on) as since
          from occupant_version o
         where upper_inf(o.recorded) and o.valid @> $1::date and ($2::uuid[] is null or o.room_id = any($2))
           and o.left_on + make_interval(months => ($3::jsonb ->> 'leave_months')::numeric::int) < $1::date
         group by o.room_id) late
  join room_version v on v.object_id = late.room_id and upper_inf(v.recorded) and v.valid @> $1::date
