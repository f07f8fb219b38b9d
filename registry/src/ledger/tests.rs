//! The ledger over a real database, under the application's role wherever the program would be.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::ids::VersionId;

const NOW: OffsetDateTime = datetime!(2026-11-21 08:00:00.123_456 UTC);

/// A pool that works under the application's role.
async fn application(pool: &PgPool) -> PgPool {
    PgPoolOptions::new()
        .max_connections(30)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("set role yice_system").execute(connection).await?;
                Ok(())
            })
        })
        .connect_with((*pool.connect_options()).clone())
        .await
        .unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn sealer(pool: &PgPool) -> Sealer {
    Sealer::new(pool.clone(), key(), Clock::fixed(NOW))
}

fn witness() -> Witness {
    TrustedKeys::new([key().public_key()]).into()
}

fn entry() -> NewEntry<'static> {
    NewEntry {
        id: EntryId::fresh(),
        recorded_at: NOW,
        actor: "王芳",
        action: Action::Change,
        object: Object {
            kind: ObjectKind::Parcel,
            id: Uuid::now_v7(),
        },
        before: None,
        after: None,
        reason: None,
        case_id: None,
        import_id: None,
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// Commits so many entries in one transaction.
async fn commit(pool: &PgPool, count: usize) -> Vec<EntryId> {
    let mut transaction = pool.begin().await.unwrap();
    let after = raw(r#"{"area_m2": 1234.5, "name": "市政府大院"}"#);
    let entries: Vec<_> = (0..count)
        .map(|_| NewEntry {
            after: Some(&after),
            ..entry()
        })
        .collect();
    append_copy(&mut transaction, entries.iter().copied()).await.unwrap();
    transaction.commit().await.unwrap();
    entries.iter().map(|entry| entry.id).collect()
}

async fn sealed_ids(pool: &PgPool) -> Vec<EntryId> {
    let leaves: Vec<(i64, Uuid)> = sqlx::query_as("select seq, entry_id from ledger_leaf order by seq")
        .fetch_all(pool)
        .await
        .unwrap();
    leaves
        .into_iter()
        .enumerate()
        .map(|(index, (seq, id))| {
            assert_eq!(seq, index as i64 + 1, "numbers have no gap");
            EntryId(id)
        })
        .collect()
}

/// Small pseudo-random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_words_are_those_the_database_knows(pool: PgPool) {
    for (constraint, words) in [
        (
            "ledger_entry_action_is_known",
            Action::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(),
        ),
        (
            "ledger_entry_object_kind_is_known",
            ObjectKind::ALL.iter().map(|word| word.as_str()).collect(),
        ),
    ] {
        let definition: String =
            sqlx::query_scalar("select pg_get_constraintdef(oid) from pg_constraint where conname = $1")
                .bind(constraint)
                .fetch_one(&pool)
                .await
                .unwrap();
        let known: Vec<&str> = definition.split('\'').skip(1).step_by(2).collect();
        assert_eq!(known, words, "{constraint}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_can_be_changed_not_even_by_the_owner(pool: PgPool) {
    let app = application(&pool).await;
    commit(&app, 300).await;
    sealer(&app).seal_all().await.unwrap();
    let tables = [
        ("ledger_log", "origin"),
        ("ledger_entry", "actor"),
        ("ledger_leaf", "seq"),
        ("ledger_subtree", "position"),
        ("ledger_key", "key_id"),
        ("ledger_head", "tree_size"),
    ];
    for (table, column) in tables {
        for statement in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table} cascade"),
        ] {
            for (who, pool, code) in [("the program", &app, "42501"), ("the owner", &pool, "23001")] {
                // Safe: made from the constants above.
                let refused = sqlx::query(AssertSqlSafe(statement.clone())).execute(pool).await;
                let refused = refused.expect_err(&format!("{statement} by {who} must be refused"));
                assert_eq!(
                    refused.as_database_error().unwrap().code().unwrap(),
                    code,
                    "{statement} by {who}"
                );
            }
        }
    }
    let forged = "insert into ledger_entry (id, recorded_at, actor, action, object_kind, object_id, xid)
                  values (gen_random_uuid(), '2026-11-21', 'x', 'create', 'parcel', gen_random_uuid(), '3')";
    let refused = sqlx::query(forged).execute(&app).await.unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().code().unwrap(),
        "42501",
        "the program can't choose its xid"
    );
    assert_eq!(sealed_ids(&pool).await.len(), 300);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn one_by_one_and_in_bulk_write_the_same(pool: PgPool) {
    let app = application(&pool).await;
    let before = raw("{ \"a\" : 1.50,\n\t\"a\":\"\\u0000 \\ud83d\\ude00 地块\" }");
    let after = raw("null");
    let full = NewEntry {
        before: Some(&before),
        after: Some(&after),
        reason: Some("测绘更正 ' \\ \""),
        case_id: Some(Uuid::from_u128(7)),
        import_id: Some(crate::ids::ImportId(Uuid::from_u128(8))),
        ..entry()
    };
    let old = NewEntry {
        recorded_at: datetime!(1949-10-01 07:00:00.000_001 UTC),
        reason: Some(""),
        ..entry()
    };
    let columns = "select row(recorded_at, actor, action, object_kind, object_id, reason, case_id, import_id)::text,
                          before::text, after::text
                   from ledger_entry where id = $1";
    for new in [full, old, entry()] {
        let mut transaction = app.begin().await.unwrap();
        append(&mut transaction, &new).await.unwrap();
        let copied = NewEntry {
            id: EntryId::fresh(),
            ..new
        };
        assert_eq!(append_copy(&mut transaction, [copied]).await.unwrap(), 1);
        transaction.commit().await.unwrap();
        let mut rows = Vec::new();
        for id in [new.id, copied.id] {
            let row: (String, Option<String>, Option<String>) =
                sqlx::query_as(columns).bind(id.0).fetch_one(&pool).await.unwrap();
            assert_eq!(row.1.as_deref(), new.before.map(RawValue::get));
            assert_eq!(row.2.as_deref(), new.after.map(RawValue::get));
            rows.push(row);
        }
        assert_eq!(rows[0], rows[1]);
    }
    sealer(&app).seal_all().await.unwrap();
    assert_eq!(verify_log(&app, &witness()).await.unwrap().sealed, 6);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_bulk_entry_leaves_nothing_and_the_connection_usable(pool: PgPool) {
    let app = application(&pool).await;
    let mut connection = app.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    let nameless = NewEntry { actor: "", ..entry() };
    append_copy(&mut transaction, [entry(), nameless]).await.unwrap_err();
    transaction.rollback().await.unwrap();
    let count: i64 = sqlx::query_scalar("select count(*) from ledger_entry")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(count, 0);
    drop(connection);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_transaction_is_announced_once(pool: PgPool) {
    let app = application(&pool).await;
    let mut listener = PgListener::connect_with(&app).await.unwrap();
    listener.listen("yice_ledger").await.unwrap();
    let mut transaction = app.begin().await.unwrap();
    for _ in 0..5 {
        append(&mut transaction, &entry()).await.unwrap();
    }
    append_copy(&mut transaction, (0..5).map(|_| entry())).await.unwrap();
    transaction.commit().await.unwrap();
    listener.recv().await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), listener.recv())
            .await
            .is_err()
    );
    drop(listener);
    app.close().await;
}

/// Twenty writers with commits and rollbacks, an import open beside all the while, two sealers, one follower.
#[sqlx::test(migrations = "../migrations")]
async fn every_committed_entry_is_sealed_once_and_followed_in_order(pool: PgPool) {
    let app = application(&pool).await;
    let shutdown = CancellationToken::new();
    let sealers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(sealer(&app).run(shutdown.clone())))
        .collect();
    let mut follower = Follower::start(app.clone(), 0).await.unwrap();

    let mut import = app.begin().await.unwrap();
    let mut committed: HashSet<EntryId> = HashSet::new();
    let imported: Vec<_> = (0..3_000)
        .map(|_| NewEntry {
            action: Action::Import,
            ..entry()
        })
        .collect();
    append_copy(&mut import, imported[..1_500].iter().copied())
        .await
        .unwrap();

    let writers: Vec<_> = (0..20)
        .map(|number| {
            let app = app.clone();
            tokio::spawn(async move {
                let mut dice = Dice(number);
                let mut committed = Vec::new();
                for _ in 0..25 {
                    let mut transaction = app.begin().await.unwrap();
                    let mut written = Vec::new();
                    for _ in 0..=dice.roll(3) {
                        let new = entry();
                        append(&mut transaction, &new).await.unwrap();
                        written.push(new.id);
                        tokio::time::sleep(Duration::from_millis(dice.roll(4))).await;
                    }
                    if dice.roll(10) < 2 {
                        // Part of it is taken back, the rest stays.
                        let mut savepoint = transaction.begin().await.unwrap();
                        append(&mut savepoint, &entry()).await.unwrap();
                        savepoint.rollback().await.unwrap();
                    }
                    if dice.roll(4) == 0 {
                        transaction.rollback().await.unwrap();
                    } else {
                        transaction.commit().await.unwrap();
                        committed.append(&mut written);
                    }
                }
                committed
            })
        })
        .collect();
    for writer in writers {
        committed.extend(writer.await.unwrap());
    }
    // Everything but the open import is delivered while that is still open.
    let mut followed: Vec<FollowedEntry> = Vec::new();
    while followed.len() < committed.len() {
        let next = tokio::time::timeout(Duration::from_secs(10), follower.next_batch());
        followed.extend(
            next.await
                .expect("the open import must not hold the others back")
                .unwrap(),
        );
    }
    append_copy(&mut import, imported[1_500..].iter().copied())
        .await
        .unwrap();
    import.commit().await.unwrap();
    committed.extend(imported.iter().map(|entry| entry.id));
    while followed.len() < committed.len() {
        let next = tokio::time::timeout(Duration::from_secs(10), follower.next_batch());
        followed.extend(next.await.unwrap().unwrap());
    }
    for (index, entry) in followed.iter().enumerate() {
        assert_eq!(entry.seq, index as u64 + 1);
    }
    assert!(
        followed[followed.len() - 3_000..]
            .iter()
            .all(|entry| entry.action == Some(Action::Import))
    );
    shutdown.cancel();
    for sealer in sealers {
        sealer.await.unwrap();
    }
    assert_eq!(sealer(&app).seal_all().await.unwrap(), 0);
    let order: Vec<EntryId> = followed.iter().map(|entry| entry.entry_id).collect();
    assert_eq!(sealed_ids(&pool).await, order);
    assert_eq!(order.iter().copied().collect::<HashSet<_>>(), committed);
    let proof = verify_log(&app, &witness()).await.unwrap();
    assert_eq!((proof.sealed, proof.pending), (committed.len() as u64, 0));
    drop(follower);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_commit_reaches_the_follower_by_notice_not_by_poll(pool: PgPool) {
    let app = application(&pool).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(sealer(&app).run(shutdown.clone()));
    commit(&app, 3).await;
    let mut follower = Follower::start(app.clone(), 2).await.unwrap();
    assert_eq!(
        follower.next_batch().await.unwrap()[0].seq,
        3,
        "it starts behind the position given"
    );
    let mut delays = Vec::new();
    for seq in 4..24 {
        let id = commit(&app, 1).await[0];
        let committed = Instant::now();
        let batch = follower.next_batch().await.unwrap();
        delays.push(committed.elapsed());
        assert_eq!((batch.len(), batch[0].seq, batch[0].entry_id), (1, seq, id));
        assert_eq!(follower.position(), seq);
    }
    delays.sort();
    assert!(
        delays[10] < Duration::from_millis(250),
        "half of them took longer than {:?}",
        delays[10]
    );
    shutdown.cancel();
    running.await.unwrap();
    drop(follower);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn several_sealers_at_once_seal_each_entry_once(pool: PgPool) {
    let app = application(&pool).await;
    let mut committed = HashSet::new();
    for size in [1, 700, 2_600] {
        committed.extend(commit(&app, size).await);
    }
    let sealers: Vec<_> = (0..5)
        .map(|_| {
            let sealer = sealer(&app).in_batches_of(100);
            tokio::spawn(async move { sealer.seal_all().await.unwrap() })
        })
        .collect();
    let mut total = 0;
    for sealer in sealers {
        total += sealer.await.unwrap();
    }
    assert_eq!(total, 3_301);
    assert_eq!(sealed_ids(&pool).await.into_iter().collect::<HashSet<_>>(), committed);
    assert_eq!(verify_log(&app, &witness()).await.unwrap().sealed, 3_301);
    app.close().await;
}

/// A sealer dies between two batches of a round; others have committed meanwhile; the next one goes on.
#[sqlx::test(migrations = "../migrations")]
async fn a_round_is_finished_after_a_restart(pool: PgPool) {
    let app = application(&pool).await;
    let mut committed = Vec::new();
    let mut open = app.begin().await.unwrap();
    let late = entry();
    append(&mut open, &late).await.unwrap();
    for _ in 0..10 {
        committed.extend(commit(&app, 5).await);
    }
    let small = sealer(&app).in_batches_of(7);
    assert_eq!(
        small.seal_once().await.unwrap(),
        Sealed::Entries {
            count: 7,
            tree_size: 7,
            more: true
        }
    );
    verify_log(&app, &witness()).await.unwrap();
    // Of the transaction that was open when the round began: not in this round, though it comes first by number.
    open.commit().await.unwrap();
    let last = commit(&app, 1).await;
    assert_eq!(
        small.seal_once().await.unwrap(),
        Sealed::Entries {
            count: 7,
            tree_size: 14,
            more: true
        }
    );
    drop(small);
    assert_eq!(
        sealer(&app).seal_once().await.unwrap(),
        Sealed::Entries {
            count: 36,
            tree_size: 50,
            more: false
        }
    );
    assert_eq!(
        sealer(&app).seal_once().await.unwrap(),
        Sealed::Entries {
            count: 2,
            tree_size: 52,
            more: false
        }
    );
    assert_eq!(sealer(&app).seal_once().await.unwrap(), Sealed::Nothing);
    committed.push(late.id);
    committed.extend(last);
    assert_eq!(sealed_ids(&pool).await, committed);
    let proof = verify_log(&app, &witness()).await.unwrap();
    assert_eq!((proof.sealed, proof.heads), (52, 4));
    app.close().await;
}

/// A dump restored in another cluster: the transaction numbers begin anew, below or among the old ones.
#[sqlx::test(migrations = "../migrations")]
async fn a_ledger_restored_elsewhere_goes_on(pool: PgPool) {
    let app = application(&pool).await;
    let mut committed = commit(&app, 30).await;
    sealer(&app).seal_all().await.unwrap();
    committed.extend(commit(&app, 3).await);
    let mut superuser = pool.acquire().await.unwrap();
    for statement in [
        "set session_replication_role = replica",
        "update ledger_head set cluster = cluster + 1, sealed_snapshot = '900000000:900000009:900000003'",
        // Three that were not sealed when the dump was made, numbered as the old cluster did.
        "update ledger_entry set xid = '900000005'
         where not exists (select from ledger_leaf where entry_id = id)",
        "set session_replication_role = origin",
    ] {
        sqlx::query(statement).execute(&mut *superuser).await.unwrap();
    }
    committed.extend(commit(&app, 4).await);
    assert_eq!(verify_log(&app, &witness()).await.unwrap().pending, 7);
    let small = sealer(&app).in_batches_of(2);
    assert_eq!(small.seal_all().await.unwrap(), 7);
    committed.extend(commit(&app, 5).await);
    assert_eq!(small.seal_all().await.unwrap(), 5);
    assert_eq!(
        sealed_ids(&pool).await.into_iter().collect::<HashSet<_>>(),
        committed.into_iter().collect()
    );
    assert_eq!(verify_log(&app, &witness()).await.unwrap().sealed, 42);
    drop(superuser);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_built_upon_a_damaged_head(pool: PgPool) {
    let app = application(&pool).await;
    commit(&app, 5).await;
    sealer(&app).seal_all().await.unwrap();
    commit(&app, 1).await;
    let mut superuser = pool.acquire().await.unwrap();
    tamper(&mut superuser, "update ledger_head set frontier[1] = frontier[2]").await;
    let refused = sealer(&app).seal_all().await.unwrap_err();
    assert!(
        matches!(refused, SealFailed::HeadDamaged { tree_size: 5, .. }),
        "{refused}"
    );
    drop(superuser);
    app.close().await;
}

/// As only a superuser can.
async fn tamper(connection: &mut PgConnection, statements: &str) {
    sqlx::query("set session_replication_role = replica")
        .execute(&mut *connection)
        .await
        .unwrap();
    // Safe: made from the tests' own text.
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::query("set session_replication_role = origin")
        .execute(&mut *connection)
        .await
        .unwrap();
}

/// What verification says after a superuser's statements, which are taken back afterwards.
async fn verdict(superuser: &mut PgConnection, statements: &str, witness: &Witness) -> Result<LogProof, FirstBad> {
    let mut transaction = superuser.begin().await.unwrap();
    tamper(&mut transaction, statements).await;
    let verdict = verify_log_and_versions(&mut transaction, witness).await;
    transaction.rollback().await.unwrap();
    match verdict {
        Ok((proof, _)) => Ok(proof),
        Err(Unproven::Bad(bad)) => Err(*bad),
        Err(Unproven::Database { source }) => panic!("{source}"),
    }
}

async fn entry_of(connection: &mut PgConnection, seq: i64) -> (Uuid, Uuid) {
    let row = sqlx::query("select id, object_id from ledger_leaf join ledger_entry on id = entry_id where seq = $1")
        .bind(seq)
        .fetch_one(connection)
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

/// A ledger of 40 entries; a head at every fourth.
async fn small_ledger(app: &PgPool) {
    for _ in 0..10 {
        commit(app, 1).await;
        commit(app, 3).await;
        sealer(app).seal_all().await.unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn every_altered_field_is_found_at_its_entry(pool: PgPool) {
    let app = application(&pool).await;
    small_ledger(&app).await;
    let mut superuser = pool.acquire().await.unwrap();
    let mut dice = Dice(5);
    for change in [
        "after = replace(after::text, '1234.5', '1234.6')::json",
        "after = (after::text || ' ')::json",
        "after = null",
        "before = 'null'",
        "actor = '王方'",
        "action = 'correct'",
        "object_kind = 'building'",
        "object_id = gen_random_uuid()",
        "reason = ''",
        "case_id = gen_random_uuid()",
        "import_id = gen_random_uuid()",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "xid = '1'",
    ] {
        for seq in [1, 40, 2 + dice.roll(38) as i64] {
            let (id, _) = entry_of(&mut superuser, seq).await;
            let statement = format!("update ledger_entry set {change} where id = '{id}'");
            let bad = verdict(&mut superuser, &statement, &witness()).await.unwrap_err();
            assert_eq!(
                (bad.seq, bad.entry_id, &bad.wrong),
                (Some(seq as u64), Some(id), &Wrong::Altered),
                "{change}"
            );
            assert!(bad.object_id.is_some());
            assert!(bad.to_string().contains(&format!("ledger entry {seq} ({id})")), "{bad}");
        }
    }
    let whole = verdict(&mut superuser, "select 1", &witness()).await.unwrap();
    assert_eq!((whole.sealed, whole.heads, whole.pending), (40, 10, 0));
    drop(superuser);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn removal_exchange_and_insertion_are_found(pool: PgPool) {
    let app = application(&pool).await;
    small_ledger(&app).await;
    let mut superuser = pool.acquire().await.unwrap();
    let (tenth, tenth_object) = entry_of(&mut superuser, 10).await;
    let (first, _) = entry_of(&mut superuser, 1).await;
    let forged_entry = "insert into ledger_entry (id, recorded_at, actor, action, object_kind, object_id, xid)
                        values ('00000000-0000-7000-8000-000000000001', '2026-11-21', 'x', 'create', 'parcel',
                                gen_random_uuid(), ";
    let forged_leaf = "'00000000-0000-7000-8000-000000000001', sha256('x'))";
    let renumber = "alter table ledger_leaf drop constraint ledger_leaf_pkey cascade;";
    let swap = |one: i64, other: i64| {
        format!("{renumber} update ledger_leaf set seq = {one} + {other} - seq where seq in ({one}, {other})")
    };
    let cases = [
        // (what, statements, number named, entry named, what is said)
        (
            "entry and leaf removed",
            format!("delete from ledger_leaf where seq = 10; delete from ledger_entry where id = '{tenth}'"),
            Some(10),
            None,
            Wrong::EntryRemoved,
        ),
        (
            "leaf removed",
            "delete from ledger_leaf where seq = 10".to_owned(),
            Some(10),
            Some(tenth),
            Wrong::LeafRemoved,
        ),
        (
            "entry removed",
            format!("delete from ledger_entry where id = '{tenth}'"),
            Some(10),
            Some(tenth),
            Wrong::EntryRemoved,
        ),
        (
            "tail removed, heads left",
            "delete from ledger_leaf where seq > 37; delete from ledger_entry e
             where not exists (select from ledger_leaf where entry_id = e.id)"
                .to_owned(),
            Some(38),
            None,
            Wrong::EntryRemoved,
        ),
        (
            "everything but the heads removed",
            "delete from ledger_leaf; delete from ledger_entry".to_owned(),
            Some(1),
            None,
            Wrong::EntryRemoved,
        ),
        (
            "two exchanged under one head",
            swap(10, 12),
            Some(10),
            None,
            Wrong::OrderChanged,
        ),
        (
            "two neighbours exchanged",
            swap(11, 12),
            Some(11),
            None,
            Wrong::OrderChanged,
        ),
        (
            "two exchanged across heads",
            swap(10, 20),
            Some(10),
            None,
            Wrong::OrderChanged,
        ),
        (
            "entry and leaf added at the end",
            format!("{forged_entry} '900000000'); insert into ledger_leaf values (41, {forged_leaf}"),
            Some(41),
            None,
            Wrong::Altered,
        ),
        (
            "entry of the past added",
            format!("{forged_entry} '3')"),
            None,
            None,
            Wrong::NoLeaf,
        ),
        (
            "newest head removed",
            "delete from ledger_head where tree_size = 40".to_owned(),
            Some(37),
            None,
            Wrong::NotCovered,
        ),
    ];
    for (what, statements, seq, entry_id, wrong) in cases {
        let bad = verdict(&mut superuser, &statements, &witness()).await.expect_err(what);
        assert_eq!((bad.seq, &bad.wrong), (seq, &wrong), "{what}: {bad}");
        if entry_id.is_some() {
            assert_eq!(bad.entry_id, entry_id, "{what}");
        }
    }

    // Hands that know the construction, but not the key.
    let mut transaction = superuser.begin().await.unwrap();
    tamper(
        &mut transaction,
        &format!("update ledger_entry set actor = 'x' where id = '{tenth}'"),
    )
    .await;
    rehash(&mut transaction, 10).await;
    let Err(Unproven::Bad(bad)) = verify_log_and_versions(&mut transaction, &witness()).await else {
        panic!("an altered entry with a new leaf hash must be found");
    };
    assert_eq!(
        (bad.seq, bad.until, &bad.wrong),
        (Some(9), Some(12), &Wrong::NotAsSigned { tree_size: 12 })
    );
    transaction.rollback().await.unwrap();

    let mut transaction = superuser.begin().await.unwrap();
    tamper(
        &mut transaction,
        &format!("{renumber} {forged_entry} '900000000'); insert into ledger_leaf values (41, {forged_leaf}"),
    )
    .await;
    rehash(&mut transaction, 41).await;
    let Err(Unproven::Bad(bad)) = verify_log_and_versions(&mut transaction, &witness()).await else {
        panic!("an added entry must be found");
    };
    assert_eq!((bad.seq, &bad.wrong), (Some(41), &Wrong::NotCovered));
    assert_eq!(bad.entry_id, Some(Uuid::from_u128(0x7000_8000_0000_0000_0001)));
    transaction.rollback().await.unwrap();

    // In the middle, with everything behind it moved up, and a removed one with everything moved down.
    for (statements, at) in [
        (
            format!(
                "{renumber} update ledger_leaf set seq = -seq - 1 where seq >= 10; update ledger_leaf set seq = -seq
                 where seq < 0; {forged_entry} (select xid::text::xid8 from ledger_entry where id = '{tenth}'));
                 insert into ledger_leaf values (10, {forged_leaf}"
            ),
            10,
        ),
        (
            format!(
                "{renumber} delete from ledger_leaf where seq = 10; delete from ledger_entry where id = '{tenth}';
                 update ledger_leaf set seq = seq - 1 where seq > 10"
            ),
            0,
        ),
    ] {
        let mut transaction = superuser.begin().await.unwrap();
        tamper(
            &mut transaction,
            &format!("alter table ledger_leaf drop constraint ledger_leaf_seq_counts_from_one; {statements}"),
        )
        .await;
        if at > 0 {
            rehash(&mut transaction, at).await;
        }
        let Err(Unproven::Bad(bad)) = verify_log_and_versions(&mut transaction, &witness()).await else {
            panic!("a moved order must be found");
        };
        assert!(bad.seq.is_some_and(|seq| (9..=12).contains(&seq)), "{bad}");
        transaction.rollback().await.unwrap();
    }
    assert_ne!(tenth_object, first);
    drop(superuser);
    app.close().await;
}

/// Gives a leaf the hash of what its entry is now.
async fn rehash(connection: &mut PgConnection, seq: i64) {
    let row: (
        Uuid,
        OffsetDateTime,
        String,
        String,
        String,
        Uuid,
        Option<String>,
        Option<String>,
        String,
    ) = sqlx::query_as(
        "select id, recorded_at, actor, action, object_kind, object_id, before::text, after::text, xid::text
             from ledger_leaf join ledger_entry on id = entry_id where seq = $1",
    )
    .bind(seq)
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    let stored = entry::StoredEntry {
        id: row.0,
        recorded_at: row.1,
        actor: row.2,
        action: row.3,
        object_kind: row.4,
        object_id: row.5,
        before: row.6,
        after: row.7,
        reason: None,
        case_id: None,
        import_id: None,
        xid: row.8.parse().unwrap(),
    };
    let hash = stored.leaf_hash(&mut Vec::new());
    tamper(
        connection,
        &format!("update ledger_leaf set leaf_hash = '\\x{hash}' where seq = {seq}"),
    )
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn forged_heads_are_found(pool: PgPool) {
    let app = application(&pool).await;
    small_ledger(&app).await;
    let mut superuser = pool.acquire().await.unwrap();

    for change in [
        "root_hash = sha256('x')",
        "sealed_at = sealed_at - interval '1 microsecond'",
        "signature = sha512('x')",
        "frontier[1] = sha256('x')",
    ] {
        let statement = format!("update ledger_head set {change} where tree_size = 20");
        let bad = verdict(&mut superuser, &statement, &witness()).await.unwrap_err();
        assert!(
            matches!(bad.wrong, Wrong::HeadForged { tree_size: 20, .. }),
            "{change}: {bad}"
        );
        assert_eq!(bad.seq, Some(20));
    }
    let bad = verdict(&mut superuser, "update ledger_log set origin = 'other'", &witness())
        .await
        .unwrap_err();
    assert!(matches!(bad.wrong, Wrong::HeadForged { tree_size: 4, .. }), "{bad}");

    // The whole ledger written anew with a key that is not ours, which the table of keys lists as well.
    let mut transaction = superuser.begin().await.unwrap();
    let heads = heads(&mut transaction, u64::MAX, 1_000).await.unwrap();
    let other = SigningKey::from_seed([2; 32]);
    let mut statements = format!(
        "insert into ledger_key values ('{}', '\\x{}', '2026-11-21');",
        other.public_key().id(),
        hex::encode(other.public_key().to_bytes())
    );
    for head in heads {
        let signed = other.sign(head.head);
        statements += &format!(
            "update ledger_head set signature = '\\x{}', key_id = '{}' where tree_size = {};",
            hex::encode(signed.signature.0),
            signed.key_id,
            signed.head.tree_size
        );
    }
    tamper(&mut transaction, &statements).await;
    let Err(Unproven::Bad(bad)) = verify_log_and_versions(&mut transaction, &witness()).await else {
        panic!("a key that is not trusted must be found");
    };
    assert!(
        matches!(&bad.wrong, Wrong::HeadForged { tree_size: 4, why } if why.contains("not trusted")),
        "{bad}"
    );
    let recorded = TrustedKeys::recorded(&mut transaction).await.unwrap();
    assert!(
        verify_log_and_versions(&mut transaction, &recorded.into())
            .await
            .is_ok(),
        "whoever trusts the table of keys trusts whoever can write it"
    );
    transaction.rollback().await.unwrap();

    // A tail cut off together with its heads leaves a sound ledger, except to who noted a head down.
    let cut = "delete from ledger_head where tree_size > 32; delete from ledger_leaf where seq > 32;
               delete from ledger_entry e where not exists (select from ledger_leaf where entry_id = e.id)";
    assert_eq!(verdict(&mut superuser, cut, &witness()).await.unwrap().sealed, 32);
    let noted = current_head(&mut superuser).await.unwrap().unwrap();
    let note = noted.to_note(&witness().keys).unwrap();
    let noted = SignedHead::from_note(&note, &witness().keys).unwrap();
    let witness = Witness {
        heads: vec![noted],
        ..witness()
    };
    let bad = verdict(&mut superuser, cut, &witness).await.unwrap_err();
    assert_eq!(
        (bad.seq, &bad.wrong),
        (Some(33), &Wrong::Contradicted { tree_size: 40 })
    );
    verdict(&mut superuser, "select 1", &witness).await.unwrap();
    drop(superuser);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn stored_subtrees_are_proved_and_pin_down_forgeries(pool: PgPool) {
    let app = application(&pool).await;
    commit(&app, 2_000).await;
    sealer(&app).seal_all().await.unwrap();
    let mut superuser = pool.acquire().await.unwrap();
    for (statement, first, last) in [
        (
            "update ledger_subtree set hash = sha256('x') where position = 3",
            769,
            1_024,
        ),
        ("delete from ledger_subtree where position = 3", 769, 1_024),
        ("insert into ledger_subtree values (8, 7, sha256('x'))", 1_793, 2_048),
    ] {
        let bad = verdict(&mut superuser, statement, &witness()).await.unwrap_err();
        assert_eq!((bad.seq, bad.until), (Some(first), Some(last)), "{bad}");
        assert_eq!(bad.wrong, Wrong::SubtreeAltered { leaves: 256 });
    }
    let (id, _) = entry_of(&mut superuser, 600).await;
    let mut transaction = superuser.begin().await.unwrap();
    tamper(
        &mut transaction,
        &format!("update ledger_entry set actor = 'x' where id = '{id}'"),
    )
    .await;
    rehash(&mut transaction, 600).await;
    let Err(Unproven::Bad(bad)) = verify_log_and_versions(&mut transaction, &witness()).await else {
        panic!("an altered entry with a new leaf hash must be found");
    };
    assert_eq!(
        (bad.seq, bad.until, &bad.wrong),
        (Some(513), Some(768), &Wrong::NotAsSigned { tree_size: 1_024 })
    );
    transaction.rollback().await.unwrap();
    drop(superuser);
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn proofs_hold_for_every_head(pool: PgPool) {
    let app = application(&pool).await;
    let mut dice = Dice(9);
    for size in [1, 2, 254, 3, 500, 1, 1_300, 7] {
        commit(&app, size).await;
        sealer(&app).seal_all().await.unwrap();
    }
    let mut connection = app.acquire().await.unwrap();
    let all = heads(&mut connection, u64::MAX, 100).await.unwrap();
    let sizes: Vec<u64> = all.iter().map(|head| head.head.tree_size).collect();
    assert_eq!(sizes, [2_068, 2_061, 2_048, 1_024, 761, 760, 260, 257, 3, 1]);
    for head in &all {
        let size = head.head.tree_size;
        head.verify(&witness().keys).unwrap();
        for seq in [1, size, 1 + dice.roll(size), 1 + dice.roll(size)] {
            let proof = inclusion_proof(&mut connection, seq, size).await.unwrap();
            assert!(proof.holds(head.head.root_hash), "{seq} of {size}");
            let other = InclusionProof {
                seq: seq + 1,
                ..proof.clone()
            };
            assert!(!other.holds(head.head.root_hash), "{seq} of {size}");
            let mut altered = proof;
            *altered.canonical.0.last_mut().unwrap() ^= 1;
            assert!(!altered.holds(head.head.root_hash), "{seq} of {size}");
        }
        for older in all.iter().filter(|older| older.head.tree_size <= size) {
            let proof = consistency_proof(&mut connection, older.head.tree_size, size)
                .await
                .unwrap();
            assert!(
                proof.holds(older.head.root_hash, head.head.root_hash),
                "{} in {size}",
                older.head.tree_size
            );
            assert!(!proof.holds(older.head.root_hash, merkle::empty_root()));
        }
    }
    assert_eq!(
        head_of_size(&mut connection, 260)
            .await
            .unwrap()
            .unwrap()
            .head
            .tree_size,
        260
    );
    assert_eq!(head_of_size(&mut connection, 261).await.unwrap(), None);
    for (seq, size) in [(0, 3), (4, 3), (1, 2_069), (1, u64::MAX)] {
        let refused = inclusion_proof(&mut connection, seq, size).await.unwrap_err();
        assert!(
            matches!(refused, NoProof::OutOfRange { .. }),
            "{seq} of {size}: {refused}"
        );
    }
    for (old, new) in [(0, 3), (4, 3), (3, 2_069)] {
        let refused = consistency_proof(&mut connection, old, new).await.unwrap_err();
        assert!(
            matches!(refused, NoProof::OutOfRange { .. }),
            "{old} in {new}: {refused}"
        );
    }
    drop(connection);
    app.close().await;
}

/// A version row as a noun would keep it.
#[derive(Debug, Clone)]
struct Version {
    id: Uuid,
    content: String,
    recorded_to: Option<OffsetDateTime>,
}

fn digest(content: &str) -> merkle::Hash {
    merkle::leaf_hash(content.as_bytes())
}

async fn write_version(app: &PgPool, content: &str, closes: &mut [Version], at: OffsetDateTime) -> Version {
    let version = Version {
        id: Uuid::now_v7(),
        content: content.to_owned(),
        recorded_to: None,
    };
    let after = raw(&format!(
        r#"{{"versions":[{{"id":"{}","sha256":"{}"}}],"name":"x"}}"#,
        version.id,
        digest(content)
    ));
    let closed: Vec<String> = closes
        .iter()
        .map(|version| format!(r#"{{"id":"{}"}}"#, version.id))
        .collect();
    let before = raw(&format!(r#"{{"versions":[{}]}}"#, closed.join(",")));
    for version in closes {
        version.recorded_to = Some(at);
    }
    let mut transaction = app.begin().await.unwrap();
    let new = NewEntry {
        before: Some(&before),
        after: Some(&after),
        recorded_at: at,
        ..entry()
    };
    append(&mut transaction, &new).await.unwrap();
    transaction.commit().await.unwrap();
    version
}

async fn versions_verdict(app: &PgPool, rows: &[Version]) -> Option<FirstBad> {
    let mut transaction = snapshot(app).await.unwrap();
    let (_, mut expected) = verify_log_and_versions(&mut transaction, &witness()).await.unwrap();
    let rows = rows.iter().map(|row| {
        Ok(FoundVersion {
            version_id: VersionId(row.id),
            object_id: row.id,
            sha256: digest(&row.content).0,
            recorded_to: row.recorded_to,
        })
    });
    compare(&mut expected, futures_util::stream::iter(rows)).await.unwrap();
    expected.first_bad(&mut transaction).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn version_rows_are_held_against_the_ledger(pool: PgPool) {
    let app = application(&pool).await;
    let mut rows = Vec::new();
    for number in 0..10 {
        let version = write_version(&app, &format!("content {number}"), &mut [], NOW).await;
        rows.push(version);
    }
    // Entry 11 closes what entry 4 wrote; entry 12 says nothing of versions.
    let later = NOW + time::Duration::DAY;
    let next = write_version(&app, "content 3 b", &mut rows[3..4], later).await;
    rows.push(next);
    commit(&app, 1).await;
    sealer(&app).seal_all().await.unwrap();
    // Not sealed yet: known all the same.
    let pending = write_version(&app, "content 10", &mut [], later).await;
    rows.push(pending);
    assert_eq!(versions_verdict(&app, &rows).await, None);

    let spoil = |change: &dyn Fn(&mut Vec<Version>)| {
        let mut rows = rows.clone();
        change(&mut rows);
        rows
    };
    let altered = versions_verdict(&app, &spoil(&|rows| rows[6].content.push('!')))
        .await
        .unwrap();
    assert_eq!(
        (altered.seq, altered.wrong),
        (
            Some(7),
            Wrong::VersionAltered {
                version_id: rows[6].id,
                object_id: rows[6].id
            }
        )
    );
    assert!(altered.entry_id.is_some() && altered.object_id.is_some());
    let removed = versions_verdict(&app, &spoil(&|rows| drop(rows.remove(8))))
        .await
        .unwrap();
    assert_eq!(
        (removed.seq, removed.wrong),
        (Some(9), Wrong::VersionRemoved { version_id: rows[8].id })
    );
    let stranger = Version {
        id: Uuid::now_v7(),
        content: String::new(),
        recorded_to: None,
    };
    let slipped = versions_verdict(&app, &spoil(&|rows| rows.insert(2, stranger.clone())))
        .await
        .unwrap();
    assert_eq!(
        (slipped.seq, slipped.wrong),
        (
            None,
            Wrong::VersionSlippedIn {
                version_id: stranger.id,
                object_id: stranger.id
            }
        )
    );
    let twice = versions_verdict(&app, &spoil(&|rows| rows.push(rows[0].clone())))
        .await
        .unwrap();
    assert_eq!(
        twice.wrong,
        Wrong::VersionSlippedIn {
            version_id: rows[0].id,
            object_id: rows[0].id
        }
    );
    for (index, end, seq) in [(3, None, 11), (3, Some(NOW), 11), (5, Some(later), 6)] {
        let ended = versions_verdict(&app, &spoil(&|rows| rows[index].recorded_to = end))
            .await
            .unwrap();
        assert_eq!(ended.seq, Some(seq));
        assert!(matches!(ended.wrong, Wrong::VersionEndAltered { version_id, .. } if version_id == rows[index].id));
    }
    // Of several faults the one of the lowest number.
    let several = spoil(&|rows| {
        rows[9].content.push('!');
        rows.remove(4);
        rows.push(stranger.clone());
    });
    let first = versions_verdict(&app, &several).await.unwrap();
    assert_eq!(first.seq, Some(5));
    app.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn entries_that_contradict_each_other_are_found(pool: PgPool) {
    let app = application(&pool).await;
    let mut first = [write_version(&app, "a", &mut [], NOW).await];
    write_version(&app, "b", &mut first, NOW).await;
    sealer(&app).seal_all().await.unwrap();
    verify_log(&app, &witness()).await.unwrap();
    let id = first[0].id;
    let hash = digest("c");
    for (before, after, why) in [
        (
            None,
            Some(format!(r#"{{"versions":[{{"id":"{id}","sha256":"{hash}"}}]}}"#)),
            "was written before",
        ),
        (
            Some(format!(r#"{{"versions":[{{"id":"{id}"}}]}}"#)),
            None,
            "was closed before",
        ),
        (
            Some(format!(r#"{{"versions":[{{"id":"{}"}}]}}"#, Uuid::nil())),
            None,
            "nothing before it wrote",
        ),
        (None, Some(r#"{"versions":[{"id":"x"}]}"#.to_owned()), "unreadable"),
    ] {
        let mut transaction = app.begin().await.unwrap();
        let (before, after) = (before.as_deref().map(raw), after.as_deref().map(raw));
        let new = NewEntry {
            before: before.as_deref(),
            after: after.as_deref(),
            ..entry()
        };
        append(&mut transaction, &new).await.unwrap();
        let refused = verify_log_and_versions(&mut transaction, &witness()).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
        transaction.rollback().await.unwrap();
    }
    app.close().await;
}
