-- Why: papers as files: who brought which bytes, and what has taken them up; the bytes lie in a store, by their SHA-256.

create table document (
    id uuid constraint document_pkey primary key,
    sha256 bytea not null,
    bytes bigint not null,
    -- By the bytes, never by what a client said.
    media_type text not null,
    name text not null,
    brought_at timestamptz not null,
    -- As the ledger names them, and the account.
    brought_by text not null,
    person_id uuid not null constraint document_person_fkey references person,
    constraint document_sha256_whole check (octet_length(sha256) = 32),
    constraint document_bytes_positive check (bytes > 0),
    constraint document_name_given check (name <> ''),
    constraint document_brought_by_given check (brought_by <> ''),
    -- The same file brought again by the same person is the same paper.
    constraint document_once_a_person unique (person_id, sha256, name)
);

-- What has taken a paper up, once and for ever: old versions of it still name the paper.
create table document_use (
    document_id uuid not null constraint document_use_document_fkey references document,
    holder_kind text not null,
    holder_id uuid not null,
    constraint document_use_pkey primary key (document_id, holder_kind, holder_id),
    constraint document_use_holder_known check (holder_kind in ('title_case'))
);

grant select, insert on document, document_use to yice_app;

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
            select 'document', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
