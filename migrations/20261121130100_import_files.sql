-- Why: a workbook with faults is given back with every fault marked in its cell, and so must be kept for a while.

-- At most one a layer and data set: the next import into it takes its place.
create table import_file (
    import_id uuid constraint import_file_pkey primary key,
    content bytea not null,
    -- The sheet that was read, and where its header and its shapes stand.
    reading json not null,
    constraint import_file_import_fkey foreign key (import_id) references import (id)
);
-- Packed as it comes.
alter table import_file alter column content set storage external;
grant select, insert, delete on import_file to yice_app;
