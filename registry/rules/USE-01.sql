/*
id = "USE-01"
severity = "error"
zh = "无使用协议"
en = "Used without an agreement"
finding_zh = "{rooms} 间办公用房在用而没有签订使用协议（{units}）"
finding_en = "{rooms} rooms are in use without a signed use agreement ({units})"
remedy_zh = "与使用单位签订使用协议"
remedy_en = "sign a use agreement with the unit"
source = "《党政机关办公用房管理办法》第十八条"
subject = "building"
reads = ["room", "use_agreement", "unit"]
*/
-- One finding for a building: an agreement is signed with a unit, not room by room.
with agreed as materialized (
     select distinct room.id
       from use_agreement_version a, unnest(a.room_ids) room (id)
      where upper_inf(a.recorded) and a.valid @> $1::date and a.status in ('signed', 'certified')
        and ($2::uuid[] is null or a.building_ids && $2))
select b.object_id, null::uuid as other_id, b.object_id as at_id,
       jsonb_build_object('rooms', count(*), 'units', string_agg(distinct u.name, '、')) as evidence
  from spatial_unit_version b
  join room_version v on v.building_id = b.object_id and upper_inf(v.recorded) and v.valid @> $1::date
  join unit_version u on u.object_id = v.unit_id and upper_inf(u.recorded) and u.valid @> $1::date
 where b.kind = 'building' and b.usage = 'administrative_office' and upper_inf(b.recorded) and b.valid @> $1::date
   and v.occupancy = 'in_use' and u.kind not in ('platform_company', 'other')
   and v.object_id not in (select id from agreed)
   and ($2::uuid[] is null or b.object_id = any($2))
 group by b.object_id
