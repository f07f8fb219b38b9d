/*
id = "ALC-04"
severity = "warning"
zh = "有闲置仍租用"
en = "Renting while suitable space stands idle"
finding_zh = "{lessee}租用 {area_m2} m²；同城 {idle} 有闲置办公用房 {idle_m2} m²"
finding_en = "{lessee} rents {area_m2} m²; in the same city {idle} has {idle_m2} m² of idle office space"
remedy_zh = "先调剂使用存量，到期退租；不适用的，在租用案件的存量查找中逐处说明理由"
remedy_en = "move into the stock and end the lease; where it does not do, give the reason in the stock search of the case"
source = "《党政机关办公用房管理办法》第十一条至第十三条"
subject = "spatial_unit"
reads = ["lease", "room", "policy_case"]
*/
-- Always asked about every lease: which idle building is the smallest that would do hangs on all of them.
with rented as (
     select coalesce(l.asset_id, l.unit_id) as object_id, l.asset_id, l.lessee_name, l.area_m2,
            left(coalesce(v.region_code, u.region_code), 4) as city,
            array(select (rejected ->> 'asset_id')::uuid
                    from policy_case_version c, policy_case_facts(c.details, 'stock_search') search,
                         json_array_elements(coalesce(search -> 'rejected', '[]')) rejected
                   where (c.asset_id = l.asset_id or c.object_id = l.case_id) and c.procedure = 'rent_in' and upper_inf(c.recorded)) as rejected
       from lease_version l
       left join spatial_unit_version v on v.object_id = l.asset_id and upper_inf(v.recorded) and v.valid @> $1::date
       left join unit_version u on u.object_id = l.unit_id and l.asset_id is null and upper_inf(u.recorded) and u.valid @> $1::date
      where l.direction = 'in' and l.valid @> $1::date and upper_inf(l.recorded)),
idle as (
     select v.object_id, coalesce(v.name, v.code, '') as name, left(v.region_code, 4) as city, sum(r.use_area_m2) as idle_m2
       from spatial_unit_version v
       join room_version r
         on r.building_id = v.object_id and r.occupancy = 'idle' and upper_inf(r.recorded) and r.valid @> $1::date
      where v.kind = 'building' and coalesce(v.usage, 'administrative_office') = 'administrative_office' and v.occupancy is distinct from 'dangerous'
        and coalesce(r.room_type, 'office') in ('office', 'service')
        and left(v.region_code, 4) in (select city from rented)
        and upper_inf(v.recorded) and v.valid @> $1::date
      group by v.object_id, v.name, v.code, v.region_code)
select rented.object_id, stock.object_id as other_id, rented.asset_id as at_id,
       jsonb_build_object('lessee', rented.lessee_name, 'area_m2', trim_scale(rented.area_m2), 'idle', stock.name,
                          'idle_m2', trim_scale(stock.idle_m2)) as evidence
  from rented
 cross join lateral (
       select idle.object_id, idle.name, idle.idle_m2 from idle
        where idle.city = rented.city and idle.idle_m2 >= rented.area_m2 and idle.object_id <> rented.object_id
          and idle.object_id <> all (rented.rejected)
        order by idle.idle_m2, idle.object_id limit 1) stock
