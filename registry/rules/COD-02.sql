/*
id = "COD-02"
severity = "error"
blocks = true
zh = "单元号重复"
en = "Unit code twice"
finding_zh = "单元号 {unit_code} 与另一宗地重复"
finding_en = "another parcel has the unit code {unit_code}, too"
remedy_zh = "向登记机构核实单元号归属，改正其中一宗"
remedy_en = "ask the registry office which of the two it belongs to and correct the other"
source = "《不动产登记暂行条例》（国务院令第656号）第八条"
subject = "parcel"
*/
select least(v.object_id, o.object_id) as object_id, greatest(v.object_id, o.object_id) as other_id,
       least(v.object_id, o.object_id) as at_id, jsonb_build_object('unit_code', v.unit_code) as evidence
  from spatial_unit_version v
  join spatial_unit_version o
    on upper(o.unit_code) = upper(v.unit_code) and o.object_id <> v.object_id
   and o.kind = 'parcel' and upper_inf(o.recorded) and o.valid @> $1::date
   and ($2::uuid[] is not null or o.object_id > v.object_id)
 where v.kind = 'parcel' and v.unit_code is not null
   and upper_inf(v.recorded) and v.valid @> $1::date and ($2::uuid[] is null or v.object_id = any($2))
   -- Provisional codes are no one's own (COD-07).
   and substr(v.unit_code, 7, 6) not in ('000000', '999999') and substr(v.unit_code, 15, 5) <> '99999'
