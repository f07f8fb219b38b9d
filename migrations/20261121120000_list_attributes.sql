-- Why: units and rooms come from lists too, and what a list says beside the registry's own columns is kept as it is told.

alter table unit_version add column source_attributes json;
alter table room_version add column source_attributes json;

-- A list may swap the codes of two units: whoever imports one asks for the check at the end. Everybody else still is
-- told at once.
alter table unit_version
    drop constraint unit_version_one_per_code,
    add constraint unit_version_one_per_code
        exclude using gist (code with =, valid with &&) where (upper_inf(recorded))
        deferrable initially immediate;
