-- Why: places (行政区划) and organisations (单位), which everything held is scoped by.
-- Every versioned table of the registry has the same bones: an identity row that never changes, and
-- version rows with two periods: `valid` (true in law, dates) and `recorded` (known to the registry).
-- A version row is never altered but for the end of `recorded`, and never deleted.

create table region (
    id uuid constraint region_pkey primary key,
    created_at timestamptz not null
);

create table region_version (
    version_id uuid constraint region_version_pkey primary key,
    object_id uuid not null constraint region_version_object_fkey references region,
    valid daterange not null,
    recorded tstzrange not null,
    -- GB/T 2260 (2, 4 or 6 digits), statistical codes below it (9 or 12); other countries' codes in sample data.
    code text not null,
    scheme text not null default 'GB2260',
    name text not null,
    name_en text,
    level text not null,
    parent_id uuid constraint region_version_parent_fkey references region,
    -- The regions that took this one's place when it ended (合并、撤销、更名).
    successor_ids uuid[] not null default '{}',
    geometry geometry(multipolygon, 4490),
    dataset text,
    source_key text,
    constraint region_version_code_form check (
        case when scheme = 'GB2260' then code ~ '^[1-9][0-9]([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'
             else code ~ '^[0-9A-Za-z.-]{1,24}$' end),
    constraint region_version_name_given check (name <> ''),
    constraint region_version_level_known check (level in ('nation', 'province', 'city', 'county', 'township', 'village')),
    constraint region_version_not_own_parent check (parent_id <> object_id),
    constraint region_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint region_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint region_version_geometry_sound check (st_isvalid(geometry)),
    constraint region_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    constraint region_version_one_per_code
        exclude using gist (scheme with =, code with =, valid with &&) where (upper_inf(recorded))
);
create index region_version_by_object on region_version (object_id, lower(recorded));
create index region_version_by_code on region_version (code) where upper_inf(recorded);
create index region_version_by_parent on region_version (parent_id) where upper_inf(recorded);
create index region_version_by_place on region_version using gist (geometry);
create unique index region_version_one_per_source on region_version (dataset, source_key)
    where upper_inf(recorded) and upper_inf(valid);

create table unit (
    id uuid constraint unit_pkey primary key,
    created_at timestamptz not null
);

create table unit_version (
    version_id uuid constraint unit_version_pkey primary key,
    object_id uuid not null constraint unit_version_object_fkey references unit,
    valid daterange not null,
    recorded tstzrange not null,
    -- 统一社会信用代码 (GB 32100, 18 characters) or the bureau's own code.
    code text not null,
    name text not null,
    level text not null,
    kind text not null,
    region_code text,
    parent_id uuid constraint unit_version_parent_fkey references unit,
    -- Approved staffing (编制) by rank: {"正处级": 3, …}; persons.
    headcount jsonb not null default '{}',
    dataset text,
    source_key text,
    constraint unit_version_name_given check (name <> ''),
    constraint unit_version_code_given check (code <> ''),
    constraint unit_version_level_known check (level in ('national', 'province', 'city', 'county', 'township')),
    constraint unit_version_kind_known check (kind in
        ('bureau', 'party_organ', 'government_organ', 'people_congress', 'cppcc', 'supervision', 'court', 'procuratorate',
         'democratic_party', 'mass_organisation', 'public_institution', 'platform_company', 'other')),
    constraint unit_version_headcount_object check (jsonb_typeof(headcount) = 'object'),
    constraint unit_version_not_own_parent check (parent_id <> object_id),
    constraint unit_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint unit_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint unit_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    constraint unit_version_one_per_code
        exclude using gist (code with =, valid with &&) where (upper_inf(recorded))
);
create index unit_version_by_object on unit_version (object_id, lower(recorded));
create index unit_version_by_parent on unit_version (parent_id) where upper_inf(recorded);
create unique index unit_version_one_per_source on unit_version (dataset, source_key)
    where upper_inf(recorded) and upper_inf(valid);

grant select, insert on region, unit to yice_app;
grant select, insert on region_version, unit_version to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on region_version, unit_version to yice_app;
