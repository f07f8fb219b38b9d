/*
id = "USE-06"
severity = "error"
zh = "一人多处办公室"
en = "One person in several offices"
finding_zh = "{person} 在 {number} 和 {other_number} 都有办公室，没有批准"
finding_en = "{person} has offices in {number} and {other_number} without approval"
remedy_zh = "收回一处，或登记批准文件"
remedy_en = "take one back, or register the approval"
source = "《党政机关办公用房管理办法》第十九条"
subject = "room"
reads = ["occupant"]
*/
-- The same person by staff number; by name within a unit where no number is known.
select least(o.room_id, also.room_id) as object_id, greatest(o.room_id, also.room_id) as other_id, v.building_id as at_id,
       jsonb_build_object('person', o.person, 'number', v.number, 'other_number', other.number) as evidence
  from occupant_version o
  join room_version v on v.object_id = o.room_id and upper_inf(v.recorded) and v.valid @> $1::date
  join occupant_version also
    on also.person = o.person and also.room_id > o.room_id and also.staff_number is not distinct from o.staff_number
   and upper_inf(also.recorded) and also.valid @> $1::date
  join room_version other on other.object_id = also.room_id and upper_inf(other.recorded) and other.valid @> $1::date
 where upper_inf(o.recorded) and o.valid @> $1::date
   and ($2::uuid[] is null or o.room_id = any($2) or also.room_id = any($2))
   and (o.staff_number is not null or coalesce(o.unit_id, v.unit_id) = coalesce(also.unit_id, other.unit_id))
   and o.second_office_approval is null and also.second_office_approval is null
