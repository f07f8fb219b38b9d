-- Why: the rules of the space standard hold what is there against what is due, by the figures of the standard that they
-- are given; how it is worked out from headcounts stands here once, as it does in the crate `space-standard`.

-- A rank as it is compared: no blanks, plain brackets, lower case.
create function plain_rank(rank text) returns text
    language sql immutable
    as $$ select lower(translate(regexp_replace(rank, '\s', '', 'g'), '（）', '()')) $$;

-- The standard's name of a unit's level.
create function space_level(unit_level text) returns text
    language sql immutable
    as $$ select case unit_level when 'national' then 'central' else unit_level end $$;

create function space_entitlement(unit_level text, headcount jsonb, standard jsonb)
    returns table (persons bigint, office_m2 numeric, service_m2 numeric, equipment_m2 numeric, use_area_m2 numeric)
    language sql immutable
    as $$
select counted.persons, counted.office_m2, service.area_m2,
       (counted.office_m2 + service.area_m2) * share.equipment,
       (counted.office_m2 + service.area_m2) * (1 + share.equipment)
  from (select space_level(unit_level) as name) level
 cross join lateral (
       select sum(ranked.value::bigint)::bigint as persons,
              sum(ranked.value::numeric * (standard -> 'office' -> level.name ->> plain_rank(ranked.key))::numeric) as office_m2,
              -- What has no rank of the level can't be held against anything.
              bool_and(standard -> 'office' -> level.name ? plain_rank(ranked.key)) as is_ranked
         from jsonb_each_text(headcount) as ranked) counted
 cross join lateral (
       select (given ->> 'few')::numeric as few, (given ->> 'many')::numeric as many,
              (given ->> 'upper_m2')::numeric as upper_m2, (given ->> 'lower_m2')::numeric as lower_m2
         from (select standard -> 'service' -> level.name as given) of_level) formula
 cross join lateral (
       select counted.persons * case
              when counted.persons <= formula.few then formula.upper_m2
              when counted.persons >= formula.many then formula.lower_m2
              else formula.upper_m2
                   - (counted.persons - formula.few) / (formula.many - formula.few) * (formula.upper_m2 - formula.lower_m2)
              end as area_m2) service
 cross join lateral (select (standard -> 'parameters' ->> 'equipment_share')::numeric as equipment) share
 where counted.persons > 0 and counted.is_ranked
$$;
