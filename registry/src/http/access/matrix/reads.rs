//! What is read, counted, found and exported agrees with the oracle.

use super::*;

#[sqlx::test(migrations = "../migrations")]
async fn what_is_read_counted_found_and_exported_is_what_lies_in_the_scope(pool: PgPool) {
    let world = World::new(&pool).await;
    for part in &PARTS {
        let name = part.name;
        for (day, year) in YEARS {
            let totals = world.read(part, &format!("/api/v1/totals?as_of={day}")).await;
            let mut found = BTreeSet::new();
            for layer in ["parcels", "buildings", "sites"] {
                let wanted = of(world.seen(part, layer, year));
                let count = wanted.len();
                found.extend(wanted.clone());
                let list = world
                    .read(part, &format!("/api/v1/{layer}?limit=1000&count=true&as_of={day}"))
                    .await;
                assert_eq!(ids(&list, "id"), wanted, "{name} {layer} {day}");
                assert_eq!(list["total"], count, "{name} {layer} {day}");
                assert_eq!(totals[layer]["count"], count, "{name} {layer} {day}");
                let items = world
                    .read(
                        part,
                        &format!("/ogc/collections/{layer}/items?limit=1000&f=json&datetime={day}T04:00:00Z"),
                    )
                    .await;
                assert_eq!(ids(&items, "id"), wanted, "{name} ogc {layer} {day}");
                assert_eq!(items["numberMatched"], count, "{name} ogc {layer} {day}");
                let uri = format!("/api/v1/{layer}/export?format=csv&as_of={day}");
                let (status, csv) = world.get(part, Role::AssetManager, &uri).await;
                assert_eq!(status, 200, "{csv}");
                let exported = world.assets.iter().filter(|asset| csv.contains(&asset.code));
                assert_eq!(of(exported), wanted, "{name} export {layer} {day}");
                let boxed = world
                    .read(
                        part,
                        &format!("/api/v1/{layer}?limit=1000&bbox=111,26,112,27&as_of={day}"),
                    )
                    .await;
                assert_eq!(ids(&boxed, "id"), wanted, "{name} bbox {layer} {day}");
            }
            // A search gives fifty at most, and there are fewer.
            let searched = world
                .read(part, &format!("/api/v1/search?q=zz&limit=50&as_of={day}"))
                .await;
            assert_eq!(ids(&searched, "id"), found, "{name} search {day}");
            // A room goes with its building through all its days: one that moved is seen from both counties. So do homes,
            // which are rooms.
            for noun in ["rooms", "homes"] {
                let list = world
                    .read(part, &format!("/api/v1/{noun}?limit=1000&count=true&as_of={day}"))
                    .await;
                let wanted = hanging(world.assets.iter().filter(|asset| part.reads_in(asset, year)), noun);
                let through = hanging(world.assets.iter().filter(|asset| part.reads(asset)), noun);
                assert!(
                    ids(&list, "id").is_superset(&wanted) && ids(&list, "id").is_subset(&through),
                    "{name} {noun} {day}"
                );
                assert_eq!(list["total"], ids(&list, "id").len());
                if noun == "rooms" {
                    assert_eq!(totals["rooms"]["count"], list["total"], "{name} rooms {day}");
                }
            }
        }
        let reads = || world.assets.iter().filter(|asset| part.reads(asset));
        for path in [
            "titles",
            "title-cases",
            "findings",
            "leases",
            "use-agreements",
            "policy-cases",
            "idle-records",
            "occupants",
            "housing-tenancies",
            "inspection-findings",
        ] {
            let list = world.read(part, &format!("/api/v1/{path}?limit=1000&count=true")).await;
            // A case was opened today, and lies where its asset lies today; what is let and agreed began this year, what is
            // idle fell idle after the move. Who sits in a room goes with it, as the room does with its building.
            let wanted = match path {
                "titles" | "findings" | "occupants" => hanging(reads(), path),
                _ => hanging(reads().filter(|asset| part.reads_in(asset, 2026)), path),
            };
            assert_eq!(ids(&list, "id"), wanted, "{name} {path}");
            // The list of what inspections found is short, and isn't counted.
            if path != "inspection-findings" {
                assert_eq!(list["total"], wanted.len(), "{name} {path}");
            }
        }
        is_told_of_places(&world, part).await;
        // What is let is added up, listed as a file and applied for as far as it is seen.
        let let_here = hanging(reads().filter(|asset| part.reads_in(asset, 2026)), "leases");
        let sums = world.read(part, "/api/v1/lease-totals").await;
        assert_eq!(
            (&sums["count"], &sums["area_m2"]),
            (&json!(let_here.len()), &json!(let_here.len() as f64)),
            "{name}"
        );
        let (status, csv) = world
            .get(part, Role::AssetManager, "/api/v1/leases/export?format=csv")
            .await;
        assert_eq!(status, 200, "{csv}");
        let exported = world.assets.iter().filter(|asset| {
            let lessees = || asset.secrets.iter().filter(|secret| secret.ends_with("LESSEE"));
            asset.layer == "buildings" && lessees().any(|lessee| csv.contains(lessee.as_str()))
        });
        assert_eq!(hanging(exported, "leases"), let_here, "{name} leases as a file");
        let policy = format!("/api/v1/relief-policies/{}", world.relief_policy);
        let candidates = world.read(part, &format!("{policy}/candidates")).await;
        assert_eq!(
            ids(&json!({"items": candidates}), "lease_id"),
            let_here,
            "{name} candidates"
        );
        let reliefs = world.read(part, &format!("{policy}/reliefs")).await;
        let wanted = hanging(reads().filter(|asset| part.reads_in(asset, 2026)), "reliefs");
        assert_eq!(ids(&reliefs, "id"), wanted, "{name} reliefs");
        // What became of what, from the old one and from the new ones.
        for asset in &world.assets {
            let told = world
                .read(part, &format!("/api/v1/successions?asset={}", asset.id))
                .await;
            let of_it = world.assets.iter().find(|old| {
                old.ends.is_some()
                    && asset.layer == "parcels"
                    && old.code[..3] == asset.code[..3]
                    && (old.id == asset.id || asset.lay[0].0 == 2024)
            });
            let wanted = hanging(of_it.into_iter().filter(|old| part.reads(old)), "successions");
            assert_eq!(
                ids(&json!({"items": told}), "id"),
                wanted,
                "{name} successions of {}",
                asset.code
            );
        }
        // The ledger: of assets, those whose every version there is seen. The moved one's entries of its time elsewhere
        // are not told.
        let mut ledger = Vec::new();
        let mut page = Some("/api/v1/ledger?limit=1000".to_owned());
        while let Some(uri) = page {
            let told = world.read(part, &uri).await;
            ledger.extend(told["items"].as_array().unwrap().iter().cloned());
            page = told["next"].as_str().map(ToOwned::to_owned);
        }
        let told: BTreeSet<String> = ledger
            .iter()
            .filter(|entry| {
                ["parcel", "building", "site"]
                    .iter()
                    .any(|kind| entry["object_kind"] == *kind)
            })
            .map(|entry| entry["object_id"].as_str().unwrap().to_owned())
            .collect();
        let created_in_sight = world.assets.iter().filter(|asset| {
            asset.lay.iter().all(|(_, region)| part.holds(region, asset.unit)) || part.holds(asset.lay[0].1, asset.unit)
        });
        assert!(told.is_subset(&of(reads())), "{name} ledger");
        let unmoved = of(created_in_sight.filter(|asset| asset.lay.len() == 1));
        assert!(told.is_superset(&unmoved), "{name} ledger");
        // A proof carries the entry: there is one for what is listed, and for nothing else.
        let listed: BTreeSet<i64> = ledger.iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
        let last: i64 = sqlx::query_scalar("select max(seq) from ledger_leaf")
            .fetch_one(&pool)
            .await
            .unwrap();
        for seq in (1..=last).step_by(3) {
            let (status, text) = world
                .get(part, Role::Viewer, &format!("/api/v1/ledger/{seq}/proof"))
                .await;
            assert_eq!(status == 200, listed.contains(&seq), "{name} {seq}: {text}");
        }
        let bounds = world.read(part, "/api/v1/map").await["bounds"].clone();
        let seen_now = world.assets.iter().filter(|asset| part.reads_in(asset, 2026));
        let lasts: Vec<f64> = seen_now
            .map(|asset| 111.601 + 0.002 * asset.code[2..3].parse::<f64>().unwrap())
            .collect();
        let east = lasts.into_iter().fold(f64::NAN, f64::max);
        assert!(
            (bounds[2].as_f64().unwrap() - east).abs() < 1e-6,
            "{name} {bounds} {east}"
        );
    }
}

/// What lies in places without being of one asset, what was counted and read there, and the papers of cases.
async fn is_told_of_places(world: &World, part: &Part) {
    let name = part.name;
    for noun in ["inspections", "stocktakings"] {
        let list = world.read(part, &format!("/api/v1/{noun}?limit=1000&count=true")).await;
        let there = world.others.iter().filter(|other| other.layer == noun);
        let wanted = of(there.filter(|other| part.reads(other)));
        assert_eq!(ids(&list, "id"), wanted, "{name} {noun}");
        assert_eq!(list["total"], wanted.len(), "{name} {noun}");
    }
    for filing in world.others.iter().filter(|other| other.layer == "use-filings") {
        for (day, there) in [("2026-11-21", true), ("2022-01-19", false)] {
            let unit = filing.id_of("filed-by").unwrap();
            let list = world
                .read(part, &format!("/api/v1/use-filings?unit={unit}&as_of={day}"))
                .await;
            let wanted = of([filing].into_iter().filter(|filing| there && part.reads(filing)));
            assert_eq!(ids(&list, "id"), wanted, "{name} {} {day}", filing.code);
        }
    }
    // A line lies where its asset lay on the day whose ledger is compared: today.
    for stocktaking in world.others.iter().filter(|other| other.layer == "stocktakings") {
        if !part.reads(stocktaking) {
            continue;
        }
        let counted: Vec<&Asset> = world
            .assets
            .iter()
            .filter(|asset| {
                asset.told.contains(&("stocktakings", stocktaking.id.clone())) && part.reads_in(asset, 2026)
            })
            .collect();
        let mut wanted = hanging(counted.iter().copied(), "stocktaking-lines");
        if part.unit.is_none() {
            wanted.extend(hanging(counted.iter().copied(), "stocktaking-lines-of-others"));
        }
        let at = format!("/api/v1/stocktakings/{}", stocktaking.id);
        let list = world.read(part, &format!("{at}/lines?limit=1000&count=true")).await;
        assert_eq!(ids(&list, "id"), wanted, "{name} {}", stocktaking.code);
        assert_eq!(list["total"], wanted.len(), "{name} {}", stocktaking.code);
        let (status, csv) = world
            .get(part, Role::AssetManager, &format!("{at}/export?format=csv"))
            .await;
        assert_eq!(status, 200, "{csv}");
        let every = ["stocktaking-lines", "stocktaking-lines-of-others"];
        let every = every.iter().flat_map(|noun| hanging(world.assets.iter(), noun));
        let exported: BTreeSet<String> = every.filter(|line| csv.contains(line.as_str())).collect();
        assert_eq!(exported, wanted, "{name} {} as a file", stocktaking.code);
        let report = world.read(part, &format!("{at}/report")).await;
        let told: i64 = report["agreements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|kind| kind["book"].as_i64().unwrap())
            .sum();
        assert_eq!(
            told,
            i64::try_from(wanted.len()).unwrap(),
            "{name} {}",
            stocktaking.code
        );
    }
    for building in world.assets.iter().filter(|asset| asset.layer == "buildings") {
        // A reading lies where its building lay in the days that it was read for.
        let readings = world
            .read(part, &format!("/api/v1/meter-readings?building={}", building.id))
            .await;
        let told: BTreeSet<&str> = readings
            .as_array()
            .unwrap()
            .iter()
            .map(|reading| reading["from"].as_str().unwrap())
            .collect();
        let read = [("2022-03-01", 2022), ("2026-03-01", 2026)];
        let wanted: BTreeSet<&str> = read
            .into_iter()
            .filter(|(_, year)| part.reads_in(building, *year))
            .map(|(day, _)| day)
            .collect();
        assert_eq!(told, wanted, "{name} readings of {}", building.code);
        let paper = format!("/api/v1/documents/{}", building.id_of("documents").unwrap());
        for at in [paper.clone(), format!("{paper}/content")] {
            let (status, text) = world.get(part, Role::AssetManager, &at).await;
            assert_eq!(status == 200, part.reads_in(building, 2026), "{name} {at}: {text}");
        }
    }
}
