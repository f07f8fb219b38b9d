-- Why: certificate numbers that a file brought along are compared with each other and with the book: few rows have one.

create index spatial_unit_version_by_stated_certificate on spatial_unit_version ((source_attributes ->> '不动产权证号'))
    where source_attributes ->> '不动产权证号' is not null;
