-- Why: one ledger is at once the audit trail, the change feed and the history; nothing in it may be changed afterwards.

-- Who this ledger is. The name stands in every signed head, so that the heads of two registries
-- that happen to share a key can never be taken for one another.
create table ledger_log (
    only_row boolean not null default true,
    origin text not null,
    constraint ledger_log_pkey primary key (only_row),
    constraint ledger_log_has_one_row check (only_row),
    constraint ledger_log_origin_is_a_note_name check (origin ~ '^[!-*,-~]+$')
);
insert into ledger_log (origin) values ('yice-ledger/' || gen_random_uuid());

-- One row for each committed change, written in the transaction of the change.
create table ledger_entry (
    id uuid not null,
    recorded_at timestamptz not null,
    actor text not null,
    action text not null,
    object_kind text not null,
    object_id uuid not null,
    -- `json`, not `jsonb`: the hash covers the exact text.
    before json,
    after json,
    reason text,
    case_id uuid,
    import_id uuid,
    xid xid8 not null default pg_current_xact_id(),
    constraint ledger_entry_pkey primary key (id),
    constraint ledger_entry_actor_is_named check (actor <> ''),
    constraint ledger_entry_action_is_known check (action in (
        'create', 'change', 'close', 'correct', 'relate', 'unrelate', 'import', 'repair', 'sign_in'
    )),
    constraint ledger_entry_object_kind_is_known check (object_kind in (
        'region', 'unit', 'site', 'parcel', 'building', 'room', 'relation', 'import', 'person'
    ))
);
create index ledger_entry_by_object on ledger_entry (object_id);
-- The sealer's way to what it has not sealed yet.
create index ledger_entry_by_xid on ledger_entry (xid, id);

-- The order, and the leaves of the Merkle tree: leaf number `seq` (from 1, without gaps).
create table ledger_leaf (
    seq bigint not null,
    entry_id uuid not null,
    leaf_hash bytea not null,
    constraint ledger_leaf_pkey primary key (seq),
    constraint ledger_leaf_entry_is_sealed_once unique (entry_id),
    constraint ledger_leaf_entry_exists foreign key (entry_id) references ledger_entry (id),
    constraint ledger_leaf_seq_counts_from_one check (seq > 0),
    constraint ledger_leaf_hash_is_sha256 check (octet_length(leaf_hash) = 32)
);

-- Hashes of complete subtrees of 256, 65 536, … leaves (height 8, 16, …), so that a proof reads
-- some hundred rows and not the whole ledger.
create table ledger_subtree (
    height smallint not null,
    position bigint not null,
    hash bytea not null,
    constraint ledger_subtree_pkey primary key (height, position),
    constraint ledger_subtree_height_is_stored check (height > 0 and height % 8 = 0),
    constraint ledger_subtree_position_is_natural check (position >= 0),
    constraint ledger_subtree_hash_is_sha256 check (octet_length(hash) = 32)
);

-- Public keys that have signed heads here.
create table ledger_key (
    key_id text not null,
    public_key bytea not null,
    recorded_at timestamptz not null,
    constraint ledger_key_pkey primary key (key_id),
    constraint ledger_key_is_ed25519 check (octet_length(public_key) = 32)
);

-- Signed tree heads.
create table ledger_head (
    tree_size bigint not null,
    root_hash bytea not null,
    -- Roots of the complete subtrees the tree consists of, largest first: all that is needed to append.
    frontier bytea[] not null,
    sealed_at timestamptz not null,
    signature bytea not null,
    key_id text not null,
    -- Where the sealer goes on (not signed: it says nothing about the content).
    -- Every entry visible in `sealed_snapshot` is sealed. While a round of several batches is under
    -- way, `round_snapshot` says what it covers: those of its entries up to the last leaf's (xid, id).
    sealed_snapshot pg_snapshot not null,
    round_snapshot pg_snapshot,
    -- Transaction numbers mean nothing in another database cluster (a restored dump).
    cluster bigint not null,
    constraint ledger_head_pkey primary key (tree_size),
    constraint ledger_head_key_is_recorded foreign key (key_id) references ledger_key (key_id),
    constraint ledger_head_is_of_a_leaf foreign key (tree_size) references ledger_leaf (seq),
    constraint ledger_head_root_is_sha256 check (octet_length(root_hash) = 32),
    constraint ledger_head_signature_is_ed25519 check (octet_length(signature) = 64)
);

-- Append-only: by right for the program, by trigger for everybody else. Only a superuser can put
-- the trigger out of action, and what is altered then is what `yice ledger verify` finds.
create function ledger_refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception 'the ledger is append-only: % on % is refused', lower(tg_op), tg_table_name
        using errcode = 'restrict_violation',
              hint = 'Record a correction as a new entry.';
end
$$;

do $$
declare
    ledger_table text;
begin
    foreach ledger_table in array array[
        'ledger_log', 'ledger_entry', 'ledger_leaf', 'ledger_subtree', 'ledger_key', 'ledger_head'
    ] loop
        execute format(
            'create trigger %I before update or delete or truncate on %I
             for each statement execute function ledger_refuse_change()',
            ledger_table || '_is_append_only', ledger_table);
        execute format('grant select on %I to yice_app', ledger_table);
    end loop;
end
$$;

-- Not `xid`: the transaction number is the database's to give, never the program's.
grant insert (
    id, recorded_at, actor, action, object_kind, object_id, before, after, reason, case_id, import_id
) on ledger_entry to yice_app;
grant insert on ledger_leaf, ledger_subtree, ledger_key, ledger_head to yice_app;

-- The sealer is told of every transaction that appended (PostgreSQL sends equal notices of one
-- transaction once), the followers of every seal.
create function ledger_announce() returns trigger
language plpgsql as $$
begin
    perform pg_notify(tg_argv[0], '');
    return null;
end
$$;
create trigger ledger_entry_is_announced after insert on ledger_entry
    for each statement execute function ledger_announce('yice_ledger');
create trigger ledger_head_is_announced after insert on ledger_head
    for each statement execute function ledger_announce('yice_ledger_sealed');
