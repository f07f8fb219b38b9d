-- Why: what a rule finds at fault stays visible until it is put right: with its first day, who sees to it, until when,
-- and an exception only by somebody's name and for a time.

create table check_run (
    id uuid constraint check_run_pkey primary key,
    actor text not null,
    -- The day whose state was looked at.
    day date not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    state text not null,
    rules text[] not null,
    -- What each rule found so far: {"rules": {"GEO-02": {"found": 6, "new": 6, "resolved": 0, "seconds": 0.4}}}.
    report jsonb not null default '{}',
    constraint check_run_state_known check (state in ('running', 'done', 'failed', 'interrupted'))
);
create index check_run_by_start on check_run (started_at desc);

create table finding (
    id uuid constraint finding_pkey primary key,
    rule text not null,
    object_kind text not null,
    object_id uuid not null,
    -- The other one, where two are at odds.
    other_id uuid,
    -- The parcel, building or site where it is shown.
    at_id uuid,
    -- The values that the rule compared.
    evidence jsonb not null,
    state text not null,
    first_seen timestamptz not null,
    resolved_at timestamptz,
    -- Who sees to it, and until when.
    owner text,
    deadline date,
    -- 认可例外: why, by whom, and the last day on which it holds.
    exception_reason text,
    exception_by text,
    exception_until date,
    -- Rises with every change: the ETag.
    revision bigint not null default 1,
    constraint finding_state_known check (state in ('new', 'in_progress', 'resolved', 'excepted')),
    constraint finding_exception_whole check
        (state <> 'excepted' or (exception_reason is not null and exception_by is not null and exception_until is not null)),
    -- Who sees to a finding can't declare it an exception.
    constraint finding_exception_by_another check (exception_by is null or exception_by is distinct from owner),
    constraint finding_once unique nulls not distinct (rule, object_id, other_id)
);
create index finding_by_object on finding (object_id);
create index finding_by_other on finding (other_id) where other_id is not null;
create index finding_by_place on finding (at_id) where at_id is not null;
create index finding_by_state on finding (rule, state);

-- How far the ledger has been followed. One row.
create table check_position (
    only_one boolean not null default true constraint check_position_pkey primary key,
    seq bigint not null,
    -- The day of the last check of everything.
    day date,
    constraint check_position_single check (only_one)
);

grant select, insert, update on check_run, finding, check_position to yice_app;

-- Two parcels with one code are looked for by the code; most rows have none.
create index spatial_unit_version_by_unit_code on spatial_unit_version (upper(unit_code)) where unit_code is not null;

alter table ledger_entry
    drop constraint ledger_entry_object_kind_is_known,
    add constraint ledger_entry_object_kind_is_known check (object_kind in (
        'region', 'unit', 'site', 'parcel', 'building', 'room', 'relation', 'import', 'person', 'import_mapping', 'right', 'check',
        'finding', 'grant'
    ));
