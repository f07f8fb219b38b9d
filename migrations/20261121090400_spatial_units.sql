-- Why: sites (院落), parcels (宗地) and buildings (楼栋): what the map shows, with both times kept.
-- One pair of tables for the three, because geometry, versions, import, tiles and history are the same for each
-- (ISO 19152 LADM: LA_SpatialUnit); what only one of them has is a column checked against its kind.

create table spatial_unit (
    id uuid constraint spatial_unit_pkey primary key,
    -- The number tiles carry as the MVT feature id.
    feature_id bigint generated always as identity,
    kind text not null,
    -- Where an imported one came from: a later file of the same data set finds it again by this key.
    dataset text,
    source_key text,
    created_at timestamptz not null,
    constraint spatial_unit_kind_known check (kind in ('parcel', 'building', 'site')),
    constraint spatial_unit_source_whole check ((dataset is null) = (source_key is null)),
    constraint spatial_unit_feature_id_key unique (feature_id)
);
create unique index spatial_unit_one_per_source on spatial_unit (dataset, source_key, kind) where dataset is not null;

create table spatial_unit_version (
    version_id uuid constraint spatial_unit_version_pkey primary key,
    object_id uuid not null,
    kind text not null,
    valid daterange not null,
    recorded tstzrange not null,
    code text,
    name text,
    address text,
    region_code text,
    unit_id uuid constraint spatial_unit_version_unit_fkey references unit,
    -- 权属登记情况, the national list verbatim.
    title_status text,
    -- 用途
    usage text,
    -- 使用状态
    occupancy text,
    idle_since date,
    -- Plane area in the object's own 3-degree Gauss–Kruger zone, m².
    area_m2 double precision,
    -- Area by certificate or source, m².
    registered_area_m2 numeric(16, 4),
    -- 不动产单元号 (GB/T 37346): parcels.
    unit_code text,
    land_use_scheme text,
    land_use_code text,
    -- Storeys, structure and year of completion: buildings.
    floors_above smallint,
    floors_below smallint,
    structure text,
    completed_year smallint,
    geometry geometry(geometry, 4490),
    -- The geometry as the tile engine keeps it (projected, quantised, vertices ranked): worked out once, when written.
    tile_shape bytea,
    -- What the file said, word for word: attributes that have no column, and the row number.
    source_attributes json,
    source_row bigint,
    import_id uuid,
    -- A mended geometry keeps what it was: {"reason", "area_before_m2", "area_after_m2"} and the shape as it came:
    -- EWKB, but not every faulty shape is one that PostGIS would take.
    repair json,
    original_geometry bytea,
    constraint spatial_unit_version_kind_known check (kind in ('parcel', 'building', 'site')),
    constraint spatial_unit_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint spatial_unit_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint spatial_unit_version_title_status_known check (title_status in
        ('unified', 'other_handed', 'other_not_handed', 'none_handed', 'none_not_handed', 'other')),
    constraint spatial_unit_version_usage_known check (usage in
        ('administrative_office', 'housing_security', 'technical', 'public_service', 'commercial', 'idle_land', 'other')),
    constraint spatial_unit_version_occupancy_known check (occupancy in
        ('in_use', 'idle', 'let', 'lent', 'rented_in', 'borrowed_in', 'under_repair', 'vacating', 'dangerous', 'demolished')),
    constraint spatial_unit_version_idle_since_idle check (idle_since is null or occupancy is not distinct from 'idle'),
    constraint spatial_unit_version_area_positive check (area_m2 >= 0 and registered_area_m2 >= 0),
    constraint spatial_unit_version_parcel_columns check
        (kind = 'parcel' or (unit_code is null and land_use_scheme is null and land_use_code is null)),
    constraint spatial_unit_version_building_columns check
        (kind = 'building' or (floors_above is null and floors_below is null and structure is null and completed_year is null)),
    constraint spatial_unit_version_floors_sane check (floors_above between 0 and 300 and floors_below between 0 and 30),
    constraint spatial_unit_version_land_use_whole check ((land_use_scheme is null) = (land_use_code is null)),
    constraint spatial_unit_version_geometry_sound check (st_isvalid(geometry)),
    constraint spatial_unit_version_geometry_kind check
        (geometrytype(geometry) in ('POLYGON', 'MULTIPOLYGON') or (kind = 'site' and geometrytype(geometry) = 'POINT'))
);
create index spatial_unit_version_by_object on spatial_unit_version (object_id);
-- Coordinates hardly compress, and trying costs a twentieth of an import.
alter table spatial_unit_version
    alter column geometry set storage external,
    alter column original_geometry set storage external,
    alter column tile_shape set storage external;
create index spatial_unit_version_by_place on spatial_unit_version using gist (geometry);

-- No two versions of one object may be known at once for the same day. A statement trigger and not an exclusion
-- constraint: the GiST index that one would need costs more than all the other work of an import (docs/adr/0004).
-- The identity row is locked first, so that two writers of one object wait for each other.
-- By the indexes, always: in the middle of an import the tables have no statistics yet, and a plan that reads them whole
-- for each batch makes the import slower with every row that is held.
create function spatial_unit_version_one_at_a_time() returns trigger
    language plpgsql
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_seqscan = off
    as $$
declare
    clash record;
begin
    -- In a stricter isolation the second writer would not see what the first committed while it waited.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise feature_not_supported using
            message = 'versions are written in read committed transactions only';
    end if;

    perform 1
       from spatial_unit u
      where u.id in (select object_id from written where upper_inf(recorded))
        and u.xmin::text::bigint <> (pg_current_xact_id()::text::bigint & 4294967295)
      order by u.id
        for update;

    select w.object_id into clash
      from written w
      left join spatial_unit u on u.id = w.object_id and u.kind = w.kind
     where u.id is null
     limit 1;
    if found then
        raise foreign_key_violation using
            constraint = 'spatial_unit_version_object_fkey',
            message = format('version of %s, which is not registered under that kind', clash.object_id);
    end if;

    select w.object_id into clash
      from written w
      join spatial_unit_version o
        on o.object_id = w.object_id
       and o.version_id <> w.version_id
       and upper_inf(o.recorded)
       and o.valid && w.valid
     where upper_inf(w.recorded)
     limit 1;
    if found then
        raise exclusion_violation using
            constraint = 'spatial_unit_version_one_at_a_time',
            message = format('two versions of %s would hold for the same day', clash.object_id);
    end if;
    return null;
end
$$;

create trigger spatial_unit_version_one_at_a_time_insert
    after insert on spatial_unit_version
    referencing new table as written
    for each statement execute function spatial_unit_version_one_at_a_time();
create trigger spatial_unit_version_one_at_a_time_update
    after update on spatial_unit_version
    referencing new table as written
    for each statement execute function spatial_unit_version_one_at_a_time();

-- Many-to-many, as the field has it: one site on several parcels, one parcel under several sites,
-- one building across two parcels (an error to be found, but it exists).
create table spatial_unit_relation (
    version_id uuid constraint spatial_unit_relation_pkey primary key,
    kind text not null,
    upper_id uuid not null constraint spatial_unit_relation_upper_fkey references spatial_unit,
    lower_id uuid not null constraint spatial_unit_relation_lower_fkey references spatial_unit,
    valid daterange not null,
    recorded tstzrange not null,
    constraint spatial_unit_relation_kind_known check (kind in ('site_parcel', 'site_building', 'parcel_building')),
    constraint spatial_unit_relation_two_ends check (upper_id <> lower_id),
    constraint spatial_unit_relation_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint spatial_unit_relation_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint spatial_unit_relation_once
        exclude using gist (upper_id with =, lower_id with =, valid with &&) where (upper_inf(recorded))
);
create index spatial_unit_relation_by_upper on spatial_unit_relation (upper_id);
create index spatial_unit_relation_by_lower on spatial_unit_relation (lower_id);

create table room (
    id uuid constraint room_pkey primary key,
    created_at timestamptz not null
);

create table room_version (
    version_id uuid constraint room_version_pkey primary key,
    object_id uuid not null constraint room_version_object_fkey references room,
    valid daterange not null,
    recorded tstzrange not null,
    building_id uuid not null constraint room_version_building_fkey references spatial_unit,
    -- May be negative (地下).
    floor smallint not null,
    number text not null,
    name text,
    -- 使用面积 and 建筑面积, m²; never added to each other.
    use_area_m2 numeric(12, 4),
    building_area_m2 numeric(12, 4),
    unit_id uuid constraint room_version_unit_fkey references unit,
    occupancy text,
    dataset text,
    source_key text,
    constraint room_version_number_given check (number <> ''),
    constraint room_version_floor_sane check (floor between -30 and 300),
    constraint room_version_area_positive check (use_area_m2 >= 0 and building_area_m2 >= 0),
    constraint room_version_occupancy_known check (occupancy in
        ('in_use', 'idle', 'let', 'lent', 'rented_in', 'borrowed_in', 'under_repair', 'vacating', 'dangerous', 'demolished')),
    constraint room_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint room_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint room_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    constraint room_version_one_per_number
        exclude using gist (building_id with =, floor with =, number with =, valid with &&) where (upper_inf(recorded))
);
create index room_version_by_object on room_version (object_id, lower(recorded));
create unique index room_version_one_per_source on room_version (dataset, source_key)
    where upper_inf(recorded) and upper_inf(valid);

grant select, insert on spatial_unit, spatial_unit_version, spatial_unit_relation, room, room_version to yice_app;
grant update (recorded) on spatial_unit_version, spatial_unit_relation, room_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on spatial_unit, room to yice_app;
grant update (created_at) on region, unit to yice_app;
