/*
id = "SPC-03"
severity = "warning"
zh = "休息室未计入"
en = "Rest room not counted"
finding_zh = "休息室 {number} 没有与所属办公室合并计算"
finding_en = "the rest room {number} is not counted with the office it belongs to"
remedy_zh = "在房间中选定所属办公室"
remedy_en = "say which office it belongs to"
source = "《党政机关办公用房建设标准》发改投资〔2014〕2674号；休息室计入办公室限额"
subject = "room"
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id, jsonb_build_object('number', v.number) as evidence
  from room_version v
 where v.purpose = 'rest_room' and v.part_of_id is null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
