-- Why: registers and tax tables stand beside the parcels: many rows to one of them, each a right as the list tells it
-- (ISO 19152: RRR). The list's words are kept; what the law makes of them is another matter.

create table listed_right (
    id uuid constraint listed_right_pkey primary key,
    created_at timestamptz not null
);

create table listed_right_version (
    version_id uuid not null,
    object_id uuid not null constraint listed_right_version_object_fkey references listed_right,
    valid daterange not null,
    recorded tstzrange not null,
    -- The parcel or building it is in.
    asset_id uuid not null constraint listed_right_version_asset_fkey references spatial_unit,
    -- 权利人
    holder text,
    -- 部位、房号
    part text,
    -- 坐落
    address text,
    -- 不动产权证号
    certificate text,
    -- The use in the list's own words, and which of ours it stands for where somebody said so.
    stated_use text,
    usage text,
    -- m²
    registered_area_m2 numeric(16, 4),
    dataset text collate "C" not null,
    source_key text collate "C" not null,
    source_attributes json,
    source_row bigint,
    import_id uuid,
    constraint listed_right_version_pkey primary key (object_id, version_id),
    constraint listed_right_version_usage_known check (usage in
        ('administrative_office', 'housing_security', 'technical', 'public_service', 'commercial', 'idle_land', 'other')),
    constraint listed_right_version_area_positive check (registered_area_m2 >= 0),
    constraint listed_right_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint listed_right_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint listed_right_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index listed_right_version_by_asset on listed_right_version (asset_id);
create unique index listed_right_version_one_per_source on listed_right_version (dataset, source_key)
    where upper_inf(recorded) and upper_inf(valid);

grant select, insert on listed_right, listed_right_version to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on listed_right_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on listed_right to yice_app;

alter table ledger_entry
    drop constraint ledger_entry_object_kind_is_known,
    add constraint ledger_entry_object_kind_is_known check (object_kind in (
        'region', 'unit', 'site', 'parcel', 'building', 'room', 'relation', 'import', 'person', 'right'
    ));
alter table import
    drop constraint import_layer_known,
    add constraint import_layer_known check
        (layer in ('regions', 'units', 'sites', 'parcels', 'buildings', 'rooms', 'titles'));
