-- Why: the database decides a second time who sees a row and who writes one, by the grants that a transaction carries in
-- the setting `yice.scope` (docs/adr/0013). No setting: no rows, and nothing is written.

-- What works without a caller, what copies rows in bulk (COPY knows no policies), and whoever may read everything: a
-- second role with the rights of the first and no more, which the policies below don't bind. The triggers bind both.
do $$
begin
    if not exists (select from pg_roles where rolname = 'yice_system') then
        create role yice_system nologin bypassrls;
    end if;
exception
    -- Two databases of one cluster may be migrated at the same moment.
    when duplicate_object or unique_violation then null;
    when insufficient_privilege then
        raise exception 'the role yice_system is missing, and % may not create it', current_user
            using hint = 'As a superuser, once for the server: create role yice_system nologin bypassrls; grant yice_system to the owner of this database with admin option.';
end
$$;
do $$
begin
    execute format('grant yice_system to %I', current_user);
exception
    when others then
        raise notice 'yice_system not granted to %: %', current_user, sqlerrm;
end
$$;
do $$
begin
    if not pg_has_role('yice_system', 'yice_app', 'member') then
        grant yice_app to yice_system;
    end if;
exception
    when others then
        raise notice 'yice_app not granted to yice_system: %', sqlerrm;
end
$$;
grant usage on schema public to yice_system;

-- What the setting says: {"system": true}, or {"person", "actor", "reads": permission, "writes": permission,
-- "reaches": {permission: [{"region", "level", "unit"}]}}. A reach's region is what the codes of its regions begin with;
-- null is no limit. `reads` and `writes` name the permissions under which this transaction does the two.
create function yice_scope() returns jsonb
    language sql stable parallel safe
    as $$ select nullif(current_setting('yice.scope', true), '')::jsonb $$;

create function scope_is_system() returns boolean
    language sql stable parallel safe
    as $$ select coalesce(yice_scope() ->> 'system' = 'true', false) $$;

create function scope_actor() returns text
    language sql stable parallel safe
    as $$ select yice_scope() ->> 'actor' $$;

create function scope_reaches(what text) returns setof jsonb
    language sql stable parallel safe
    as $$ select value from jsonb_array_elements(yice_scope() -> 'reaches' -> (yice_scope() ->> what)) $$;

-- Reading: a level doesn't narrow it (主管本级、指导下级).
create function scope_reads_all() returns boolean
    language sql stable parallel safe
    as $$
select scope_is_system()
    or exists (select from scope_reaches('reads') r where r ->> 'region' is null and r ->> 'unit' is null)
$$;
create function scope_read_regions() returns text[]
    language sql stable parallel safe
    as $$ select array(select r ->> 'region' from scope_reaches('reads') r where r ->> 'unit' is null and r ->> 'region' is not null) $$;
create function scope_read_units() returns uuid[]
    language sql stable parallel safe
    as $$ select array(select (r ->> 'unit')::uuid from scope_reaches('reads') r where r ->> 'region' is null and r ->> 'unit' is not null) $$;
create function scope_read_units_of_regions() returns uuid[]
    language sql stable parallel safe
    as $$ select array(select (r ->> 'unit')::uuid from scope_reaches('reads') r where r ->> 'region' is not null and r ->> 'unit' is not null) $$;
-- What a unit's rows in a region begin with: `unit:region`.
create function scope_read_units_in_regions() returns text[]
    language sql stable parallel safe
    as $$ select array(select (r ->> 'unit') || ':' || (r ->> 'region') from scope_reaches('reads') r where r ->> 'region' is not null and r ->> 'unit' is not null) $$;
create function scope_reads(region text, unit uuid) returns boolean
    language sql stable parallel safe
    as $$
select exists (
    select from scope_reaches('reads') r
     where coalesce(starts_with(region, r ->> 'region'), r ->> 'region' is null)
       and coalesce(unit = (r ->> 'unit')::uuid, r ->> 'unit' is null))
$$;

-- Writing: place, level and unit all count.
create function scope_writes_all() returns boolean
    language sql stable parallel safe
    as $$
select scope_is_system()
    or exists (select from scope_reaches('writes') r
                where r ->> 'region' is null and r ->> 'level' is null and r ->> 'unit' is null)
$$;
create function scope_writes(region text, level text, unit uuid) returns boolean
    language sql stable parallel safe
    as $$
select exists (
    select from scope_reaches('writes') r
     where coalesce(starts_with(region, r ->> 'region'), r ->> 'region' is null)
       and coalesce(level = r ->> 'level', r ->> 'level' is null)
       and coalesce(unit = (r ->> 'unit')::uuid, r ->> 'unit' is null))
$$;

-- What an asset is on record as: the policy under which everything that hangs on one is judged, too. Each version by
-- where it lies itself. The functions stand in subqueries, so that a statement asks them once and not for each row.
alter table spatial_unit_version enable row level security;
create policy spatial_unit_version_read on spatial_unit_version for select using (
    (select scope_reads_all())
    or region_code ^@ any ((select scope_read_regions())::text[])
    or unit_id = any ((select scope_read_units())::uuid[])
    or (unit_id = any ((select scope_read_units_of_regions())::uuid[])
        and (unit_id || ':' || region_code) ^@ any ((select scope_read_units_in_regions())::text[])));

alter table spatial_unit enable row level security;
create policy spatial_unit_read on spatial_unit for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version v where v.object_id = spatial_unit.id));

alter table spatial_unit_relation enable row level security;
create policy spatial_unit_relation_read on spatial_unit_relation for select using (
    (select scope_reads_all())
    or (exists (select from spatial_unit_version a
                 where a.object_id = upper_id and a.valid && spatial_unit_relation.valid
                   and a.recorded && spatial_unit_relation.recorded)
        and exists (select from spatial_unit_version a
                     where a.object_id = lower_id and a.valid && spatial_unit_relation.valid
                       and a.recorded && spatial_unit_relation.recorded)));

-- What hangs on an asset is seen where the asset is, in the same days and instants.
alter table room_version enable row level security;
create policy room_version_read on room_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = building_id and a.valid && room_version.valid and a.recorded && room_version.recorded));
alter table room enable row level security;
create policy room_read on room for select using (
    (select scope_reads_all()) or exists (select from room_version v where v.object_id = room.id));

alter table listed_right_version enable row level security;
create policy listed_right_version_read on listed_right_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && listed_right_version.valid
                  and a.recorded && listed_right_version.recorded));
alter table listed_right enable row level security;
create policy listed_right_read on listed_right for select using (
    (select scope_reads_all()) or exists (select from listed_right_version v where v.object_id = listed_right.id));

alter table title_version enable row level security;
create policy title_version_read on title_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = any (parcel_ids || building_ids) and a.valid && title_version.valid
                  and a.recorded && title_version.recorded));
alter table title enable row level security;
create policy title_read on title for select using (
    (select scope_reads_all()) or exists (select from title_version v where v.object_id = title.id));
alter table title_extent enable row level security;
create policy title_extent_read on title_extent for select using (
    (select scope_reads_all()) or exists (select from title_version v where v.version_id = title_extent.version_id));

alter table encumbrance_version enable row level security;
create policy encumbrance_version_read on encumbrance_version for select using (
    (select scope_reads_all())
    or exists (select from title_version t
                where t.object_id = title_id and t.valid && encumbrance_version.valid
                  and t.recorded && encumbrance_version.recorded));
alter table encumbrance enable row level security;
create policy encumbrance_read on encumbrance for select using (
    (select scope_reads_all()) or exists (select from encumbrance_version v where v.object_id = encumbrance.id));

alter table title_case_version enable row level security;
create policy title_case_version_read on title_case_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && title_case_version.valid
                  and a.recorded && title_case_version.recorded));
alter table title_case enable row level security;
create policy title_case_read on title_case for select using (
    (select scope_reads_all()) or exists (select from title_case_version v where v.object_id = title_case.id));

-- Is any version of the object within reach? Whatever it is; the policies above answer.
create function scope_sees_object(id uuid) returns boolean
    language sql stable
    as $$
select exists (select from spatial_unit_version v where v.object_id = id)
    or exists (select from room_version v where v.object_id = id)
    or exists (select from title_version v where v.object_id = id)
    or exists (select from title_case_version v where v.object_id = id)
    or exists (select from listed_right_version v where v.object_id = id)
    or exists (select from encumbrance_version v where v.object_id = id)
$$;

-- A finding tells of two: who sees it must see both, and where it lies. What is found of units and regions as such is for
-- those who see everything.
alter table finding enable row level security;
create policy finding_read on finding for select using (
    (select scope_reads_all())
    or (scope_sees_object(object_id)
        and (other_id is null or scope_sees_object(other_id))
        and (at_id is null or scope_sees_object(at_id))));

-- A run of the checks counts what is found anywhere.
alter table check_run enable row level security;
create policy check_run_read on check_run for select using ((select scope_reads_all()));

-- An import is seen by whoever brought it; of its rows, those that became something are seen where that is.
alter table import enable row level security;
create policy import_read on import for select using (
    (select scope_reads_all()) or actor = (select scope_actor()));
alter table import_row enable row level security;
create policy import_row_read on import_row for select using (
    (select scope_reads_all())
    or exists (select from import i where i.id = import_id and (object_id is null or scope_sees_object(object_id))));
alter table import_row_run enable row level security;
create policy import_row_run_read on import_row_run for select using (
    (select scope_reads_all()) or exists (select from import i where i.id = import_id));
alter table import_file enable row level security;
create policy import_file_read on import_file for select using (
    (select scope_reads_all()) or exists (select from import i where i.id = import_id));

-- An entry about an asset tells what it said before and after: it is seen where every version that it wrote or ended is.
-- (What the caller reads is handed in: worked out once a statement, and not for each entry.)
create function scope_sees_entry(object uuid, at timestamptz, regions text[], units uuid[], units_in_regions text[])
    returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce(bool_and(coalesce(
           v.region_code ^@ any (regions) or v.unit_id = any (units)
           or (v.unit_id || ':' || v.region_code) ^@ any (units_in_regions), false)), false)
  from spatial_unit_version v
 where v.object_id = object
   and (lower(v.recorded) = at or upper(v.recorded) = at)
$$;
alter table ledger_entry enable row level security;
create policy ledger_entry_read on ledger_entry for select using (
    (select scope_reads_all())
    or case
           -- The directory of places and units is open to everybody who is signed in.
           when object_kind in ('region', 'unit') then (select yice_scope() is not null)
           when object_kind in ('parcel', 'building', 'site') then scope_sees_entry(
               object_id, recorded_at, (select scope_read_regions())::text[], (select scope_read_units())::uuid[],
               (select scope_read_units_in_regions())::text[])
           when object_kind in ('relation', 'room', 'right', 'title', 'encumbrance', 'title_case') then scope_sees_object(object_id)
           when object_kind = 'import' then exists (select from import i where i.id = object_id)
           when object_kind = 'finding' then exists (select from finding f where f.id = object_id)
           else false
       end);

-- Writing is judged by the triggers below, for COPY asks no policy.
do $$
declare
    guarded text;
begin
    foreach guarded in array array[
        'spatial_unit', 'spatial_unit_version', 'spatial_unit_relation', 'room', 'room_version', 'listed_right',
        'listed_right_version', 'title', 'title_version', 'title_extent', 'encumbrance', 'encumbrance_version', 'title_case',
        'title_case_version', 'finding', 'check_run', 'import', 'import_row', 'import_row_run', 'import_file', 'ledger_entry'
    ] loop
        execute format('create policy %I on %I for insert with check (true)', guarded || '_insert', guarded);
        execute format('create policy %I on %I for update using (true) with check (true)', guarded || '_update', guarded);
        execute format('create policy %I on %I for delete using (true)', guarded || '_delete', guarded);
    end loop;
end
$$;

-- What must be known whole to be judged (two versions of one object for a day, a number twice on a floor) is looked at
-- with the owner's eyes.
alter function spatial_unit_version_one_at_a_time() security definer set search_path = public, pg_temp;
alter function room_version_one_at_a_time() security definer set search_path = public, pg_temp;
alter function import_row_of_an_import() security definer set search_path = public, pg_temp;

create function scope_refuse(what uuid) returns void
    language plpgsql
    as $$
begin
    raise insufficient_privilege using
        constraint = 'scope_refused',
        message = format('%s lies outside of what may be edited', what);
end
$$;

-- Assets that something is written about: each must be known in those days (in its last ones where no days are given) and
-- within reach all the time. Those that aren't are given back, one of them.
create function scope_refused_asset(assets uuid[], days daterange) returns uuid
    language sql stable security definer set search_path = public, pg_temp
    as $$
select asset
  from unnest(assets) asset
 where not coalesce((
           select bool_and(scope_writes(v.region_code, v.admin_level, v.unit_id))
             from spatial_unit_version v
            where v.object_id = asset and upper_inf(v.recorded)
              and case
                      when days is not null then v.valid && days
                      else lower(v.valid) = (select max(lower(l.valid)) from spatial_unit_version l
                                              where l.object_id = asset and upper_inf(l.recorded))
                  end), false)
 limit 1
$$;
create function scope_assets_of_title(title uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce(array_agg(distinct asset), '{}')
  from title_version t, unnest(t.parcel_ids || t.building_ids) asset
 where t.object_id = title and upper_inf(t.recorded)
$$;
create function scope_assets_of(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case kind
    when 'title' then scope_assets_of_title(id)
    when 'title_case' then array(select asset_id from title_case_version where object_id = id and upper_inf(recorded))
    when 'room' then array(select building_id from room_version where object_id = id and upper_inf(recorded))
    when 'right' then array(select asset_id from listed_right_version where object_id = id and upper_inf(recorded))
    when 'encumbrance' then array(
        select unnest(scope_assets_of_title(title_id)) from encumbrance_version where object_id = id and upper_inf(recorded))
    else array[id]
end
$$;

-- Only the program's roles act for somebody; the owner of the database keeps it and is bound by nothing here.
create function scope_binds() returns boolean
    language sql stable
    as $$ select current_user in ('yice_app', 'yice_system') and not scope_writes_all() $$;

create function spatial_unit_version_in_scope() returns trigger
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
    select w.object_id into stray
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
create function spatial_unit_relation_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select scope_refused_asset(array[upper_id, lower_id], valid) into stray
      from written where scope_refused_asset(array[upper_id, lower_id], valid) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function room_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(array[building_id], valid) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function listed_right_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(array[asset_id], valid) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
-- A title without land or house is nobody's part. One that reaches beyond a part is the whole registry's to write.
create function title_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where cardinality(parcel_ids || building_ids) = 0
        or scope_refused_asset(parcel_ids || building_ids, null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function encumbrance_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where cardinality(scope_assets_of_title(title_id)) = 0
        or scope_refused_asset(scope_assets_of_title(title_id), null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function title_case_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refused_asset(array[asset_id], null) is not null limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function finding_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where scope_refused_asset(
               case when at_id is not null then array[at_id] else scope_assets_of(object_kind, object_id) end, null) is not null
        or (at_id is null and cardinality(scope_assets_of(object_kind, object_id)) = 0) limit 1;
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
        'spatial_unit_version', 'spatial_unit_relation', 'room_version', 'listed_right_version', 'title_version',
        'encumbrance_version', 'title_case_version', 'finding'
    ] loop
        execute format(
            'create trigger %I after insert on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_insert', guarded, guarded || '_in_scope');
        execute format(
            'create trigger %I after update on %I referencing new table as written
             for each statement execute function %I()', guarded || '_in_scope_update', guarded, guarded || '_in_scope');
    end loop;
end
$$;

-- Whose land a title's reaches into is told to those who may read that title.
create function scope_reads_title(title uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select scope_reads_all()
    or exists (select from title_version t
                 join spatial_unit_version a on a.object_id = any (t.parcel_ids || t.building_ids)
                where t.object_id = title and upper_inf(t.recorded) and upper_inf(a.recorded)
                  and scope_reads(a.region_code, a.unit_id))
$$;
do $$
declare
    was text := pg_get_functiondef('title_extent_renew(uuid[])'::regprocedure);
    told text := 'detail = json_build_object(''title_id'', clash.theirs, ''unit_code'', clash.unit_code, ''cert_no'', clash.cert_no)::text';
begin
    if position(told in was) = 0 then
        raise exception 'title_extent_renew is not what it was';
    end if;
    execute replace(was, told, replace(told, 'detail = ', 'detail = case when scope_reads_title(clash.theirs) then ') || ' else '''' end');
end
$$;

-- Of the keys of a file those that are taken: an import into a part must set them aside where their objects lie elsewhere.
create function scope_taken_keys(of_dataset text, of_kind text, keys text[]) returns setof text
    language sql stable security definer set search_path = public, pg_temp
    as $$
select source_key from spatial_unit where dataset = of_dataset and kind = of_kind and source_key = any (keys)
$$;
