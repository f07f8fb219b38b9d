/*
id = "GEO-11"
severity = "warning"
zh = "疑似 GCJ-02 偏移"
en = "Shifted as GCJ-02 is"
finding_zh = "导入的 {file}（{dataset}）整体偏离已知图形约 {distance_m} m，与 {offset} 的加偏一致"
finding_en = "the imported {file} ({dataset}) lies about {distance_m} m beside what is known, just as {offset} would shift it"
remedy_zh = "核实数据来源的坐标系，声明后重新导入"
remedy_en = "find out the coordinate system of the source, and import it again with that declared"
source = "领域规则：整层偏移三百至七百米多为 GCJ-02"
subject = "spatial_unit"
*/
-- One finding a data set, at one of its objects, until it is delivered again as it should be: that delivery lies beside the
-- shifted one, but not as the offset would shift it.
select shown.object_id, null::uuid as other_id, shown.object_id as at_id,
       jsonb_build_object('file', i.file_name, 'dataset', i.dataset, 'distance_m', substring(i.words from '([0-9]+) m')::int,
                          'offset', case when i.words like '%--crs bd09%' then 'BD-09' else 'GCJ-02' end) as evidence
  from (select distinct on (layer, dataset) id, file_name, dataset, report -> 'words' -> 'layer_shifted' ->> 0 as words
          from import
         where layer in ('parcels', 'buildings', 'sites') and state = 'done' and not dry_run
         order by layer, dataset, started_at desc, id desc) i
 cross join lateral (
       select v.object_id from spatial_unit_version v
        where v.import_id = i.id and upper_inf(v.recorded) and v.valid @> $1::date
        order by v.object_id limit 1) shown
 where i.words like '%--crs %' and ($2::uuid[] is null or shown.object_id = any($2))
