-- Why: reads of tenancies, stocktakings, inspections, meters and of policy cases' papers are reads of the assets they hang on.

alter function assets_read_with(text, uuid) rename to assets_read_with_register;

create function assets_read_with(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case
    when kind = 'housing_tenancy' then array(select distinct building_id from housing_tenancy_version where object_id = $2)
    when kind = 'meter' then array(select distinct building_id from meter_version where object_id = $2)
    when kind = 'stocktaking_line' then array(
        select unnest(array[asset_id, building_id, near_id]) from stocktaking_line l where l.id = $2)
    when kind = 'inspection_finding' then array(
        select distinct unnest(array[thing_id, at_id]) from inspection_finding_version where object_id = $2)
    when kind = 'document' then assets_read_with_register(kind, $2) || array(
        select v.asset_id from document_use u join policy_case_version v on v.object_id = u.holder_id and upper_inf(v.recorded)
         where u.document_id = $2 and u.holder_kind = 'policy_case' and v.asset_id is not null
        union
        select unnest(array[l.asset_id, l.building_id, l.near_id])
          from document_use u join stocktaking_line l on l.id = u.holder_id
         where u.document_id = $2 and u.holder_kind = 'stocktaking_line')
    else assets_read_with_register(kind, $2)
end
$$;
