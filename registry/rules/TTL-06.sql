/*
id = "TTL-06"
severity = "error"
zh = "房地权利主体不一致"
en = "Land and house of different holders"
finding_zh = "土地权利人 {land_holders}，房屋权利人 {house_holders}"
finding_en = "the land is held by {land_holders}, the house by {house_holders}"
remedy_zh = "房地一并办理转移登记，使权利主体一致"
remedy_en = "have land and house transferred together, so that one holds both"
source = "《城市房地产管理法》第三十二条"
subject = "building"
reads = ["title", "relation"]
*/
with named as (
    select t.object_id, t.parcel_ids, t.building_ids,
           (select string_agg(holder ->> 'name', '、' order by holder ->> 'name') from json_array_elements(t.holders) as holder) as names
      from title_version t
     where t.book_state = '1' and upper_inf(t.recorded) and t.valid @> $1::date
)
select b.id as object_id, null::uuid as other_id, b.id as at_id,
       jsonb_build_object('land_holders', string_agg(distinct land.names, '；' order by land.names), 'house_holders', house.names) as evidence
  from named house
 cross join lateral unnest(house.building_ids) as b (id)
  join spatial_unit_relation r
    on r.lower_id = b.id and r.kind = 'parcel_building' and upper_inf(r.recorded) and r.valid @> $1::date
  join named land
    on land.parcel_ids @> array[r.upper_id] and land.object_id <> house.object_id and land.names <> house.names
 where ($2::uuid[] is null or b.id = any($2)
        or r.upper_id = any($2))
   -- A title that covers house and land is one holder's.
   and not house.parcel_ids @> array[r.upper_id]
 group by b.id, house.names
