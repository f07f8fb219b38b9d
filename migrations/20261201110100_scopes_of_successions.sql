-- Why: who sees an old or a new one sees which came from which, and who writes all of them writes that (docs/adr/0013).

alter table succession_version enable row level security;
create policy succession_version_read on succession_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = any (from_ids || to_ids) and a.recorded && succession_version.recorded));
alter table succession enable row level security;
create policy succession_read on succession for select using (
    (select scope_reads_all()) or exists (select from succession_version v where v.object_id = succession.id));

create function succession_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(from_ids || to_ids, null) is not null limit 1;
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
    foreach guarded in array array['succession', 'succession_version'] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    create trigger succession_version_in_scope_insert after insert on succession_version
        referencing new table as written for each statement execute function succession_version_in_scope();
    create trigger succession_version_in_scope_update after update on succession_version
        referencing new table as written for each statement execute function succession_version_in_scope();
end
$$;

-- What is seen of the ledger and by whom is said in one function and one policy: one kind more in each, beside those there
-- are by now.
do $$
declare
    seen text := pg_get_functiondef('scope_sees_object(uuid)'::regprocedure);
    shown text;
begin
    execute replace(seen, 'select exists (select from spatial_unit_version v where v.object_id = id)',
        'select exists (select from spatial_unit_version v where v.object_id = id)
    or exists (select from succession_version v where v.object_id = id)');
    select pg_get_expr(polqual, polrelid) into shown from pg_policy where polname = 'ledger_entry_read';
    drop policy ledger_entry_read on ledger_entry;
    execute format('create policy ledger_entry_read on ledger_entry for select using (%s)',
        replace(shown, '''relation''::text', '''relation''::text, ''succession''::text'));
end
$$;
