-- Why: what became of every row of every file that was ever read in.

create table dataset (
    name text constraint dataset_pkey primary key,
    title text,
    licence text,
    credit text,
    made_up boolean not null default false,
    created_at timestamptz not null,
    constraint dataset_name_form check (name ~ '^[^\s/][^/]{0,79}$')
);

create table import (
    id uuid constraint import_pkey primary key,
    layer text not null,
    file_name text not null,
    file_sha256 bytea,
    dataset text not null,
    actor text not null,
    dry_run boolean not null,
    valid_from date not null,
    state text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    problem json,
    report json,
    constraint import_state_known check (state in ('reading', 'done', 'failed', 'cancelled')),
    constraint import_layer_known check (layer in ('regions', 'units', 'sites', 'parcels', 'buildings', 'rooms'))
);
create index import_by_start on import (started_at desc);

create table import_row (
    import_id uuid not null,
    row bigint not null,
    -- Missing features have no row in the file: they are numbered from -1 downwards.
    outcome text not null,
    source_key text,
    object_id uuid,
    repaired boolean not null default false,
    reason json,
    warnings json,
    -- A quarantined row is kept whole, so that it can be mended and brought again.
    raw json,
    geometry_text text,
    constraint import_row_pkey primary key (import_id, row),
    constraint import_row_outcome_known check (outcome in
        ('inserted', 'unchanged', 'new_version', 'quarantined', 'missing', 'closed')),
    constraint import_row_reason_given check (outcome <> 'quarantined' or reason is not null)
);
-- In place of a foreign key, which would ask for the same import once for each row of the file.
create function import_row_of_an_import() returns trigger
    language plpgsql as $$
declare
    stray uuid;
begin
    select w.import_id into stray
      from (select distinct import_id from written) w
      left join import i on i.id = w.import_id
     where i.id is null
     limit 1;
    if found then
        raise foreign_key_violation using
            constraint = 'import_row_import_fkey',
            message = format('rows of %s, which is no import', stray);
    end if;
    return null;
end
$$;
create trigger import_row_of_an_import
    after insert on import_row
    referencing new table as written
    for each statement execute function import_row_of_an_import();

-- What somebody looks into; the many rows that simply went in are read in the order of the file.
create index import_row_by_outcome on import_row (import_id, outcome, row) where outcome not in ('inserted', 'unchanged');

-- A repeated request with the same Idempotency-Key gets the first answer again.
create table idempotent_answer (
    key text not null,
    actor text not null,
    request_sha256 bytea not null,
    status smallint not null,
    location text,
    etag text,
    body json,
    created_at timestamptz not null,
    constraint idempotent_answer_pkey primary key (actor, key)
);

grant select, insert on dataset, import_row, idempotent_answer to yice_app;
grant select, insert, update on import to yice_app;
grant update (title, licence, credit) on dataset to yice_app;
