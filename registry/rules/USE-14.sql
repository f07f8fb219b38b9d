/*
id = "USE-14"
severity = "warning"
zh = "同一房间重叠使用"
en = "One room, several agreements"
finding_zh = "房间 {number} 同时在 {agreements} 份使用协议内（{units}）"
finding_en = "room {number} stands in {agreements} use agreements at once ({units})"
remedy_zh = "核对房间清单，变更或注销其中一份"
remedy_en = "compare the lists of rooms; change or cancel one of them"
source = "《党政机关办公用房管理办法》第十八条"
subject = "room"
reads = ["use_agreement", "unit"]
*/
with agreed as materialized (
     select room.id, count(*) as agreements, array_agg(a.unit_id) as units
       from use_agreement_version a, unnest(a.room_ids) room (id)
      where upper_inf(a.recorded) and a.valid @> $1::date and a.status in ('signed', 'certified')
        and a.starts_on <= $1::date and (a.ends_on is null or $1::date < a.ends_on)
        and ($2::uuid[] is null or a.building_ids && $2 or a.room_ids && $2)
      group by room.id
     having count(*) > 1)
select v.object_id, null::uuid as other_id, v.building_id as at_id,
       jsonb_build_object('number', v.number, 'agreements', agreed.agreements,
           'units', (select string_agg(distinct c.name, '、')
                       from unit_version c
                      where c.object_id = any(agreed.units) and upper_inf(c.recorded) and c.valid @> $1::date)) as evidence
  from agreed
  join room_version v on v.object_id = agreed.id and upper_inf(v.recorded) and v.valid @> $1::date
 where $2::uuid[] is null or v.object_id = any($2) or v.building_id = any($2)
