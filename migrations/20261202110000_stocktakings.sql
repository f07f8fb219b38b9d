-- Why: the yearly stocktaking (清查盘点): a list that is frozen as of a day, what was found line by line, what became of the
-- differences. It never corrects the ledger itself: a difference names the normal change that did.

create table stocktaking (
    id uuid constraint stocktaking_pkey primary key,
    created_at timestamptz not null
);

create table stocktaking_version (
    version_id uuid constraint stocktaking_version_pkey primary key,
    object_id uuid not null constraint stocktaking_version_object_fkey references stocktaking,
    valid daterange not null,
    recorded tstzrange not null,
    name text not null,
    -- Whose it is: a region, a level (all where none is named), one unit or all of them.
    region_code text not null,
    admin_level text,
    unit_id uuid constraint stocktaking_version_unit_fkey references unit,
    -- The day whose ledger is compared.
    as_of date not null,
    with_rooms boolean not null,
    definition text not null constraint stocktaking_version_definition_fkey references workflow_definition,
    state text not null,
    is_open boolean not null,
    -- It came to its end; one that was cancelled did not.
    is_finished boolean not null,
    opened_by text not null,
    -- Four eyes: who put it forward, and who judged it.
    put_forward_by text,
    decided_by text,
    -- The frozen list: how many lines, and the digest of them all.
    lines integer,
    lines_sha256 text,
    details json not null,
    constraint stocktaking_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint stocktaking_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint stocktaking_version_name_given check (name <> ''),
    constraint stocktaking_version_region_given check (region_code <> ''),
    constraint stocktaking_version_level_known
        check (admin_level in ('national', 'province', 'city', 'county', 'township')),
    constraint stocktaking_version_opened_by_given check (opened_by <> ''),
    constraint stocktaking_version_four_eyes check (put_forward_by <> decided_by),
    constraint stocktaking_version_frozen_whole check ((lines is null) = (lines_sha256 is null)),
    constraint stocktaking_version_finished_is_over check (not (is_open and is_finished)),
    constraint stocktaking_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded))
);
create index stocktaking_version_by_object on stocktaking_version (object_id, lower(recorded));
-- The same part is counted once at a time. Parts that meet elsewhere are refused by their assets (stocktaking_hold).
create unique index stocktaking_version_one_open_per_part on stocktaking_version
    (region_code, coalesce(admin_level, ''), coalesce(unit_id, '00000000-0000-0000-0000-000000000000'))
    where upper_inf(recorded) and is_open;

-- A line: what the ledger said at the freeze, never altered after; or something found that it did not know.
create table stocktaking_line (
    id uuid constraint stocktaking_line_pkey primary key,
    stocktaking_id uuid not null constraint stocktaking_line_stocktaking_fkey references stocktaking,
    no integer not null,
    is_extra boolean not null,
    kind text not null,
    -- The parcel, building or room, and the version that the ledger held.
    asset_id uuid,
    book_version_id uuid,
    -- The building of a room.
    building_id uuid,
    -- Where something extra was found: the parcel or building it is on or next to.
    near_id uuid,
    -- Whose part it is; of a room, the unit that uses it.
    region_code text,
    admin_level text,
    unit_id uuid,
    -- What the ledger said.
    book_unit_id uuid,
    code text,
    name text,
    address text,
    floor smallint,
    -- m²: of a parcel or building the registered area, of a room its use area (else its building area).
    area_m2 numeric(16, 4),
    -- 用途, of a room its type.
    usage text,
    -- The certificate that held, and its area where it covers this alone.
    title_id uuid,
    title_number text,
    title_area_m2 numeric(16, 4),
    lon double precision,
    lat double precision,
    constraint stocktaking_line_kind_known check (kind in ('parcel', 'building', 'room')),
    constraint stocktaking_line_asset_or_extra
        check (is_extra = (asset_id is null) and is_extra = (near_id is not null) and is_extra = (book_version_id is null)),
    constraint stocktaking_line_extra_named check (not is_extra or name <> ''),
    constraint stocktaking_line_once unique (stocktaking_id, asset_id),
    constraint stocktaking_line_numbered unique (stocktaking_id, no)
);
create index stocktaking_line_by_asset on stocktaking_line (asset_id);
create index stocktaking_line_by_near on stocktaking_line (near_id) where near_id is not null;
create index stocktaking_line_by_unit on stocktaking_line (stocktaking_id, unit_id);

-- What was answered, checked, explained, decided and settled of a line; none as long as nobody has answered.
create table stocktaking_line_version (
    version_id uuid constraint stocktaking_line_version_pkey primary key,
    object_id uuid not null constraint stocktaking_line_version_object_fkey references stocktaking_line,
    valid daterange not null,
    recorded tstzrange not null,
    stocktaking_id uuid not null constraint stocktaking_line_version_stocktaking_fkey references stocktaking,
    found text not null,
    -- 盘盈、盘亏、信息不符, and in what.
    difference text,
    differs text[] not null,
    found_area_m2 numeric(16, 4),
    found_usage text,
    found_unit_id uuid constraint stocktaking_line_version_found_unit_fkey references unit,
    -- What the unit's own ledger (分台账) says.
    own_area_m2 numeric(16, 4),
    own_title_number text,
    answered_by text not null,
    checked_by text,
    explained_by text,
    decision text,
    decided_by text,
    -- The normal change that corrected the ledger.
    settled_object_id uuid,
    settled_version_id uuid,
    settled_on date,
    details json not null,
    constraint stocktaking_line_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint stocktaking_line_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint stocktaking_line_version_found_known check (found in ('in_place', 'moved', 'altered', 'missing', 'extra')),
    constraint stocktaking_line_version_difference_known check (difference in ('surplus', 'shortfall', 'facts_differ')),
    constraint stocktaking_line_version_missing_is_shortfall
        check ((found = 'missing') = (difference is not distinct from 'shortfall')
               and (found = 'extra') = (difference is not distinct from 'surplus')),
    constraint stocktaking_line_version_area_positive check (found_area_m2 >= 0 and own_area_m2 >= 0),
    constraint stocktaking_line_version_answered_by_given check (answered_by <> ''),
    constraint stocktaking_line_version_decision_known check (decision in ('correct_book', 'correct_own', 'book_stands')),
    constraint stocktaking_line_version_decision_whole check ((decision is null) = (decided_by is null)),
    constraint stocktaking_line_version_decided_difference
        check (decision is null or (difference is not null and explained_by is not null)),
    constraint stocktaking_line_version_shortfall_stands check (difference <> 'shortfall' or decision <> 'book_stands'),
    constraint stocktaking_line_version_settled_whole
        check (settled_on is null or decision in ('correct_book', 'correct_own')),
    constraint stocktaking_line_version_settled_by_change
        check ((settled_on is not null and decision = 'correct_book') = (settled_version_id is not null)
               and (settled_object_id is null) = (settled_version_id is null)),
    constraint stocktaking_line_version_four_eyes
        check (decided_by is null or (decided_by <> answered_by and decided_by is distinct from checked_by
                                      and decided_by is distinct from explained_by))
);
create unique index stocktaking_line_version_one_known on stocktaking_line_version (object_id) where upper_inf(recorded);
create index stocktaking_line_version_by_object on stocktaking_line_version (object_id, lower(recorded));
create index stocktaking_line_version_differing on stocktaking_line_version (stocktaking_id)
    where upper_inf(recorded) and difference is not null;
create index stocktaking_line_version_own on stocktaking_line_version (object_id)
    where upper_inf(recorded) and (own_area_m2 is not null or own_title_number is not null);

-- What open stocktakings count: each asset by one of them. Rows go when it is over.
create table stocktaking_hold (
    asset_id uuid constraint stocktaking_hold_one_open primary key,
    stocktaking_id uuid not null constraint stocktaking_hold_stocktaking_fkey references stocktaking
);
create index stocktaking_hold_by_stocktaking on stocktaking_hold (stocktaking_id);

-- The digest of a frozen list, which stands in the stocktaking's versions and by them in the ledger.
create function stocktaking_lines_sha256(stocktaking uuid) returns text
    language sql stable
    as $$
select encode(sha256(convert_to(coalesce(string_agg(
           jsonb_build_array(no, kind, asset_id, book_version_id, building_id, region_code, admin_level, unit_id,
                             book_unit_id, code, name, address, floor, area_m2::text, usage, title_id, title_number,
                             title_area_m2::text)::text, E'\n' order by no), ''), 'UTF8')), 'hex')
  from stocktaking_line
 where stocktaking_id = stocktaking and not is_extra
$$;

grant select, insert on stocktaking, stocktaking_version, stocktaking_line, stocktaking_line_version to yice_app;
grant update (created_at) on stocktaking to yice_app;
grant update (recorded) on stocktaking_version, stocktaking_line_version to yice_app;
grant select, insert, delete on stocktaking_hold to yice_app;

-- The ledger's kinds of object, and what takes up papers: more at the end of those there are by now.
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
            select 'stocktaking', 1000
             union all
            select 'stocktaking_line', 1001) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
    select string_agg(quote_literal(kind), ', ' order by place) into known
      from (select m[1] as kind, place
              from pg_constraint c,
                   regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
             where c.conname = 'document_use_holder_known'
             union all
            select 'stocktaking', 1000
             union all
            select 'stocktaking_line', 1001) kinds;
    alter table document_use drop constraint document_use_holder_known;
    execute format('alter table document_use add constraint document_use_holder_known check (holder_kind in (%s))', known);
end
$$;
