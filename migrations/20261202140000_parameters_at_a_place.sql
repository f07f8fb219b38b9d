-- Why: what a list calls late or soon over is what the rules call so, so it asks for the same value of the same region.

-- The value that holds in a place on a day as it was known then: of the nearest region above that has one, else the default.
create function rule_parameter_at(parameter text, place text, day date, known timestamptz, otherwise double precision)
    returns double precision
    language sql stable
    as $$
select coalesce(
    (select p.value from rule_parameter_version p
      where p.name = parameter and starts_with(coalesce(place, ''), p.region_code) and p.valid @> day and p.recorded @> known
      order by length(p.region_code) desc
      limit 1),
    otherwise)
$$;
