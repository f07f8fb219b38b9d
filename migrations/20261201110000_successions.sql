-- Why: what became of what (分割、合并): which parcels or buildings came from which, on a day, by which survey
-- (docs/adr/0021). The record is written once.

create table succession (
    id uuid constraint succession_pkey primary key,
    created_at timestamptz not null
);

create table succession_version (
    version_id uuid constraint succession_version_pkey primary key,
    object_id uuid not null constraint succession_version_object_fkey references succession,
    -- From the first day of the new ones on.
    valid daterange not null,
    recorded tstzrange not null,
    kind text not null,
    object_kind text not null,
    from_ids uuid[] not null,
    to_ids uuid[] not null,
    -- The survey it rests on, and the consent of the natural-resources department.
    survey text not null,
    consent text,
    -- The title case that brought it about.
    case_id uuid constraint succession_version_case_fkey references title_case,
    -- Plane areas, m².
    area_before_m2 double precision not null,
    area_after_m2 double precision not null,
    missing_m2 double precision not null,
    outside_m2 double precision not null,
    overlap_m2 double precision not null,
    constraint succession_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint succession_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint succession_version_kind_known check (kind in ('split', 'merge')),
    constraint succession_version_object_kind_known check (object_kind in ('parcel', 'building')),
    -- One becomes several, or several become one.
    constraint succession_version_numbers check
        ((kind = 'split' and cardinality(from_ids) = 1 and cardinality(to_ids) > 1)
         or (kind = 'merge' and cardinality(from_ids) > 1 and cardinality(to_ids) = 1)),
    constraint succession_version_none_its_own_heir check (not from_ids && to_ids),
    constraint succession_version_survey_given check (survey <> ''),
    constraint succession_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index succession_version_by_object on succession_version (object_id, lower(recorded));
create index succession_version_by_from on succession_version using gin (from_ids);
create index succession_version_by_to on succession_version using gin (to_ids);

grant select, insert on succession, succession_version to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on succession_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on succession to yice_app;

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
            select 'succession', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
