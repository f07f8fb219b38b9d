-- Why: whoever brings the same table every month says once which of its columns is which field.

create table import_mapping (
    id uuid constraint import_mapping_pkey primary key,
    layer text not null,
    -- Compared byte by byte, as other names are.
    name text collate "C" not null,
    -- Our field and the column: {"code": "宗地代码"}.
    map json not null,
    -- Anew with every change: what a reader has seen.
    version_id uuid not null,
    changed_at timestamptz not null,
    changed_by text not null,
    constraint import_mapping_one_per_name unique (layer, name),
    constraint import_mapping_layer_known check (layer in ('regions', 'units', 'sites', 'parcels', 'buildings', 'rooms', 'titles')),
    constraint import_mapping_name_form check (name ~ '^[^\s/][^/]{0,79}$')
);
grant select, insert, update, delete on import_mapping to yice_app;

alter table ledger_entry
    drop constraint ledger_entry_object_kind_is_known,
    add constraint ledger_entry_object_kind_is_known check (object_kind in (
        'region', 'unit', 'site', 'parcel', 'building', 'room', 'relation', 'import', 'person', 'import_mapping', 'right'
    ));
