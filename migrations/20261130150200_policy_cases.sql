-- Why: what becomes of an asset (一资一策) and of a building that is repaired (大中修), step by step; every step is a version.

create table policy_case (
    id uuid constraint policy_case_pkey primary key,
    created_at timestamptz not null
);

create table policy_case_version (
    version_id uuid constraint policy_case_version_pkey primary key,
    object_id uuid not null constraint policy_case_version_object_fkey references policy_case,
    valid daterange not null,
    recorded tstzrange not null,
    -- The parcel or building it is about.
    asset_id uuid not null constraint policy_case_version_asset_fkey references spatial_unit,
    procedure text not null,
    definition text not null constraint policy_case_version_definition_fkey references workflow_definition,
    state text not null,
    is_open boolean not null,
    route text,
    region_code text,
    opened_by text not null,
    -- Four eyes: who put it forward, and who judged it.
    put_forward_by text,
    decided_by text,
    due_on date,
    -- Yuan: what the records in `details` say, for sums and rules.
    book_value numeric(16, 2),
    appraised_value numeric(16, 2),
    deal_price numeric(16, 2),
    paid numeric(16, 2) not null,
    remitted numeric(16, 2) not null,
    details json not null,
    constraint policy_case_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint policy_case_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint policy_case_version_procedure_known check (procedure in ('idle_disposal', 'repair')),
    constraint policy_case_version_opened_by_given check (opened_by <> ''),
    constraint policy_case_version_four_eyes check (put_forward_by <> decided_by),
    constraint policy_case_version_money_positive
        check (book_value >= 0 and appraised_value >= 0 and deal_price >= 0 and paid >= 0 and remitted >= 0),
    constraint policy_case_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index policy_case_version_by_object on policy_case_version (object_id, lower(recorded));
-- One asset, one policy (DSP-21).
create unique index policy_case_version_one_per_asset on policy_case_version (asset_id, procedure)
    where upper_inf(recorded) and is_open;
create index policy_case_version_by_due on policy_case_version (due_on) where upper_inf(recorded) and is_open;

grant select, insert on policy_case, policy_case_version to yice_app;
grant update (recorded) on policy_case_version to yice_app;
grant update (created_at) on policy_case to yice_app;
