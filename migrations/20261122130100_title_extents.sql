-- Why: no piece of land is under two current titles (docs/adr/0014). The database keeps what land each current title
-- claims and refuses a claim that reaches into another's, whatever program writes, however many write at once.

-- The central meridian of the 3-degree zone in which a shape in longitude and latitude is measured.
create function title_meridian(place geometry) returns integer
    language sql immutable strict parallel safe
    as $$ select (round((st_xmin(place) + st_xmax(place)) / 6) * 3)::integer $$;

-- The shape in the plane of that zone, metres. Zones of the national system have a code; elsewhere the same projection is
-- spelt out.
create function title_plane(place geometry, meridian integer) returns geometry
    language sql immutable strict parallel safe
    as $$
select st_setsrid(
    case
        when meridian between 75 and 135 then st_transform(place, 4509 + meridian / 3)
        else st_transform(place, format(
            '+proj=tmerc +lat_0=0 +lon_0=%s +k=1 +x_0=500000 +y_0=0 +a=6378137 +rf=298.257222101 +units=m +no_defs', meridian))
    end, 0)
$$;

-- What lies deeper inside a shape than a centimetre, the collar in which surveyors' rounding may differ.
create function title_core(shape geometry) returns geometry
    language sql immutable strict parallel safe
    as $$ select st_buffer(shape, -0.01, 'join=mitre mitre_limit=2') $$;

-- What each current title claims: one row for each of its parcels and each shape that parcel has in the title's time.
-- Derived from the versions; only the triggers below write it.
create table title_extent (
    version_id uuid not null constraint title_extent_version_fkey references title_version,
    title_id uuid not null,
    parcel_id uuid not null,
    parcel_version_id uuid not null,
    valid daterange not null,
    stratum text not null,
    -- 宗地代码, where the code is firm: titles of one parcel stack lawfully.
    parcel_code text,
    has_house boolean not null,
    -- Longitude and latitude; nothing where the parcel has no shape yet.
    place geometry(geometry, 4490),
    meridian integer,
    -- In the plane of that zone.
    shape geometry,
    core geometry,
    constraint title_extent_pkey primary key (version_id, parcel_id, parcel_version_id),
    -- A shape that is all collar could lie anywhere.
    constraint title_extent_has_depth check (shape is null or not st_isempty(core)),
    -- What the collar takes away is at most its width along the border, and a little at each inner corner.
    constraint title_extent_core_is_whole check
        (shape is null or st_area(core) >= st_area(shape) - 0.0101 * st_perimeter(shape) - 0.0004 * st_npoints(shape))
);
create index title_extent_by_parcel on title_extent (parcel_id);
create index title_extent_by_place on title_extent using gist (place);
grant select on title_extent to yice_app;

-- Everybody who claims land locks the cells of a fixed raster under it first (1/256 degree, about 400 m), a decimetre
-- more on each side: two claims that overlap share a cell, so the later one waits and then sees the earlier. Who needs
-- very many cells locks the whole map instead; everybody else holds it shared. All locks last until the transaction ends.
create function title_lock_cells(places geometry[]) returns void
    language plpgsql set search_path = public, pg_temp
    as $$
declare
    cells bigint[];
    cell bigint;
    many boolean;
begin
    select coalesce(sum(
        (floor((st_xmax(p) + 1e-6) * 256) - floor((st_xmin(p) - 1e-6) * 256) + 1)
        * (floor((st_ymax(p) + 1e-6) * 256) - floor((st_ymin(p) - 1e-6) * 256) + 1)), 0) > 64
      into many
      from unnest(places) p;
    if many then
        perform pg_advisory_xact_lock(4910001::bigint);
        return;
    end if;
    perform pg_advisory_xact_lock_shared(4910001::bigint);
    select array_agg(distinct x::bigint * 100000 + y order by x::bigint * 100000 + y)
      into cells
      from unnest(places) p,
           generate_series(floor((st_xmin(p) - 1e-6) * 256)::integer, floor((st_xmax(p) + 1e-6) * 256)::integer) x,
           generate_series(floor((st_ymin(p) - 1e-6) * 256)::integer, floor((st_ymax(p) + 1e-6) * 256)::integer) y;
    foreach cell in array coalesce(cells, '{}') loop
        perform pg_advisory_xact_lock(hashtextextended('title cell ' || cell, 11));
    end loop;
end
$$;

-- Before a current title is written: its codes, its parcels and the land under them are locked, always in this order and
-- each sort in its own order, so that writers wait for each other in a line and never in a circle.
create function title_version_take_locks() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    lock_key bigint;
    places geometry[];
    missing uuid;
begin
    if not upper_inf(new.recorded) or new.book_state <> '1' then
        return new;
    end if;
    -- In a stricter isolation the later writer would not see what the earlier committed while it waited.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise feature_not_supported using message = 'titles are written in read committed transactions only';
    end if;
    for lock_key in
        select hashtextextended(name, 13)
          from unnest(array[
                   'title ' || new.object_id,
                   'unit code ' || title_firm_code(new.unit_code),
                   'certificate ' || new.cert_no]) name
         where name is not null
         order by 1
    loop
        perform pg_advisory_xact_lock(lock_key);
    end loop;
    -- The parcel's row: its shape stands still until this transaction ends.
    perform 1 from spatial_unit u where u.id = any(new.parcel_ids) order by u.id for no key update;
    select wanted into missing
      from unnest(new.parcel_ids) wanted
      left join spatial_unit u on u.id = wanted and u.kind = 'parcel'
     where u.id is null limit 1;
    if missing is not null then
        raise foreign_key_violation using
            constraint = 'title_version_parcel_fkey', message = format('%s is no parcel', missing);
    end if;
    select wanted into missing
      from unnest(new.building_ids) wanted
      left join spatial_unit u on u.id = wanted and u.kind = 'building'
     where u.id is null limit 1;
    if missing is not null then
        raise foreign_key_violation using
            constraint = 'title_version_building_fkey', message = format('%s is no building', missing);
    end if;
    select array_agg(v.geometry) into places
      from spatial_unit_version v
     where v.object_id = any(new.parcel_ids) and upper_inf(v.recorded) and v.valid && new.valid and v.geometry is not null;
    perform title_lock_cells(coalesce(places, '{}'));
    return new;
end
$$;
create trigger title_version_take_locks before insert or update on title_version
    for each row execute function title_version_take_locks();

-- Works the claims of versions out anew and refuses those that reach into another's.
-- The kinds of land that are compared: above ground and underground are apart from the surface, and so is the ownership
-- by a collective, on which rights of use lie (Civil Code art. 345).
create function title_extent_renew(versions uuid[]) returns void
    language plpgsql security definer set search_path = public, pg_temp
    set enable_seqscan = off
    as $$
declare
    clash record;
begin
    delete from title_extent where version_id = any(versions);
    insert into title_extent (version_id, title_id, parcel_id, parcel_version_id, valid, stratum, parcel_code, has_house,
                              place, meridian, shape, core)
    select t.version_id, t.object_id, p.object_id, p.version_id, t.valid * p.valid,
           case substr(t.unit_code, 14, 1) when 'S' then 'above' when 'X' then 'below' when 'A' then 'owned' else 'surface' end,
           substr(t.firm_code, 1, 19),
           t.right_type in ('4', '6', '8', '16', '18') or coalesce(substr(t.unit_code, 20, 1) = 'F', false),
           p.geometry, m.meridian, s.shape, title_core(s.shape)
      from title_version t
      join spatial_unit_version p
        on p.object_id = any(t.parcel_ids) and upper_inf(p.recorded) and p.valid && t.valid
     cross join lateral (select title_meridian(p.geometry) as meridian) m
     cross join lateral (select title_plane(p.geometry, m.meridian) as shape) s
     where t.version_id = any(versions)
       and upper_inf(t.recorded) and t.book_state = '1'
       -- Who holds a house certificate alone claims no land; easements, water and minerals are no claim to the ground.
       and t.evidence in ('both', 'land_only') and t.right_type not in ('19', '20', '21', '22');
    select a.title_id as mine, b.title_id as theirs, o.unit_code, o.cert_no into clash
      from title_extent a
      join title_extent b
        on b.place && st_expand(a.place, 1e-6)
       and b.title_id <> a.title_id and b.stratum = a.stratum and b.valid && a.valid
      join title_version o on o.version_id = b.version_id
     where a.version_id = any(versions) and a.shape is not null and b.shape is not null
       -- Lawfully stacked: units of one parcel; without firm codes, land and house on the same parcel.
       and not (case
                    when a.parcel_code is not null and b.parcel_code is not null then a.parcel_code = b.parcel_code
                    else a.parcel_id = b.parcel_id and (a.has_house or b.has_house)
                end)
       and case
               when a.meridian = b.meridian then
                   st_relate(a.core, b.shape, 'T********') or st_relate(a.shape, b.core, 'T********')
               else st_relate(a.core, title_plane(b.place, a.meridian), 'T********')
                    or st_relate(a.shape, title_core(title_plane(b.place, a.meridian)), 'T********')
           end
     limit 1;
    if found then
        raise exclusion_violation using
            constraint = 'title_extent_no_overlap',
            message = format('the land of title %s reaches into that of title %s', clash.mine, clash.theirs),
            detail = json_build_object('title_id', clash.theirs, 'unit_code', clash.unit_code, 'cert_no', clash.cert_no)::text;
    end if;
end
$$;

create function title_version_claim() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$
begin
    perform title_extent_renew((select array_agg(version_id) from written));
    return null;
end
$$;
create trigger title_version_claim_insert after insert on title_version
    referencing new table as written
    for each statement execute function title_version_claim();
create trigger title_version_claim_update after update on title_version
    referencing new table as written
    for each statement execute function title_version_claim();

-- A parcel that a current title covers takes on no shape that reaches into the land of another title. (After
-- `spatial_unit_version_one_at_a_time`, by the alphabet: that one locks the parcel's row.)
create function spatial_unit_version_titled() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    set enable_hashjoin = off
    set enable_mergejoin = off
    set enable_seqscan = off
    as $$
declare
    titled uuid[];
    places geometry[];
begin
    if not exists (select from title_version) then
        return null;
    end if;
    select array_agg(distinct t.version_id) into titled
      from written w
      join title_version t on t.parcel_ids @> array[w.object_id] and upper_inf(t.recorded) and t.book_state = '1'
     where upper_inf(w.recorded) and w.kind = 'parcel';
    if titled is null then
        return null;
    end if;
    select array_agg(w.geometry) into places
      from written w
     where upper_inf(w.recorded) and w.geometry is not null
       and exists (select from title_version t where t.version_id = any(titled) and w.object_id = any(t.parcel_ids));
    perform title_lock_cells(coalesce(places, '{}'));
    perform title_extent_renew(titled);
    return null;
end
$$;
create trigger spatial_unit_version_titled_insert after insert on spatial_unit_version
    referencing new table as written
    for each statement execute function spatial_unit_version_titled();
create trigger spatial_unit_version_titled_update after update on spatial_unit_version
    referencing new table as written
    for each statement execute function spatial_unit_version_titled();
