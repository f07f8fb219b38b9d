-- Why: rules ask what is recorded in cases; what was declared void by another record doesn't count.

create function policy_case_facts(details json, kind text) returns setof json
    language sql immutable
    as $$
select record -> 'fact'
  from json_array_elements(details -> 'records') record
 where record -> 'fact' ->> 'record' = kind
   and not exists (
       select from json_array_elements(details -> 'records') other
        where other -> 'fact' ->> 'record' = 'void' and other -> 'fact' ->> 'no' = record ->> 'no')
$$;
