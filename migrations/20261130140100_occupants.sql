-- Why: the limit of an office is that of the people in it. Who sits where is known by name or staff number, rank and
-- post, for as long as it lasts: one who holds an office of a post that has ended, or after leaving, must give it back.

create table occupant (
    id uuid constraint occupant_pkey primary key,
    created_at timestamptz not null
);

create table occupant_version (
    version_id uuid constraint occupant_version_pkey primary key,
    object_id uuid not null constraint occupant_version_object_fkey references occupant,
    valid daterange not null,
    recorded tstzrange not null,
    room_id uuid not null constraint occupant_version_room_fkey references room,
    -- Name, and the number that tells two of one name apart.
    person text not null,
    staff_number text collate "C",
    -- Whose staff; the room's unit unless told.
    unit_id uuid constraint occupant_version_unit_fkey references unit,
    -- 职级, in the words of the unit's level.
    rank text not null,
    -- A main post, or one held beside it (兼职), and when that ends.
    post text not null,
    post_ends date,
    -- 调离、退休
    left_on date,
    -- 核定面积: what the bureau granted, m² of use area.
    approved_area_m2 numeric(16, 4),
    -- Who allowed an office beside another one.
    second_office_approval text,
    constraint occupant_version_person_given check (person <> ''),
    constraint occupant_version_rank_given check (rank <> ''),
    constraint occupant_version_post_known check (post in ('main', 'part_time')),
    constraint occupant_version_area_positive check (approved_area_m2 >= 0),
    constraint occupant_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint occupant_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint occupant_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index occupant_version_by_object on occupant_version (object_id, lower(recorded));
create index occupant_version_by_room on occupant_version (room_id);
create index occupant_version_by_staff_number on occupant_version (staff_number) where staff_number is not null;
create index occupant_version_by_person on occupant_version (person);

grant select, insert on occupant, occupant_version to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on occupant_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on occupant to yice_app;

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
            select kind, 1000 + place
              from unnest(array['occupant']) with ordinality as added (kind, place)) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
