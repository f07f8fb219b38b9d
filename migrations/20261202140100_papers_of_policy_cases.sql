-- Why: the papers of policy cases are files too; whoever sees the case may read them.

do $$
declare
    known text;
begin
    select string_agg(quote_literal(kind), ', ' order by place) into known
      from (select m[1] as kind, place
              from pg_constraint c,
                   regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+)''::text', 'g') with ordinality as found (m, place)
             where c.conname = 'document_use_holder_known'
             union all
            select 'policy_case', 1000) kinds;
    alter table document_use drop constraint document_use_holder_known;
    execute format(
        'alter table document_use add constraint document_use_holder_known check (holder_kind in (%s))', known);
end
$$;
