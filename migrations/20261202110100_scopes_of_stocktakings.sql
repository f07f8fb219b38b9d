-- Why: a line of a stocktaking is seen and written where the place lies that it tells of, the stocktaking by whoever sees
-- its place or one of its lines (docs/adr/0013). Policies for what others have policies for as well stand beside those.

alter table stocktaking_line enable row level security;
create policy stocktaking_line_read on stocktaking_line for select using (
    (select scope_reads_all())
    or region_code ^@ any ((select scope_read_regions())::text[])
    or unit_id = any ((select scope_read_units())::uuid[])
    or (unit_id = any ((select scope_read_units_of_regions())::uuid[])
        and (unit_id || ':' || region_code) ^@ any ((select scope_read_units_in_regions())::text[])));
alter table stocktaking_line_version enable row level security;
create policy stocktaking_line_version_read on stocktaking_line_version for select using (
    (select scope_reads_all()) or exists (select from stocktaking_line l where l.id = object_id));

alter table stocktaking_version enable row level security;
create policy stocktaking_version_read on stocktaking_version for select using (
    (select scope_reads_all())
    or region_code ^@ any ((select scope_read_regions())::text[])
    or unit_id = any ((select scope_read_units())::uuid[])
    or exists (select from stocktaking_line l where l.stocktaking_id = stocktaking_version.object_id));
alter table stocktaking enable row level security;
create policy stocktaking_read on stocktaking for select using (
    (select scope_reads_all()) or exists (select from stocktaking_version v where v.object_id = stocktaking.id));

-- Ids alone: which asset is being counted is no secret, what is found of it is.
alter table stocktaking_hold enable row level security;
create policy stocktaking_hold_read on stocktaking_hold for select using ((select yice_scope() is not null));

create policy ledger_entry_read_stocktakings on ledger_entry for select using (
    case
        when object_kind = 'stocktaking' then exists (select from stocktaking_version v where v.object_id = ledger_entry.object_id)
        when object_kind = 'stocktaking_line' then exists (select from stocktaking_line l where l.id = ledger_entry.object_id)
        else false
    end);

create policy document_use_read_stocktakings on document_use for select using (
    case
        when holder_kind = 'stocktaking' then exists (select from stocktaking_version v where v.object_id = holder_id)
        when holder_kind = 'stocktaking_line' then exists (select from stocktaking_line l where l.id = holder_id)
        else false
    end);

create function stocktaking_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where not scope_writes(region_code, admin_level, unit_id) limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function stocktaking_line_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    with reaches as materialized (
        select r ->> 'region' as region, r ->> 'level' as level, (r ->> 'unit')::uuid as unit from scope_reaches('writes') r)
    select w.id into stray
      from written w
     where not exists (
         select from reaches r
          where coalesce(starts_with(w.region_code, r.region), r.region is null)
            and coalesce(w.admin_level = r.level, r.level is null)
            and coalesce(w.unit_id = r.unit, r.unit is null))
     limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function scope_refused_lines(lines uuid[]) returns uuid
    language sql stable security definer set search_path = public, pg_temp
    as $$
select l.id from stocktaking_line l
 where l.id = any (lines) and not scope_writes(l.region_code, l.admin_level, l.unit_id) limit 1
$$;
create function stocktaking_line_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select scope_refused_lines(array_agg(object_id)) into stray from written;
    if stray is not null then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function stocktaking_hold_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select w.stocktaking_id into stray
      from (select distinct stocktaking_id from written) w
     where not exists (
         select from stocktaking_version v
          where v.object_id = w.stocktaking_id and upper_inf(v.recorded)
            and scope_writes(v.region_code, v.admin_level, v.unit_id))
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
    foreach guarded in array array[
        'stocktaking', 'stocktaking_version', 'stocktaking_line', 'stocktaking_line_version', 'stocktaking_hold'
    ] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
    foreach guarded in array array['stocktaking_version', 'stocktaking_line', 'stocktaking_line_version', 'stocktaking_hold']
    loop
        execute format(
            'create trigger %I after insert on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_insert', guarded, guarded || '_in_scope');
    end loop;
    foreach guarded in array array['stocktaking_version', 'stocktaking_line_version'] loop
        execute format(
            'create trigger %I after update on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_update', guarded, guarded || '_in_scope');
    end loop;
end
$$;
