-- Why: a unit asks for space (调剂、置换、租用、建设、领导干部办公用房配置): such a case is about the unit first, and about an
-- asset once it is known which (docs/adr/0025).

alter table policy_case_version
    alter column asset_id drop not null,
    -- Who asks.
    add column unit_id uuid constraint policy_case_version_unit_fkey references unit,
    add constraint policy_case_version_of_something check (asset_id is not null or unit_id is not null),
    add constraint policy_case_version_unit_placed check (unit_id is null or region_code is not null),
    drop constraint policy_case_version_procedure_known,
    add constraint policy_case_version_procedure_known check (procedure in
        ('idle_disposal', 'repair', 'reassign', 'swap_premises', 'rent_in', 'build', 'leader_office',
         'hand_down'));
create index policy_case_version_by_unit on policy_case_version (unit_id) where unit_id is not null;

-- One asset, one policy (DSP-21); but several units may be given rooms of one building.
drop index policy_case_version_one_per_asset;
create unique index policy_case_version_one_per_asset on policy_case_version (asset_id, procedure)
    where upper_inf(recorded) and is_open and procedure in ('idle_disposal', 'repair', 'swap_premises', 'hand_down');

-- A unit's case is seen where the unit is, and where the asset is that it came to be about.
drop policy policy_case_version_read on policy_case_version;
create policy policy_case_version_read on policy_case_version for select using (
    (select scope_reads_all())
    or (unit_id is not null and scope_reads(region_code, unit_id))
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && policy_case_version.valid
                  and a.recorded && policy_case_version.recorded));

-- It is written by whoever reaches the unit, whose level it has; what it does to an asset is judged by the asset.
create function scope_refuses_unit(region text, unit uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select not coalesce((
    select scope_writes(region, v.level, unit)
      from unit_version v
     where v.object_id = unit and upper_inf(v.recorded)
     order by lower(v.valid) desc
     limit 1), false)
$$;
create or replace function policy_case_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where case when unit_id is not null then scope_refuses_unit(region_code, unit_id)
                else scope_refused_asset(array[asset_id], null) is not null end
     limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create or replace function scope_assets_of(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case kind
    when 'title' then scope_assets_of_title(id)
    when 'title_case' then array(select asset_id from title_case_version where object_id = id and upper_inf(recorded))
    when 'policy_case' then array(
        select asset_id from policy_case_version where object_id = id and upper_inf(recorded) and asset_id is not null)
    when 'idle_record' then array(select asset_id from idle_record_version where object_id = id and upper_inf(recorded))
    when 'room' then scope_buildings_of_room(id)
    when 'occupant' then array(
        select unnest(scope_buildings_of_room(room_id)) from occupant_version where object_id = id and upper_inf(recorded))
    when 'right' then array(select asset_id from listed_right_version where object_id = id and upper_inf(recorded))
    when 'encumbrance' then array(
        select unnest(scope_assets_of_title(title_id)) from encumbrance_version where object_id = id and upper_inf(recorded))
    else array[id]
end
$$;
