-- Why: a reading lies where its building lay in the days that it was read for (docs/adr/0013): whoever sees the building in
-- other days alone, because it moved, does not see it.

drop policy meter_version_read on meter_version;
create policy meter_version_read on meter_version for select using (
    (select scope_reads_all())
    or exists (select from spatial_unit_version a
                where a.object_id = building_id and a.valid && meter_version.valid and a.recorded && meter_version.recorded));
