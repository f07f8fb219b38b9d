-- Why: who came in, who was refused and who left is kept, and by nobody altered: an audit asks for it. Not an entry of the
-- ledger each, which every open page follows: the ledger vouches for them in batches.

create table sign_in_event (
    id uuid constraint sign_in_event_pkey primary key,
    happened_at timestamptz not null,
    kind text not null,
    -- Why somebody was refused.
    why text,
    -- The account; none where the name is nobody's: what was typed there may be a password, and is not kept.
    person_id uuid constraint sign_in_event_person_fkey references person,
    username text,
    -- How they came, or tried to.
    by text,
    -- Who came from the provider without an account here.
    issuer text,
    subject text,
    -- From where: the address, of IPv6 the network.
    address text,
    attempts integer not null default 1,
    -- In which batch the ledger vouches for it.
    batch_id uuid,
    constraint sign_in_event_kind_known check (kind in ('sign_in', 'refused', 'locked', 'unknown_names', 'sign_out')),
    constraint sign_in_event_why_known check (
        why in ('wrong_password', 'account_disabled', 'account_unknown', 'account_locked', 'address_locked')),
    constraint sign_in_event_by_known check (by in ('password', 'identity')),
    constraint sign_in_event_attempts_positive check (attempts > 0)
);
create index sign_in_event_by_person on sign_in_event (person_id, id);
create index sign_in_event_unbatched on sign_in_event (id) where batch_id is null;
create index sign_in_event_by_batch on sign_in_event (batch_id);

create function sign_in_event_refuse_change() returns trigger
    language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        -- A batch takes an event once.
        if old.batch_id is null and new.batch_id is not null
           and (to_jsonb(new) - 'batch_id') = (to_jsonb(old) - 'batch_id') then
            return new;
        end if;
    end if;
    raise exception 'sign-ins are append-only: % on % is refused', lower(tg_op), tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger sign_in_event_is_append_only before update or delete on sign_in_event
    for each row execute function sign_in_event_refuse_change();
create trigger sign_in_event_is_not_emptied before truncate on sign_in_event
    for each statement execute function sign_in_event_refuse_change();

-- Attempts under names that are nobody's, counted by network and quarter of an hour until that is over.
create table unknown_name_attempt (
    address text not null,
    period timestamptz not null,
    attempts integer not null,
    constraint unknown_name_attempt_pkey primary key (address, period),
    constraint unknown_name_attempt_attempts_positive check (attempts > 0)
);

grant select, insert on sign_in_event to yice_app;
grant update (batch_id) on sign_in_event to yice_app;
grant select, insert, update, delete on unknown_name_attempt to yice_app;

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
            select 'sign_in_batch', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
