-- Why: what a unit files and publishes every year of its offices (领导干部办公用房年度备案、内部公示: 党政机关办公用房管理办法 art. 19)
-- is on record with its day and its paper, or nobody can tell that it was not done.

create table use_filing (
    id uuid constraint use_filing_pkey primary key,
    created_at timestamptz not null
);

create table use_filing_version (
    version_id uuid constraint use_filing_version_pkey primary key,
    object_id uuid not null constraint use_filing_version_object_fkey references use_filing,
    -- From the day on which it was filed or published.
    valid daterange not null,
    recorded tstzrange not null,
    unit_id uuid not null constraint use_filing_version_unit_fkey references unit,
    kind text not null,
    -- Of which year.
    year integer not null,
    -- Its number, or the paper.
    document text not null,
    note text,
    constraint use_filing_version_kind_known check (kind in ('leader_offices', 'internal_publication')),
    constraint use_filing_version_year_sane check (year between 1990 and 2200),
    -- Nobody files of a year that has not begun.
    constraint use_filing_version_not_before_its_year check (year <= extract(year from lower(valid))),
    constraint use_filing_version_document_given check (document <> ''),
    constraint use_filing_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint use_filing_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint use_filing_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create unique index use_filing_version_one_a_year on use_filing_version (unit_id, kind, year) where upper_inf(recorded);
create index use_filing_version_by_object on use_filing_version (object_id, lower(recorded));

grant select, insert on use_filing, use_filing_version to yice_app;
grant update (recorded) on use_filing_version to yice_app;
grant update (created_at) on use_filing to yice_app;

-- Who reaches the unit sees what it filed, and who may write there writes it (docs/adr/0013).
create function scope_reads_filings_of(unit uuid) returns boolean
    language sql stable
    as $$
select exists (select from unit_version u where u.object_id = unit and upper_inf(u.recorded) and scope_reads(u.region_code, unit))
$$;
alter table use_filing_version enable row level security;
create policy use_filing_version_read on use_filing_version for select using (
    (select scope_reads_all()) or scope_reads_filings_of(unit_id));
alter table use_filing enable row level security;
create policy use_filing_read on use_filing for select using (
    (select scope_reads_all()) or exists (select from use_filing_version v where v.object_id = use_filing.id));

create function use_filing_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select w.object_id into stray from written w
     where scope_refuses_unit((select u.region_code from unit_version u
                                where u.object_id = w.unit_id and upper_inf(u.recorded)
                                order by lower(u.valid) desc limit 1), w.unit_id)
     limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;

do $$
declare
    guarded text;
begin
    foreach guarded in array array['use_filing', 'use_filing_version'] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
end
$$;
create trigger use_filing_version_in_scope_insert after insert on use_filing_version
    referencing new table as written for each statement execute function use_filing_version_in_scope();
create trigger use_filing_version_in_scope_update after update on use_filing_version
    referencing new table as written for each statement execute function use_filing_version_in_scope();

create policy ledger_entry_read_use_filings on ledger_entry for select using (
    case
        when object_kind = 'use_filing' then exists (select from use_filing_version v where v.object_id = ledger_entry.object_id)
        else false
    end);
-- What was not filed is told to those who would have to.
create policy finding_read_use_filings on finding for select using (
    object_kind = 'unit' and rule in ('USE-12', 'USE-13') and scope_reads_filings_of(object_id));

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
            select 'use_filing', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
