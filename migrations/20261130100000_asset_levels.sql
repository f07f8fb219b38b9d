-- Why: an asset has a place (`region_code`) and an owner's level (本级): a province's building stands in a city and is not
-- the city's. And what is classified (涉密) is reported on paper: the registry keeps no shape of it (GEO-15).

alter table spatial_unit_version
    add column admin_level text,
    add column secrecy text,
    add constraint spatial_unit_version_level_known check
        (admin_level in ('national', 'province', 'city', 'county', 'township')),
    add constraint spatial_unit_version_secrecy_known check (secrecy in ('public', 'internal', 'classified')),
    add constraint spatial_unit_version_classified_without_shape check
        (secrecy is distinct from 'classified'
         or (geometry is null and tile_shape is null and original_geometry is null));
