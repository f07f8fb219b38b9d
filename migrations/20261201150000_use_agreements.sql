-- Why: who may use a room, and for what, is agreed with the bureau and certified (办公用房使用协议、使用权证: Office Measures
-- art. 18); that register has registrations of its own beside the ownership register (DB3204/T 1010-2020).

create table use_agreement (
    id uuid constraint use_agreement_pkey primary key,
    created_at timestamptz not null
);

create table use_agreement_version (
    version_id uuid constraint use_agreement_version_pkey primary key,
    object_id uuid not null constraint use_agreement_version_object_fkey references use_agreement,
    valid daterange not null,
    recorded tstzrange not null,
    unit_id uuid not null constraint use_agreement_version_unit_fkey references unit,
    -- 房间清单, and the buildings they are in.
    room_ids uuid[] not null,
    building_ids uuid[] not null,
    -- 用途
    purpose text not null,
    -- 核定面积, m² of use area.
    approved_area_m2 numeric(16, 4),
    -- 起止: the first day of use, and the first day on which it is over.
    starts_on date not null,
    ends_on date,
    status text not null,
    -- 使用协议
    agreement_no text collate "C",
    signed_on date,
    -- 使用权证
    certificate_no text collate "C",
    certified_on date,
    -- The latest registration, and the 调拨单 of a transfer.
    registration text,
    transfer_slip_no text,
    -- The papers it rests on, by name.
    documents text[] not null,
    constraint use_agreement_version_rooms_given check (cardinality(room_ids) > 0 and cardinality(building_ids) > 0),
    constraint use_agreement_version_purpose_given check (purpose <> ''),
    constraint use_agreement_version_area_positive check (approved_area_m2 > 0),
    constraint use_agreement_version_ends_after check (ends_on > starts_on),
    constraint use_agreement_version_status_known check (status in ('draft', 'signed', 'certified', 'cancelled')),
    constraint use_agreement_version_registration_known check (registration in
        ('first', 'change', 'transfer', 'cancellation', 'correction', 'replacement', 'renewal')),
    constraint use_agreement_version_signed_whole check (
        status = 'draft' or status = 'cancelled' or (agreement_no is not null and signed_on is not null)),
    constraint use_agreement_version_certified_whole check (
        status <> 'certified' or (certificate_no is not null and certified_on is not null)),
    constraint use_agreement_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint use_agreement_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint use_agreement_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    -- A certificate number stands on one certificate, also on one that is cancelled.
    constraint use_agreement_version_one_per_certificate
        exclude using gist (certificate_no with =, object_id with <>) where (upper_inf(recorded) and certificate_no is not null)
);
create index use_agreement_version_by_object on use_agreement_version (object_id, lower(recorded));
create index use_agreement_version_by_unit on use_agreement_version (unit_id) where upper_inf(recorded);
create index use_agreement_version_by_building on use_agreement_version using gin (building_ids);
create index use_agreement_version_by_room on use_agreement_version using gin (room_ids);

grant select, insert on use_agreement, use_agreement_version to yice_app;
grant update (recorded) on use_agreement_version to yice_app;
grant update (created_at) on use_agreement to yice_app;

-- Who sees one of its buildings sees the agreement; who changes it must edit them all.
alter table use_agreement_version enable row level security;
create policy use_agreement_version_read on use_agreement_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = any (building_ids) and a.valid && use_agreement_version.valid
                  and a.recorded && use_agreement_version.recorded));
alter table use_agreement enable row level security;
create policy use_agreement_read on use_agreement for select using (
    (select scope_reads_all()) or exists (select from use_agreement_version v where v.object_id = use_agreement.id));

create function use_agreement_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(building_ids, null) is not null limit 1;
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
    foreach guarded in array array['use_agreement', 'use_agreement_version'] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    execute 'create trigger use_agreement_version_in_scope_insert after insert on use_agreement_version
             referencing new table as written for each statement execute function use_agreement_version_in_scope()';
    execute 'create trigger use_agreement_version_in_scope_update after update on use_agreement_version
             referencing new table as written for each statement execute function use_agreement_version_in_scope()';
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
            select 'use_agreement', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
