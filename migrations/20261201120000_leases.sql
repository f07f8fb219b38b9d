-- Why: what is let (出租) and what is rented in (租入) gets a register: who, what, for how long, at what rent, and how the
-- price came about; no part of the book is let twice.

create table lease (
    id uuid constraint lease_pkey primary key,
    created_at timestamptz not null
);

create table lease_version (
    version_id uuid constraint lease_version_pkey primary key,
    object_id uuid not null constraint lease_version_object_fkey references lease,
    -- From its first day until it is handed back; the last day of its term is `ends_on`.
    valid daterange not null,
    recorded tstzrange not null,
    -- The parcel or building.
    asset_id uuid not null constraint lease_version_asset_fkey references spatial_unit,
    -- 出租 out, 租入 in
    direction text not null,
    -- Some of its rooms, with what is let of each, m²; none where it is the asset or a part of it without rooms.
    room_ids uuid[] not null,
    room_areas_m2 numeric(16, 4)[] not null,
    area_m2 numeric(16, 4) not null,
    lessor_kind text not null,
    lessor_name text not null,
    lessee_kind text not null,
    lessee_size text,
    lessee_sector text,
    lessee_name text not null,
    -- 转租
    is_sublet boolean not null,
    ends_on date not null,
    -- Yuan a month, by whatever the rent is agreed.
    monthly_rent numeric(16, 2) not null,
    -- 合同编号, 批准文号
    contract_number text,
    approval_number text,
    -- 续租: the lease that this one goes on from.
    renews_id uuid constraint lease_version_renews_fkey references lease,
    -- Why it was handed back.
    end_reason text,
    details json not null,
    constraint lease_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint lease_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint lease_version_direction_known check (direction in ('out', 'in')),
    constraint lease_version_rooms_with_areas check (cardinality(room_ids) = cardinality(room_areas_m2)),
    constraint lease_version_area_positive check (area_m2 > 0 and 0 < all (room_areas_m2)),
    constraint lease_version_lessor_kind_known check (lessor_kind in ('bureau', 'using_unit', 'state_company', 'private')),
    constraint lease_version_lessor_given check (lessor_name <> ''),
    constraint lease_version_lessee_kind_known check (lessee_kind in ('enterprise', 'self_employed', 'unit', 'person')),
    constraint lease_version_lessee_given check (lessee_name <> ''),
    constraint lease_version_size_of_enterprise check
        (lessee_size is null or (lessee_kind = 'enterprise' and lessee_size in ('large', 'medium', 'small', 'micro'))),
    constraint lease_version_sector_known check
        (lessee_sector in ('agriculture', 'industry', 'construction', 'services')),
    constraint lease_version_days_in_order check (ends_on >= lower(valid)),
    constraint lease_version_rent_positive check (monthly_rent >= 0),
    constraint lease_version_renews_another check (renews_id <> object_id),
    constraint lease_version_end_whole check (upper_inf(valid) = (end_reason is null)),
    constraint lease_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index lease_version_by_object on lease_version (object_id, lower(recorded));
create index lease_version_by_asset on lease_version (asset_id);
-- A lease is gone on from once.
create unique index lease_version_renewed_once on lease_version (renews_id) where upper_inf(recorded);

-- What the leases out that are known now take of each thing: of the asset, and of each room. Kept by the database alone.
create table lease_part (
    version_id uuid not null constraint lease_part_version_fkey references lease_version,
    thing_id uuid not null,
    days daterange not null,
    area_m2 numeric(16, 4) not null,
    constraint lease_part_pkey primary key (version_id, thing_id)
);
create index lease_part_by_thing on lease_part (thing_id);

-- How much of a thing there is to let, m²; null where nobody knows. A building's outline is no floor area.
create function lease_thing_area(thing uuid, day date) returns numeric
    language sql stable security definer set search_path = public, pg_temp
    as $$
select coalesce(
    (select greatest(building_area_m2, use_area_m2) from room_version
      where object_id = thing and upper_inf(recorded)
      order by valid @> day desc, lower(valid) desc limit 1),
    (select case kind when 'building' then registered_area_m2 else coalesce(registered_area_m2, area_m2::numeric) end
       from spatial_unit_version
      where object_id = thing and upper_inf(recorded)
      order by valid @> day desc, lower(valid) desc limit 1))
$$;

create function lease_version_parts() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    spilled uuid;
begin
    -- Two leases of one asset are weighed one after the other.
    perform pg_advisory_xact_lock(hashtextextended(asset_id::text, 41))
       from (select distinct asset_id from written order by asset_id) assets;
    delete from lease_part where version_id in (select version_id from written);
    insert into lease_part (version_id, thing_id, days, area_m2)
    select w.version_id, part.id, daterange(lower(w.valid), least(upper(w.valid), w.ends_on + 1)), part.area_m2
      from written w
     cross join lateral (
           select w.asset_id as id, w.area_m2
           union all
           select room.id, room.area_m2 from unnest(w.room_ids, w.room_areas_m2) as room (id, area_m2)) part
     where upper_inf(w.recorded) and w.direction = 'out';
    select p.thing_id into spilled
      from lease_part p
     cross join lateral (select lease_thing_area(p.thing_id, lower(p.days)) as m2) there
     where p.version_id in (select version_id from written)
       and exists (
           select from lease_part beside
            where beside.thing_id = p.thing_id and beside.days && p.days
              and (select sum(o.area_m2) from lease_part o
                    where o.thing_id = p.thing_id and o.days @> greatest(lower(beside.days), lower(p.days))) > there.m2)
     limit 1;
    if found then
        raise exclusion_violation using
            constraint = 'lease_part_within_area',
            message = format('more of %s would be let than there is', spilled);
    end if;
    return null;
end
$$;
create trigger lease_version_parts_insert
    after insert on lease_version
    referencing new table as written
    for each statement execute function lease_version_parts();
create trigger lease_version_parts_update
    after update on lease_version
    referencing new table as written
    for each statement execute function lease_version_parts();

grant select, insert on lease, lease_version to yice_app;
grant select on lease_part to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on lease_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on lease to yice_app;

-- The ledger's kinds of object: one more at the end of those there are by now.
do $$
declare
    known text;
begin
    select string_agg(quote_literal(kind), ', ' order by place) into known
      from (select m[1] as kind, place
              from pg_constraint c,
                   regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
             where c.conname = 'ledger_entry_object_kind_is_known'
             union all
            select 'lease', 1000) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
