-- Why: half of the time in which the database takes an import in went into these two (docs/adr/0010).

-- A quad-tree fills in half the time of the R-tree, which weighs every entry of every page on its way. It is PostgreSQL's
-- own, over boxes: that of PostGIS 3.3 over geometries ends the server when it answers by the index alone. Questions say
-- `box(geometry) && box(…)`.
drop index spatial_unit_version_by_place;
create index spatial_unit_version_by_place on spatial_unit_version using spgist ((box(geometry)));

-- The importer has judged every shape itself by the time it is written, and has asked PostGIS wherever two programs
-- could judge differently. What is written otherwise is judged here.
alter table spatial_unit_version
    drop constraint spatial_unit_version_geometry_sound,
    add constraint spatial_unit_version_geometry_sound check (import_id is not null or st_isvalid(geometry));
