-- Why: public housing and idle compounds become turnover housing (周转住房) by a procedure of their own, one case a building.

-- The procedures: one more beside those there are by now.
do $$
declare
    known text;
begin
    select string_agg(quote_literal(m[1]), ', ' order by place) into known
      from pg_constraint c,
           regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
     where c.conname = 'policy_case_version_procedure_known';
    alter table policy_case_version drop constraint policy_case_version_procedure_known;
    execute format(
        'alter table policy_case_version add constraint policy_case_version_procedure_known check (procedure in (%s, %L))',
        known, 'turnover_housing');
end
$$;

-- A building becomes housing once at a time (DSP-21).
create unique index policy_case_version_one_housing_case on policy_case_version (asset_id)
    where upper_inf(recorded) and is_open and procedure = 'turnover_housing';
