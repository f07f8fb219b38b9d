-- Why: idleness (闲置) gets a record of its own: since when, why, on what evidence, who confirmed it, and how it ended; a
-- thing is idle by one record at a time.

create table idle_record (
    id uuid constraint idle_record_pkey primary key,
    created_at timestamptz not null
);

create table idle_record_version (
    version_id uuid constraint idle_record_version_pkey primary key,
    object_id uuid not null constraint idle_record_version_object_fkey references idle_record,
    -- The days on which it is idle.
    valid daterange not null,
    recorded tstzrange not null,
    -- The parcel or building.
    asset_id uuid not null constraint idle_record_version_asset_fkey references spatial_unit,
    -- Is all of it idle? Else only these rooms are, of this floor where it was said so.
    whole boolean not null,
    floor smallint,
    room_ids uuid[] not null,
    -- 闲置原因
    cause text not null,
    cause_note text,
    -- What shows it, and the names of the documents.
    evidence text not null,
    documents text[] not null,
    confirmed_by text not null,
    confirmed_on date not null,
    -- How it ended, and what the use is from then on (使用状态).
    end_reason text,
    occupancy_after text,
    constraint idle_record_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint idle_record_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint idle_record_version_cause_known check (cause in
        ('surplus', 'unsuitable', 'planned_demolition', 'dangerous', 'vacated_by_reallocation', 'unit_abolished',
         'title_unclear', 'other')),
    constraint idle_record_version_other_said check (cause <> 'other' or cause_note is not null),
    constraint idle_record_version_evidence_given check (evidence <> ''),
    constraint idle_record_version_confirmed_by_given check (confirmed_by <> ''),
    constraint idle_record_version_of_something check (whole or cardinality(room_ids) > 0),
    constraint idle_record_version_end_whole check
        (upper_inf(valid) = (end_reason is null) and upper_inf(valid) = (occupancy_after is null)),
    constraint idle_record_version_occupancy_after_known check (occupancy_after in
        ('in_use', 'let', 'lent', 'rented_in', 'borrowed_in', 'under_repair', 'vacating', 'dangerous', 'demolished')),
    constraint idle_record_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index idle_record_version_by_object on idle_record_version (object_id, lower(recorded));
create index idle_record_version_by_asset on idle_record_version (asset_id);

-- What the records that are known now are of: the asset where all of it is idle, and each room. Kept by the database
-- alone, so that no two records can hold one thing idle on the same day.
create table idle_record_thing (
    version_id uuid not null constraint idle_record_thing_version_fkey references idle_record_version,
    thing_id uuid not null,
    valid daterange not null,
    constraint idle_record_thing_pkey primary key (version_id, thing_id),
    constraint idle_record_thing_one_record exclude using gist (thing_id with =, valid with &&)
);

create function idle_record_version_things() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    delete from idle_record_thing where version_id in (select version_id from written);
    insert into idle_record_thing (version_id, thing_id, valid)
    select w.version_id, thing.id, w.valid
      from written w
     cross join lateral (select w.asset_id as id where w.whole union select unnest(w.room_ids)) thing
     where upper_inf(w.recorded);
    return null;
end
$$;
create trigger idle_record_version_things_insert
    after insert on idle_record_version
    referencing new table as written
    for each statement execute function idle_record_version_things();
create trigger idle_record_version_things_update
    after update on idle_record_version
    referencing new table as written
    for each statement execute function idle_record_version_things();

grant select, insert on idle_record, idle_record_version to yice_app;
grant select on idle_record_thing to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on idle_record_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on idle_record to yice_app;

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
            select 'idle_record', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
