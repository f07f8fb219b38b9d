-- Why: a bureau inspects its own level and the one below (巡检考核: Office Measures art. 32): what was inspected, which sample,
-- what was found and put right, and how it was judged is kept, step by step; every step is a version.

create table inspection (
    id uuid constraint inspection_pkey primary key,
    created_at timestamptz not null
);

create table inspection_version (
    version_id uuid constraint inspection_version_pkey primary key,
    object_id uuid not null constraint inspection_version_object_fkey references inspection,
    valid daterange not null,
    recorded tstzrange not null,
    title text not null,
    -- What is inspected: a region, the organs of one level in it, or one unit.
    region_code text not null,
    admin_level text not null,
    -- 本级机关 own_level, 下级机关事务管理部门 lower_bureau
    target text not null,
    unit_id uuid constraint inspection_version_unit_fkey references unit,
    -- 考核期, and the day as of which the book is read.
    period_from date not null,
    period_to date not null,
    as_of date not null,
    definition text not null constraint inspection_version_definition_fkey references workflow_definition,
    state text not null,
    is_open boolean not null,
    opened_by text not null,
    -- Four eyes: who put it forward, and who judged it.
    put_forward_by text,
    decided_by text,
    due_on date,
    score numeric(5, 2),
    grade text,
    details json not null,
    constraint inspection_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint inspection_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint inspection_version_title_given check (title <> ''),
    constraint inspection_version_level_known check (admin_level in ('national', 'province', 'city', 'county', 'township')),
    constraint inspection_version_target_known check (target in ('own_level', 'lower_bureau')),
    constraint inspection_version_period_in_order check (period_from <= period_to),
    constraint inspection_version_opened_by_given check (opened_by <> ''),
    constraint inspection_version_four_eyes check (put_forward_by <> decided_by),
    constraint inspection_version_score_sane check (score between 0 and 100),
    constraint inspection_version_score_whole check ((score is null) = (grade is null)),
    constraint inspection_version_published_scored check (state not in ('scored', 'published', 'archived') or score is not null),
    constraint inspection_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index inspection_version_by_object on inspection_version (object_id, lower(recorded));
create index inspection_version_by_due on inspection_version (due_on) where upper_inf(recorded) and is_open;

create table inspection_finding (
    id uuid constraint inspection_finding_pkey primary key,
    created_at timestamptz not null
);

create table inspection_finding_version (
    version_id uuid constraint inspection_finding_version_pkey primary key,
    object_id uuid not null constraint inspection_finding_version_object_fkey references inspection_finding,
    valid daterange not null,
    recorded tstzrange not null,
    inspection_id uuid not null constraint inspection_finding_version_inspection_fkey references inspection,
    -- The rule that is broken (registry/rules), and by what.
    rule text not null,
    object_kind text not null,
    thing_id uuid not null,
    -- The parcel, building or site where it is shown.
    at_id uuid,
    -- Whose it is to put right: where it lies, and the unit.
    region_code text not null,
    unit_id uuid constraint inspection_finding_version_unit_fkey references unit,
    -- What the checks had found already; a link, no copy.
    finding_id uuid constraint inspection_finding_version_finding_fkey references finding,
    says text not null,
    state text not null,
    -- 整改期限, working days from the notice, and its last day where the calendars reach so far.
    days integer not null,
    issued_on date,
    due_on date,
    found_by text not null,
    rectified_by text,
    rechecked_by text,
    deferred_until date,
    deferred_by text,
    details json not null,
    constraint inspection_finding_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint inspection_finding_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint inspection_finding_version_kind_known check (object_kind in ('parcel', 'building', 'site', 'room', 'unit')),
    constraint inspection_finding_version_says_given check (says <> ''),
    constraint inspection_finding_version_state_known check (state in ('open', 'rectified', 'confirmed')),
    constraint inspection_finding_version_days_sane check (days between 1 and 250),
    constraint inspection_finding_version_found_by_given check (found_by <> ''),
    -- Whoever put it right doesn't say that it is right.
    constraint inspection_finding_version_four_eyes check (rectified_by <> rechecked_by),
    constraint inspection_finding_version_rectified_whole check (state = 'open' or rectified_by is not null),
    constraint inspection_finding_version_confirmed_whole check (state <> 'confirmed' or rechecked_by is not null),
    constraint inspection_finding_version_deferred_whole check ((deferred_until is null) = (deferred_by is null)),
    constraint inspection_finding_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index inspection_finding_version_by_object on inspection_finding_version (object_id, lower(recorded));
create index inspection_finding_version_by_inspection on inspection_finding_version (inspection_id);
-- An inspection takes what the checks had found over once.
create unique index inspection_finding_version_taken_once on inspection_finding_version (inspection_id, finding_id)
    where upper_inf(recorded);

grant select, insert on inspection, inspection_version, inspection_finding, inspection_finding_version to yice_app;
grant update (recorded) on inspection_version, inspection_finding_version to yice_app;
grant update (created_at) on inspection, inspection_finding to yice_app;

-- The buildings that an inspection is about, as they stood on a day and were known at an instant. One without a level on record
-- counts with the level that is asked for. Its area is the one on record, else that of its rooms; an outline is no floor area.
create function inspected_buildings(day date, known timestamptz, region text, level text, unit uuid)
    returns table (object_id uuid, area_m2 numeric, title_status text, occupancy text)
    language sql stable
    as $$
select b.object_id, coalesce(b.registered_area_m2, rooms.area_m2), b.title_status, b.occupancy
  from spatial_unit_version b
  left join lateral (
       select sum(r.building_area_m2) as area_m2, bool_or(r.unit_id = unit) as has_unit
         from room_version r
        where r.building_id = b.object_id and r.valid @> day and r.recorded @> known) rooms on true
 where b.kind = 'building' and b.usage = 'administrative_office' and b.occupancy is distinct from 'demolished'
   and b.valid @> day and b.recorded @> known
   and starts_with(b.region_code, region) and coalesce(b.admin_level, level) = level
   and (unit is null or b.unit_id = unit or rooms.has_unit)
$$;

-- What people knew on a day of work that goes on: at its end, or at the instant that is asked for, where that is earlier.
create function known_on(day date, known timestamptz) returns timestamptz
    language sql immutable
    as $$ select least(known, ((day + 1)::timestamp at time zone 'Asia/Shanghai') - interval '1 microsecond') $$;

-- What takes up papers: two more at the end of those there are by now.
do $$
declare
    known text;
begin
    select string_agg(quote_literal(kind), ', ' order by place) into known
      from (select m[1] as kind, place
              from pg_constraint c,
                   regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
             where c.conname = 'document_use_holder_known'
             union all
            select kind, 1000 + place
              from unnest(array['inspection', 'inspection_finding']) with ordinality as added (kind, place)) kinds;
    alter table document_use drop constraint document_use_holder_known;
    execute format('alter table document_use add constraint document_use_holder_known check (holder_kind in (%s))', known);
end
$$;
