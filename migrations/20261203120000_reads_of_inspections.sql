-- Why: an inspection names the buildings of its sample and what was found in them; whoever reads it, or a paper of it, reads of
-- these (docs/adr/0031).

-- Its sample, drawn and chosen, and where it was visited: in any of its versions, which its entries in the ledger tell.
create function inspection_assets(inspection uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select array(
    select json_array_elements_text(v.details -> 'sample' -> 'drawn')::uuid
      from inspection_version v where v.object_id = inspection
    union
    select (json_array_elements(v.details -> 'sample' -> 'chosen') ->> 'asset_id')::uuid
      from inspection_version v where v.object_id = inspection
    union
    select (record -> 'fact' ->> 'asset_id')::uuid
      from inspection_version v, json_array_elements(v.details -> 'records') record
     where v.object_id = inspection and record -> 'fact' ->> 'asset_id' is not null)
$$;

alter function assets_read_with(text, uuid) rename to assets_read_with_nouns;

create function assets_read_with(kind text, id uuid) returns uuid[]
    language sql stable security definer set search_path = public, pg_temp
    as $$
select case
    when kind = 'inspection' then inspection_assets($2)
    when kind = 'document' then assets_read_with_nouns(kind, $2) || array(
        select unnest(assets_read_with_nouns('inspection_finding', u.holder_id))
          from document_use u where u.document_id = $2 and u.holder_kind = 'inspection_finding'
        union
        select unnest(inspection_assets(u.holder_id))
          from document_use u where u.document_id = $2 and u.holder_kind = 'inspection')
    else assets_read_with_nouns(kind, $2)
end
$$;
