-- Why: how an inspection is judged (权重、等次) is local and no law gives figures, so it is rows that an administrator keeps, by
-- region and from a day on, and never code.

create table inspection_scheme (
    id uuid constraint inspection_scheme_pkey primary key,
    created_at timestamptz not null
);

-- The weights of a scheme together.
create function inspection_weights_sum(weights json) returns numeric
    language sql immutable parallel safe
    as $$ select coalesce(sum((one ->> 'weight')::numeric), 0) from json_array_elements(weights) one $$;

create table inspection_scheme_version (
    version_id uuid constraint inspection_scheme_version_pkey primary key,
    object_id uuid not null constraint inspection_scheme_version_object_fkey references inspection_scheme,
    valid daterange not null,
    recorded tstzrange not null,
    -- It holds in the regions whose codes begin with this, where none nearer says anything; everywhere where it is empty.
    region_code text not null,
    -- [{"indicator", "weight", "full", "zero"}]: full marks at the one rate, none at the other.
    weights json not null,
    -- [{"zh", "en", "from"}], the best first.
    grades json not null,
    source text not null,
    constraint inspection_scheme_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint inspection_scheme_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint inspection_scheme_version_region_form check (region_code ~ '^[0-9A-Za-z.-]{0,24}$'),
    constraint inspection_scheme_version_weights_whole check (inspection_weights_sum(weights) = 100),
    constraint inspection_scheme_version_grades_given check (json_array_length(grades) > 0),
    constraint inspection_scheme_version_source_given check (source <> ''),
    constraint inspection_scheme_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    -- A region has one scheme on a day.
    constraint inspection_scheme_version_no_overlap
        exclude using gist (region_code with =, valid with &&) where (upper_inf(recorded))
);
create index inspection_scheme_version_by_object on inspection_scheme_version (object_id, lower(recorded));

grant select, insert on inspection_scheme, inspection_scheme_version to yice_app;
grant update (recorded) on inspection_scheme_version to yice_app;
grant update (created_at) on inspection_scheme to yice_app;

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
              from unnest(array['inspection', 'inspection_finding', 'inspection_scheme']) with ordinality as added (kind, place)) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
