-- Why: who may touch the registry: people with accounts (账户), their sessions (会话) and tokens (令牌), and what they
-- are granted (授权). Of every secret only a hash is kept: an Argon2id string of a password, SHA-256 of random tokens.

create table person (
    id uuid constraint person_pkey primary key,
    -- Lower case; what the ledger calls the person, so it never changes.
    username text collate "C" not null,
    display_name text not null,
    -- A PHC string; none where nobody signs in by password.
    password_hash text,
    state text not null,
    must_change_password boolean not null,
    -- An account of the demo, whose password everybody knows.
    is_demo boolean not null default false,
    -- Anew with every change: what a reader has seen.
    version_id uuid not null,
    created_at timestamptz not null,
    password_changed_at timestamptz not null,
    last_sign_in_at timestamptz,
    constraint person_one_per_username unique (username),
    constraint person_username_form check (username ~ '^[^[:space:][:cntrl:]:/A-Z]{2,64}$'),
    constraint person_display_name_given check (display_name <> ''),
    constraint person_state_known check (state in ('active', 'disabled')),
    constraint person_password_is_argon2id check (password_hash like '$argon2id$%')
);

create table person_session (
    id uuid constraint person_session_pkey primary key,
    person_id uuid not null constraint person_session_person_fkey references person,
    token_sha256 bytea not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- However busy it is, it ends here.
    expires_at timestamptz not null,
    constraint person_session_one_per_token unique (token_sha256),
    constraint person_session_token_is_sha256 check (octet_length(token_sha256) = 32)
);
create index person_session_by_person on person_session (person_id);
create index person_session_by_end on person_session (expires_at);

create table person_token (
    id uuid constraint person_token_pkey primary key,
    person_id uuid not null constraint person_token_person_fkey references person,
    -- What it is for, in its owner's words.
    name text not null,
    token_sha256 bytea not null,
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    constraint person_token_one_per_token unique (token_sha256),
    constraint person_token_token_is_sha256 check (octet_length(token_sha256) = 32),
    constraint person_token_name_given check (name <> ''),
    constraint person_token_expires_later check (expires_at > created_at),
    constraint person_token_revocation_whole check ((revoked_at is null) = (revoked_by is null))
);
create index person_token_by_person on person_token (person_id);

-- A role on a region's subtree, on what belongs to one administrative level, and on one unit.
create table person_grant (
    id uuid constraint person_grant_pkey primary key,
    person_id uuid not null constraint person_grant_person_fkey references person,
    role text not null,
    -- The code that every region of the subtree begins with; `all` is the whole registry.
    region_code text collate "C" not null,
    -- Whose assets (本级): every level's where null.
    level text,
    -- Every unit where null.
    unit_id uuid constraint person_grant_unit_fkey references unit,
    since date not null,
    -- The first day on which it no longer holds.
    until date,
    granted_at timestamptz not null,
    granted_by text not null,
    -- None where it was granted at the command line.
    granted_by_id uuid constraint person_grant_granted_by_fkey references person,
    revoked_at timestamptz,
    revoked_by text,
    constraint person_grant_role_known check (role in (
        'asset_manager', 'title_clerk', 'title_reviewer', 'planner', 'approver', 'unit_contact', 'finance_reviewer',
        'surveyor', 'auditor', 'administrator', 'viewer'
    )),
    constraint person_grant_region_form check (region_code ~ '^([0-9A-Za-z.-]{1,24})$'),
    constraint person_grant_level_known check (level in ('national', 'province', 'city', 'county', 'township')),
    constraint person_grant_until_after_since check (until > since),
    -- Nobody grants to themselves, whatever a program says.
    constraint person_grant_not_to_oneself check (granted_by_id <> person_id),
    constraint person_grant_revocation_whole check ((revoked_at is null) = (revoked_by is null))
);
create index person_grant_by_person on person_grant (person_id) where revoked_at is null;
create unique index person_grant_once on person_grant
    (person_id, role, region_code, coalesce(level, ''), coalesce(unit_id, '00000000-0000-0000-0000-000000000000'))
    where revoked_at is null;

-- Attempts to sign in, counted by account and by address; the keys are hashes, since people type passwords into the
-- field of the name.
create table sign_in_attempt (
    kind text not null,
    key bytea not null,
    failures integer not null,
    -- When the counting began.
    since timestamptz not null,
    constraint sign_in_attempt_pkey primary key (kind, key),
    constraint sign_in_attempt_kind_known check (kind in ('account', 'address'))
);
create index sign_in_attempt_by_since on sign_in_attempt (since);

-- The link by which the first administrator makes their account.
create table first_administrator_link (
    token_sha256 bytea constraint first_administrator_link_pkey primary key,
    expires_at timestamptz not null,
    constraint first_administrator_link_token_is_sha256 check (octet_length(token_sha256) = 32)
);

-- People, tokens and grants are ended, never deleted; what a session or an attempt was is nobody's business afterwards.
grant select, insert on person, person_token, person_grant to yice_app;
grant update (display_name, password_hash, state, must_change_password, version_id, password_changed_at, last_sign_in_at)
    on person to yice_app;
grant update (last_used_at, revoked_at, revoked_by) on person_token to yice_app;
grant update (revoked_at, revoked_by) on person_grant to yice_app;
grant select, insert, delete, update (last_seen_at) on person_session to yice_app;
grant select, insert, update, delete on sign_in_attempt to yice_app;
grant select, insert, delete on first_administrator_link to yice_app;

alter table ledger_entry
    drop constraint ledger_entry_object_kind_is_known,
    add constraint ledger_entry_object_kind_is_known check (object_kind in (
        'region', 'unit', 'site', 'parcel', 'building', 'room', 'relation', 'import', 'person', 'import_mapping', 'right',
        'grant'
    ));
