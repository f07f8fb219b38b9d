/*
id = "SPC-14"
severity = "error"
zh = "技术业务用房无依据"
en = "Technical room without a basis"
finding_zh = "技术业务用房 {number} 没有批准文件或国家标准依据"
finding_en = "the technical room {number} names no approval and no national standard"
remedy_zh = "补录依据；没有依据的，按办公用房计算"
remedy_en = "enter the basis; where there is none, it counts as office space"
source = "《机关团体建设楼堂馆所管理条例》第三条"
subject = "room"
*/
select v.object_id, null::uuid as other_id, v.building_id as at_id, jsonb_build_object('number', v.number) as evidence
  from room_version v
 where v.room_type = 'technical' and coalesce(v.type_basis, '') = ''
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
