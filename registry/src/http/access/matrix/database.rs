//! The database judges by itself, and no handler goes round it.

use super::*;

/// The database judges by itself, whatever the program says.
#[sqlx::test(migrations = "../migrations")]
async fn the_database_refuses_by_itself(pool: PgPool) {
    let world = World::new(&pool).await;
    let (inside, beside) = (&world.assets[6], &world.assets[15]);
    assert_eq!((inside.lay[0].1, beside.lay[0].1), ("431102", "431103"));
    let setting = json!({"person": Uuid::nil(), "actor": "x", "reads": "read_registry", "writes": "edit_assets", "reaches": {
        "read_registry": [{"region": null, "level": null, "unit": null}],
        "edit_assets": [{"region": "431102", "level": "county", "unit": null}]}});
    for reads_all in [true, false] {
        let database = world.state.database.scoped(setting.to_string(), reads_all);
        for (asset, may) in [(inside, true), (beside, false)] {
            let mut transaction = database.begin().await.unwrap();
            let ended = sqlx::query(
                "update spatial_unit_version set recorded = tstzrange(lower(recorded), '2026-11-22') where object_id = $1",
            )
            .bind(asset.id.parse::<Uuid>().unwrap())
            .execute(&mut *transaction)
            .await;
            assert_eq!(ended.is_ok(), may, "{ended:?}");
        }
        for (region, level, may) in [
            ("431102", "county", true),
            ("431102", "city", false),
            ("4311", "county", false),
        ] {
            let mut transaction = database.begin().await.unwrap();
            let id = Uuid::now_v7();
            let mut identities = crate::database::CopyRows::default();
            identities
                .value(Some(id))
                .text(Some("site"))
                .text(None)
                .text(None)
                .value(Some(time::OffsetDateTime::UNIX_EPOCH))
                .end_row();
            identities
                .send(
                    &mut transaction,
                    "copy spatial_unit (id, kind, dataset, source_key, created_at) from stdin (format binary)",
                )
                .await
                .unwrap();
            let mut versions = crate::database::CopyRows::default();
            versions
                .value(Some(Uuid::now_v7()))
                .value(Some(id))
                .text(Some("site"))
                .value(Some(sqlx::postgres::types::PgRange::from(
                    time::macros::date!(2020 - 01 - 01)..,
                )))
                .value(Some(sqlx::postgres::types::PgRange::from(
                    time::OffsetDateTime::UNIX_EPOCH..,
                )))
                .text(Some(region))
                .text(Some(level))
                .end_row();
            let written = versions
                .send(
                    &mut transaction,
                    "copy spatial_unit_version (version_id, object_id, kind, valid, recorded, region_code, admin_level)
                     from stdin (format binary)",
                )
                .await;
            assert_eq!(written.is_ok(), may, "{region} {level}: {written:?}");
            if let Err(error) = written {
                assert_eq!(
                    crate::database::refusal_of(&error).unwrap().code.as_deref(),
                    Some("out_of_scope")
                );
            }
        }
    }
    // Without a scope: no rows, and nothing is written.
    let mut connection = world.state.database.connect_apart().await.unwrap();
    crate::database::take_role(&mut connection).await.unwrap();
    sqlx::query("reset yice.scope").execute(&mut connection).await.unwrap();
    for table in [
        "spatial_unit",
        "spatial_unit_version",
        "room_version",
        "title_version",
        "ledger_entry",
        "finding",
        "import",
    ] {
        let seen: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(seen, 0, "{table}");
    }
    let written = sqlx::query(
        "insert into spatial_unit_version (version_id, object_id, kind, valid, recorded) values ($1, $1, 'site', '[2020-01-01,)', '[2020-01-01,)')",
    )
    .bind(Uuid::now_v7())
    .execute(&mut connection)
    .await;
    assert!(written.is_err());
}

#[test]
fn handlers_read_and_write_for_somebody_alone() {
    fn walk(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    // Who may take the database itself out of a request: signing in, which has nobody to read for yet, and health.
    let without_caller = [
        "people/session.rs",
        "people/first.rs",
        "people/identities/begin.rs",
        "people/identities/callback.rs",
        "http/health.rs",
    ];
    // What goes on without a caller once it was let in: accounts of the signed-in themselves, checks, imports, mappings.
    let let_in = [
        "people/session.rs",
        "checks/routes.rs",
        "imports/routes.rs",
        "http/access/matrix/database.rs",
    ];
    let mut faults = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.to_string_lossy().replace('\\', "/");
        let is_one_of = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
        if text.contains("State<Database>")
            && !is_one_of(&without_caller)
            && !is_one_of(&["http/access/matrix/database.rs"])
        {
            faults.push(format!("{name} takes the database out of a request"));
        }
        if text.contains("database.system()") && !is_one_of(&let_in) && !name.ends_with("tests.rs") {
            faults.push(format!("{name} leaves the caller behind"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
