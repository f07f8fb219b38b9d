-- Why: rent is waived (房租减免) by a policy, for leases that are eligible, on an application that a second person approves;
-- one decision may be about many leases.

create table relief_policy (
    id uuid constraint relief_policy_pkey primary key,
    created_at timestamptz not null
);

create table relief_policy_version (
    version_id uuid constraint relief_policy_version_pkey primary key,
    object_id uuid not null constraint relief_policy_version_object_fkey references relief_policy,
    valid daterange not null,
    recorded tstzrange not null,
    name text not null,
    -- 文号
    document text not null,
    -- Where the assets lie; everywhere where it is null.
    region_code text,
    -- The rent months that begin in these days may be waived, and how many of them.
    months_from date not null,
    months_to date not null,
    months smallint not null,
    -- Who is eligible: enterprises of these sizes, self-employed people; of these sectors, or of any where there are none.
    sizes text[] not null,
    self_employed boolean not null,
    sectors text[] not null,
    constraint relief_policy_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint relief_policy_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint relief_policy_version_name_given check (name <> ''),
    constraint relief_policy_version_document_given check (document <> ''),
    constraint relief_policy_version_months_in_order check (months_from <= months_to),
    constraint relief_policy_version_months_positive check (months between 1 and 36),
    constraint relief_policy_version_for_somebody check (cardinality(sizes) > 0 or self_employed),
    constraint relief_policy_version_sizes_known check (sizes <@ array['large', 'medium', 'small', 'micro']),
    constraint relief_policy_version_sectors_known check
        (sectors <@ array['agriculture', 'industry', 'construction', 'services']),
    constraint relief_policy_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index relief_policy_version_by_object on relief_policy_version (object_id, lower(recorded));

create table rent_relief (
    id uuid constraint rent_relief_pkey primary key,
    created_at timestamptz not null
);

create table rent_relief_version (
    version_id uuid constraint rent_relief_version_pkey primary key,
    object_id uuid not null constraint rent_relief_version_object_fkey references rent_relief,
    valid daterange not null,
    recorded tstzrange not null,
    -- Null for what was granted before there was a register (DSP-17 asks for it).
    policy_id uuid constraint rent_relief_version_policy_fkey references relief_policy,
    lease_id uuid not null constraint rent_relief_version_lease_fkey references lease,
    state text not null,
    -- The rent months that are waived, by their number in the schedule, and their rent together.
    instalments integer[] not null,
    amount numeric(16, 2) not null,
    -- 访: what a visit or call found.
    evidence text,
    -- What proves that whoever sits there at last has the benefit.
    end_user_proof text,
    applied_by text not null,
    decided_by text,
    decision_document text,
    decision_reason text,
    constraint rent_relief_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint rent_relief_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint rent_relief_version_state_known check (state in ('applied', 'approved', 'refused')),
    constraint rent_relief_version_of_something check (cardinality(instalments) > 0),
    constraint rent_relief_version_amount_positive check (amount > 0),
    constraint rent_relief_version_applied_by_given check (applied_by <> ''),
    constraint rent_relief_version_four_eyes check (applied_by <> decided_by),
    constraint rent_relief_version_decision_whole check ((state = 'applied') = (decided_by is null)),
    constraint rent_relief_version_approved_by_document check (state <> 'approved' or decision_document <> ''),
    constraint rent_relief_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index rent_relief_version_by_object on rent_relief_version (object_id, lower(recorded));
create index rent_relief_version_by_lease on rent_relief_version (lease_id);
-- A lease has one relief by a policy.
create unique index rent_relief_version_once on rent_relief_version (policy_id, lease_id)
    where upper_inf(recorded) and upper_inf(valid) and state in ('applied', 'approved');

alter table rent_instalment_version
    add constraint rent_instalment_version_relief_fkey foreign key (relief_id) references rent_relief;

grant select, insert on relief_policy, relief_policy_version, rent_relief, rent_relief_version to yice_app;
grant update (recorded) on relief_policy_version, rent_relief_version to yice_app;
grant update (created_at) on relief_policy, rent_relief to yice_app;

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
              from unnest(array['relief_policy', 'rent_relief']) with ordinality as added (kind, place)) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
