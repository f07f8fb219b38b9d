-- Why: the rent of a lease lies month by month in rows, and what was paid and remitted to the treasury (收支两条线) in
-- rows that are only ever added: a mistake is reversed, never erased.

-- `valid` is the rent month; rows of one lease never overlap.
create table rent_instalment_version (
    version_id uuid constraint rent_instalment_version_pkey primary key,
    object_id uuid not null constraint rent_instalment_version_object_fkey references lease,
    valid daterange not null,
    recorded tstzrange not null,
    number integer not null,
    due_on date not null,
    -- What was agreed, and what is owed after relief.
    amount numeric(16, 2) not null,
    amount_due numeric(16, 2) not null,
    -- 减免
    relief_id uuid,
    constraint rent_instalment_version_valid_bounded check
        (not isempty(valid) and not lower_inf(valid) and not upper_inf(valid)),
    constraint rent_instalment_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint rent_instalment_version_number_positive check (number > 0),
    constraint rent_instalment_version_amount_positive check (amount >= 0),
    constraint rent_instalment_version_due_within_amount check (amount_due between 0 and amount),
    constraint rent_instalment_version_relief_whole check ((amount_due = amount) = (relief_id is null)),
    constraint rent_instalment_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index rent_instalment_version_by_object on rent_instalment_version (object_id, lower(recorded));
create index rent_instalment_version_by_relief on rent_instalment_version (relief_id) where relief_id is not null;

-- `valid` begins on the day on which the money moved.
create table rent_movement_version (
    version_id uuid constraint rent_movement_version_pkey primary key,
    object_id uuid not null constraint rent_movement_version_object_fkey references lease,
    valid daterange not null,
    recorded tstzrange not null,
    -- 收款、缴库、冲销
    kind text not null,
    amount numeric(16, 2) not null,
    -- 票据号、缴款书号
    document text not null,
    note text,
    reverses_id uuid constraint rent_movement_version_reverses_fkey references rent_movement_version,
    constraint rent_movement_version_valid_bounded check (not isempty(valid) and not lower_inf(valid) and upper_inf(valid)),
    constraint rent_movement_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint rent_movement_version_kind_known check (kind in ('payment', 'remittance', 'reversal')),
    constraint rent_movement_version_amount_positive check (amount > 0),
    constraint rent_movement_version_document_given check (document <> ''),
    constraint rent_movement_version_reversal_whole check ((kind = 'reversal') = (reverses_id is not null)),
    constraint rent_movement_version_reversed_once unique (reverses_id)
);
create index rent_movement_version_by_object on rent_movement_version (object_id);

-- A reversal takes back the whole of a payment or remittance of the same lease, and no more is remitted than came in.
create function rent_movement_version_balances() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
begin
    perform pg_advisory_xact_lock(hashtextextended(object_id::text, 43))
       from (select distinct object_id from written order by object_id) leases;
    perform from written w join rent_movement_version r on r.version_id = w.reverses_id
      where r.object_id <> w.object_id or r.amount <> w.amount or r.kind = 'reversal' or lower(w.valid) < lower(r.valid);
    if found then
        raise check_violation using
            constraint = 'rent_movement_version_reverses_alike', message = 'a reversal is not of what it reverses';
    end if;
    perform from rent_movement_version m
      where m.object_id in (select object_id from written) and m.kind <> 'reversal'
        and not exists (select from rent_movement_version r where r.reverses_id = m.version_id)
      group by m.object_id
     having coalesce(sum(m.amount) filter (where m.kind = 'remittance'), 0)
          > coalesce(sum(m.amount) filter (where m.kind = 'payment'), 0);
    if found then
        raise check_violation using
            constraint = 'rent_movement_version_within_received', message = 'more would be remitted than came in';
    end if;
    return null;
end
$$;
create trigger rent_movement_version_balances_insert
    after insert on rent_movement_version
    referencing new table as written
    for each statement execute function rent_movement_version_balances();

grant select, insert on rent_instalment_version, rent_movement_version to yice_app;
grant update (recorded) on rent_instalment_version to yice_app;

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
              from unnest(array['rent_schedule', 'rent_account']) with ordinality as added (kind, place)) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
