-- Why: the extensions everything stands on, and the role the program works under.
create extension if not exists postgis;
create extension if not exists btree_gist;
create extension if not exists pg_trgm;

-- The program never works as the owner of its tables: what must only ever be appended
-- (the ledger) or is out of the caller's scope is refused by the database itself.
do $$
begin
    if not exists (select from pg_roles where rolname = 'yice_app') then
        create role yice_app nologin;
    end if;
exception
    -- Two databases of one cluster may be migrated at the same moment.
    when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
    execute format('grant yice_app to %I', current_user);
exception
    when others then
        -- A superuser may always take the role; a concurrent identical grant is no fault either.
        raise notice 'yice_app not granted to %: %', current_user, sqlerrm;
end
$$;

grant usage on schema public to yice_app;
