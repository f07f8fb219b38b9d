-- Why: the bureau to which an asset goes (划转、下沉) accepts it by itself (行政事业性国有资产管理条例 art. 22): of a case that is
-- another level's it writes that one word, and the level changes only where the word was given (docs/adr/0032).

alter table policy_case_version
    -- The bureau to which the asset is offered, and who offers it: what the records in `details` say.
    add column offered_to uuid constraint policy_case_version_offered_to_fkey references unit,
    add column offered_by text,
    -- Who accepted it there; nobody any longer once something else is proposed.
    add column accepted_by text,
    -- The level that gave it, once it was handed over: the case stays with the bureau that gives.
    add column handed_from text,
    add constraint policy_case_version_offered_by_somebody check ((offered_to is null) = (offered_by is null)),
    add constraint policy_case_version_accepted_offer check (accepted_by is null or offered_to is not null),
    -- GOV-01: who proposes it for one bureau doesn't accept it for the other.
    add constraint policy_case_version_two_bureaus check (accepted_by <> offered_by and accepted_by <> put_forward_by),
    add constraint policy_case_version_handed_from_known check
        (handed_from in ('national', 'province', 'city', 'county', 'township'));

-- Does whoever writes reach a case about an asset? It is where the asset is, and of the level that gave it.
create function scope_writes_case(asset uuid, giver text) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce((
    select scope_writes(v.region_code, coalesce(giver, v.admin_level), v.unit_id)
      from spatial_unit_version v
     where v.object_id = asset and upper_inf(v.recorded)
     order by lower(v.valid) desc
     limit 1), false)
$$;

-- Do they speak for the bureau that is to receive it? They reach where the bureau is, and the asset as it is to be then.
create function scope_receives(receiver uuid, asset uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce((
    select scope_writes(u.region_code, u.level, receiver) and scope_writes_case(asset, u.level)
      from unit_version u
     where u.object_id = receiver and upper_inf(u.recorded)
     order by lower(u.valid) desc
     limit 1), false)
$$;

create function policy_case_acceptances(details json) returns bigint
    language sql immutable
    as $$
select count(*) from json_array_elements(details -> 'records') record where record -> 'fact' ->> 'record' = 'acceptance'
$$;

-- What a version says of an offer, beside the version before it: `answer` where somebody who may receive it adds their
-- word and nothing else, `forged` where that word or the hand-over is anybody else's, `own` where nothing of the kind is new.
create function policy_case_says(version uuid) returns text
    language sql stable security definer set search_path = public, pg_temp
    as $$
with pair as (
    select n as after, b as before, n.details::jsonb as said, b.details::jsonb as was,
           n.details::jsonb -> 'records' -> -1 as word
      from policy_case_version n
      left join policy_case_version b on b.object_id = n.object_id and upper(b.recorded) = lower(n.recorded)
     where n.version_id = version),
judged as (
    select p.*,
           coalesce((before).is_open and (before).offered_to is not null
                    and to_jsonb(after) - array['version_id', 'recorded', 'details', 'accepted_by']
                      = to_jsonb(before) - array['version_id', 'recorded', 'details', 'accepted_by']
                    and said - 'records' = was - 'records'
                    and (said -> 'records') - (-1) = was -> 'records'
                    and word -> 'fact' ->> 'record' = 'acceptance'
                    and word ->> 'by' = scope_actor()
                    and (after).accepted_by is not distinct from
                        case when (word -> 'fact' ->> 'accepted')::boolean then scope_actor() end
                    and scope_receives((before).offered_to, (before).asset_id), false) as answers
      from pair p)
select case
           when answers then 'answer'
           when (after).accepted_by is not null and (after).accepted_by is distinct from (before).accepted_by then 'forged'
           when policy_case_acceptances((after).details) > coalesce(policy_case_acceptances((before).details), 0) then 'forged'
           when (after).handed_from is distinct from (before).handed_from
                and ((before).handed_from is not null
                     or (before).accepted_by is null
                     or (after).handed_from is distinct from (
                            select v.admin_level from spatial_unit_version v
                             where v.object_id = (after).asset_id and upper_inf(v.recorded)
                             order by lower(v.valid) desc limit 1)) then 'forged'
           else 'own'
       end
  from judged
$$;

create or replace function policy_case_version_in_scope() returns trigger
    language plpgsql
    as $$
declare
    stray uuid;
begin
    if current_user not in ('yice_app', 'yice_system') or scope_is_system() then
        return null;
    end if;
    -- Nobody gives another's word, whatever they may write otherwise.
    if tg_op = 'INSERT' then
        select object_id into stray from written where policy_case_says(version_id) = 'forged' limit 1;
        if found then
            perform scope_refuse(stray);
        end if;
    end if;
    if not scope_binds() then
        return null;
    end if;
    select object_id into stray from written
     where case when unit_id is not null then scope_refuses_unit(region_code, unit_id)
                else not scope_writes_case(asset_id, handed_from) end
       and case when tg_op = 'INSERT' then policy_case_says(version_id) <> 'answer'
                -- The version that is answered ends; what comes after it is judged by itself, and something does (below).
                else not (is_open and offered_to is not null and scope_receives(offered_to, asset_id)) end
     limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;

-- A version of a case ends where another begins.
create function policy_case_version_goes_on() returns trigger
    language plpgsql
    as $$
begin
    if not scope_binds() then
        return null;
    end if;
    if not upper_inf(old.recorded) or lower(old.recorded) is distinct from lower(new.recorded)
       or not exists (select from policy_case_version v
                       where v.object_id = new.object_id and lower(v.recorded) = upper(new.recorded)) then
        perform scope_refuse(new.object_id);
    end if;
    return null;
end
$$;
create constraint trigger policy_case_version_goes_on after update on policy_case_version
    deferrable initially deferred for each row execute function policy_case_version_goes_on();

-- Is this version of an asset its hand-over: by the step of an approved and accepted case, taken at this instant by somebody
-- who reaches the asset as it was, and with nothing changed but the level?
create function scope_hands_over(asset uuid, version uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$
select exists (
    select
      from spatial_unit_version n
      join spatial_unit_version b
        on b.object_id = n.object_id and upper(b.recorded) = lower(n.recorded) and b.valid && n.valid
      join policy_case_version c
        on c.asset_id = n.object_id and lower(c.recorded) = lower(n.recorded) and upper_inf(c.recorded)
      join policy_case_version p on p.object_id = c.object_id and upper(p.recorded) = lower(c.recorded)
     where n.object_id = asset and n.version_id = version and upper_inf(n.recorded)
       and (p.procedure = 'hand_down' or (p.procedure = 'idle_disposal' and p.route = 'transfer_down'))
       and p.is_open and p.accepted_by is not null and p.decided_by is not null
       and p.handed_from is null and c.handed_from = b.admin_level and c.offered_to = p.offered_to
       and scope_writes(b.region_code, b.admin_level, b.unit_id)
       and n.admin_level = (select u.level from unit_version u
                             where u.object_id = p.offered_to and upper_inf(u.recorded)
                             order by lower(u.valid) desc limit 1)
       and n.geometry is not distinct from b.geometry
       and to_jsonb(n) - array['version_id', 'valid', 'recorded', 'admin_level', 'geometry', 'source_row', 'import_id']
         = to_jsonb(b) - array['version_id', 'valid', 'recorded', 'admin_level', 'geometry', 'source_row', 'import_id'])
$$;

create or replace function spatial_unit_version_in_scope() returns trigger
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
     where case
               when exists (
                   select from reaches r
                    where coalesce(starts_with(w.region_code, r.region), r.region is null)
                      and coalesce(w.admin_level = r.level, r.level is null)
                      and coalesce(w.unit_id = r.unit, r.unit is null)) then false
               else not scope_hands_over(w.object_id, w.version_id)
           end
     limit 1;
    if found then
        perform scope_refuse(stray);
    end if;
    return null;
end
$$;
