-- Why: somebody may show who they are through the organisation's own provider (OpenID Connect, 统一身份认证) instead of a
-- password. What they may stays in `person_grant`: a provider says who, never what.

-- The provider calls this person so: issuer and subject, which it gives to nobody else. Ended, never deleted.
create table person_identity (
    id uuid constraint person_identity_pkey primary key,
    person_id uuid not null constraint person_identity_person_fkey references person,
    issuer text collate "C" not null,
    subject text collate "C" not null,
    linked_at timestamptz not null,
    linked_by text not null,
    last_sign_in_at timestamptz,
    unlinked_at timestamptz,
    unlinked_by text,
    constraint person_identity_issuer_given check (issuer <> ''),
    -- OpenID Connect Core 1.0, section 2: at most 255 ASCII characters.
    constraint person_identity_subject_form check (subject ~ '^[!-~]([ -~]{0,253}[!-~])?$'),
    constraint person_identity_end_whole check ((unlinked_at is null) = (unlinked_by is null))
);
create unique index person_identity_one_person on person_identity (issuer, subject) where unlinked_at is null;
create unique index person_identity_one_subject on person_identity (person_id, issuer) where unlinked_at is null;

-- A sign-in that was begun here and is on its way to the provider and back: minutes, and once. The browser that began it
-- holds the secret whose hash is here.
create table identity_sign_in (
    state_sha256 bytea constraint identity_sign_in_pkey primary key,
    browser_sha256 bytea not null,
    nonce text not null,
    pkce_verifier text not null,
    return_to text not null,
    expires_at timestamptz not null,
    constraint identity_sign_in_hashes_are_sha256 check (octet_length(state_sha256) = 32 and octet_length(browser_sha256) = 32)
);
create index identity_sign_in_by_end on identity_sign_in (expires_at);

-- How the session came to be: whoever showed no password isn't asked to change one.
alter table person_session
    add column opened_by text not null default 'password',
    add constraint person_session_opened_by_known check (opened_by in ('password', 'identity'));

-- Sign-ins that are begun are counted by address, so that nobody fills the table above.
alter table sign_in_attempt
    drop constraint sign_in_attempt_kind_known,
    add constraint sign_in_attempt_kind_known check (kind in ('account', 'address', 'begun'));

grant select, insert on person_identity to yice_app;
grant update (last_sign_in_at, unlinked_at, unlinked_by) on person_identity to yice_app;
-- Old rows are locked before they are deleted, which takes the right to change one.
grant select, insert, delete, update (expires_at) on identity_sign_in to yice_app;
