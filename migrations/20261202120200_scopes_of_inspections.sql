-- Why: an upper bureau inspects its subtree whatever the level, the inspected see what concerns them, others nothing
-- (docs/adr/0013, 0027). Policies for what others have policies for as well stand beside those.

alter table inspection_version enable row level security;
create policy inspection_version_read on inspection_version for select using (
    (select scope_reads_all()) or scope_reads(region_code, unit_id));
alter table inspection enable row level security;
create policy inspection_read on inspection for select using (
    (select scope_reads_all()) or exists (select from inspection_version v where v.object_id = inspection.id));

-- A finding is seen where its inspection is, and by the unit that is to put it right.
alter table inspection_finding_version enable row level security;
create policy inspection_finding_version_read on inspection_finding_version for select using (
    (select scope_reads_all())
    or scope_reads(region_code, unit_id)
    or exists (select from inspection_version v where v.object_id = inspection_id));
alter table inspection_finding enable row level security;
create policy inspection_finding_read on inspection_finding for select using (
    (select scope_reads_all()) or exists (select from inspection_finding_version v where v.object_id = inspection_finding.id));

-- How it is judged is no secret.
alter table inspection_scheme_version enable row level security;
create policy inspection_scheme_version_read on inspection_scheme_version for select using ((select yice_scope() is not null));
alter table inspection_scheme enable row level security;
create policy inspection_scheme_read on inspection_scheme for select using ((select yice_scope() is not null));

create policy ledger_entry_read_inspections on ledger_entry for select using (
    case
        when object_kind = 'inspection' then exists (select from inspection_version v where v.object_id = ledger_entry.object_id)
        when object_kind = 'inspection_finding'
            then exists (select from inspection_finding_version v where v.object_id = ledger_entry.object_id)
        when object_kind = 'inspection_scheme' then (select yice_scope() is not null)
        else false
    end);

create policy document_use_read_inspections on document_use for select using (
    case holder_kind
        when 'inspection' then exists (select from inspection_version v where v.object_id = holder_id)
        when 'inspection_finding' then exists (select from inspection_finding_version v where v.object_id = holder_id)
        else false
    end);

-- Writing: place and unit count; the level doesn't, for the one below is inspected by the one above.
create function scope_inspects(region text, unit uuid) returns boolean
    language sql stable
    as $$
select exists (
    select from scope_reaches('writes') r
     where coalesce(starts_with(region, r ->> 'region'), r ->> 'region' is null)
       and coalesce(unit = (r ->> 'unit')::uuid, r ->> 'unit' is null))
$$;
create function inspection_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where not scope_inspects(region_code, unit_id) limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
-- Of a finding the inspection's place counts as well, which whoever puts it right need not see.
create function scope_inspects_in(inspection uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce(bool_and(scope_inspects(region_code, unit_id)), false)
  from inspection_version where object_id = inspection and upper_inf(recorded)
$$;
create function inspection_finding_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where not scope_inspects(region_code, unit_id) and not scope_inspects_in(inspection_id) limit 1;
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
    foreach guarded in array array[
        'inspection', 'inspection_version', 'inspection_finding', 'inspection_finding_version', 'inspection_scheme',
        'inspection_scheme_version'
    ] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    foreach guarded in array array['inspection_version', 'inspection_finding_version'] loop
        execute format(
            'create trigger %I after insert on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_insert', guarded, guarded || '_in_scope');
        execute format(
            'create trigger %I after update on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_update', guarded, guarded || '_in_scope');
    end loop;
end
$$;
