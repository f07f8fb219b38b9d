-- Why: who sees and writes an asset sees and writes its leases, their rent and their relief (docs/adr/0013). Policies for
-- what others have policies for as well (the ledger, findings) stand beside those: one that lets a row be seen is enough.

alter table lease_version enable row level security;
create policy lease_version_read on lease_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && lease_version.valid and a.recorded && lease_version.recorded));
alter table lease enable row level security;
create policy lease_read on lease for select using (
    (select scope_reads_all()) or exists (select from lease_version v where v.object_id = lease.id));
alter table lease_part enable row level security;
create policy lease_part_read on lease_part for select using (
    (select scope_reads_all()) or exists (select from lease_version v where v.version_id = lease_part.version_id));

alter table rent_instalment_version enable row level security;
create policy rent_instalment_version_read on rent_instalment_version for select using (
    (select scope_reads_all()) or exists (select from lease_version v where v.object_id = rent_instalment_version.object_id));
alter table rent_movement_version enable row level security;
create policy rent_movement_version_read on rent_movement_version for select using (
    (select scope_reads_all()) or exists (select from lease_version v where v.object_id = rent_movement_version.object_id));

alter table rent_relief_version enable row level security;
create policy rent_relief_version_read on rent_relief_version for select using (
    (select scope_reads_all()) or exists (select from lease_version v where v.object_id = lease_id));
alter table rent_relief enable row level security;
create policy rent_relief_read on rent_relief for select using (
    (select scope_reads_all()) or exists (select from rent_relief_version v where v.object_id = rent_relief.id));

-- A policy is no secret.
alter table relief_policy_version enable row level security;
create policy relief_policy_version_read on relief_policy_version for select using ((select yice_scope() is not null));
alter table relief_policy enable row level security;
create policy relief_policy_read on relief_policy for select using ((select yice_scope() is not null));

create policy ledger_entry_read_leases on ledger_entry for select using (
    case
        when object_kind in ('lease', 'rent_schedule', 'rent_account')
            then exists (select from lease_version v where v.object_id = ledger_entry.object_id)
        when object_kind = 'rent_relief' then exists (select from rent_relief_version v where v.object_id = ledger_entry.object_id)
        when object_kind = 'relief_policy' then (select yice_scope() is not null)
        else false
    end);

-- What is found of a lease names the asset and the lease.
create policy finding_read_leases on finding for select using (
    scope_sees_object(object_id)
    and (at_id is null or scope_sees_object(at_id))
    and exists (select from lease_version v where v.object_id = other_id));

create function scope_assets_of_lease(lease uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select array(select distinct asset_id from lease_version where object_id = lease and upper_inf(recorded))
$$;

create function lease_version_in_scope() returns trigger
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
-- Rows of the schedule and of the account name their lease.
create function rent_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where cardinality(scope_assets_of_lease(object_id)) = 0
        or scope_refused_asset(scope_assets_of_lease(object_id), null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function rent_relief_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where cardinality(scope_assets_of_lease(lease_id)) = 0
        or scope_refused_asset(scope_assets_of_lease(lease_id), null) is not null limit 1;
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
        'lease', 'lease_version', 'lease_part', 'rent_instalment_version', 'rent_movement_version', 'rent_relief',
        'rent_relief_version', 'relief_policy', 'relief_policy_version'
    ] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    foreach guarded in array array['lease_version', 'rent_instalment_version', 'rent_movement_version', 'rent_relief_version']
    loop
        execute format(
            'create trigger %I after insert on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_insert', guarded,
            case when guarded like 'rent_%_version' and guarded <> 'rent_relief_version' then 'rent_in_scope' else guarded || '_in_scope' end);
        execute format(
            'create trigger %I after update on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_update', guarded,
            case when guarded like 'rent_%_version' and guarded <> 'rent_relief_version' then 'rent_in_scope' else guarded || '_in_scope' end);
    end loop;
end
$$;
