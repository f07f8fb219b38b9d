-- Why: rooms come by the hundred thousand too, and the two exclusion constraints cost more than all the rest of writing
-- them (docs/adr/0004). The same promises are kept by a statement trigger: no two versions of one room are known at once
-- for the same day, and no two rooms of a floor have the same number on the same day.

alter table room_version
    drop constraint room_version_one_at_a_time,
    drop constraint room_version_one_per_number,
    drop constraint room_version_object_fkey;
create index room_version_by_number on room_version (building_id, floor, number);

-- What others wrote is seen only once they have committed: the buildings and the rooms are locked first, each in the
-- order of their ids, so that two writers of one floor or of one room wait for each other.
create function room_version_one_at_a_time() returns trigger
    language plpgsql
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_seqscan = off
    as $$
declare
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
      where u.id in (select building_id from written where upper_inf(recorded))
        and u.xmin::text::bigint <> (pg_current_xact_id()::text::bigint & 4294967295)
      order by u.id
        for no key update;
    perform 1
       from room r
      where r.id in (select object_id from written where upper_inf(recorded))
        and r.xmin::text::bigint <> (pg_current_xact_id()::text::bigint & 4294967295)
      order by r.id
        for update;

    select w.object_id into clash
      from written w
      left join room r on r.id = w.object_id
     where r.id is null
     limit 1;
    if found then
        raise foreign_key_violation using
            constraint = 'room_version_object_fkey',
            message = format('version of %s, which is no registered room', clash.object_id);
    end if;

    select w.object_id into clash
      from written w
      join room_version o
        on o.object_id = w.object_id
       and o.version_id <> w.version_id
       and upper_inf(o.recorded)
       and o.valid && w.valid
     where upper_inf(w.recorded)
     limit 1;
    if found then
        raise exclusion_violation using
            constraint = 'room_version_one_at_a_time',
            message = format('two versions of %s would hold for the same day', clash.object_id);
    end if;

    select w.object_id, w.floor, w.number into clash
      from written w
      join room_version o
        on o.building_id = w.building_id
       and o.floor = w.floor
       and o.number = w.number
       and o.version_id <> w.version_id
       and upper_inf(o.recorded)
       and o.valid && w.valid
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

create trigger room_version_one_at_a_time_insert
    after insert on room_version
    referencing new table as written
    for each statement execute function room_version_one_at_a_time();
create trigger room_version_one_at_a_time_update
    after update on room_version
    referencing new table as written
    for each statement execute function room_version_one_at_a_time();
