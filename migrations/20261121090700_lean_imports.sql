-- Why: half of what an import wrote were rows and index entries that say again what others say already (docs/adr/0008).

-- A version is looked for by its object, always: one index instead of two.
alter table spatial_unit_version
    drop constraint spatial_unit_version_pkey,
    add constraint spatial_unit_version_pkey primary key (object_id, version_id);
drop index spatial_unit_version_by_object;

-- Numbers given by the sequence alone (`generated always`) can't repeat, and nobody looks an object up by its number.
alter table spatial_unit drop constraint spatial_unit_feature_id_key;
alter sequence spatial_unit_feature_id_seq cache 64;

-- Names and keys are compared byte by byte: they are equal or not, and their order is nobody's language.
alter table dataset alter column name type text collate "C";
alter table import alter column dataset type text collate "C";
alter table import_row alter column source_key type text collate "C";
alter table spatial_unit
    alter column dataset type text collate "C",
    alter column source_key type text collate "C";
-- The key first: nearly every comparison is decided by it.
drop index spatial_unit_one_per_source;
create unique index spatial_unit_one_per_source on spatial_unit (source_key, dataset, kind) where dataset is not null;

-- What is written is looked through once, and identities are locked only where another transaction made one.
create or replace function spatial_unit_version_one_at_a_time() returns trigger
    language plpgsql
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_seqscan = off
    as $$
declare
    stray uuid;
    shared boolean;
    clash uuid;
begin
    -- In a stricter isolation the second writer would not see what the first committed while it waited.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise feature_not_supported using
            message = 'versions are written in read committed transactions only';
    end if;

    -- One look at everything: identities that are missing, identities that another transaction made, and overlaps.
    select (array_agg(w.object_id) filter (where u.id is null))[1],
           coalesce(bool_or(u.xmin <> pg_current_xact_id()::xid), false),
           (array_agg(w.object_id) filter (where o.object_id is not null))[1]
      into stray, shared, clash
      from written w
      left join spatial_unit u on u.id = w.object_id and u.kind = w.kind
      left join spatial_unit_version o
        on o.object_id = w.object_id
       and o.version_id <> w.version_id
       and upper_inf(o.recorded)
       and o.valid && w.valid
       and upper_inf(w.recorded);
    if stray is not null then
        raise foreign_key_violation using
            constraint = 'spatial_unit_version_object_fkey',
            message = format('version of %s, which is not registered under that kind', stray);
    end if;

    -- What others are writing at this moment is known only once their identities are locked.
    if shared then
        perform 1
           from spatial_unit u
          where u.id in (select object_id from written where upper_inf(recorded))
            and u.xmin <> pg_current_xact_id()::xid
          order by u.id
            for update;
        select w.object_id into clash
          from written w
          join spatial_unit_version o
            on o.object_id = w.object_id
           and o.version_id <> w.version_id
           and upper_inf(o.recorded)
           and o.valid && w.valid
         where upper_inf(w.recorded)
         limit 1;
    end if;
    if clash is not null then
        raise exclusion_violation using
            constraint = 'spatial_unit_version_one_at_a_time',
            message = format('two versions of %s would hold for the same day', clash);
    end if;
    return null;
end
$$;

-- Rows of one batch of an import that met the same fate, without anything more to be said of them. What there is
-- more to say of (a reason, a warning, a mended shape) stands row by row in `import_row`.
create table import_row_run (
    import_id uuid not null constraint import_row_run_import_fkey references import,
    -- The first and the last row of the whole batch: rows of different batches never lie between each other.
    first_row bigint not null,
    last_row bigint not null,
    outcome text not null,
    -- In ascending order, and at the same places their keys and objects.
    rows bigint[] not null,
    source_keys text[] not null,
    object_ids uuid[] not null,
    constraint import_row_run_pkey primary key (import_id, first_row, outcome),
    constraint import_row_run_outcome_known check (outcome in
        ('inserted', 'unchanged', 'new_version', 'missing', 'closed')),
    constraint import_row_run_arrays_even check
        (cardinality(rows) > 0 and cardinality(source_keys) = cardinality(rows) and cardinality(object_ids) = cardinality(rows))
);
-- Ids and numbers hardly compress.
alter table import_row_run
    alter column rows set storage external,
    alter column source_keys set storage external,
    alter column object_ids set storage external;
grant select, insert on import_row_run to yice_app;

create view import_outcome with (security_invoker = true) as
select import_id, row, outcome, source_key, object_id, repaired, reason, warnings, raw, geometry_text
  from import_row
union all
select r.import_id, told.row, r.outcome, told.source_key collate "C", told.object_id, false, null, null, null, null
  from import_row_run r
 cross join lateral unnest(r.rows, r.source_keys, r.object_ids) as told (row, source_key, object_id);
grant select on import_outcome to yice_app;

-- An entry of an import names some thousand versions with their digests, which do not compress either.
alter table ledger_entry
    alter column before set storage external,
    alter column after set storage external;
