-- Why: who approves what is local, so it is rows that an administrator keeps, with their history, and never code.

create table approval_threshold (
    id uuid constraint approval_threshold_pkey primary key,
    created_at timestamptz not null
);

create table approval_threshold_version (
    version_id uuid constraint approval_threshold_version_pkey primary key,
    object_id uuid not null constraint approval_threshold_version_object_fkey references approval_threshold,
    valid daterange not null,
    recorded tstzrange not null,
    -- It holds in the regions whose codes begin with this, where none nearer says anything.
    region_code text not null,
    mode text not null,
    asset_class text not null,
    -- Book value, yuan: from, and to below.
    value_from numeric(16, 2) not null,
    value_to numeric(16, 2),
    -- Who approves, in this order.
    chain text[] not null,
    appraisal boolean not null,
    exchange boolean not null,
    notice_days smallint not null,
    floor_percent numeric(5, 2) not null,
    source text not null,
    is_example boolean not null,
    constraint approval_threshold_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint approval_threshold_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint approval_threshold_version_region_form check (region_code ~ '^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$'),
    constraint approval_threshold_version_mode_known check (mode in
        ('transfer_free', 'donate', 'sell', 'swap', 'scrap', 'loss', 'lease', 'convert')),
    constraint approval_threshold_version_class_known check (asset_class in ('land', 'building')),
    constraint approval_threshold_version_value_in_order check (value_from >= 0 and value_from < value_to),
    constraint approval_threshold_version_chain_known check (cardinality(chain) > 0 and chain <@ array
        ['bureau', 'supervising_dept', 'finance', 'deputy_leader', 'leader', 'government']),
    constraint approval_threshold_version_notice_sane check (notice_days between 0 and 365),
    constraint approval_threshold_version_floor_sane check (floor_percent between 0 and 100),
    constraint approval_threshold_version_source_given check (source <> ''),
    constraint approval_threshold_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    -- No value is covered by two rows of one region on one day.
    constraint approval_threshold_version_no_overlap
        exclude using gist (region_code with =, mode with =, asset_class with =, numrange(value_from, value_to) with &&,
                            valid with &&) where (upper_inf(recorded))
);
create index approval_threshold_version_by_object on approval_threshold_version (object_id, lower(recorded));

grant select, insert on approval_threshold, approval_threshold_version to yice_app;
grant update (recorded) on approval_threshold_version to yice_app;
grant update (created_at) on approval_threshold to yice_app;

-- The ledger's kinds of object: two more at the end of those there are by now.
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
              from unnest(array['policy_case', 'approval_threshold']) with ordinality as added (kind, place)) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
