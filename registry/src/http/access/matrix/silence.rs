//! No answer tells of what lies outside; a refusal reads as if it weren't there.

use super::questions::{QUERIES, told};
use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn no_address_tells_anybody_of_what_lies_outside(pool: PgPool) {
    let world = World::new(&pool).await;
    for (turn, part) in PARTS[1..].iter().enumerate() {
        let (seen, unseen): (Vec<&Asset>, Vec<&Asset>) = world.everything().partition(|asset| part.reads(asset));
        assert!(!seen.is_empty() && !unseen.is_empty(), "{}", part.name);
        for (index, role) in Role::ALL.iter().enumerate() {
            for (place, (method, path, need)) in ROUTES.iter().enumerate() {
                // One role asks everything everywhere; each other asks every address in some of the parts.
                if index > 0 && (index + place + turn) % 3 > 0 {
                    continue;
                }
                if *method != "GET" || *need == Need::Nothing || path.contains("/docs") {
                    continue;
                }
                // Tiles carry shapes by scope in a layer of their own, which has a test of its own.
                if path.starts_with("/tiles") || path.contains("/tiles/") {
                    continue;
                }
                // Every role asks about something of its own, so that all is asked about by some.
                let [mine, others] = [&seen, &unseen].map(|among| world.about(path, among));
                let targets = [mine, others].into_iter().filter(|among| !among.is_empty());
                for target in targets.map(|among| among[index % among.len()]) {
                    let uri = world.uri(path, target).replace("{seq}", "7").replace(['{', '}'], "1");
                    // One role asks in every way, each other in one of them: all ways are asked in by some.
                    let asked = if index == 0 {
                        &QUERIES[..]
                    } else {
                        &QUERIES[index % QUERIES.len()..][..1]
                    };
                    for query in asked {
                        let uri = format!("{uri}{}", world.query(query, target));
                        let (status, text) = world.get(part, *role, &uri).await;
                        assert_ne!(status, 500, "{} {}: {uri}: {text}", part.name, role.as_str());
                        for asset in &unseen {
                            if let Some(secret) = told(&text, &uri, asset) {
                                panic!(
                                    "{} {}: {uri} tells {secret} of {:?}: {text}",
                                    part.name,
                                    role.as_str(),
                                    asset.lay
                                );
                            }
                        }
                    }
                }
            }
        }
        // What lies outside is refused in the words for what isn't there, but for the id.
        for asset in &unseen {
            for (path, id) in addresses(asset) {
                let there = world.get(part, Role::TitleClerk, &path.replace("ID", &id)).await;
                let nothing = world.get(part, Role::TitleClerk, &path.replace("ID", NOWHERE)).await;
                let same = (there.0, there.1.replace(&id, NOWHERE));
                assert_eq!(same, nothing, "{}: {path}", part.name);
            }
        }
    }
}

/// The addresses of an asset and of all that hangs on it, with the id that stands in each.
fn addresses(asset: &Asset) -> Vec<(String, String)> {
    let mut addresses = Vec::new();
    let mut add = |path: String, id: &str| addresses.push((path, id.to_owned()));
    if ["parcels", "buildings", "sites"].contains(&asset.layer) {
        for path in [
            format!("/api/v1/{}/ID", asset.layer),
            format!("/api/v1/{}/ID/versions", asset.layer),
            format!("/api/v1/{}/ID/rights", asset.layer),
            format!("/api/v1/{}/ID/occupancy", asset.layer),
            format!("/api/v1/{}/ID/utilisation", asset.layer),
            format!("/ogc/collections/{}/items/ID?f=json", asset.layer),
            "/api/v1/disposal-obstacles/ID".to_owned(),
            "/api/v1/ledger?object=ID".to_owned(),
            "/api/v1/meter-readings?building=ID".to_owned(),
            "/api/v1/homes?building=ID".to_owned(),
            "/api/v1/housing-tenancies?building=ID".to_owned(),
        ] {
            add(path, &asset.id);
        }
    }
    let further: &[(&str, &[&str])] = &[
        ("documents", &["/content"]),
        ("findings", &[]),
        ("inspection-findings", &[]),
        ("inspections", &["/versions", "/indicators", "/export"]),
        ("leases", &["/versions", "/account"]),
        ("policy-cases", &["/versions", "/movables.xlsx"]),
        ("rooms", &["/versions", "/entitlement"]),
        (
            "stocktakings",
            &["/versions", "/lines", "/report", "/export", "/form.xlsx"],
        ),
        ("use-agreements", &["/versions", "/certificate"]),
    ];
    for (noun, id) in &asset.hangs {
        let more = further
            .iter()
            .find(|(at, _)| at == noun)
            .map_or(&["/versions"][..], |(_, more)| more);
        for end in [""].iter().chain(more) {
            add(format!("/api/v1/{noun}/ID{end}"), id);
        }
    }
    if let (Some(stocktaking), Some(line)) = (asset.id_of("stocktakings"), asset.id_of("stocktaking-lines")) {
        for end in ["", "/versions"] {
            add(format!("/api/v1/stocktakings/{stocktaking}/lines/ID{end}"), line);
        }
    }
    addresses
}
