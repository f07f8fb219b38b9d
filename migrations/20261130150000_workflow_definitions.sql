-- Why: a case finishes under the version of its procedure that it began with, so every such version is kept by its digest.

create table workflow_definition (
    -- SHA-256 of the text, in hexadecimal digits.
    digest text constraint workflow_definition_pkey primary key,
    workflow text not null,
    text text not null,
    kept_at timestamptz not null,
    constraint workflow_definition_is_its_text check (digest = encode(sha256(convert_to(text, 'UTF8')), 'hex')),
    constraint workflow_definition_workflow_given check (workflow <> '')
);

alter table title_case_version add column definition text
    constraint title_case_version_definition_fkey references workflow_definition;

grant select, insert on workflow_definition to yice_app;
