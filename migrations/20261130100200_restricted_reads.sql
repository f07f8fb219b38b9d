-- Why: who looked at what is internal (内部) is kept, and by nobody altered: an audit asks for it.

create table restricted_read (
    id uuid constraint restricted_read_pkey primary key,
    read_at timestamptz not null,
    person_id uuid not null constraint restricted_read_person_fkey references person,
    username text not null,
    -- The address that was asked, and which restricted objects were in its answer.
    asked text not null,
    object_ids uuid[] not null,
    constraint restricted_read_of_something check (cardinality(object_ids) > 0)
);
create index restricted_read_by_object on restricted_read using gin (object_ids);

create function restricted_read_refuse_change() returns trigger
    language plpgsql as $$
begin
    raise exception 'what was read is append-only: % on % is refused', lower(tg_op), tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger restricted_read_is_append_only before update or delete or truncate on restricted_read
    for each statement execute function restricted_read_refuse_change();

grant select, insert on restricted_read to yice_app;
