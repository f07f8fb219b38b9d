//! Every address with every role from inside, above, beside and below a scope, held against an oracle that knows what was
//! registered and filters it by itself: what is answered, counted, exported, found and refused agrees, and nothing else
//! is told.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{app, ask, ask_as};

/// What the oracle knows of an asset: where it lay in which years.
#[derive(Debug, Clone)]
struct Asset {
    layer: &'static str,
    id: String,
    code: String,
    /// First year, region.
    lay: Vec<(i32, &'static str)>,
    level: &'static str,
    unit: Option<usize>,
    /// The first year in which it is no more.
    ends: Option<i32>,
    /// What hangs on it: path and id.
    hangs: Vec<(&'static str, String)>,
    /// What hangs on it and has no address of its own: what it is, and its id.
    told: Vec<(&'static str, String)>,
    /// Words that no answer to somebody may hold who doesn't see it.
    secrets: Vec<String>,
}

/// How far somebody's grants reach, as the oracle understands it.
#[derive(Debug, Clone)]
struct Part {
    name: &'static str,
    region: &'static str,
    level: Option<&'static str>,
    unit: Option<usize>,
}

/// Since when something lies in which region, whose it is, and which unit's.
type Lay = (&'static [(i32, &'static str)], &'static str, Option<usize>);

const PARTS: [Part; 8] = [
    Part {
        name: "whole",
        region: "all",
        level: None,
        unit: None,
    },
    Part {
        name: "above",
        region: "43",
        level: None,
        unit: None,
    },
    Part {
        name: "city",
        region: "431100",
        level: Some("city"),
        unit: None,
    },
    Part {
        name: "inside",
        region: "431102",
        level: Some("county"),
        unit: None,
    },
    Part {
        name: "beside",
        region: "431103",
        level: None,
        unit: None,
    },
    Part {
        name: "below",
        region: "431102001",
        level: None,
        unit: None,
    },
    Part {
        name: "unit",
        region: "all",
        level: None,
        unit: Some(0),
    },
    Part {
        name: "unit-there",
        region: "431103",
        level: None,
        unit: Some(0),
    },
];

impl Part {
    /// Written without a look at the server's rules: a part begins with its digits, the zeros of a city's code left out.
    fn holds(&self, region: &str, unit: Option<usize>) -> bool {
        let begins: &str = match self.region {
            "all" => "",
            "431100" => "4311",
            other => other,
        };
        region.starts_with(begins) && (self.unit.is_none() || self.unit == unit)
    }

    fn reads_in(&self, asset: &Asset, year: i32) -> bool {
        asset
            .lay
            .iter()
            .rfind(|(from, _)| *from <= year && asset.ends.is_none_or(|ends| year < ends))
            .is_some_and(|(_, region)| self.holds(region, asset.unit))
    }

    /// Ever: some version of it lies there.
    fn reads(&self, asset: &Asset) -> bool {
        asset.lay.iter().any(|(_, region)| self.holds(region, asset.unit))
    }

    fn edits(&self, asset: &Asset) -> bool {
        // A moved one is not all in anybody's part but from now on, and one that is no more is nobody's to edit: they are
        // asked about in tests of their own.
        let now = asset.lay.last().unwrap().1;
        self.holds(now, asset.unit) && self.level.is_none_or(|level| level == asset.level)
    }
}

/// In which the registry is asked; today is in the last.
const YEARS: [(&str, i32); 2] = [("2022-06-01", 2022), ("2026-11-21", 2026)];

struct World {
    app: Router,
    state: AppState,
    assets: Vec<Asset>,
    /// The policy by which all leases were applied for.
    relief_policy: String,
    tokens: BTreeMap<String, String>,
}

async fn made(app: &Router, path: &str, body: Value) -> String {
    let key = Uuid::now_v7().to_string();
    let answer = ask(app, "POST", path, &[("Idempotency-Key", &key)], Some(body)).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.body);
    let location = answer.location.unwrap_or_default();
    answer.body["id"]
        .as_str()
        .map_or_else(|| location.rsplit('/').next().unwrap().to_owned(), ToOwned::to_owned)
}

/// A parcel that became two in 2024, in the place of another asset: all three.
async fn divided(app: &Router, state: &AppState, like: &Asset, index: usize, units: &[String]) -> [Asset; 3] {
    state.clock.advance(time::Duration::minutes(1));
    let (x, y) = (111.6 + 0.002 * index as f64, 26.41);
    let square = |west: f64, east: f64| {
        json!({"type": "Polygon", "coordinates":
            [[[x + west, y], [x + east, y], [x + east, y + 0.001], [x + west, y + 0.001], [x + west, y]]]})
    };
    let asset = |code: String, id: String, lay: i32, ends: Option<i32>| Asset {
        layer: "parcels",
        secrets: vec![code.clone(), id.clone()],
        id,
        code,
        lay: vec![(lay, like.lay[0].1)],
        level: like.level,
        unit: like.unit,
        ends,
        hangs: Vec::new(),
        told: Vec::new(),
    };
    let code = |part: &str| format!("ZZ{index}{part}QQ");
    let old = code("undivided");
    let body = json!({"valid_from": "2020-01-01", "code": old, "name": format!("{old}之名"), "region_code": like.lay[0].1,
        "admin_level": like.level, "secrecy": if index.is_multiple_of(2) { "internal" } else { "public" },
        "unit_id": like.unit.map(|unit| units[unit].clone()), "geometry": square(0.0, 0.001)});
    let id = made(app, "/api/v1/parcels", body).await;
    let mut old = asset(old, id, 2020, Some(2024));
    let version = ask(app, "GET", &format!("/api/v1/parcels/{}", old.id), &[], None)
        .await
        .body["version_id"]
        .clone();
    let pieces = [("west", 0.0, 0.0005), ("east", 0.0005, 0.001)].map(|(part, west, east)| {
        json!({"geometry": square(west, east), "code": code(part), "name": format!("{}之名", code(part))})
    });
    let survey = format!("SS{index}SURVEY");
    let body = json!({"on": "2024-01-01", "from": [{"id": old.id, "version_id": version}], "pieces": pieces,
        "survey": survey, "consent": "函", "reason": "分割"});
    state.clock.advance(time::Duration::minutes(1));
    let key = Uuid::now_v7().to_string();
    let answer = ask(
        app,
        "POST",
        "/api/v1/successions",
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let succession = text(&answer.body["id"]);
    old.secrets.extend([survey, succession.clone()]);
    old.told.push(("successions", succession));
    let [west, east] = [(0, "west"), (1, "east")]
        .map(|(place, part)| asset(code(part), text(&answer.body["to_ids"][place]), 2024, None));
    [old, west, east]
}

impl World {
    async fn new(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        for (code, level) in [
            ("43", "province"),
            ("44", "province"),
            ("4311", "city"),
            ("4312", "city"),
            ("431102", "county"),
            ("431103", "county"),
            ("431202", "county"),
            ("431102001", "township"),
        ] {
            made(
                &app,
                "/api/v1/regions",
                json!({"code": code, "name": format!("区划{code}"), "level": level, "valid_from": "2019-01-01"}),
            )
            .await;
        }
        let mut units = Vec::new();
        for code in ["U0", "U1"] {
            let body = json!({"code": code, "name": format!("单位{code}"), "level": "city", "kind": "government_organ", "valid_from": "2019-01-01"});
            units.push(made(&app, "/api/v1/units", body).await);
        }
        let body = json!({"name": "免租", "document": "政发〔2026〕1号", "months_from": "2026-02-01",
            "months_to": "2026-06-30", "months": 1, "sizes": ["small"], "self_employed": false});
        let relief_policy = made(&app, "/api/v1/relief-policies", body).await;
        let mut assets = Vec::new();
        let lay: [Lay; 10] = [
            (&[(2020, "43")], "province", None),
            (&[(2020, "4311")], "city", None),
            (&[(2020, "431102")], "county", None),
            (&[(2020, "431102")], "city", Some(1)),
            (&[(2020, "431102001")], "county", None),
            (&[(2020, "431103")], "county", Some(0)),
            (&[(2020, "431103")], "county", None),
            (&[(2020, "431202")], "county", Some(0)),
            // Moved from one county into the other.
            (&[(2020, "431102"), (2024, "431103")], "county", None),
            (&[(2020, "44")], "province", None),
        ];
        for (index, (lay, level, unit)) in lay.into_iter().enumerate() {
            state.clock.advance(time::Duration::minutes(1));
            for (layer, row) in [("parcels", 0.0), ("buildings", 1.0), ("sites", 2.0)] {
                let code = format!("ZZ{index}{layer}QQ");
                let (x, y) = (111.6 + 0.002 * index as f64, 26.4 + 0.002 * row);
                let square = json!({"type": "Polygon", "coordinates":
                    [[[x, y], [x + 0.001, y], [x + 0.001, y + 0.001], [x, y + 0.001], [x, y]]]});
                let body = json!({"valid_from": "2020-01-01", "code": code, "name": format!("{code}之名"), "region_code": lay[0].1,
                    "admin_level": level, "secrecy": if index % 2 == 0 { "internal" } else { "public" },
                    "unit_id": unit.map(|unit| units[unit].clone()), "usage": "administrative_office", "geometry": square});
                let id = made(&app, &format!("/api/v1/{layer}"), body).await;
                let asset = Asset {
                    layer,
                    id: id.clone(),
                    secrets: vec![code.clone(), id],
                    code,
                    lay: lay.to_vec(),
                    level,
                    unit,
                    ends: None,
                    hangs: Vec::new(),
                    told: Vec::new(),
                };
                for (year, region) in &lay[1..] {
                    state.clock.advance(time::Duration::minutes(1));
                    let path = format!("/api/v1/{layer}/{}", asset.id);
                    let tag = ask(&app, "GET", &path, &[], None).await.etag.unwrap();
                    let body = json!({"valid_from": format!("{year}-01-01"), "region_code": region});
                    let moved = ask(&app, "PATCH", &path, &[("If-Match", &tag)], Some(body)).await;
                    assert_eq!(moved.status, 200, "{}", moved.body);
                }
                assets.push(asset);
            }
            let [.., parcel, building, site] = &mut assets[..] else {
                unreachable!()
            };
            for other in [&*parcel, building] {
                let body = json!({"related_id": other.id, "valid_from": "2020-02-01"});
                made(&app, &format!("/api/v1/sites/{}/relations", site.id), body).await;
            }
            let number = format!("RR{index}ROOM");
            let body = json!({"building_id": building.id, "floor": 1, "number": number, "valid_from": "2020-01-01",
                "use_area_m2": 20, "building_area_m2": 30});
            let room = made(&app, "/api/v1/rooms", body).await;
            building.secrets.extend([number, room.clone()]);
            building.hangs.push(("rooms", room.clone()));
            let purpose = format!("AA{index}PURPOSE");
            let body = json!({"unit_id": units[1], "room_ids": [room], "purpose": purpose, "starts_on": "2026-01-01"});
            let agreement = made(&app, "/api/v1/use-agreements", body).await;
            building.secrets.extend([purpose, agreement.clone()]);
            building.hangs.push(("use-agreements", agreement));
            let lessee = format!("LL{index}LESSEE");
            let body = crate::leases::tests::shop(&building.id, json!({"area_m2": 1, "lessee_name": lessee}));
            let lease = made(&app, "/api/v1/leases", body).await;
            let visit = format!("VV{index}VISIT");
            let body = json!({"applications": [{"lease_id": lease, "evidence": visit}]});
            let path = format!("/api/v1/relief-policies/{relief_policy}/reliefs");
            let applied = ask(&app, "POST", &path, &[("Idempotency-Key", &visit)], Some(body)).await;
            assert_eq!(applied.status, 201, "{}", applied.body);
            let relief = applied.body["ids"][0].as_str().unwrap().to_owned();
            building.secrets.extend([lessee, visit, lease.clone(), relief.clone()]);
            building.hangs.push(("leases", lease));
            building.told.push(("reliefs", relief));
            let certificate = format!("湘(2021)冷水滩区不动产权第77{index:05}号");
            let body = crate::titles::tests::with(
                crate::titles::tests::certificate(
                    parcel.id.parse().unwrap(),
                    &format!("431103001002GB{:05}F00010001", index + 1),
                    1,
                ),
                json!({"cert_no": certificate, "holders": [{"name": format!("HH{index}HOLDER"), "kind": "bureau"}]}),
            );
            let title = made(&app, "/api/v1/titles", body).await;
            let body = json!({"kind": "dispute", "holder": format!("EE{index}CLAIMS"), "document": "案号", "valid_from": "2021-06-01"});
            made(&app, &format!("/api/v1/titles/{title}/encumbrances"), body).await;
            parcel.secrets.extend([
                certificate,
                title.clone(),
                format!("HH{index}HOLDER"),
                format!("EE{index}CLAIMS"),
            ]);
            parcel.hangs.push(("titles", title));
            let case = made(&app, "/api/v1/title-cases", json!({"asset_id": building.id})).await;
            building.secrets.push(case.clone());
            building.hangs.push(("title-cases", case));
            let finding = Uuid::now_v7();
            sqlx::query(
                "insert into finding (id, rule, object_kind, object_id, at_id, evidence, state, first_seen)
                 values ($1, 'GEO-13', 'parcel', $2, $2, $3, 'new', '2026-01-01')",
            )
            .bind(finding)
            .bind(parcel.id.parse::<Uuid>().unwrap())
            .bind(json!({"code": parcel.code}))
            .execute(pool)
            .await
            .unwrap();
            parcel.secrets.push(finding.to_string());
            parcel.hangs.push(("findings", finding.to_string()));
        }
        for index in [2, 6, 9] {
            assets.extend(divided(&app, &state, &assets[3 * index], index, &units).await);
        }
        // What follows a title happens at its instant; what is asked is asked later.
        state.clock.advance(time::Duration::minutes(1));
        crate::versioned::tests::prove(pool).await.unwrap();
        crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
            .await
            .unwrap();
        let mut tokens = BTreeMap::new();
        for part in &PARTS {
            for role in Role::ALL {
                let name = format!("{}-{}", part.name, role.as_str());
                let token = person_with(pool, &name, &[*role], part.region).await;
                sqlx::query(
                    "update person_grant set level = $2, unit_id = $3 where person_id = (select id from person where username = $1)",
                )
                .bind(&name)
                .bind(part.level)
                .bind(part.unit.map(|unit| units[unit].parse::<Uuid>().unwrap()))
                .execute(pool)
                .await
                .unwrap();
                tokens.insert(name, token);
            }
        }
        Self {
            app,
            state,
            assets,
            relief_policy,
            tokens,
        }
    }

    async fn get(&self, part: &Part, role: Role, uri: &str) -> (u16, String) {
        let token = &self.tokens[&format!("{}-{}", part.name, role.as_str())];
        let request = Request::builder()
            .uri(uri)
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn read(&self, part: &Part, uri: &str) -> Value {
        // The one role that may read, export and see imports everywhere it is granted.
        let (status, text) = self.get(part, Role::AssetManager, uri).await;
        assert_eq!(status, 200, "{}: {uri}: {text}", part.name);
        serde_json::from_str(&text).unwrap()
    }

    fn seen<'a>(&'a self, part: &'a Part, layer: &'a str, year: i32) -> impl Iterator<Item = &'a Asset> {
        self.assets
            .iter()
            .filter(move |asset| asset.layer == layer && part.reads_in(asset, year))
    }
}

fn ids(page: &Value, field: &str) -> BTreeSet<String> {
    let items = page["items"]
        .as_array()
        .or_else(|| page["features"].as_array())
        .unwrap();
    items
        .iter()
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

fn of<'a>(assets: impl Iterator<Item = &'a Asset>) -> BTreeSet<String> {
    assets.map(|asset| asset.id.clone()).collect()
}

fn hanging<'a>(assets: impl Iterator<Item = &'a Asset>, path: &str) -> BTreeSet<String> {
    assets
        .flat_map(|asset| {
            asset
                .hangs
                .iter()
                .chain(&asset.told)
                .filter(|(at, _)| *at == path)
                .map(|(_, id)| id.clone())
        })
        .collect()
}

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
            let rooms = world
                .read(part, &format!("/api/v1/rooms?limit=1000&count=true&as_of={day}"))
                .await;
            let wanted = hanging(world.assets.iter().filter(|asset| part.reads_in(asset, year)), "rooms");
            // A room goes with its building through all its days: one that moved is seen from both counties.
            let through = hanging(world.assets.iter().filter(|asset| part.reads(asset)), "rooms");
            assert!(
                ids(&rooms, "id").is_superset(&wanted) && ids(&rooms, "id").is_subset(&through),
                "{name} rooms {day}"
            );
            assert_eq!(rooms["total"], ids(&rooms, "id").len());
            assert_eq!(totals["rooms"]["count"], rooms["total"], "{name} rooms {day}");
        }
        let reads = || world.assets.iter().filter(|asset| part.reads(asset));
        for path in ["titles", "title-cases", "findings", "leases", "use-agreements"] {
            let list = world.read(part, &format!("/api/v1/{path}?limit=1000&count=true")).await;
            // A case was opened today, and lies where its asset lies today; what is let and agreed began this year.
            let wanted = match path {
                "title-cases" | "leases" | "use-agreements" => {
                    hanging(reads().filter(|asset| part.reads_in(asset, 2026)), path)
                }
                _ => hanging(reads(), path),
            };
            assert_eq!(ids(&list, "id"), wanted, "{name} {path}");
            assert_eq!(list["total"], wanted.len(), "{name} {path}");
        }
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
        let ledger = world.read(part, "/api/v1/ledger?limit=1000").await;
        let told: BTreeSet<String> = ledger["items"]
            .as_array()
            .unwrap()
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
        let listed: BTreeSet<i64> = ledger["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["seq"].as_i64().unwrap())
            .collect();
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

#[sqlx::test(migrations = "../migrations")]
async fn no_address_tells_anybody_of_what_lies_outside(pool: PgPool) {
    let world = World::new(&pool).await;
    let nowhere = "018f0000-0000-7000-8000-00000000dead";
    for (turn, part) in PARTS[1..].iter().enumerate() {
        let (seen, unseen): (Vec<&Asset>, Vec<&Asset>) = world.assets.iter().partition(|asset| part.reads(asset));
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
                // Every role asks about an asset of its own, so that all are asked about by some.
                let (mine, other) = (seen[index % seen.len()], unseen[index % unseen.len()]);
                for target in [mine, other] {
                    let is_of_layer = |layer: &str| target.layer == layer;
                    let layer = if is_of_layer("sites") && path.contains("{layers}") {
                        "sites"
                    } else {
                        target.layer
                    };
                    let hanging = |at: &str| {
                        target
                            .hangs
                            .iter()
                            .find(|(path, _)| *path == at)
                            .map_or(nowhere, |(_, id)| id.as_str())
                    };
                    let id = ["rooms", "titles", "title-cases", "findings", "leases", "use-agreements"]
                        .into_iter()
                        .find(|noun| path.contains(&format!("/{noun}/")))
                        .map_or(target.id.as_str(), hanging);
                    let id = if path.contains("/relief-policies/") {
                        world.relief_policy.as_str()
                    } else {
                        id
                    };
                    let uri = path
                        .replace("{layers}", layer)
                        .replace("{layer}", layer)
                        .replace("{collection}", layer)
                        .replace("{set}", "WebMercatorQuad")
                        .replace("{feature}", id)
                        .replace("{asset}", &target.id)
                        .replace("{id}", id)
                        .replace("{code}", "431103001002GB00003F00010001")
                        .replace("{seq}", "7")
                        .replace("{file}", "parcels.xlsx")
                        .replace("{z}", "14")
                        .replace("{matrix}", "14")
                        .replace("{x}", "13271")
                        .replace("{column}", "13271")
                        .replace("{y}", "6936.mvt")
                        .replace("{row}", "6936")
                        .replace(['{', '}'], "1");
                    let queries = [
                        "",
                        "?limit=1000&as_of=2022-06-01",
                        "?limit=1000&count=true",
                        "?format=csv&as_of=2022-06-01",
                        "?q=ZZ",
                        "?asset=ID",
                    ];
                    // One role asks in every way, each other in one of them: all ways are asked in by some.
                    let asked = if index == 0 {
                        &queries[..]
                    } else {
                        &queries[index % queries.len()..][..1]
                    };
                    for query in asked {
                        let uri = format!("{uri}{}", query.replace("ID", &target.id));
                        // Tiles carry shapes by scope in a layer of their own, which has a test of its own.
                        if uri.starts_with("/tiles") || uri.contains("/tiles/") {
                            continue;
                        }
                        let (status, text) = world.get(part, *role, &uri).await;
                        assert_ne!(status, 500, "{} {}: {uri}: {text}", part.name, role.as_str());
                        for asset in &unseen {
                            for secret in asset.secrets.iter().filter(|secret| !uri.contains(*secret)) {
                                assert!(
                                    !text.contains(secret.as_str()),
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
            let mut paths = vec![
                format!("/api/v1/{}/ID", asset.layer),
                format!("/api/v1/{}/ID/versions", asset.layer),
                format!("/api/v1/{}/ID/rights", asset.layer),
                format!("/ogc/collections/{}/items/ID?f=json", asset.layer),
                "/api/v1/disposal-obstacles/ID".to_owned(),
                "/api/v1/ledger?object=ID".to_owned(),
            ]
            .into_iter()
            .map(|path| (path, asset.id.clone()))
            .collect::<Vec<_>>();
            for (noun, id) in &asset.hangs {
                paths.push((format!("/api/v1/{noun}/ID"), id.clone()));
                if *noun != "findings" {
                    paths.push((format!("/api/v1/{noun}/ID/versions"), id.clone()));
                }
            }
            for (path, id) in paths {
                let there = world.get(part, Role::TitleClerk, &path.replace("ID", &id)).await;
                let nothing = world.get(part, Role::TitleClerk, &path.replace("ID", nowhere)).await;
                let same = (there.0, there.1.replace(&id, nowhere));
                assert_eq!(same, nothing, "{}: {path}", part.name);
            }
        }
    }
}

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
        let targets = [0, 1, 2, world.assets.len() - 9, world.assets.len() - 8];
        for (target, query) in targets
            .map(|place| &world.assets[place])
            .into_iter()
            .flat_map(|target| {
                [
                    "",
                    "?limit=1000&as_of=2022-06-01",
                    "?limit=1000",
                    "?format=csv",
                    "?q=ZZ",
                    "?asset=ID",
                    "?object=ID",
                ]
                .map(|query| (target, query))
            })
        {
            let id = ["rooms", "titles", "title-cases", "findings", "leases", "use-agreements"]
                .into_iter()
                .find(|noun| path.contains(&format!("/{noun}/")))
                .and_then(|noun| target.hangs.iter().find(|(at, _)| *at == noun))
                .map_or(&target.id, |(_, id)| id);
            let id = if path.contains("/relief-policies/") {
                &world.relief_policy
            } else {
                id
            };
            let seq: i64 = sqlx::query_scalar(
                "select coalesce(max(l.seq), 7) from ledger_leaf l join ledger_entry e on e.id = l.entry_id where e.object_id = $1",
            )
            .bind(id.parse::<Uuid>().unwrap())
            .fetch_one(&pool)
            .await
            .unwrap();
            let uri = path
                .replace("{layer}", target.layer)
                .replace("{collection}", target.layer)
                .replace("{feature}", id)
                .replace("{asset}", &target.id)
                .replace("{id}", id)
                .replace("{seq}", &seq.to_string())
                .replace("{code}", "431103001002GB00001F00010001")
                .replace("{file}", "parcels.xlsx")
                .replace(['{', '}'], "1");
            let uri = format!("{uri}{}", query.replace("ID", &target.id));
            let role = if path.ends_with("/export") {
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
                let told = asset
                    .secrets
                    .iter()
                    .find(|secret| text.contains(*secret) && !uri.contains(*secret));
                if let Some(told) = told {
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
        "/api/v1/successions",
        "/api/v1/ledger",
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

#[sqlx::test(migrations = "../migrations")]
async fn only_what_lies_in_ones_own_part_and_level_is_written(pool: PgPool) {
    let world = World::new(&pool).await;
    let ask_part = async |part: &Part, role: Role, method: &str, uri: &str, tag: &str, body: Value| {
        let token = &world.tokens[&format!("{}-{}", part.name, role.as_str())];
        let key = Uuid::now_v7().to_string();
        let headers = [("If-Match", tag), ("Idempotency-Key", key.as_str())];
        ask_as(&world.app, Some(token), method, uri, &headers, Some(body)).await
    };
    let nowhere = "018f0000-0000-7000-8000-00000000dead";
    for part in &PARTS {
        for asset in &world.assets {
            let wanted = |edits: bool| match (part.reads_in(asset, 2026), edits) {
                (false, _) => (404, ""),
                (true, true) => (200, ""),
                (true, false) => (403, "out_of_scope"),
            };
            let expect = |answer: &crate::spatial_units::tests::Answer, (status, code): (u16, &str), what: &str| {
                assert!(
                    answer.status.as_u16() == status && (code.is_empty() || answer.body["code"] == code),
                    "{}: {what} of {asset:?}: {} {}, wanted {status}",
                    part.name,
                    answer.status,
                    answer.body
                );
            };
            let path = format!("/api/v1/{}/{}", asset.layer, asset.id);
            if asset.ends.is_some() {
                continue;
            }
            let tag = ask(&world.app, "GET", &path, &[], None).await.etag.unwrap();
            // A moved one is not all in anybody's part but from now on; it is asked about in the tests of its own.
            if asset.lay.len() == 1 {
                let same = json!({"name": format!("{}之名", asset.code)});
                let answer = ask_part(part, Role::AssetManager, "PATCH", &path, &tag, same).await;
                expect(&answer, wanted(part.edits(asset)), "a change");
                let refused = ask_part(part, Role::Viewer, "PATCH", &path, &tag, json!({"name": "x"})).await;
                expect(&refused, (403, "not_granted"), "a viewer's change");
                if !part.edits(asset) {
                    let end = json!({"valid_to": "2026-11-21", "reason": "试"});
                    let answer =
                        ask_part(part, Role::AssetManager, "POST", &format!("{path}/closures"), &tag, end).await;
                    expect(&answer, wanted(false), "an end");
                }
                for (noun, id) in &asset.hangs {
                    let path = format!("/api/v1/{noun}/{id}");
                    // What is written at an instant is read after it.
                    world.state.clock.advance(time::Duration::seconds(1));
                    let tag = ask(&world.app, "GET", &path, &[], None).await.etag.unwrap_or_default();
                    let (role, body) = match *noun {
                        "rooms" => (Role::AssetManager, json!({"floor": 1})),
                        "titles" => (
                            Role::TitleClerk,
                            json!({"reason": "试", "location": "冷水滩区湘江西路1号"}),
                        ),
                        "title-cases" => (Role::TitleClerk, json!({"consents": []})),
                        "leases" => (Role::AssetManager, json!({"purpose": "餐饮", "reason": "试"})),
                        // No change but by a step, which is asked for below.
                        "use-agreements" => continue,
                        _ => (Role::TitleReviewer, json!({"owner": "某人"})),
                    };
                    if *noun == "findings" && part.edits(asset) {
                        continue;
                    }
                    let answer = ask_part(part, role, "PATCH", &path, &tag, body).await;
                    expect(&answer, wanted(part.edits(asset)), noun);
                }
                // What is done by a step of its own, and not by a change: as far as it may be, and no further.
                let id_of = |noun: &str| asset.hangs.iter().find(|(at, _)| *at == noun).map(|(_, id)| id.clone());
                if let (Some(lease), Some(agreement)) = (id_of("leases"), id_of("use-agreements")) {
                    let path = format!("/api/v1/use-agreements/{agreement}");
                    let tag = ask(&world.app, "GET", &path, &[], None).await.etag.unwrap();
                    // A draft can't be renewed: each who may is told so by its state and not by the place.
                    let body = json!({"step": "renew", "certificate_no": "用证1", "ends_on": "2031-01-01"});
                    let answer = ask_part(part, Role::AssetManager, "POST", &format!("{path}/steps"), &tag, body).await;
                    match wanted(part.edits(asset)) {
                        (200, _) => expect(&answer, (409, "step_not_from_here"), "a step of an agreement"),
                        refused => expect(&answer, refused, "a step of an agreement"),
                    }
                    let body = json!({"kind": "payment", "amount": "0.01", "on": "2026-11-01", "document": "票"});
                    let path = format!("/api/v1/leases/{lease}/movements");
                    let answer = ask_part(part, Role::FinanceReviewer, "POST", &path, "", body).await;
                    match wanted(part.edits(asset)) {
                        (200, _) => expect(&answer, (201, ""), "a payment"),
                        refused => expect(&answer, refused, "a payment"),
                    }
                    let path = format!("/api/v1/relief-policies/{}/decisions", world.relief_policy);
                    let relief = &asset.told[0].1;
                    let body = json!({"relief_ids": [relief], "decision": "approve", "document": "批"});
                    if !part.edits(asset) {
                        let answer = ask_part(part, Role::Approver, "POST", &path, "", body.clone()).await;
                        assert!(answer.status.is_client_error(), "{}: {}", part.name, answer.body);
                        if !part.reads_in(asset, 2026) {
                            let body = serde_json::from_str(&body.to_string().replace(relief, nowhere)).unwrap();
                            let nothing = ask_part(part, Role::Approver, "POST", &path, "", body).await;
                            assert_eq!(
                                answer.body.to_string().replace(relief, nowhere),
                                nothing.body.to_string()
                            );
                        }
                        let state: String = sqlx::query_scalar(
                            "select state from rent_relief_version where object_id = $1 and upper_inf(recorded)",
                        )
                        .bind(relief.parse::<Uuid>().unwrap())
                        .fetch_one(&pool)
                        .await
                        .unwrap();
                        assert_eq!(state, "applied", "{}: {}", part.name, answer.body);
                    }
                }
            }
            // A way out of one's part, and into another's.
            if asset.layer == "sites" && part.edits(asset) && asset.lay.len() == 1 && part.region != "all" {
                let away = ask_part(
                    part,
                    Role::AssetManager,
                    "PATCH",
                    &path,
                    &tag,
                    json!({"region_code": "44"}),
                )
                .await;
                expect(&away, (403, "out_of_scope"), "a move away");
                if part.level.is_some() {
                    let other_level = json!({"admin_level": "national"});
                    let answer = ask_part(part, Role::AssetManager, "PATCH", &path, &tag, other_level).await;
                    expect(&answer, (403, "out_of_scope"), "a change of level");
                }
            }
        }
        for region in ["43", "44", "4311", "431102", "431103", "431202"] {
            let level = part.level.unwrap_or("county");
            let body = json!({"name": "新", "region_code": region, "admin_level": level});
            let answer = ask_part(part, Role::AssetManager, "POST", "/api/v1/sites", "", body).await;
            let may = part.holds(region, None);
            assert_eq!(answer.status == 201, may, "{} {region}: {}", part.name, answer.body);
            if !may {
                assert_eq!(answer.body["code"], "out_of_scope");
            }
        }
        // Something new about what isn't seen is refused as about what isn't there.
        let pieces = [111.7, 111.701].map(|x| {
            json!({"type": "Polygon", "coordinates":
                [[[x, 26.4], [x + 0.001, 26.4], [x + 0.001, 26.401], [x, 26.401], [x, 26.4]]]})
        });
        let unseen = world
            .assets
            .iter()
            .find(|asset| asset.layer == "buildings" && !part.reads(asset));
        if let Some(asset) = unseen {
            for (role, path, body) in [
                (
                    Role::AssetManager,
                    "/api/v1/rooms",
                    json!({"building_id": "ID", "floor": 2, "number": "9", "valid_from": "2021-01-01"}),
                ),
                (Role::TitleClerk, "/api/v1/title-cases", json!({"asset_id": "ID"})),
                (
                    Role::AssetManager,
                    "/api/v1/leases",
                    crate::leases::tests::shop("ID", json!({"area_m2": 1})),
                ),
                (
                    Role::AssetManager,
                    "/api/v1/successions",
                    json!({"on": "2026-11-01", "from": [{"id": "ID", "version_id": nowhere}], "survey": "测", "consent": "函", "reason": "分割",
                           "pieces": [{"geometry": pieces[0], "code": "W"}, {"geometry": pieces[1], "code": "E"}]}),
                ),
            ] {
                let with = |id: &str| serde_json::from_str(&body.to_string().replace("ID", id)).unwrap();
                let there = ask_part(part, role, "POST", path, "", with(&asset.id)).await;
                let nothing = ask_part(part, role, "POST", path, "", with(nowhere)).await;
                assert!(!there.status.is_success());
                assert_eq!(
                    there.body.to_string().replace(&asset.id, nowhere),
                    nothing.body.to_string(),
                    "{}",
                    part.name
                );
            }
        }
    }
}

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
        "http/access/matrix.rs",
    ];
    let mut faults = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.to_string_lossy().replace('\\', "/");
        let is_one_of = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
        if text.contains("State<Database>") && !is_one_of(&without_caller) && !is_one_of(&["http/access/matrix.rs"]) {
            faults.push(format!("{name} takes the database out of a request"));
        }
        if text.contains("database.system()") && !is_one_of(&let_in) && !name.ends_with("tests.rs") {
            faults.push(format!("{name} leaves the caller behind"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
