-- Why: what keeps versions apart joined the rows of a statement with the table. Planned while the table was known to hold a
-- row or two (after `analyze`, as after a restored backup), it read the whole table for every row, and for as long as the
-- session lasted: 2 000 rows took two seconds instead of a tenth, and each further batch more than the one before.
-- A subquery for each row (`offset 0` or `limit 1` keeps it one) leaves the planner the index and nothing else.

create or replace function spatial_unit_version_one_at_a_time() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_seqscan = off
    set enable_memoize = off
    as $$
declare
    own constant xid := pg_current_xact_id()::xid;
    stray uuid;
    shared boolean;
    clash uuid;
begin
    -- In a stricter isolation the second writer would not see what the first committed while it waited.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise feature_not_supported using
            message = 'versions are written in read committed transactions only';
    end if;

    -- One look at everything: identities that are missing, identities that another transaction made, and overlaps.
    select (array_agg(w.object_id) filter (where u.maker is null))[1],
           coalesce(bool_or(u.maker <> own), false),
           (array_agg(w.object_id) filter (where o.clashes))[1]
      into stray, shared, clash
      from written w
      left join lateral (
               select u.xmin as maker
                 from spatial_unit u
                where u.id = w.object_id and u.kind = w.kind
               offset 0) u on true
      left join lateral (
               select true as clashes
                 from spatial_unit_version o
                where o.object_id = w.object_id
                  and o.version_id <> w.version_id
                  and upper_inf(o.recorded)
                  and o.valid && w.valid
                  and upper_inf(w.recorded)
                limit 1) o on true;
    if stray is not null then
        raise foreign_key_violation using
            constraint = 'spatial_unit_version_object_fkey',
            message = format('version of %s, which is not registered under that kind', stray);
    end if;

    -- What others are writing at this moment is known only once their identities are locked.
    if shared then
        perform 1
           from spatial_unit u
          where u.id = any(array(select object_id from written where upper_inf(recorded)))
            and u.xmin <> own
          order by u.id
            for update;
        select w.object_id into clash
          from written w
         cross join lateral (
                   select 1
                     from spatial_unit_version o
                    where o.object_id = w.object_id
                      and o.version_id <> w.version_id
                      and upper_inf(o.recorded)
                      and o.valid && w.valid
                    limit 1) o
         where upper_inf(w.recorded)
         limit 1;
    end if;
    if clash is not null then
        raise exclusion_violation using
            constraint = 'spatial_unit_version_one_at_a_time',
            message = format('two versions of %s would hold for the same day', clash);
    end if;
    return null;
end
$$;

create or replace function room_version_one_at_a_time() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_seqscan = off
    set enable_memoize = off
    as $$
declare
    own constant xid := pg_current_xact_id()::xid;
    clash record;
begin
    -- In a stricter isolation the second writer would not see what the first committed while it waited.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise feature_not_supported using
            message = 'versions are written in read committed transactions only';
    end if;

    -- `no key`: whoever only refers to the building need not wait.
    perform 1
       from spatial_unit u
      where u.id = any(array(select distinct building_id from written where upper_inf(recorded)))
        and u.xmin <> own
      order by u.id
        for no key update;
    perform 1
       from room r
      where r.id = any(array(select object_id from written where upper_inf(recorded)))
        and r.xmin <> own
      order by r.id
        for update;

    select w.object_id into clash
      from written w
     where not exists (select from room r where r.id = w.object_id offset 0)
     limit 1;
    if found then
        raise foreign_key_violation using
            constraint = 'room_version_object_fkey',
            message = format('version of %s, which is no registered room', clash.object_id);
    end if;

    select w.object_id into clash
      from written w
     cross join lateral (
               select 1
                 from room_version o
                where o.object_id = w.object_id
                  and o.version_id <> w.version_id
                  and upper_inf(o.recorded)
                  and o.valid && w.valid
                limit 1) o
     where upper_inf(w.recorded)
     limit 1;
    if found then
        raise exclusion_violation using
            constraint = 'room_version_one_at_a_time',
            message = format('two versions of %s would hold for the same day', clash.object_id);
    end if;

    select w.object_id, w.floor, w.number into clash
      from written w
     cross join lateral (
               select 1
                 from room_version o
                where o.building_id = w.building_id
                  and o.floor = w.floor
                  and o.number = w.number
                  and o.version_id <> w.version_id
                  and upper_inf(o.recorded)
                  and o.valid && w.valid
                limit 1) o
     where upper_inf(w.recorded)
     limit 1;
    if found then
        raise exclusion_violation using
            constraint = 'room_version_one_per_number',
            message = format('room %s of floor %s would be there twice on the same day', clash.number, clash.floor);
    end if;
    return null;
end
$$;
