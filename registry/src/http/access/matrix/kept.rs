//! Whatever tells of something internal is kept as a read of it.

use super::questions::{QUERIES, noun_of, told};
use super::*;

/// Whatever an answer tells of what is internal, or of what hangs on it, is kept before it leaves.
#[sqlx::test(migrations = "../migrations")]
async fn no_address_tells_of_what_is_internal_unnoticed(pool: PgPool) {
    let world = World::new(&pool).await;
    let whole = &PARTS[0];
    let internal: Vec<&Asset> = world
        .assets
        .iter()
        .filter(|asset| asset.code.as_bytes()[2] % 2 == 0)
        .collect();
    let mut telling = BTreeSet::new();
    for (method, path, need) in ROUTES {
        // Tiles are kept by what is under them, in a test of their own.
        if *method != "GET" || *need == Need::Nothing || path.contains("/docs") || path.contains("tiles") {
            continue;
        }
        // Who looked is an auditor's to read, with the ids of what was looked at.
        if *path == "/api/v1/restricted-reads" {
            continue;
        }
        let last = world.assets.len();
        let mut targets = vec![0, 1, 2, last - 9, last - 8];
        // What tells of an asset of its own is asked about one that is internal.
        let having = world.about(path, &internal);
        targets.extend(
            world
                .assets
                .iter()
                .position(|asset| having.iter().any(|having| having.id == asset.id)),
        );
        for (target, query) in targets
            .into_iter()
            .map(|place| &world.assets[place])
            .flat_map(|target| QUERIES.map(|query| (target, query)))
        {
            let id = target.id_of(noun_of(path)).unwrap_or(&target.id);
            let seq: i64 = sqlx::query_scalar(
                "select coalesce(max(l.seq), 7) from ledger_leaf l join ledger_entry e on e.id = l.entry_id where e.object_id = $1",
            )
            .bind(id.parse::<Uuid>().unwrap())
            .fetch_one(&pool)
            .await
            .unwrap();
            let uri = world
                .uri(path, target)
                .replace("{seq}", &seq.to_string())
                .replace(['{', '}'], "1");
            let uri = format!("{uri}{}", world.query(query, target));
            let role = if path.contains("export") || path.ends_with(".xlsx") {
                Role::AssetManager
            } else {
                Role::Auditor
            };
            let before = kept(&pool).await.len();
            let (status, text) = world.get(whole, role, &uri).await;
            if status != 200 {
                continue;
            }
            let kept: BTreeSet<String> = kept(&pool).await[before..]
                .concat()
                .iter()
                .map(Uuid::to_string)
                .collect();
            for asset in &internal {
                if let Some(told) = told(&text, &uri, asset) {
                    assert!(
                        kept.contains(&asset.id),
                        "{uri} tells {told} of {} and nobody knows: {text}",
                        asset.code
                    );
                    telling.insert(*path);
                }
            }
        }
    }
    // It would be a poor test that was told nothing.
    for path in [
        "/api/v1/rooms",
        "/api/v1/rooms/{id}",
        "/api/v1/rooms/{id}/versions",
        "/api/v1/rooms/export",
        "/api/v1/titles/{id}",
        "/api/v1/titles",
        "/api/v1/title-cases/{id}",
        "/api/v1/title-cases",
        "/api/v1/findings",
        "/api/v1/findings/{id}",
        "/api/v1/leases",
        "/api/v1/leases/{id}",
        "/api/v1/leases/export",
        "/api/v1/relief-policies/{id}/candidates",
        "/api/v1/relief-policies/{id}/reliefs",
        "/api/v1/use-agreements",
        "/api/v1/use-agreements/{id}",
        "/api/v1/documents/{id}",
        "/api/v1/homes",
        "/api/v1/housing-tenancies",
        "/api/v1/housing-tenancies/{id}",
        "/api/v1/idle-records/{id}",
        "/api/v1/inspections/{id}",
        "/api/v1/inspections/{id}/export",
        "/api/v1/inspection-findings",
        "/api/v1/inspection-findings/{id}",
        "/api/v1/meter-readings",
        "/api/v1/occupants/{id}",
        "/api/v1/policy-cases/{id}",
        "/api/v1/stocktakings/{id}/lines",
        "/api/v1/stocktakings/{id}/lines/{line}",
        "/api/v1/stocktakings/{id}/export",
        "/api/v1/successions",
        "/api/v1/ledger",
        "/api/v1/ledger/{seq}/proof",
        "/api/v1/search",
        "/api/v1/{layer}/{id}",
        "/api/v1/{layer}/export",
        "/ogc/collections/{collection}/items",
    ] {
        assert!(telling.contains(path), "{path} told nothing");
    }
}

async fn kept(pool: &PgPool) -> Vec<Vec<Uuid>> {
    sqlx::query_scalar("select object_ids from restricted_read order by id")
        .fetch_all(pool)
        .await
        .unwrap()
}
