//! Tiles as callers with different rights get them, held against a list of what was registered and where.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use fast_mvt::{MvtReaderRef, MvtValueRef};
use serde_json::{Value, json};
use sqlx::PgPool;
use tiles::TileId;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::http::AppState;
use crate::ids::{PersonId, TokenId, UnitId};
use crate::request::{Actor, Caller, Means, Permission, Reach, Scope};
use crate::spatial_units::tests::{app, ask};

/// A parcel as the test registered it.
#[derive(Debug, Clone)]
struct Asset {
    id: String,
    region: Option<&'static str>,
    unit: Option<Uuid>,
    usage: &'static str,
    west: f64,
    south: f64,
}

const SIZE: f64 = 0.001;
const EAST: &str = "320411";
const WEST: &str = "320412";
const STREET: &str = "320412001";
const ABROAD: &str = "431100";

impl Asset {
    fn shape(&self) -> Value {
        let ([west, south], [east, north]) = ([self.west, self.south], [self.west + SIZE, self.south + SIZE]);
        json!({"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]})
    }
}

/// One feature or total of a tile.
#[derive(Debug)]
struct Shown {
    layer: String,
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, f64>,
}

fn decode(body: &[u8]) -> Vec<Shown> {
    let mut raw = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut raw).unwrap();
    let mut shown = Vec::new();
    for layer in MvtReaderRef::new(&raw).unwrap().layers() {
        for feature in layer.features() {
            let (mut texts, mut numbers) = (BTreeMap::new(), BTreeMap::new());
            for (key, value) in feature.properties_vec().unwrap() {
                match value {
                    MvtValueRef::String(text) => drop(texts.insert(key.to_owned(), text.to_owned())),
                    MvtValueRef::Double(number) => drop(numbers.insert(key.to_owned(), number)),
                    MvtValueRef::UInt(number) => drop(numbers.insert(key.to_owned(), number as f64)),
                    _ => {}
                }
            }
            shown.push(Shown {
                layer: layer.name().to_owned(),
                texts,
                numbers,
            });
        }
    }
    shown
}

/// The routes of the map as a caller meets them whose grants reach so far.
struct As {
    name: &'static str,
    router: Router,
    /// The same rights said by the test: may they see what is in this region and used by this unit?
    may_see: MaySee,
}

/// Of a region and a unit.
type MaySee = Box<dyn Fn(Option<&str>, Option<Uuid>) -> bool>;

fn reach(region: Option<&str>, unit: Option<Uuid>) -> Reach {
    Reach {
        region: region.map(str::to_owned),
        level: Some("county".to_owned()),
        unit: unit.map(UnitId),
    }
}

fn caller(
    state: &AppState,
    name: &'static str,
    reaches: Vec<Reach>,
    may_see: impl Fn(Option<&str>, Option<Uuid>) -> bool + 'static,
) -> As {
    let held = reaches
        .into_iter()
        .map(|reach| (Permission::ReadRegistry, reach))
        .collect();
    let caller = Arc::new(Caller {
        person_id: PersonId::fresh(),
        actor: Actor(name.to_owned()),
        display_name: name.to_owned(),
        means: Means::Token { id: TokenId::fresh() },
        must_change_password: false,
        scope: Arc::new(Scope::new(held)),
    });
    let (routes, _) = OpenApiRouter::new()
        .merge(super::router::<AppState>())
        .split_for_parts();
    let router = routes
        .merge(crate::ogc::router())
        .with_state(state.clone())
        .layer(Extension(caller));
    As {
        name,
        router,
        may_see: Box::new(may_see),
    }
}

struct Got {
    status: StatusCode,
    tag: String,
    body: Vec<u8>,
}

impl As {
    async fn get(&self, uri: &str, seen: Option<&str>) -> Got {
        let mut request = Request::builder().uri(uri).header(header::HOST, "127.0.0.1");
        if let Some(seen) = seen {
            request = request.header(header::IF_NONE_MATCH, seen);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let tag = response.headers().get(header::ETAG);
        let (status, tag) = (
            response.status(),
            tag.map(|tag| tag.to_str().unwrap().to_owned()).unwrap_or_default(),
        );
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Got {
            status,
            tag,
            body: body.to_vec(),
        }
    }

    async fn json(&self, uri: &str) -> Value {
        let got = self.get(uri, None).await;
        assert_eq!(got.status, StatusCode::OK, "{} {uri}", self.name);
        serde_json::from_slice(&got.body).unwrap()
    }

    /// Every tile of a zoom under any of the assets, whoever may see it.
    async fn tiles(&self, zoom: u8, assets: &[Asset], query: &str) -> Vec<Shown> {
        let places: BTreeSet<TileId> = assets
            .iter()
            .map(|asset| TileId::containing(zoom, asset.west + SIZE / 2.0, asset.south + SIZE / 2.0).unwrap())
            .collect();
        let mut shown = Vec::new();
        for place in places {
            let at = format!("/tiles/parcels/{zoom}/{}/{}.mvt{query}", place.x(), place.y());
            let got = self.get(&at, None).await;
            let by_ogc = format!(
                "/ogc/collections/parcels/tiles/WebMercatorQuad/{zoom}/{}/{}{query}",
                place.y(),
                place.x()
            );
            let ogc = self.get(&by_ogc, None).await;
            assert_eq!(
                (got.status, &got.tag, &got.body),
                (ogc.status, &ogc.tag, &ogc.body),
                "{by_ogc}"
            );
            match got.status {
                StatusCode::NO_CONTENT => assert!(got.body.is_empty()),
                status => {
                    assert_eq!(status, StatusCode::OK, "{} {at}", self.name);
                    let features = decode(&got.body);
                    assert!(!features.is_empty());
                    shown.extend(features);
                }
            }
        }
        shown
    }

    /// Holds everything this caller gets against what they may see of the assets.
    async fn check(&self, assets: &[Asset], query: &str) {
        let who = self.name;
        let visible: Vec<&Asset> = assets
            .iter()
            .filter(|asset| (self.may_see)(asset.region, asset.unit))
            .collect();
        let ids: BTreeSet<&str> = visible.iter().map(|asset| asset.id.as_str()).collect();
        for zoom in [13, 14, 17] {
            let shown = self.tiles(zoom, assets, query).await;
            let found: BTreeSet<&str> = shown.iter().map(|feature| feature.texts["id"].as_str()).collect();
            assert_eq!(found, ids, "{who} zoom {zoom} {query}");
            assert!(shown.iter().all(|feature| feature.layer == "parcels"));
        }
        let mut by_usage: BTreeMap<String, f64> = BTreeMap::new();
        let mut by_region: BTreeMap<String, f64> = BTreeMap::new();
        for asset in &visible {
            *by_usage.entry(format!("usage:{}", asset.usage)).or_default() += 1.0;
            if let Some(region) = asset.region {
                *by_region.entry(region.to_owned()).or_default() += 1.0;
            }
        }
        for zoom in [0, 5, 8, 9, 11] {
            let shown = self.tiles(zoom, assets, query).await;
            let (mut count, mut usages, mut regions) = (0.0, BTreeMap::new(), BTreeMap::new());
            for total in &shown {
                assert_eq!(total.layer, "parcels_totals");
                count += total.numbers["count"];
                for (key, number) in &total.numbers {
                    if key.starts_with("usage:") {
                        *usages.entry(key.clone()).or_default() += *number;
                    }
                }
                if let Some(region) = total.texts.get("region") {
                    *regions.entry(region.clone()).or_default() += total.numbers["count"];
                }
            }
            assert_eq!(count, visible.len() as f64, "{who} zoom {zoom} {query}");
            assert_eq!(usages, by_usage, "{who} zoom {zoom} {query}");
            if zoom <= 8 {
                assert_eq!(regions, by_region, "{who} zoom {zoom} {query}");
            }
        }
        if !query.is_empty() {
            return;
        }
        let corner =
            |pick: fn(f64, f64) -> f64, of: fn(&Asset) -> f64| visible.iter().map(|asset| of(asset)).reduce(pick);
        let meant = [
            corner(f64::min, |asset| asset.west),
            corner(f64::min, |asset| asset.south),
            corner(f64::max, |asset| asset.west + SIZE),
            corner(f64::max, |asset| asset.south + SIZE),
        ];
        let tilejson = self.json("/tiles/parcels").await;
        let all = self.json("/tiles/parcels,buildings,sites").await;
        let collection = self.json("/ogc/collections/parcels").await;
        let collections = self.json("/ogc/collections").await;
        let tileset = self.json("/ogc/collections/parcels/tiles/WebMercatorQuad").await;
        let tilesets = self.json("/ogc/collections/parcels/tiles").await;
        let boxed = |tileset: &Value| match &tileset["boundingBox"] {
            Value::Null => Value::Null,
            found => json!([
                found["lowerLeft"][0],
                found["lowerLeft"][1],
                found["upperRight"][0],
                found["upperRight"][1]
            ]),
        };
        for found in [
            tilejson["bounds"].clone(),
            all["bounds"].clone(),
            collection["extent"]["spatial"]["bbox"][0].clone(),
            collections["collections"][0]["extent"]["spatial"]["bbox"][0].clone(),
            boxed(&tileset),
            boxed(&tilesets["tilesets"][0]),
        ] {
            match meant {
                [Some(west), Some(south), Some(east), Some(north)] => {
                    for (index, meant) in [west, south, east, north].into_iter().enumerate() {
                        let found = found[index].as_f64().unwrap_or_else(|| panic!("{who}: {found}"));
                        assert!((found - meant).abs() < 1e-6, "{who}: {found} {meant}");
                    }
                }
                _ => assert_eq!(found, Value::Null, "{who}"),
            }
        }
    }
}

async fn unit(app: &Router, code: &str) -> Uuid {
    let body = json!({"code": code, "name": code, "level": "county", "kind": "government_organ"});
    let answer = ask(app, "POST", "/api/v1/units", &[("Idempotency-Key", code)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

async fn registered(app: &Router) -> (Vec<Asset>, Uuid) {
    for (code, level) in [
        (EAST, "county"),
        (WEST, "county"),
        (STREET, "township"),
        (ABROAD, "city"),
    ] {
        let body = json!({"code": code, "name": code, "level": level, "valid_from": "2010-01-01"});
        let answer = ask(app, "POST", "/api/v1/regions", &[("Idempotency-Key", code)], Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }
    let (ours, theirs) = (unit(app, "OURS").await, unit(app, "THEIRS").await);
    let mut assets = Vec::new();
    for (number, (region, unit)) in [EAST, WEST, STREET, ABROAD, ""]
        .into_iter()
        .flat_map(|region| [None, Some(ours), Some(theirs)].map(|unit| (region, unit)))
        .cycle()
        .take(21)
        .enumerate()
    {
        let mut asset = Asset {
            id: String::new(),
            region: (!region.is_empty()).then_some(region),
            unit,
            usage: ["commercial", "technical"][number % 2],
            west: 119.95 + 0.004 * number as f64,
            south: 31.78 - 0.003 * (number % 4) as f64,
        };
        let body = json!({"code": format!("P{number}"), "valid_from": "2020-01-01", "geometry": asset.shape(),
                          "region_code": asset.region, "unit_id": asset.unit, "usage": asset.usage});
        let key = format!("p{number}");
        let answer = ask(app, "POST", "/api/v1/parcels", &[("Idempotency-Key", &key)], Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        asset.id = answer.body["id"].as_str().unwrap().to_owned();
        assets.push(asset);
    }
    (assets, ours)
}

fn callers(state: &AppState, ours: Uuid) -> Vec<As> {
    let within = |first: &'static str| move |region: Option<&str>, _| region.is_some_and(|it| it.starts_with(first));
    vec![
        caller(state, "whole", vec![reach(None, None)], |_, _| true),
        caller(state, "city above", vec![reach(Some("3204"), None)], within("3204")),
        caller(state, "east", vec![reach(Some(EAST), None)], within(EAST)),
        caller(state, "west", vec![reach(Some(WEST), None)], within(WEST)),
        caller(
            state,
            "west twice over",
            vec![reach(Some(STREET), None), reach(Some(WEST), None)],
            within(WEST),
        ),
        caller(state, "contact", vec![reach(None, Some(ours))], move |_, unit| {
            unit == Some(ours)
        }),
        caller(
            state,
            "contact in the east",
            vec![reach(Some(EAST), Some(ours))],
            move |region, unit| region == Some(EAST) && unit == Some(ours),
        ),
        caller(
            state,
            "east and contact",
            vec![reach(Some(EAST), None), reach(None, Some(ours))],
            move |region, unit| region == Some(EAST) || unit == Some(ours),
        ),
        caller(state, "elsewhere", vec![reach(Some("11"), None)], |_, _| false),
        caller(state, "nobody", vec![], |_, _| false),
    ]
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_gets_the_tiles_of_what_they_may_see_and_nothing_else(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (mut assets, ours) = registered(&app).await;
    let stop = CancellationToken::new();
    let key = crate::ledger::SigningKey::from_seed([7; 32]);
    let sealer = crate::ledger::Sealer::new(pool.clone(), key, crate::clock::Clock::System);
    sealer.seal_all().await.unwrap();
    let position = super::load(&state.database, &state.clock, &state.map, 1 << 24)
        .await
        .unwrap();
    let sealing = tokio::spawn(sealer.run(stop.clone()));
    let following = tokio::spawn(super::keep_current(
        state.database.clone(),
        state.clock.clone(),
        state.map.clone(),
        position,
        stop.clone(),
    ));
    let callers = callers(&state, ours);
    for caller in &callers {
        caller.check(&assets, "").await;
        caller.check(&assets, "?as_of=2022-06-01").await;
    }
    let then = assets.clone();
    state.clock.advance(time::Duration::hours(1));

    // One asset goes from the east to the west, and is of a unit that nothing there was of.
    let moved = 0;
    assert_eq!((assets[moved].region, assets[moved].unit), (Some(EAST), None));
    let newcomer = unit(&app, "NEWCOMER").await;
    let at = format!("/api/v1/parcels/{}", assets[moved].id);
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let change = json!({"region_code": STREET, "unit_id": newcomer, "valid_from": "2024-01-01"});
    let tile_set = state.map.tiles().unwrap().clone();
    let place = TileId::containing(14, assets[moved].west, assets[moved].south).unwrap();
    let before = tile_set.version(&[tiles::LayerName::Parcels], place);
    let answer = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    assets[moved].region = Some(STREET);
    assets[moved].unit = Some(newcomer);
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while tile_set.version(&[tiles::LayerName::Parcels], place) == before {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the change reaches the tiles");
    for caller in &callers {
        caller.check(&assets, "").await;
        // Today's grants over what was then: it lay in the east.
        caller.check(&then, "?as_of=2022-06-01").await;
        caller.check(&assets, "?as_of=2025-06-01").await;
        caller
            .check(&then, "?as_of=2025-06-01&known_at=2026-11-21T04:30:00Z")
            .await;
    }
    stop.cancel();
    let _ = tokio::join!(sealing, following);
}

/// A case that is opened, goes on and ends is on the tile of its asset at once, and on that of a past day as it stood then.
#[sqlx::test(migrations = "../migrations")]
async fn a_tile_tells_where_the_case_of_an_asset_stands(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (assets, ours) = registered(&app).await;
    let stop = CancellationToken::new();
    let key = crate::ledger::SigningKey::from_seed([7; 32]);
    let sealer = crate::ledger::Sealer::new(pool.clone(), key, crate::clock::Clock::System);
    sealer.seal_all().await.unwrap();
    let position = super::load(&state.database, &state.clock, &state.map, 1 << 24)
        .await
        .unwrap();
    let sealing = tokio::spawn(sealer.run(stop.clone()));
    let following = tokio::spawn(super::keep_current(
        state.database.clone(),
        state.clock.clone(),
        state.map.clone(),
        position,
        stop.clone(),
    ));
    let callers = callers(&state, ours);
    let about = &assets[..1];
    let told = async |query: &str, wanted: Option<(&str, &str)>| {
        for caller in &callers {
            let who = caller.name;
            let shown = caller.tiles(14, about, query).await;
            let own = shown.iter().find(|one| one.texts.get("id") == Some(&about[0].id));
            let may_see = (caller.may_see)(about[0].region, about[0].unit);
            assert_eq!(own.is_some(), may_see, "{who} {query}");
            let wanted = wanted.filter(|_| may_see);
            let word = |name: &str| own.and_then(|one| one.texts.get(name)).map(String::as_str);
            let stands = word("case_stage").zip(word("case_phase"));
            assert_eq!(stands, wanted, "{who} {query}");
            let others = shown.iter().filter(|one| one.texts.get("id") != Some(&about[0].id));
            assert!(
                others.into_iter().all(|one| !one.texts.contains_key("case_stage")),
                "{who}"
            );
            // The totals of low zooms count the phases of what may be seen.
            for zoom in [5, 8, 11] {
                let mut phases = BTreeMap::new();
                for total in caller.tiles(zoom, &assets, query).await {
                    for (key, number) in total.numbers {
                        if let Some(phase) = key.strip_prefix("case_phase:") {
                            *phases.entry(phase.to_owned()).or_default() += number;
                        }
                    }
                }
                let counted: BTreeMap<String, f64> =
                    wanted.iter().map(|(_, phase)| ((*phase).to_owned(), 1.0)).collect();
                assert_eq!(phases, counted, "{who} zoom {zoom} {query}");
            }
        }
    };
    let tile_set = state.map.tiles().unwrap().clone();
    let place = TileId::containing(14, about[0].west, about[0].south).unwrap();
    let version = || tile_set.version(&[tiles::LayerName::Parcels], place);
    let followed = async |before| {
        tokio::time::timeout(std::time::Duration::from_secs(20), async {
            while version() == before {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("the step reaches the tiles");
    };
    let begins = state.clock.today();
    told("", None).await;
    let before = version();
    let opening = json!({"procedure": "idle_disposal", "asset_id": about[0].id, "idle_reason": "surplus"});
    let opened = ask(
        &app,
        "POST",
        "/api/v1/policy-cases",
        &[("Idempotency-Key", "a")],
        Some(opening),
    )
    .await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    followed(before).await;
    let identified = Some(("idle_disposal.identified", "preparing"));
    told("", identified).await;

    // Work on its title goes on beside it, and is told of once there is nothing else.
    state.clock.advance(time::Duration::days(2));
    let before = version();
    let titled = ask(
        &app,
        "POST",
        "/api/v1/title-cases",
        &[("Idempotency-Key", "b")],
        Some(json!({"asset_id": about[0].id})),
    )
    .await;
    assert_eq!(titled.status, StatusCode::CREATED, "{}", titled.body);
    followed(before).await;
    told("", identified).await;
    let before = version();
    let case = format!("/api/v1/policy-cases/{}", opened.body["id"].as_str().unwrap());
    let tag = ask(&app, "GET", &case, &[], None).await.etag.unwrap();
    let step = json!({"transition": "drop", "reason": "误立"});
    let dropped = ask(
        &app,
        "POST",
        &format!("{case}/transitions"),
        &[("If-Match", &tag)],
        Some(step),
    )
    .await;
    assert_eq!(dropped.status, StatusCode::OK, "{}", dropped.body);
    followed(before).await;
    told("", Some(("title_case.surveyed", "titling"))).await;
    told(&format!("?as_of={begins}"), identified).await;
    told(&format!("?as_of={}", begins.previous_day().unwrap()), None).await;

    // Lists tell the same, and are narrowed by it.
    let listed = async |query: &str| {
        let uri = format!("/api/v1/parcels?count=true{query}");
        let answer = ask(&app, "GET", &uri, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let rows = answer.body["items"].as_array().unwrap();
        let stands: Vec<(String, Value, Value)> = rows
            .iter()
            .filter(|row| row["case_phase"] != Value::Null)
            .map(|row| {
                let id = row["id"].as_str().unwrap().to_owned();
                (id, row["case_stage"].clone(), row["case_phase"].clone())
            })
            .collect();
        assert_eq!(answer.body["total"], rows.len());
        (rows.len(), stands)
    };
    let id = about[0].id.clone();
    let titling = vec![(id.clone(), json!("title_case.surveyed"), json!("titling"))];
    let preparing = vec![(id, json!("idle_disposal.identified"), json!("preparing"))];
    assert_eq!(listed("").await, (21, titling.clone()));
    assert_eq!(listed("&case_phase=titling").await, (1, titling.clone()));
    assert_eq!(listed("&case_phase=titling,none").await, (21, titling));
    assert_eq!(listed("&case_phase=none").await, (20, Vec::new()));
    assert_eq!(listed("&case_phase=preparing,deciding").await, (0, Vec::new()));
    let then = format!("&as_of={begins}&case_phase=preparing");
    assert_eq!(listed(&then).await, (1, preparing));
    stop.cancel();
    let _ = tokio::join!(sealing, following);
}

/// What the tag of an answer gives away, and to whom it is good.
#[sqlx::test(migrations = "../migrations")]
async fn a_tag_is_good_for_the_same_rights_alone_and_tells_nothing_of_others(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (assets, ours) = registered(&app).await;
    super::load(&state.database, &state.clock, &state.map, 1 << 24)
        .await
        .unwrap();
    let callers = callers(&state, ours);
    let place = TileId::containing(12, assets[0].west, assets[0].south).unwrap();
    for query in ["", "?as_of=2022-06-01"] {
        let at = format!("/tiles/parcels/12/{}/{}.mvt{query}", place.x(), place.y());
        let mut tags = Vec::new();
        for caller in &callers {
            tags.push((caller, caller.get(&at, None).await.tag));
        }
        for (caller, _) in &tags {
            for (other, tag) in &tags {
                let is_same =
                    caller.name == other.name || [caller.name, other.name].iter().all(|name| name.starts_with("west"));
                let wanted = if is_same {
                    StatusCode::NOT_MODIFIED
                } else {
                    caller.get(&at, None).await.status
                };
                let got = caller.get(&at, Some(tag)).await;
                assert_eq!(got.status, wanted, "{} with the tag of {}", caller.name, other.name);
            }
        }
    }
    // A change of what somebody may not see leaves their tag as it was, though it lies under their tile.
    let layer = tile_layer(&state);
    let at = format!("/tiles/parcels/12/{}/{}.mvt", place.x(), place.y());
    let mut before = BTreeMap::new();
    for caller in &callers {
        before.insert(caller.name, caller.get(&at, None).await.tag);
    }
    let gone: u64 = feature_number(&pool, &assets[0].id).await;
    layer.apply(vec![tiles::Change::Remove(tiles::FeatureId(gone))], 1_000_000);
    for caller in &callers {
        let after = caller.get(&at, None).await.tag;
        let may_see = (caller.may_see)(assets[0].region, assets[0].unit);
        assert_eq!(after != before[caller.name], may_see, "{}", caller.name);
    }
}

fn tile_layer(state: &AppState) -> Arc<tiles::Layer> {
    let tile_set = state.map.tiles().unwrap();
    tile_set.layer(tiles::LayerName::Parcels).unwrap().clone()
}

async fn feature_number(pool: &PgPool, id: &str) -> u64 {
    let number: i64 = sqlx::query_scalar("select feature_id from spatial_unit where id = $1")
        .bind(id.parse::<Uuid>().unwrap())
        .fetch_one(pool)
        .await
        .unwrap();
    number.unsigned_abs()
}
