-- Why: what hangs on an asset that is internal (内部) is kept account of when it is read, too; whether there are such assets at
-- all must cost those nothing who have none.

create index spatial_unit_version_internal on spatial_unit_version (object_id) where secrecy = 'internal';

-- On which assets hangs what is read. Whose they are is asked of the database as well (scope_assets_of); what is told of
-- leases and of what became of what is not written by assets, and stands here.
create function assets_read_with(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case
    when kind in ('lease', 'rent_schedule', 'rent_account') then scope_assets_of_lease(id)
    when kind = 'rent_relief' then array(
        select distinct unnest(scope_assets_of_lease(lease_id)) from rent_relief_version where object_id = id and upper_inf(recorded))
    when kind = 'succession' then array(
        select unnest(from_ids || to_ids) from succession_version where object_id = id and upper_inf(recorded))
    -- An entry of the ledger about a relation names both ends.
    when kind = 'relation' then array[$2] || array(select lower_id from spatial_unit_relation where upper_id = $2)
    when kind = 'finding' then array(
        select unnest(array[f.object_id, f.other_id, f.at_id]) from finding f where f.id = $2)
    when kind = 'document' then array(
        select v.asset_id from document_use u join title_case_version v on v.object_id = u.holder_id and upper_inf(v.recorded)
         where u.document_id = $2 and u.holder_kind = 'title_case')
    else scope_assets_of(kind, $2)
end
$$;

-- Where shapes of what is internal are or were, whoever asks: who may see one is asked only of those under a tile.
create function internal_shapes() returns table (
        object_id uuid, kind text, west float8, south float8, east float8, north float8)
    language sql stable security definer set search_path = public, pg_temp
    as $$
select v.object_id, v.kind, st_xmin(v.geometry), st_ymin(v.geometry), st_xmax(v.geometry), st_ymax(v.geometry)
  from spatial_unit_version v
 where v.secrecy = 'internal' and v.geometry is not null
 group by v.object_id, v.kind, st_xmin(v.geometry), st_ymin(v.geometry), st_xmax(v.geometry), st_ymax(v.geometry)
$$;
