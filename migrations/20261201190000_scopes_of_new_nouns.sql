-- Why: what new nouns say of assets is told and written as the assets are (docs/adr/0013): the ledger's entries, findings and
-- whose assets an object is of know them by name.

create or replace function scope_sees_object(id uuid) returns boolean
    language sql stable
    as $$
select exists (select from spatial_unit_version v where v.object_id = id)
    or exists (select from room_version v where v.object_id = id)
    or exists (select from title_version v where v.object_id = id)
    or exists (select from title_case_version v where v.object_id = id)
    or exists (select from listed_right_version v where v.object_id = id)
    or exists (select from encumbrance_version v where v.object_id = id)
    or exists (select from occupant_version v where v.object_id = id)
    or exists (select from idle_record_version v where v.object_id = id)
    or exists (select from policy_case_version v where v.object_id = id)
    or exists (select from succession_version v where v.object_id = id)
    or exists (select from use_agreement_version v where v.object_id = id)
$$;

drop policy ledger_entry_read on ledger_entry;
create policy ledger_entry_read on ledger_entry for select using (
    (select scope_reads_all())
    or case
           -- The directory of places and units, and what regions have settled, are open to everybody who is signed in.
           when object_kind in ('region', 'unit', 'approval_threshold', 'rule_parameter') then (select yice_scope() is not null)
           when object_kind in ('parcel', 'building', 'site') then scope_sees_entry(
               object_id, recorded_at, (select scope_read_regions())::text[], (select scope_read_units())::uuid[],
               (select scope_read_units_in_regions())::text[])
           when object_kind in ('relation', 'succession', 'room', 'right', 'title', 'encumbrance', 'title_case', 'occupant', 'idle_record',
                                'policy_case', 'use_agreement') then scope_sees_object(object_id)
           when object_kind = 'import' then exists (select from import i where i.id = object_id)
           when object_kind = 'finding' then exists (select from finding f where f.id = object_id)
           else false
       end);

create or replace function scope_assets_of(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case kind
    when 'title' then scope_assets_of_title(id)
    when 'title_case' then array(select asset_id from title_case_version where object_id = id and upper_inf(recorded))
    when 'policy_case' then array(
        select asset_id from policy_case_version where object_id = id and upper_inf(recorded) and asset_id is not null)
    when 'idle_record' then array(select asset_id from idle_record_version where object_id = id and upper_inf(recorded))
    when 'use_agreement' then array(
        select unnest(building_ids) from use_agreement_version where object_id = id and upper_inf(recorded))
    when 'room' then scope_buildings_of_room(id)
    when 'occupant' then array(
        select unnest(scope_buildings_of_room(room_id)) from occupant_version where object_id = id and upper_inf(recorded))
    when 'right' then array(select asset_id from listed_right_version where object_id = id and upper_inf(recorded))
    when 'encumbrance' then array(
        select unnest(scope_assets_of_title(title_id)) from encumbrance_version where object_id = id and upper_inf(recorded))
    else array[id]
end
$$;
