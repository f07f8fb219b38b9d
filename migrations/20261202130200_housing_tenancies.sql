-- Why: who lives in a home for a time (周转住房租住), by which right and until when; the rent is that of a lease
-- (docs/adr/0028). No home has two tenants.

create table housing_tenancy (
    id uuid constraint housing_tenancy_pkey primary key,
    created_at timestamptz not null
);

create table housing_tenancy_version (
    version_id uuid constraint housing_tenancy_version_pkey primary key,
    object_id uuid not null constraint housing_tenancy_version_object_fkey references housing_tenancy,
    -- From the first day until the home is handed back; the last day of the term is `ends_on`.
    valid daterange not null,
    recorded tstzrange not null,
    -- The home and its building.
    room_id uuid not null constraint housing_tenancy_version_room_fkey references room,
    building_id uuid not null constraint housing_tenancy_version_building_fkey references spatial_unit,
    -- Whose rent and term it is.
    lease_id uuid not null constraint housing_tenancy_version_lease_fkey references lease deferrable initially deferred,
    tenant_name text not null,
    -- Whose staff.
    unit_id uuid not null constraint housing_tenancy_version_unit_fkey references unit,
    -- 领导干部周转住房, and its filing (备案).
    is_leader boolean not null,
    filing_number text,
    filed_on date,
    -- Why they are eligible, and by which document.
    eligibility text not null,
    eligibility_document text not null,
    -- By what the rent was set: income, market.
    rent_ground text not null,
    ends_on date not null,
    exit_reason text,
    constraint housing_tenancy_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint housing_tenancy_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint housing_tenancy_version_tenant_given check (tenant_name <> ''),
    constraint housing_tenancy_version_eligibility_given check (eligibility <> '' and eligibility_document <> ''),
    constraint housing_tenancy_version_rent_ground_given check (rent_ground <> ''),
    constraint housing_tenancy_version_filing_whole check ((filing_number is null) = (filed_on is null)),
    constraint housing_tenancy_version_filing_of_leader check (filing_number is null or is_leader),
    constraint housing_tenancy_version_days_in_order check (ends_on >= lower(valid)),
    constraint housing_tenancy_version_exit_whole check (upper_inf(valid) = (exit_reason is null)),
    constraint housing_tenancy_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    constraint housing_tenancy_version_one_per_home
        exclude using gist (room_id with =, valid with &&) where (upper_inf(recorded))
);
create index housing_tenancy_version_by_object on housing_tenancy_version (object_id, lower(recorded));
create index housing_tenancy_version_by_building on housing_tenancy_version (building_id);
create index housing_tenancy_version_by_lease on housing_tenancy_version (lease_id);

grant select, insert on housing_tenancy, housing_tenancy_version to yice_app;
grant update (recorded) on housing_tenancy_version to yice_app;
grant update (created_at) on housing_tenancy to yice_app;

-- Who sees the building sees who lives there; who changes it must edit the building (docs/adr/0013).
alter table housing_tenancy_version enable row level security;
create policy housing_tenancy_version_read on housing_tenancy_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = building_id and a.valid && housing_tenancy_version.valid
                  and a.recorded && housing_tenancy_version.recorded));
alter table housing_tenancy enable row level security;
create policy housing_tenancy_read on housing_tenancy for select using (
    (select scope_reads_all()) or exists (select from housing_tenancy_version v where v.object_id = housing_tenancy.id));

create policy ledger_entry_read_housing on ledger_entry for select using (
    object_kind = 'housing_tenancy'
    and exists (select from housing_tenancy_version v where v.object_id = ledger_entry.object_id));

create function housing_tenancy_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(array[building_id], null) is not null limit 1;
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
    foreach guarded in array array['housing_tenancy', 'housing_tenancy_version'] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    execute 'create trigger housing_tenancy_version_in_scope_insert after insert on housing_tenancy_version
             referencing new table as written for each statement execute function housing_tenancy_version_in_scope()';
    execute 'create trigger housing_tenancy_version_in_scope_update after update on housing_tenancy_version
             referencing new table as written for each statement execute function housing_tenancy_version_in_scope()';
end
$$;

-- The ledger's kinds of object: one more at the end of those there are by now.
do $$
declare
    known text;
begin
    select string_agg(quote_literal(kind), ', ' order by place) into known
      from (select m[1] as kind, place
              from pg_constraint c,
                   regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
             where c.conname = 'ledger_entry_object_kind_is_known'
             union all
            select 'housing_tenancy', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
