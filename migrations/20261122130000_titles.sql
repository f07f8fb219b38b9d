-- Why: the register's own book: titles (不动产权利) with all that a certificate says, both times kept, and one current
-- title for one real-estate unit.

-- Codes given before the cadastral survey stand in for real ones and are never unique (GB/T 37346).
create function title_firm_code(unit_code text) returns text
    language sql immutable parallel safe
    as $$
select case
           when unit_code is null or substr(unit_code, 7, 6) in ('000000', '999999') or substr(unit_code, 15, 5) = '99999'
           then null
           else unit_code
       end
$$;

-- Exact: the shares are whole fractions, and numeric keeps every digit of their products.
create function title_shares_agree(holders json, co_ownership text) returns boolean
    language plpgsql immutable parallel safe
    as $$
declare
    holder json;
    parts text[];
    above numeric := 0;
    below numeric := 1;
    given integer := 0;
    total integer := json_array_length(holders);
begin
    for holder in select value from json_array_elements(holders) loop
        if holder ->> 'share' is not null then
            parts := string_to_array(holder ->> 'share', '/');
            above := above * parts[2]::numeric + parts[1]::numeric * below;
            below := below * parts[2]::numeric;
            given := given + 1;
        end if;
    end loop;
    return case co_ownership
        when '0' then total = 1 and (given = 0 or above = below)
        when '1' then total > 1 and given = 0
        when '2' then total > 1 and given = total and above = below
        else total > 0 and (given = 0 or above = below)
    end;
end
$$;

create table title (
    id uuid constraint title_pkey primary key,
    created_at timestamptz not null
);

create table title_version (
    version_id uuid constraint title_version_pkey primary key,
    object_id uuid not null constraint title_version_object_fkey references title,
    valid daterange not null,
    recorded tstzrange not null,
    -- 权属状态: 0 临时 1 现势 2 历史 3 终止
    book_state text not null,
    -- 证照情况
    evidence text not null,
    -- 不动产单元号 (GB/T 37346)
    unit_code text,
    -- 不动产权证号, 编号 and the numbers of old certificates, as they stand on the paper
    cert_no text,
    print_serial text,
    old_land_certificate text,
    old_house_certificate text,
    -- 权利人 with their shares, and 共有情况
    holders json not null,
    co_ownership text not null,
    -- 坐落
    location text,
    -- 权利类型, and 权利性质 of land and house
    right_type text not null,
    right_nature_land text,
    right_nature_house text,
    -- 用途 of land (edition and class) and house
    land_use_scheme text,
    land_use_code text,
    house_use text,
    -- 土地使用权面积 and 房屋所有权面积, m²
    land_area_m2 numeric(16, 4),
    house_area_m2 numeric(16, 4),
    -- 使用期限
    term_from date,
    term_to date,
    -- 权利其他状况 and 附记
    other_state text,
    remark text,
    -- 登记机构; 受理, 登簿 and 发证: the right exists from the recording (Civil Code art. 214)
    registry text,
    accepted_on date,
    recorded_on date,
    issued_on date,
    -- The plan's word and the law's word, kept apart.
    policy_action text,
    registration_type text,
    -- What it covers: many-to-many.
    parcel_ids uuid[] not null,
    building_ids uuid[] not null,
    case_id uuid,
    -- What the database derives for its own rules.
    firm_code text generated always as (title_firm_code(unit_code)) stored,
    constraint title_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint title_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint title_version_book_state_known check (book_state in ('0', '1', '2', '3')),
    constraint title_version_evidence_known check (evidence in ('both', 'land_only', 'house_only', 'none')),
    constraint title_version_current_has_papers check (book_state <> '1' or evidence <> 'none'),
    constraint title_version_unit_code_form check (unit_code ~
        '^\d{6}\d{3}\d{3}[GJZ][ABSXCDEFLNHGWY]\d{5}(F\d{8}|L\d{8}|Q\d{8}|W0{8})$'),
    constraint title_version_co_ownership_known check (co_ownership in ('0', '1', '2', '3')),
    constraint title_version_shares_agree check (title_shares_agree(holders, co_ownership)),
    constraint title_version_right_type_known check (right_type in
        ('1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20',
         '21', '22', '99')),
    constraint title_version_land_use_whole check ((land_use_scheme is null) = (land_use_code is null)),
    constraint title_version_area_positive check (land_area_m2 >= 0 and house_area_m2 >= 0),
    constraint title_version_term_in_order check (term_from < term_to),
    -- 受理 ≤ 登簿 ≤ 发证
    constraint title_version_dates_in_order check
        (accepted_on <= recorded_on and recorded_on <= issued_on and accepted_on <= issued_on),
    constraint title_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    -- One current title for one unit code (R656 art. 8), and one for one certificate number.
    constraint title_version_one_per_unit
        exclude using gist (firm_code with =, valid with &&) where (upper_inf(recorded) and book_state = '1'),
    constraint title_version_one_per_certificate
        exclude using gist (cert_no with =, valid with &&) where (upper_inf(recorded) and book_state = '1')
);
create index title_version_by_object on title_version (object_id, lower(recorded));
create index title_version_by_parcel on title_version using gin (parcel_ids);
create index title_version_by_building on title_version using gin (building_ids);
create index title_version_by_unit_code on title_version (unit_code text_pattern_ops);

grant select, insert on title, title_version to yice_app;
-- The end of `recorded` is the one thing that may change in a version row.
grant update (recorded) on title_version to yice_app;
-- Locking an identity row takes the right to update one of its columns; nothing ever writes it.
grant update (created_at) on title to yice_app;

-- 抵押、查封、异议、预告、争议
create table encumbrance (
    id uuid constraint encumbrance_pkey primary key,
    created_at timestamptz not null
);

create table encumbrance_version (
    version_id uuid constraint encumbrance_version_pkey primary key,
    object_id uuid not null constraint encumbrance_version_object_fkey references encumbrance,
    valid daterange not null,
    recorded tstzrange not null,
    title_id uuid not null constraint encumbrance_version_title_fkey references title,
    kind text not null,
    -- Who holds it: the mortgagee, the seizing court, who objects, who claims.
    holder text not null,
    document text not null,
    document_date date,
    -- Until when it holds at the latest, where it lapses by itself.
    expires_on date,
    seizure_kind text,
    -- 轮候顺序: 0 is in force, 1 waits next.
    queue_no smallint,
    mortgage_kind text,
    -- Yuan.
    amount numeric(16, 2),
    -- The parties agreed that the property isn't transferred (Civil Code art. 406).
    transfer_barred boolean not null,
    remark text,
    constraint encumbrance_version_valid_bounded check (not isempty(valid) and not lower_inf(valid)),
    constraint encumbrance_version_recorded_bounded check (not isempty(recorded) and not lower_inf(recorded)),
    constraint encumbrance_version_kind_known check (kind in ('mortgage', 'seizure', 'objection', 'pre_notice', 'dispute')),
    constraint encumbrance_version_holder_given check (holder <> ''),
    constraint encumbrance_version_document_given check (document <> ''),
    constraint encumbrance_version_seizure_whole check
        ((kind = 'seizure') = (seizure_kind is not null) and (kind = 'seizure') = (queue_no is not null)),
    constraint encumbrance_version_mortgage_whole check (kind = 'mortgage' or (mortgage_kind is null and not transfer_barred)),
    constraint encumbrance_version_amount_positive check (amount >= 0),
    constraint encumbrance_version_one_at_a_time
        exclude using gist (object_id with =, valid with &&) where (upper_inf(recorded)),
    constraint encumbrance_version_one_per_place
        exclude using gist (title_id with =, queue_no with =, valid with &&) where (upper_inf(recorded) and kind = 'seizure')
);
create index encumbrance_version_by_object on encumbrance_version (object_id, lower(recorded));
create index encumbrance_version_by_title on encumbrance_version (title_id);

grant select, insert on encumbrance, encumbrance_version to yice_app;
grant update (recorded) on encumbrance_version to yice_app;
grant update (created_at) on encumbrance to yice_app;

-- The ledger's kinds of object: three more at the end of those there are by now.
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
            select kind, 1000 + place
              from unnest(array['title', 'encumbrance', 'title_case']) with ordinality as added (kind, place)) kinds;
    alter table ledger_entry drop constraint ledger_entry_object_kind_is_known;
    execute format(
        'alter table ledger_entry add constraint ledger_entry_object_kind_is_known check (object_kind in (%s))', known);
end
$$;
