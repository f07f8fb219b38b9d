/*
id = "SPC-15"
severity = "error"
zh = "技术业务用房内设办公"
en = "Office in a technical room"
finding_zh = "技术业务用房 {number} 内有办公人员：{persons}"
finding_en = "people have their offices in the technical room {number}: {persons}"
remedy_zh = "迁出办公人员，或更正房间类型"
remedy_en = "move them out, or correct the type of the room"
source = "《机关团体建设楼堂馆所管理条例》第三条"
subject = "room"
reads = ["occupant"]
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'persons', seated.persons) as evidence
  from (select o.room_id, string_agg(o.person, '、' order by o.person) as persons
          from occupant_version o
         where upper_inf(o.recorded) and o.valid @> $1::date and ($2::uuid[] is null or o.room_id = any($2))
         group by o.room_id) seated
  join room_version v
    on v.object_id = seated.room_id and v.room_type = 'technical' and upper_inf(v.recorded) and v.valid @> $1::date
