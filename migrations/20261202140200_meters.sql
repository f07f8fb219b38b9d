-- Why: what a building consumes says whether somebody works in it: readings of its meters (用电、用水、用气、供热) are evidence
-- of idleness (党政机关办公用房管理办法 art. 27).

create table meter (
    id uuid constraint meter_pkey primary key,
    created_at timestamptz not null
);

create table meter_version (
    version_id uuid constraint meter_version_pkey primary key,
    object_id uuid not null constraint meter_version_object_fkey references meter,
    -- The days it was read for.
    valid daterange not null,
    recorded tstzrange not null,
    building_id uuid not null constraint meter_version_building_fkey references spatial_unit,
    utility text not null,
    -- In those days: kWh of electricity, m³ of water and gas, GJ of heat.
    quantity numeric(16, 4) not null,
    -- The bill, the list or the system it comes from.
    source text not null,
    constraint meter_version_valid_bounded check (not isempty(valid) and not lower_inf(valid) and not upper_inf(valid)),
    constraint meter_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint meter_version_utility_known check (utility in ('electricity', 'water', 'gas', 'heat')),
    constraint meter_version_quantity_positive check (quantity >= 0),
    constraint meter_version_source_given check (source <> ''),
    -- No day is counted twice.
    constraint meter_version_once
        exclude using gist (building_id with =, utility with =, valid with &&) where (upper_inf(recorded))
);
create index meter_version_by_object on meter_version (object_id, lower(recorded));

grant select, insert on meter, meter_version to yice_app;
grant update (recorded) on meter_version to yice_app;
grant update (created_at) on meter to yice_app;

-- Who sees and writes a building sees and writes its readings (docs/adr/0013).
alter table meter_version enable row level security;
create policy meter_version_read on meter_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a where a.object_id = building_id and a.recorded && meter_version.recorded));
alter table meter enable row level security;
create policy meter_read on meter for select using (
    (select scope_reads_all()) or exists (select from meter_version v where v.object_id = meter.id));
create policy ledger_entry_read_meters on ledger_entry for select using (
    object_kind = 'meter' and exists (select from meter_version v where v.object_id = ledger_entry.object_id));

create function meter_version_in_scope() returns trigger
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
    known text;
begin
    foreach guarded in array array['meter', 'meter_version'] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    select string_agg(quote_literal(kind), ', ' order by place) into known
      from (select m[1] as kind, place
              from pg_constraint c,
                   regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
             where c.conname = 'ledger_entry_object_kind_is_known'
             union all
            select 'meter', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
create trigger meter_version_in_scope_insert after insert on meter_version referencing new table as written
    for each statement execute function meter_version_in_scope();
create trigger meter_version_in_scope_update after update on meter_version referencing new table as written
    for each statement execute function meter_version_in_scope();
