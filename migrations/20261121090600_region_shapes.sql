-- Why: regions come from files too: a mended shape keeps what it was, and a delivery may swap the codes of two regions.

alter table region_version
    -- {"reason", "area_before_m2", "area_after_m2"}, and the shape as it came (EWKB).
    add column repair json,
    add column original_geometry bytea;

-- Checked at once as before, but an import puts the check off to its end, when every region has its new code.
alter table region_version
    drop constraint region_version_one_per_code,
    add constraint region_version_one_per_code
        exclude using gist (scheme with =, code with =, valid with &&) where (upper_inf(recorded))
        deferrable initially immediate;
