-- Why: who sees and writes an asset sees and writes what hangs on it (docs/adr/0013): who sits in its rooms, that it stands
-- idle, and the case of what becomes of it.

alter table occupant_version enable row level security;
create policy occupant_version_read on occupant_version for select using (
    (select scope_reads_all())
    or exists (select from room_version r
                where r.object_id = room_id and r.valid && occupant_version.valid and r.recorded && occupant_version.recorded));
alter table occupant enable row level security;
create policy occupant_read on occupant for select using (
    (select scope_reads_all()) or exists (select from occupant_version v where v.object_id = occupant.id));

alter table idle_record_version enable row level security;
create policy idle_record_version_read on idle_record_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && idle_record_version.valid
                  and a.recorded && idle_record_version.recorded));
alter table idle_record enable row level security;
create policy idle_record_read on idle_record for select using (
    (select scope_reads_all()) or exists (select from idle_record_version v where v.object_id = idle_record.id));
alter table idle_record_thing enable row level security;
create policy idle_record_thing_read on idle_record_thing for select using (
    (select scope_reads_all())
    or exists (select from idle_record_version v where v.version_id = idle_record_thing.version_id));

alter table policy_case_version enable row level security;
create policy policy_case_version_read on policy_case_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && policy_case_version.valid
                  and a.recorded && policy_case_version.recorded));
alter table policy_case enable row level security;
create policy policy_case_read on policy_case for select using (
    (select scope_reads_all()) or exists (select from policy_case_version v where v.object_id = policy_case.id));

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
$$;

drop policy ledger_entry_read on ledger_entry;
create policy ledger_entry_read on ledger_entry for select using (
    (select scope_reads_all())
    or case
           -- The directory of places and units is open to everybody who is signed in.
           when object_kind in ('region', 'unit') then (select yice_scope() is not null)
           when object_kind in ('parcel', 'building', 'site') then scope_sees_entry(
               object_id, recorded_at, (select scope_read_regions())::text[], (select scope_read_units())::uuid[],
               (select scope_read_units_in_regions())::text[])
           when object_kind in ('relation', 'room', 'right', 'title', 'encumbrance', 'title_case', 'occupant', 'idle_record',
                                'policy_case') then scope_sees_object(object_id)
           when object_kind = 'import' then exists (select from import i where i.id = object_id)
           when object_kind = 'finding' then exists (select from finding f where f.id = object_id)
           else false
       end);

create function scope_buildings_of_room(room uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select array(select distinct building_id from room_version where object_id = room and upper_inf(recorded))
$$;

create or replace function scope_assets_of(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case kind
    when 'title' then scope_assets_of_title(id)
    when 'title_case' then array(select asset_id from title_case_version where object_id = id and upper_inf(recorded))
    when 'policy_case' then array(select asset_id from policy_case_version where object_id = id and upper_inf(recorded))
    when 'idle_record' then array(select asset_id from idle_record_version where object_id = id and upper_inf(recorded))
    when 'room' then scope_buildings_of_room(id)
    when 'occupant' then array(
        select unnest(scope_buildings_of_room(room_id)) from occupant_version where object_id = id and upper_inf(recorded))
    when 'right' then array(select asset_id from listed_right_version where object_id = id and upper_inf(recorded))
    when 'encumbrance' then array(
        select unnest(scope_assets_of_title(title_id)) from encumbrance_version where object_id = id and upper_inf(recorded))
    else array[id]
end
$$;

create function occupant_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where cardinality(scope_buildings_of_room(room_id)) = 0
        or scope_refused_asset(scope_buildings_of_room(room_id), null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function idle_record_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(array[asset_id], null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function policy_case_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(array[asset_id], null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;

do $$
declare
    guarded text;
begin
    foreach guarded in array array[
        'occupant', 'occupant_version', 'idle_record', 'idle_record_version', 'idle_record_thing', 'policy_case',
        'policy_case_version'
    ] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    foreach guarded in array array['occupant_version', 'idle_record_version', 'policy_case_version'] loop
        execute format(
            'create trigger %I after insert on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_insert', guarded, guarded || '_in_scope');
        execute format(
            'create trigger %I after update on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_update', guarded, guarded || '_in_scope');
    end loop;
end
$$;
