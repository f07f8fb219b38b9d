-- Why: the work on a title (权属登记案件), from the survey to the certificate or the filing; every step is a version.

create table title_case (
    id uuid constraint title_case_pkey primary key,
    created_at timestamptz not null
);

create table title_case_version (
    version_id uuid constraint title_case_version_pkey primary key,
    object_id uuid not null constraint title_case_version_object_fkey references title_case,
    valid daterange not null,
    recorded tstzrange not null,
    -- The parcel or building it is about, and the unit code once it is known.
    asset_id uuid not null constraint title_case_version_asset_fkey references spatial_unit,
    unit_code text,
    -- The title that is dealt with or was made.
    title_id uuid constraint title_case_version_title_fkey references title,
    state text not null,
    opened_by text not null,
    -- Four eyes: who put it forward, and who looked at it.
    submitted_by text,
    reviewed_by text,
    due_on date,
    review_on date,
    disposal_frozen boolean not null,
    details json not null,
    firm_code text generated always as (title_firm_code(unit_code)) stored,
    constraint title_case_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint title_case_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint title_case_version_opened_by_given check (opened_by <> ''),
    constraint title_case_version_state_known check (state in
        ('surveyed', 'classified', 'collecting', 'return_talks', 'clearing', 'return_approved', 'ready', 'submitted',
         'refused_intake', 'supplement', 'accepted', 'reviewing', 'rejected', 'withdrawn', 'recorded', 'certified',
         'archived', 'filing_draft', 'filing_review', 'filed', 'kept')),
    constraint title_case_version_four_eyes check (submitted_by is null or reviewed_by is null or submitted_by <> reviewed_by),
    constraint title_case_version_two_people check
        (state not in ('submitted', 'refused_intake', 'supplement', 'accepted', 'reviewing', 'recorded', 'certified', 'filed', 'kept')
         or (submitted_by is not null and reviewed_by is not null)),
    constraint title_case_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index title_case_version_by_object on title_case_version (object_id, lower(recorded));
-- A pending case locks its asset and its unit against others.
create unique index title_case_version_one_per_asset on title_case_version (asset_id)
    where upper_inf(recorded) and state <> 'archived';
create unique index title_case_version_one_per_unit on title_case_version (firm_code)
    where upper_inf(recorded) and state <> 'archived';
create index title_case_version_by_due on title_case_version (due_on) where upper_inf(recorded) and state <> 'archived';

grant select, insert on title_case, title_case_version to yice_app;
grant update (recorded) on title_case_version to yice_app;
grant update (created_at) on title_case to yice_app;
