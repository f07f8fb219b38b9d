-- Why: what a unit rents (租入) comes out of its case, and may stand in no register of assets: such a lease names the premises
-- and is seen and written where its unit is (docs/adr/0033).

alter table lease_version
    alter column asset_id drop not null,
    -- 坐落, as the contract says it.
    add column address text,
    -- The unit that rents, where what it rents stands in no register.
    add column unit_id uuid constraint lease_version_unit_fkey references unit,
    -- 租用案件: the case that made it.
    add column case_id uuid constraint lease_version_case_fkey references policy_case,
    add constraint lease_version_of_something check
        (asset_id is not null or (direction = 'in' and unit_id is not null and coalesce(address, '') <> ''));
create index lease_version_by_unit on lease_version (unit_id) where unit_id is not null;
-- A case makes one lease.
create unique index lease_version_one_of_case on lease_version (case_id) where upper_inf(recorded);

drop policy lease_version_read on lease_version;
create policy lease_version_read on lease_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = asset_id and a.valid && lease_version.valid and a.recorded && lease_version.recorded)
    or (asset_id is null and exists (
            select from unit_version u
             where u.object_id = lease_version.unit_id and upper_inf(u.recorded) and u.valid && lease_version.valid
               and scope_reads(u.region_code, u.object_id))));

create or replace function scope_assets_of_lease(lease uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select array(
    select distinct asset_id from lease_version where object_id = lease and upper_inf(recorded) and asset_id is not null)
$$;

-- Whoever reaches neither the asset nor, where there is none, the unit, writes nothing of the lease.
create function scope_refuses_rented(asset uuid, unit uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case
    when asset is not null then scope_refused_asset(array[asset], null) is not null
    else not coalesce((
        select scope_writes(v.region_code, v.level, v.object_id)
          from unit_version v
         where v.object_id = unit and upper_inf(v.recorded)
         order by lower(v.valid) desc
         limit 1), false)
end
$$;
create or replace function lease_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refuses_rented(asset_id, unit_id) limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
create function scope_refuses_lease(lease uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce(bool_or(scope_refuses_rented(asset_id, unit_id)), true)
  from lease_version where object_id = lease and upper_inf(recorded)
$$;
create or replace function rent_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written where scope_refuses_lease(object_id) limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;

-- What is found of such a lease is found at its unit.
create policy finding_read_leases_of_units on finding for select using (
    at_id is null
    and exists (select from lease_version v
                 where v.object_id = other_id and v.asset_id is null and v.unit_id = finding.object_id));
