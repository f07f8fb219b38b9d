-- Why: the working days of a year are published shortly before it, and deadlines reach into it. What is published is recorded
-- by an administrator and not awaited with the next version of the program.

create table calendar_notice (
    id uuid constraint calendar_notice_pkey primary key,
    created_at timestamptz not null
);

create table calendar_notice_version (
    version_id uuid constraint calendar_notice_version_pkey primary key,
    object_id uuid not null constraint calendar_notice_version_object_fkey references calendar_notice,
    -- The year.
    valid daterange not null,
    recorded tstzrange not null,
    year integer not null,
    -- The notice and its day.
    source text not null,
    -- Days off, weekends among them or not; weekend days that are worked (调休上班).
    days_off date[] not null,
    worked date[] not null,
    constraint calendar_notice_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint calendar_notice_version_year_sane check (year between 2000 and 2100),
    constraint calendar_notice_version_valid_is_year
        check (valid = daterange(make_date(year, 1, 1), make_date(year + 1, 1, 1))),
    constraint calendar_notice_version_source_given check (source <> ''),
    constraint calendar_notice_version_off_given check (cardinality(days_off) between 1 and 100),
    constraint calendar_notice_version_worked_sane check (cardinality(worked) <= 50 and not worked && days_off),
    constraint calendar_notice_version_once exclude using gist (year with =) where (upper_inf(recorded))
);
create index calendar_notice_version_by_object on calendar_notice_version (object_id, lower(recorded));

grant select, insert on calendar_notice, calendar_notice_version to yice_app;
grant update (recorded) on calendar_notice_version to yice_app;
grant update (created_at) on calendar_notice to yice_app;

-- It is of no place: open to everybody who is signed in. Who may record one is the door's to say.
create policy ledger_entry_read_calendar_notices on ledger_entry for select using (
    object_kind = 'calendar_notice' and (select yice_scope() is not null));

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
            select 'calendar_notice', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
