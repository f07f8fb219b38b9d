-- Why: what a rule compares with is local, so a region sets values of its own, with their history; the defaults come with the rules.

create table rule_parameter (
    id uuid constraint rule_parameter_pkey primary key,
    created_at timestamptz not null
);

create table rule_parameter_version (
    version_id uuid constraint rule_parameter_version_pkey primary key,
    object_id uuid not null constraint rule_parameter_version_object_fkey references rule_parameter,
    valid daterange not null,
    recorded tstzrange not null,
    -- Which parameter of the rules: a name of registry/rules/parameters.toml.
    name text not null,
    -- It holds in the regions whose codes begin with this, where none nearer says anything; everywhere where it is empty.
    region_code text not null,
    value double precision not null,
    source text not null,
    constraint rule_parameter_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint rule_parameter_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint rule_parameter_version_name_form check (name ~ '^[a-z][a-z0-9_]*$'),
    constraint rule_parameter_version_region_form check (region_code ~ '^[0-9A-Za-z.-]{0,24}$'),
    constraint rule_parameter_version_value_finite check (value between -1e12 and 1e12),
    constraint rule_parameter_version_source_given check (source <> ''),
    constraint rule_parameter_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    -- No parameter has two values in one region on one day.
    constraint rule_parameter_version_no_overlap
        exclude using gist (name with =, region_code with =, valid with &&) where (upper_inf(recorded))
);
create index rule_parameter_version_by_object on rule_parameter_version (object_id, lower(recorded));

grant select, insert on rule_parameter, rule_parameter_version to yice_app;
grant update (recorded) on rule_parameter_version to yice_app;
grant update (created_at) on rule_parameter to yice_app;

-- The ledger's kinds of object: one more at the end of those there are by now.
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
            select 'rule_parameter', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
