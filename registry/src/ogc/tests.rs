//! The OGC API through the router, over a real PostGIS, as its clients use it and as they should not.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use proptest::prelude::{Strategy, prop};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;

use crate::http::{AppState, MapSettings, router};
use crate::ids::ImportId;
use crate::imports::{ImportOrder, ImportProgress, run_import};
use crate::spatial_units::tests::{app, ask, signed_in};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.bytes)))
    }

    fn codes(&self) -> Vec<String> {
        let body = self.json();
        assert_eq!(self.status, StatusCode::OK, "{body}");
        let mut codes: Vec<String> = body["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["properties"]["code"].as_str().unwrap().to_owned())
            .collect();
        codes.sort();
        codes
    }
}

async fn send(app: &Router, method: &str, uri: &str, headers: &[(&str, &str)]) -> Answer {
    use tower::ServiceExt;
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "127.0.0.1:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Answer {
        status,
        headers,
        bytes: bytes.to_vec(),
    }
}

async fn get(app: &Router, uri: &str) -> Answer {
    send(app, "GET", uri, &[]).await
}

/// An absolute link as an address of the router.
fn local(link: &str) -> &str {
    link.strip_prefix("http://127.0.0.1:8080")
        .unwrap_or_else(|| panic!("{link}"))
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"(),.-_=".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn link_of<'a>(document: &'a Value, rel: &str) -> Option<&'a str> {
    document["links"].as_array()?.iter().find(|link| link["rel"] == rel)?["href"].as_str()
}

fn square(number: i32) -> Value {
    let (west, south) = (119.95 + 0.002 * f64::from(number), 31.78);
    let (east, north) = (west + 0.001, south + 0.001);
    let round = |number: f64| (number * 1e6).round() / 1e6;
    let corner = |x: f64, y: f64| json!([round(x), round(y)]);
    json!({"type": "Polygon", "coordinates": [[corner(west, south), corner(east, south), corner(east, north),
        corner(west, north), corner(west, south)]]})
}

async fn import(state: &AppState, layer: gis_data::Layer, dataset: &str, from: time::Date, features: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.geojson");
    std::fs::write(
        &path,
        json!({"type": "FeatureCollection", "features": features}).to_string(),
    )
    .unwrap();
    state.clock.advance(time::Duration::minutes(1));
    let order = ImportOrder {
        valid_from: Some(from),
        ..ImportOrder::new(layer, path, dataset)
    };
    let report = run_import(
        &state.database,
        &state.clock,
        ImportId::fresh(),
        &order,
        &ImportProgress::default(),
    )
    .await
    .unwrap();
    assert_eq!(report.counts.inserted, features.len() as u64, "{report:?}");
    state.clock.advance(time::Duration::minutes(1));
}

/// The parcels that tests/gis/cql2.toml speaks of.
async fn with_parcels(pool: &PgPool) -> (Router, AppState) {
    let (app, state) = app(pool).await;
    let parcel = |number: i32, more: Value| {
        let mut properties = json!({"key": format!("K{number}"), "code": format!("P{number}")});
        for (name, value) in more.as_object().unwrap() {
            properties[name] = value.clone();
        }
        json!({"type": "Feature", "properties": properties, "geometry": square(number)})
    };
    let first = [
        parcel(
            0,
            json!({"name": "O'Brien's", "usage": "administrative_office", "title_status": "unified",
            "occupancy": "in_use", "registered_area_m2": 100}),
        ),
        parcel(
            1,
            json!({"name": "alpha annex", "usage": "commercial", "title_status": "none_handed",
            "occupancy": "idle", "idle_since": "2021-05-01", "registered_area_m2": 200}),
        ),
        parcel(
            2,
            json!({"name": "Straße", "usage": "commercial", "occupancy": "let", "registered_area_m2": 300}),
        ),
        parcel(3, json!({"usage": "technical", "registered_area_m2": 400})),
        parcel(
            4,
            json!({"name": "50%_off", "usage": "other", "occupancy": "idle", "idle_since": "2023-01-15",
            "registered_area_m2": 500}),
        ),
    ];
    import(&state, gis_data::Layer::Parcels, "first", date!(2020 - 01 - 01), &first).await;
    import(
        &state,
        gis_data::Layer::Parcels,
        "second",
        date!(2023 - 06 - 01),
        &[parcel(5, json!({}))],
    )
    .await;
    (app, state)
}

const ITEMS: &str = "/ogc/collections/parcels/items";

#[derive(serde::Deserialize)]
struct Corpus {
    supported: Vec<Example>,
    unsupported: Vec<Example>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    construct: String,
    #[serde(default)]
    class: Option<String>,
    text: String,
    json: String,
    #[serde(default)]
    found: Vec<String>,
    #[serde(default)]
    refused: String,
}

impl Example {
    fn questions(&self) -> [String; 2] {
        [(&self.text, "cql2-text"), (&self.json, "cql2-json")]
            .map(|(filter, language)| format!("{ITEMS}?filter-lang={language}&filter={}", encoded(filter)))
    }
}

fn corpus() -> Corpus {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/gis/cql2.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_constructs_of_cql2_find_what_they_should_in_both_encodings(pool: PgPool) {
    let (app, _) = with_parcels(&pool).await;
    let corpus = corpus();
    assert!(corpus.supported.len() > 60 && corpus.unsupported.len() > 5);
    let mut faults = Vec::new();
    for example in &corpus.supported {
        for question in example.questions() {
            let answer = get(&app, &question).await;
            if answer.status != StatusCode::OK {
                faults.push(format!("{}: {}", example.construct, answer.json()));
            } else if answer.codes() != example.found || answer.json()["numberMatched"] != example.found.len() {
                faults.push(format!(
                    "{}: {:?} and not {:?}",
                    example.construct,
                    answer.codes(),
                    example.found
                ));
            }
        }
    }
    for example in &corpus.unsupported {
        for question in example.questions() {
            let answer = get(&app, &question).await;
            let problem = answer.json();
            let says = problem["detail"]
                .as_str()
                .unwrap_or_default()
                .contains(&example.refused);
            if answer.status != StatusCode::BAD_REQUEST || !says || problem["code"] != "unsupported" {
                faults.push(format!("{}: {problem}", example.construct));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_claimed_of_cql2_is_what_the_examples_show(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let claimed = get(&app, "/ogc/conformance").await.json();
    let claimed: BTreeSet<&str> = claimed["conformsTo"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|class| {
            class
                .as_str()
                .unwrap()
                .strip_prefix("http://www.opengis.net/spec/cql2/1.0/conf/")
        })
        .collect();
    let corpus = corpus();
    let shown: BTreeSet<&str> = corpus
        .supported
        .iter()
        .map(|example| example.class.as_deref().unwrap())
        .chain(["cql2-text", "cql2-json"])
        .collect();
    assert_eq!(claimed, shown);
    for example in &corpus.unsupported {
        assert!(
            example.class.as_deref().is_none_or(|class| !claimed.contains(class)),
            "{}",
            example.construct
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn every_link_leads_somewhere(pool: PgPool) {
    let (app, state) = with_parcels(&pool).await;
    crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
        .await
        .unwrap();
    let mut seen = BTreeSet::new();
    let mut open = vec!["http://127.0.0.1:8080/ogc".to_owned()];
    while let Some(href) = open.pop() {
        if !seen.insert(href.clone()) {
            continue;
        }
        let answer = get(&app, local(&href)).await;
        assert_eq!(answer.status, StatusCode::OK, "{href}");
        let kind = answer.header("content-type").to_owned();
        if !kind.contains("json") {
            continue;
        }
        let body = answer.json();
        assert_eq!(
            link_of(&body, "self")
                .unwrap_or("http://127.0.0.1:8080/ogc")
                .split('?')
                .next(),
            if link_of(&body, "self").is_some() {
                href.split('?').next()
            } else {
                Some("http://127.0.0.1:8080/ogc")
            },
            "{href}"
        );
        let mut values = vec![&body];
        while let Some(value) = values.pop() {
            match value {
                Value::Object(fields) => {
                    if let (Some(href), None) = (value["href"].as_str(), value.get("templated")) {
                        assert!(value["rel"].is_string() && value["type"].is_string(), "{value}");
                        if !href.contains("/api/v1/") {
                            open.push(href.to_owned());
                        }
                    }
                    values.extend(fields.values());
                }
                Value::Array(list) => values.extend(list),
                _ => {}
            }
        }
    }
    for needed in [
        "/ogc/collections/parcels/schema",
        "/ogc/api",
        "/ogc/collections/sites/queryables",
        "/ogc/collections/parcels/items",
        "/ogc/collections/buildings/tiles/WebMercatorQuad",
        "/ogc/tileMatrixSets/WebMercatorQuad",
        "/styles/title_status.json",
        "/tiles/parcels",
    ] {
        assert!(
            seen.contains(&format!("http://127.0.0.1:8080{needed}")),
            "{needed}: {seen:#?}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_definition_names_what_is_taken_and_nothing_else_is_taken(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let definition = get(&app, "/ogc/api").await;
    assert_eq!(
        definition.header("content-type"),
        "application/vnd.oai.openapi+json;version=3.0"
    );
    let definition = definition.json();
    assert_eq!(definition["openapi"], "3.0.3");
    let limit = &definition["components"]["parameters"]["limit"]["schema"];
    assert_eq!((&limit["maximum"], &limit["default"]), (&json!(10_000), &json!(100)));
    let mut names: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, methods) in definition["paths"].as_object().unwrap() {
        for parameter in methods["get"]["parameters"].as_array().unwrap() {
            let resolved = match parameter["$ref"].as_str() {
                Some(reference) => &definition["components"]["parameters"][reference.rsplit('/').next().unwrap()],
                None => parameter,
            };
            assert!(resolved["schema"].is_object(), "{path}: {parameter}");
            if resolved["in"] == "query" {
                let name = resolved["name"].as_str().unwrap().to_owned();
                assert!(
                    names.entry(path).or_default().insert(name),
                    "{path} has {parameter} twice"
                );
            }
        }
    }
    for (path, known) in names {
        let filled = path
            .replace("{featureId}", "018f0000-0000-7000-8000-000000000000")
            .replace("{tileMatrix}", "1")
            .replace("{tileRow}", "0")
            .replace("{tileCol}", "0");
        let at = if filled == "/" {
            "/ogc".to_owned()
        } else {
            format!("/ogc{filled}")
        };
        for name in known
            .iter()
            .map(String::as_str)
            .chain(["no_such_parameter", "Limit", "bbox_crs"])
        {
            // A value of nothing is taken for none: only the name is judged.
            let answer = get(&app, &format!("{at}?{name}=")).await;
            let is_unknown = answer.status == StatusCode::BAD_REQUEST
                && answer.json()["detail"].as_str().unwrap().contains("is no parameter");
            // Properties need a value.
            let fine = answer.status != StatusCode::BAD_REQUEST || answer.json()["field"] == name;
            assert_eq!(is_unknown, !known.contains(name), "{at}: {name}");
            assert!(fine, "{at}: {name}: {}", answer.json());
        }
    }
    let queryables = get(&app, "/ogc/collections/buildings/queryables").await.json();
    let fields = queryables["properties"].as_object().unwrap();
    assert!(
        fields.contains_key("geometry") && fields.contains_key("floors_above") && !fields.contains_key("land_use_code")
    );
    assert_eq!(fields["occupancy"]["enum"][1], "idle");
}

/// Asks page after page; gives the codes in the order of the pages, and how many were said to be there in all.
async fn all_pages(app: &Router, first: &str) -> (Vec<String>, BTreeSet<i64>) {
    let (mut codes, mut totals) = (Vec::new(), BTreeSet::new());
    let mut next = Some(first.to_owned());
    while let Some(uri) = next {
        let answer = get(app, &uri).await;
        let body = answer.json();
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {body}");
        assert_eq!(
            body["numberReturned"],
            body["features"].as_array().unwrap().len(),
            "{uri}"
        );
        totals.insert(body["numberMatched"].as_i64().unwrap());
        codes.extend(
            body["features"]
                .as_array()
                .unwrap()
                .iter()
                .map(|feature| feature["properties"]["code"].as_str().unwrap().to_owned()),
        );
        next = link_of(&body, "next").map(|link| local(link).to_owned());
        assert!(codes.len() < 1_000, "it does not end");
    }
    (codes, totals)
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_lose_and_repeat_nothing_while_the_data_changes(pool: PgPool) {
    let (app, state) = with_parcels(&pool).await;
    let everything = ["P0", "P1", "P2", "P3", "P4", "P5"];
    for limit in 1..=7 {
        let (mut codes, totals) = all_pages(&app, &format!("{ITEMS}?limit={limit}")).await;
        codes.sort();
        assert_eq!(codes, everything, "limit {limit}");
        assert_eq!(totals, BTreeSet::from([6]), "limit {limit}");
    }
    let (codes, totals) = all_pages(
        &app,
        &format!("{ITEMS}?limit=2&filter={}", encoded("registered_area_m2 > 150")),
    )
    .await;
    assert_eq!((codes.len(), totals), (4, BTreeSet::from([4])));

    // After the first page: one that was seen changes, one that was not is closed, one that was not changes, one is new.
    let first = get(&app, &format!("{ITEMS}?limit=2")).await.json();
    let seen: Vec<&str> = first["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|feature| feature["id"].as_str().unwrap())
        .collect();
    let all = get(&app, ITEMS).await.json();
    let unseen: Vec<&str> = all["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|feature| feature["id"].as_str().unwrap())
        .filter(|id| !seen.contains(id))
        .collect();
    state.clock.advance(time::Duration::minutes(1));
    for id in [seen[0], unseen[0]] {
        let at = format!("/api/v1/parcels/{id}");
        let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
        let change = json!({"name": "改", "valid_from": "2026-01-01", "reason": "更名"});
        let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    }
    let at = format!("/api/v1/parcels/{}", unseen[1]);
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let closure = json!({"valid_to": "2026-01-01", "reason": "灭失"});
    let closed = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag), ("Idempotency-Key", "c")],
        Some(closure),
    )
    .await;
    assert!(closed.status.is_success(), "{}", closed.body);
    import(
        &state,
        gis_data::Layer::Parcels,
        "third",
        date!(2020 - 01 - 01),
        &[json!({"type": "Feature", "properties": {"key": "K6", "code": "P6"}, "geometry": square(6)})],
    )
    .await;
    let (mut rest, totals) = all_pages(&app, local(link_of(&first, "next").unwrap())).await;
    assert_eq!(totals, BTreeSet::from([6]), "the number of the first page");
    rest.extend(
        first["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["properties"]["code"].as_str().unwrap().to_owned()),
    );
    rest.sort();
    assert_eq!(rest, everything, "what was known when the first page was asked for");
    // Who begins anew sees what is.
    let (mut now, totals) = all_pages(&app, &format!("{ITEMS}?limit=4")).await;
    now.sort();
    assert_eq!((now.len(), totals), (6, BTreeSet::from([6])));
    assert!(now.contains(&"P6".to_owned()));

    // A cursor belongs to its question.
    let next = local(link_of(&first, "next").unwrap());
    for other in [
        format!("{next}&usage=other"),
        next.replace("/parcels/", "/sites/"),
        next.replace("cursor=", "cursor=A"),
    ] {
        assert_eq!(get(&app, &other).await.status, StatusCode::BAD_REQUEST, "{other}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn coordinates_come_in_the_order_of_their_axes(pool: PgPool) {
    let (app, _) = with_parcels(&pool).await;
    let corner = async |crs: &str| {
        let answer = get(
            &app,
            &format!(
                "{ITEMS}?code=P0{}",
                if crs.is_empty() {
                    String::new()
                } else {
                    format!("&crs={crs}")
                }
            ),
        )
        .await;
        let point = answer.json()["features"][0]["geometry"]["coordinates"][0][0].clone();
        (
            answer.header("content-crs").to_owned(),
            point[0].as_f64().unwrap(),
            point[1].as_f64().unwrap(),
        )
    };
    let crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
    let epsg = |code: u32| format!("http://www.opengis.net/def/crs/EPSG/0/{code}");
    assert_eq!(corner("").await, (format!("<{crs84}>"), 119.95, 31.78));
    assert_eq!(corner(crs84).await, (format!("<{crs84}>"), 119.95, 31.78));
    for code in [4490, 4326] {
        assert_eq!(corner(&epsg(code)).await, (format!("<{}>", epsg(code)), 31.78, 119.95));
    }
    // 120°E, with the zone's number in front of the easting and without: northing first, as the field writes X.
    for (code, false_easting) in [(4528, 40_500_000.0), (4549, 500_000.0)] {
        let (named, northing, easting) = corner(&epsg(code)).await;
        assert_eq!(named, format!("<{}>", epsg(code)));
        // 0.05° west of the meridian, 31.78° north: by the series of the transverse Mercator projection.
        let (x, y) = transverse_mercator(119.95_f64 - 120.0, 31.78);
        assert!(
            (northing - y).abs() < 0.001 && (easting - false_easting - x).abs() < 0.001,
            "{northing} {easting}: {y} {x}"
        );
    }
    let one = get(&app, &format!("{ITEMS}?code=P0")).await.json()["features"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let item = get(&app, &format!("{ITEMS}/{one}?crs={}", epsg(4490))).await;
    assert_eq!(item.header("content-crs"), format!("<{}>", epsg(4490)));
    assert_eq!(item.json()["geometry"]["coordinates"][0][0], json!([31.78, 119.95]));

    // The same box in each of them.
    let (west, south) = transverse_mercator(-0.0485, 31.77);
    let (east, north) = transverse_mercator(-0.0455, 31.79);
    let plane = |east_of: f64| format!("{south},{},{north},{}", west + east_of, east + east_of);
    for (bbox, crs) in [
        ("119.9515,31.77,119.9545,31.79".to_owned(), crs84.to_owned()),
        ("31.77,119.9515,31.79,119.9545".to_owned(), epsg(4490)),
        ("31.77,119.9515,31.79,119.9545".to_owned(), epsg(4326)),
        (plane(500_000.0), epsg(4549)),
        (plane(40_500_000.0), epsg(4528)),
    ] {
        let found = get(&app, &format!("{ITEMS}?bbox={bbox}&bbox-crs={crs}")).await;
        assert_eq!(found.codes(), ["P1", "P2"], "{crs}");
        let filter = encoded(&format!("s_intersects(geometry, BBOX({bbox}))"));
        let filtered = get(&app, &format!("{ITEMS}?filter={filter}&filter-crs={crs}")).await;
        assert_eq!(filtered.codes(), ["P1", "P2"], "{crs}");
    }
    // Edges belong to it; over the antimeridian it has two parts.
    assert_eq!(
        get(&app, &format!("{ITEMS}?bbox=119.951,31.77,119.952,31.79"))
            .await
            .codes(),
        ["P0", "P1"]
    );
    assert_eq!(
        get(&app, &format!("{ITEMS}?bbox=119.9595,31,-170,32")).await.codes(),
        ["P5"]
    );
    assert_eq!(
        get(&app, &format!("{ITEMS}?bbox=-180,-90,180,90")).await.codes().len(),
        6
    );
}

/// Easting of the meridian and northing on CGCS2000's ellipsoid by Krüger's series: an oracle of its own for the
/// database's. Longitude from the meridian and latitude in degrees; m.
fn transverse_mercator(longitude: f64, latitude: f64) -> (f64, f64) {
    let (a, f) = (6_378_137.0_f64, 1.0 / 298.257_222_101);
    let n = f / (2.0 - f);
    let radius = a / (1.0 + n) * (1.0 + n.powi(2) / 4.0 + n.powi(4) / 64.0);
    let alpha = [
        n / 2.0 - 2.0 / 3.0 * n.powi(2) + 5.0 / 16.0 * n.powi(3),
        13.0 / 48.0 * n.powi(2) - 3.0 / 5.0 * n.powi(3),
        61.0 / 240.0 * n.powi(3),
    ];
    let (phi, lambda) = (latitude.to_radians(), longitude.to_radians());
    let e = 2.0 * n.sqrt() / (1.0 + n);
    let t = (phi.sin().atanh() - e * (e * phi.sin()).atanh()).sinh();
    let (xi, eta) = (t.atan2(lambda.cos()), (lambda.sin() / (1.0 + t * t).sqrt()).atanh());
    let (mut x, mut y) = (eta, xi);
    for (index, alpha) in alpha.into_iter().enumerate() {
        let k = 2.0 * (index as f64 + 1.0);
        x += alpha * (k * xi).cos() * (k * eta).sinh();
        y += alpha * (k * xi).sin() * (k * eta).cosh();
    }
    (radius * x, radius * y)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_an_interval_and_an_instant_of_knowledge(pool: PgPool) {
    let (app, state) = with_parcels(&pool).await;
    let before = state.clock.now();
    let found = get(&app, &format!("{ITEMS}?code=P0")).await.json();
    let id = found["features"][0]["id"].as_str().unwrap().to_owned();
    state.clock.advance(time::Duration::minutes(1));
    let at = format!("/api/v1/parcels/{id}");
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let change = json!({"usage": "idle_land", "valid_from": "2022-01-01", "reason": "转换用途"});
    assert_eq!(
        ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change))
            .await
            .status,
        StatusCode::OK
    );

    let usage = async |when: &str| {
        let answer = get(&app, &format!("{ITEMS}?code=P0&{when}")).await.json();
        let usages: Vec<String> = answer["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["properties"]["usage"].as_str().unwrap().to_owned())
            .collect();
        let item = get(&app, &format!("{ITEMS}/{id}?{when}")).await;
        if usages.is_empty() {
            assert_eq!(item.status, StatusCode::NOT_FOUND, "{when}");
        } else {
            assert_eq!(item.json()["properties"]["usage"], usages[0], "{when}");
        }
        usages
    };
    let (old, new) = (["administrative_office"], ["idle_land"]);
    assert_eq!(usage("datetime=2022-01-01").await, new);
    assert_eq!(usage("datetime=2021-12-31").await, old);
    // Midnight in China.
    assert_eq!(usage("datetime=2021-12-31T16:00:00Z").await, new);
    assert_eq!(usage("datetime=2021-12-31T15:59:59Z").await, old);
    assert_eq!(usage("datetime=2019-12-31").await, Vec::<String>::new());
    // Each object once, as its last version within.
    assert_eq!(usage("datetime=2019-01-01/2021-12-31").await, old);
    assert_eq!(usage("datetime=2019-01-01/2022-01-01").await, new);
    assert_eq!(usage("datetime=../2020-01-01").await, old);
    assert_eq!(usage("datetime=2025-01-01/..").await, new);
    assert_eq!(usage("datetime=../2019-12-31").await, Vec::<String>::new());
    // As it was known before the change, and before anything was.
    let known = before.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(usage(&format!("datetime=2022-01-01&known_at={known}")).await, old);
    assert_eq!(usage("known_at=2026-11-21T03:00:00Z").await, Vec::<String>::new());
    let (codes, totals) = all_pages(&app, &format!("{ITEMS}?datetime=2019-01-01/..&limit=2")).await;
    assert_eq!((codes.len(), totals), (6, BTreeSet::from([6])));
    assert_eq!(
        get(&app, &format!("{ITEMS}?datetime=2021-06-01")).await.codes().len(),
        5
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn nonsense_is_refused_with_words_and_never_a_fault(pool: PgPool) {
    let (app, state) = with_parcels(&pool).await;
    crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
        .await
        .unwrap();
    let (bad, unknown) = (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND);
    let item = "018f0000-0000-7000-8000-000000000000";
    let mut faults = Vec::new();
    for (uri, status) in [
        ("/ogc/nothing".to_owned(), unknown),
        ("/ogc/collections/rivers".to_owned(), unknown),
        ("/ogc/collections/PARCELS/items".to_owned(), unknown),
        ("/ogc/collections/parcel'--/items".to_owned(), unknown),
        ("/ogc/collections/%00/items".to_owned(), unknown),
        ("/ogc/collections/%ff/items".to_owned(), bad),
        (format!("{ITEMS}/1"), unknown),
        (format!("{ITEMS}/{item}"), unknown),
        (format!("{ITEMS}/{item}%00"), unknown),
        (format!("{ITEMS}/{item}?limit=1"), bad),
        ("/ogc?f=xml".to_owned(), bad),
        ("/ogc/collections?limit=1".to_owned(), bad),
        (format!("{ITEMS}?f=html"), bad),
        (format!("{ITEMS}?nothing=1"), bad),
        (format!("{ITEMS}?floors_above=1"), bad),
        (format!("{ITEMS}?limit=0"), bad),
        (format!("{ITEMS}?limit=-1"), bad),
        (format!("{ITEMS}?limit=1.5"), bad),
        (format!("{ITEMS}?limit=%EF%BC%91"), bad),
        (format!("{ITEMS}?limit=1&limit=1"), bad),
        (format!("{ITEMS}?bbox=1,2,3"), bad),
        (format!("{ITEMS}?bbox=1,2,3,x"), bad),
        (format!("{ITEMS}?bbox=NaN,NaN,NaN,NaN"), bad),
        (format!("{ITEMS}?bbox=0,1,1,0"), bad),
        (format!("{ITEMS}?bbox=0,0,1,1&bbox-crs=EPSG:3857"), bad),
        (format!("{ITEMS}?bbox=0,0,1e99,1&bbox-crs=EPSG:4549"), bad),
        (format!("{ITEMS}?bbox=-9e7,-9e7,9e7,9e7&bbox-crs=EPSG:4549"), bad),
        (format!("{ITEMS}?crs=EPSG:3857"), bad),
        (format!("{ITEMS}?filter-crs=nothing"), bad),
        (format!("{ITEMS}?filter-lang=cql-text"), bad),
        (format!("{ITEMS}?datetime=yesterday"), bad),
        (format!("{ITEMS}?datetime=2024-02-30"), bad),
        (format!("{ITEMS}?datetime=2024-02-01/2024-01-01"), bad),
        (format!("{ITEMS}?datetime=99999-01-01"), bad),
        (format!("{ITEMS}?known_at=2024-02-01"), bad),
        (format!("{ITEMS}?cursor=x"), bad),
        (format!("{ITEMS}?code=%00"), bad),
        (format!("{ITEMS}?%00=1"), bad),
        (format!("{ITEMS}?area_m2=wide"), bad),
        (format!("{ITEMS}?area_m2=NaN"), bad),
        (format!("{ITEMS}?idle=maybe"), bad),
        (format!("{ITEMS}?idle_since=2024"), bad),
        ("/ogc/tileMatrixSets/Nothing".to_owned(), unknown),
        ("/ogc/collections/parcels/tiles/Nothing".to_owned(), unknown),
        ("/ogc/collections/parcels/tiles/Nothing/1/0/0".to_owned(), unknown),
        (
            "/ogc/collections/rivers/tiles/WebMercatorQuad/1/0/0".to_owned(),
            unknown,
        ),
        (
            "/ogc/collections/parcels/tiles/WebMercatorQuad/21/0/0".to_owned(),
            unknown,
        ),
        ("/ogc/collections/parcels/tiles/WebMercatorQuad/1/2/0".to_owned(), bad),
        ("/ogc/collections/parcels/tiles/WebMercatorQuad/1/0/2".to_owned(), bad),
        ("/ogc/collections/parcels/tiles/WebMercatorQuad/1/-1/0".to_owned(), bad),
        ("/ogc/collections/parcels/tiles/WebMercatorQuad/a/b/c".to_owned(), bad),
        (
            "/ogc/collections/parcels/tiles/WebMercatorQuad/1/0/0?f=png".to_owned(),
            bad,
        ),
        (
            "/ogc/collections/parcels/tiles/WebMercatorQuad/1/0/0?datetime=2024-01-01/..".to_owned(),
            bad,
        ),
        ("/styles/nothing.json".to_owned(), unknown),
        ("/styles/usage.json?x=1".to_owned(), bad),
        ("/styles".to_owned(), unknown),
    ] {
        let answer = get(&app, &uri).await;
        let problem: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        if answer.status != status
            || problem["status"] != status.as_u16()
            || problem["detail"].as_str().is_none_or(str::is_empty)
            || !answer.header("content-type").starts_with("application/problem+json")
        {
            faults.push(format!("{uri}: {} {problem}", answer.status));
        }
    }
    // More than the most is the most, and a filter of nothing is none.
    for fine in [
        "limit=10001",
        "limit=99999999999999999999",
        "filter=",
        "bbox=&datetime=",
        "f=json",
        "f=geojson",
        "limit=01",
    ] {
        let answer = get(&app, &format!("{ITEMS}?{fine}")).await;
        if answer.status != StatusCode::OK {
            faults.push(format!("{fine}: {}", answer.json()));
        }
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = send(&app, method, ITEMS, &[]).await;
        if answer.status != StatusCode::METHOD_NOT_ALLOWED {
            faults.push(format!("{method}: {}", answer.status));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[sqlx::test(migrations = "../migrations")]
async fn filters_that_are_bombs_are_refused(pool: PgPool) {
    let (app, _) = with_parcels(&pool).await;
    let ring: Vec<String> = (0..6_000)
        .map(|number| format!("{} {}", number % 170, number % 80))
        .collect();
    let long = vec!["area_m2 > 1"; 900].join(" and ");
    for (filter, words) in [
        (format!("{}a b{}", "(".repeat(24), ")".repeat(24)), "tangled"),
        (
            format!("{}true{}", "(".repeat(20_000 / 2), ")".repeat(20_000 / 2)),
            "brackets",
        ),
        (format!("{}true", "not ".repeat(8_000)), "nested deeper"),
        (format!("area_m2 > {}1", "1+".repeat(10_000)), "nested deeper"),
        (long, "more than 2000 parts"),
        (vec!["code"; 5_000].join("="), "as a value"),
        (
            format!("s_intersects(geometry, POLYGON(({})))", ring.join(",")),
            "longer than",
        ),
        ("area_m2 * 1e308 * 1e308 > 1".to_owned(), "worked out"),
        ("(0 - 2) ^ 0.5 > area_m2".to_owned(), "worked out"),
        ("area_m2 > 1e999".to_owned(), "too large"),
        ("code like 'a\\'".to_owned(), "backslash"),
        (
            "s_intersects(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))".to_owned(),
            "self-intersection",
        ),
        ("s_intersects(geometry, POINT(1 91))".to_owned(), "outside"),
        ("s_intersects(geometry, POLYGON EMPTY)".to_owned(), "empty"),
        ("s_intersects(geometry, BBOX(1, 2, 3))".to_owned(), "BBOX"),
        ("s_intersects(geometry, 'here')".to_owned(), "geometries"),
        ("s_intersects(code, POINT(1 1))".to_owned(), "no geometry"),
        (
            "t_during(valid_from, INTERVAL('2020-01-01', '..'))".to_owned(),
            "two intervals",
        ),
        ("t_after(code, DATE('2020-01-01'))".to_owned(), "temporal"),
        ("valid_from > DATE('2020-02-30')".to_owned(), "no day"),
        ("code = 1".to_owned(), "compared with"),
        ("code = NULL".to_owned(), "NULL"),
        ("idle > true".to_owned(), "no order"),
        ("nothing = 1".to_owned(), "no property"),
        ("code".to_owned(), "alone"),
        ("area_m2 + 1".to_owned(), "alone"),
        ("code = 'P0'; drop table spatial_unit".to_owned(), "not understood"),
        ("code = 'P0' trailing".to_owned(), "character 13"),
        ("'".to_owned(), "not understood"),
        (" ".to_owned(), "ends too early"),
    ] {
        let begun = std::time::Instant::now();
        let answer = get(&app, &format!("{ITEMS}?filter={}", encoded(&filter))).await;
        let problem = answer.json();
        let shown: String = filter.chars().take(80).collect();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown}: {problem}");
        assert_eq!(problem["field"], "filter", "{shown}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{shown}: {problem}"
        );
        assert!(begun.elapsed().as_secs() < 10, "{shown}");
    }
    let deep = format!("{}true{}", r#"{"op":"not","args":["#.repeat(120), "]}".repeat(120));
    for filter in [
        "{}",
        "[]",
        "null",
        "1",
        "\"text\"",
        "{",
        r#"{"op":"="}"#,
        r#"{"op":"=","args":[]}"#,
        r#"{"op":"=","args":[{"property":"code"},"a\u0000"]}"#,
        r#"{"op":"and","args":[true]}"#,
        &deep,
        &"[".repeat(9_000),
    ] {
        let answer = get(
            &app,
            &format!("{ITEMS}?filter-lang=cql2-json&filter={}", encoded(filter)),
        )
        .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{filter}");
        assert_eq!(answer.json()["field"], "filter", "{filter}");
    }
    // What a client writes stays a value.
    let answer = get(
        &app,
        &format!("{ITEMS}?filter={}", encoded("code = ''' or true --' or code = 'P1'")),
    )
    .await;
    assert_eq!(answer.codes(), ["P1"]);
    let answer = get(&app, &format!("{ITEMS}?code={}", encoded("' or true --"))).await;
    assert_eq!(answer.codes(), Vec::<String>::new());
}

/// Whatever is put together out of the words of the language is answered or refused.
#[sqlx::test(migrations = "../migrations")]
async fn no_filter_is_a_fault(pool: PgPool) {
    let (app, _) = with_parcels(&pool).await;
    let value = prop::sample::select(vec![
        "code",
        "name",
        "area_m2",
        "idle",
        "idle_since",
        "valid_to",
        "recorded_from",
        "unit",
        "feature_id",
        "id",
        "geometry",
        "nothing",
        "1",
        "-2.5",
        "1e300",
        "'P1'",
        "'2021-05-01'",
        "'%'",
        "''",
        "TRUE",
        "NULL",
        "DATE('2021-05-01')",
        "TIMESTAMP('2021-05-01T00:00:00Z')",
        "INTERVAL(valid_from, valid_to)",
        "INTERVAL('..', '2021-05-01')",
        "POINT(119.9505 31.7805)",
        "BBOX(119, 31, 120, 32)",
        "BBOX(1, 1, 1, 1)",
        "LINESTRING(0 0, 1 1)",
        "('P1', 'P2')",
        "(1)",
        "casei(name)",
        "accenti(name)",
        "(0 - 1)",
        "f()",
    ]);
    let operator = prop::sample::select(vec![
        "=",
        "<>",
        "<",
        ">=",
        "like",
        "not like",
        "in",
        "not in",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "div",
        "and",
        "or",
        "is",
        "between 1 and",
        "between 'a' and",
    ]);
    let function = prop::sample::select(vec![
        "s_intersects",
        "s_within",
        "s_equals",
        "s_crosses",
        "s_touches",
        "t_after",
        "t_meets",
        "t_during",
        "t_intersects",
        "t_equals",
        "a_contains",
        "casei",
    ]);
    let leaf = value.clone().prop_map(str::to_owned);
    let filters = leaf.prop_recursive(4, 24, 3, move |inner| {
        prop::strategy::Union::new([
            (inner.clone(), operator.clone(), inner.clone())
                .prop_map(|(a, o, b)| format!("{a} {o} {b}"))
                .boxed(),
            (function.clone(), inner.clone(), inner.clone())
                .prop_map(|(f, a, b)| format!("{f}({a}, {b})"))
                .boxed(),
            inner.clone().prop_map(|a| format!("not ({a})")).boxed(),
            inner.clone().prop_map(|a| format!("({a}) is null")).boxed(),
            (inner.clone(), inner)
                .prop_map(|(a, b)| format!("({a} and {b})"))
                .boxed(),
        ])
    });
    let mut runner = TestRunner::deterministic();
    let (mut answered, mut refused) = (0, 0);
    for _ in 0..400 {
        let filter = filters.new_tree(&mut runner).unwrap().current();
        let answer = get(&app, &format!("{ITEMS}?filter={}", encoded(&filter))).await;
        match answer.status {
            StatusCode::OK => answered += 1,
            StatusCode::BAD_REQUEST => refused += 1,
            other => panic!("{filter}: {other} {}", answer.json()),
        }
    }
    assert!(
        answered >= 10 && refused >= 10,
        "{answered} answered, {refused} refused"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn tiles_are_those_of_the_map_with_the_row_first(pool: PgPool) {
    let (app, state) = with_parcels(&pool).await;
    let early = get(&app, "/ogc/collections/parcels/tiles/WebMercatorQuad/14/6652/13651").await;
    assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE);
    crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
        .await
        .unwrap();
    let place = tiles::TileId::containing(14, 119.9505, 31.7805).unwrap();
    for (query, ogc_query) in [
        ("", ""),
        ("", "?f=mvt"),
        ("?as_of=2021-01-01", "?datetime=2021-01-01"),
        ("?as_of=2021-01-01", "?as_of=2021-01-01"),
    ] {
        let plain = get(
            &app,
            &format!("/tiles/parcels/14/{}/{}.mvt{query}", place.x(), place.y()),
        )
        .await;
        let ogc = get(
            &app,
            &format!(
                "/ogc/collections/parcels/tiles/WebMercatorQuad/14/{}/{}{ogc_query}",
                place.y(),
                place.x()
            ),
        )
        .await;
        assert_eq!(
            (plain.status, ogc.status),
            (StatusCode::OK, StatusCode::OK),
            "{ogc_query}"
        );
        assert_eq!(plain.bytes, ogc.bytes, "{ogc_query}");
        for name in ["etag", "content-type", "content-encoding", "cache-control"] {
            assert_eq!(plain.header(name), ogc.header(name), "{name}");
        }
        let again = send(
            &app,
            "GET",
            &format!(
                "/ogc/collections/parcels/tiles/WebMercatorQuad/14/{}/{}{ogc_query}",
                place.y(),
                place.x()
            ),
            &[("If-None-Match", ogc.header("etag"))],
        )
        .await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    }
    let turned = get(
        &app,
        &format!(
            "/ogc/collections/parcels/tiles/WebMercatorQuad/14/{}/{}",
            place.x(),
            place.y()
        ),
    )
    .await;
    assert_eq!(turned.status, StatusCode::NO_CONTENT);

    let set = get(&app, "/ogc/tileMatrixSets/WebMercatorQuad").await.json();
    let matrices = set["tileMatrices"].as_array().unwrap();
    assert_eq!(matrices.len(), 21);
    for (zoom, matrix) in matrices.iter().enumerate() {
        assert_eq!(matrix["id"], zoom.to_string());
        assert_eq!(matrix["matrixWidth"], 1_u64 << zoom);
        // OGC's pixel is 0.28 mm.
        let cell = matrix["scaleDenominator"].as_f64().unwrap() * 0.000_28;
        assert!((cell / matrix["cellSize"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    }
    let tileset = get(&app, "/ogc/collections/parcels/tiles/WebMercatorQuad").await.json();
    let template = tileset["links"]
        .as_array()
        .unwrap()
        .iter()
        .find(|link| link["rel"] == "item")
        .unwrap();
    let filled = template["href"]
        .as_str()
        .unwrap()
        .replace("{tileMatrix}", "14")
        .replace("{tileRow}", &place.y().to_string())
        .replace("{tileCol}", &place.x().to_string());
    assert_eq!(get(&app, local(&filled)).await.status, StatusCode::OK);
    assert!(
        (tileset["boundingBox"]["lowerLeft"][0].as_f64().unwrap() - 119.95).abs() < 1e-4,
        "{tileset}"
    );
    let collection = get(&app, "/ogc/collections/parcels").await.json();
    assert!(
        (collection["extent"]["spatial"]["bbox"][0][1].as_f64().unwrap() - 31.78).abs() < 1e-4,
        "{collection}"
    );

    // The style's addresses are whole, and its layers are those of the tiles.
    let style = get(&app, "/styles/occupancy.json").await.json();
    let tilejson = get(&app, local(style["sources"]["yice"]["url"].as_str().unwrap()))
        .await
        .json();
    let layers: BTreeSet<&str> = tilejson["vector_layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["id"].as_str().unwrap())
        .collect();
    for layer in style["layers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|layer| layer["type"] != "background")
    {
        assert!(layers.contains(layer["source-layer"].as_str().unwrap()), "{layer}");
    }
    assert_eq!(style["glyphs"], "http://127.0.0.1:8080/glyphs/{fontstack}/{range}.pbf");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_habits_of_clients_are_honoured(pool: PgPool) {
    let (app, state) = with_parcels(&pool).await;
    // By Accept and by f, which goes before it.
    for (accept, query, kind) in [
        ("*/*", "", "application/json"),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "",
            "text/html; charset=utf-8",
        ),
        ("text/html;q=0.5,application/json", "", "application/json"),
        ("text/html", "?f=json", "application/json"),
        ("application/json", "?f=html", "text/html; charset=utf-8"),
        ("image/png", "", "application/json"),
    ] {
        for at in [
            "/ogc",
            "/ogc/",
            "/ogc/conformance",
            "/ogc/collections",
            "/ogc/collections/sites",
            "/ogc/tileMatrixSets",
        ] {
            let answer = send(&app, "GET", &format!("{at}{query}"), &[("Accept", accept)]).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (StatusCode::OK, kind),
                "{at}{query} {accept}"
            );
        }
    }
    let page = send(&app, "GET", "/ogc/collections?f=html", &[]).await;
    let text = String::from_utf8(page.bytes).unwrap();
    assert!(
        text.starts_with("<!doctype html>")
            && text.contains("href=\"http://127.0.0.1:8080/ogc/collections/parcels/items\"")
    );

    // The version of a page does not change by being asked for later; it does when the data does.
    let first = get(&app, ITEMS).await;
    assert_eq!(first.header("content-type"), "application/geo+json");
    state.clock.advance(time::Duration::seconds(5));
    let same = send(&app, "GET", ITEMS, &[("If-None-Match", first.header("etag"))]).await;
    assert_eq!((same.status, same.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let other = send(
        &app,
        "GET",
        &format!("{ITEMS}?crs=EPSG:4490"),
        &[("If-None-Match", first.header("etag"))],
    )
    .await;
    assert_eq!(other.status, StatusCode::OK);
    import(
        &state,
        gis_data::Layer::Parcels,
        "more",
        date!(2020 - 01 - 01),
        &[json!({"type": "Feature", "properties": {"key": "K7", "code": "P7"}, "geometry": square(7)})],
    )
    .await;
    let changed = send(&app, "GET", ITEMS, &[("If-None-Match", first.header("etag"))]).await;
    assert_eq!(changed.status, StatusCode::OK);

    // HEAD says what GET would, OPTIONS what there is.
    let head = send(&app, "HEAD", ITEMS, &[]).await;
    assert_eq!((head.status, head.bytes.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("content-type"), "application/geo+json");
    assert_eq!(
        head.header("content-crs"),
        "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    );
    for at in ["/ogc", ITEMS, "/tiles/parcels", "/styles/usage.json"] {
        let options = send(&app, "OPTIONS", at, &[]).await;
        assert_eq!(options.status, StatusCode::NO_CONTENT, "{at}");
        assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS", "{at}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn other_sites_read_what_is_set_and_nothing_else(pool: PgPool) {
    let (closed, state) = with_parcels(&pool).await;
    let token = crate::people::tests::whole_person(&pool).await;
    let with = |sites: &[&str]| {
        let open = router(AppState {
            map_settings: MapSettings {
                cors_origins: sites.iter().map(|site| (*site).to_owned()).collect(),
                ..MapSettings::default()
            },
            ..state.clone()
        });
        signed_in(open, token.clone())
    };
    let (site, other) = ("https://gis.example.cn", "https://evil.example");
    let (one, every) = (with(&[site]), with(&["*"]));
    let allowed = async |app: &Router, method: &str, at: &str, origin: &str| {
        let mut headers = vec![("Origin", origin)];
        if method == "OPTIONS" {
            headers.push(("Access-Control-Request-Method", "GET"));
            headers.push(("Access-Control-Request-Headers", "if-none-match"));
        }
        let answer = send(app, method, at, &headers).await;
        assert!(answer.status.is_success(), "{method} {at} {origin}: {}", answer.status);
        if method == "OPTIONS" && !answer.header("access-control-allow-origin").is_empty() {
            assert_eq!(answer.header("access-control-allow-methods"), "GET, HEAD, OPTIONS");
            assert!(answer.header("access-control-allow-headers").contains("if-none-match"));
        }
        answer.header("access-control-allow-origin").to_owned()
    };
    for method in ["GET", "OPTIONS"] {
        for at in ["/ogc", ITEMS, "/tiles/parcels", "/styles/usage.json"] {
            assert_eq!(allowed(&closed, method, at, site).await, "", "unless told, none: {at}");
            assert_eq!(allowed(&one, method, at, site).await, site, "{at}");
            assert_eq!(allowed(&one, method, at, other).await, "", "{at}");
            assert_eq!(allowed(&every, method, at, other).await, "*", "{at}");
        }
    }
    // The registry's own interface stays its own.
    assert_eq!(allowed(&every, "GET", "/api/v1/parcels", site).await, "");
    // A refusal must be readable as well.
    let refused = send(&one, "GET", &format!("{ITEMS}?nothing=1"), &[("Origin", site)]).await;
    assert_eq!(refused.header("access-control-allow-origin"), site);
    assert!(refused.headers.get_all("vary").iter().any(|value| value == "origin"));
}

#[sqlx::test(migrations = "../migrations")]
async fn features_say_what_the_registry_holds(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let unit = json!({"code": "91350100M000100Y43", "name": "市档案馆", "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
    assert_eq!(
        ask(&app, "POST", "/api/v1/units", &[("Idempotency-Key", "u")], Some(unit))
            .await
            .status,
        StatusCode::CREATED
    );
    import(
        &state,
        gis_data::Layer::Buildings,
        "set",
        date!(2020 - 01 - 01),
        &[json!({"type": "Feature", "properties": {
        "key": "K1", "code": "B1", "name": "一号楼", "floors_above": 6, "floors_below": 1, "year_built": 1998,
        "unit_code": "91350100M000100Y43", "occupancy": "idle", "idle_since": "2024-05-06"}, "geometry": square(1)})],
    )
    .await;
    let found = get(&app, "/ogc/collections/buildings/items?unit=91350100M000100Y43&floors_above=6&idle=true&idle_since=2024-05-06&completed_year=1998").await.json();
    assert_eq!(found["numberMatched"], 1, "{found}");
    let feature = &found["features"][0];
    assert_eq!(feature["type"], "Feature");
    let own = ask(
        &app,
        "GET",
        &format!("/api/v1/buildings/{}", feature["id"].as_str().unwrap()),
        &[],
        None,
    )
    .await
    .body;
    let said = &feature["properties"];
    for (name, value) in [
        ("feature_id", &own["feature_id"]),
        ("code", &own["code"]),
        ("name", &own["name"]),
        ("unit", &own["unit"]["code"]),
        ("unit_name", &own["unit"]["name"]),
        ("occupancy", &own["occupancy"]),
        ("idle_since", &own["idle_since"]),
        ("area_m2", &own["area_m2"]),
        ("floors_above", &own["floors_above"]),
        ("floors_below", &own["floors_below"]),
        ("completed_year", &own["completed_year"]),
        ("valid_from", &own["valid_from"]),
        ("valid_to", &own["valid_to"]),
        ("recorded_from", &own["recorded_from"]),
        ("dataset", &own["source"]["dataset"]),
        ("source_key", &own["source"]["key"]),
    ] {
        assert_eq!(&said[name], value, "{name}");
    }
    assert_eq!(said["idle"], true);
    assert_eq!(feature["geometry"]["coordinates"], own["geometry"]["coordinates"]);
    assert_eq!(
        feature["geometry"].as_object().unwrap().len(),
        2,
        "a type, coordinates and nothing else"
    );
    let names: BTreeSet<&str> = said
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .chain(["id"])
        .collect();
    let queryables = get(&app, "/ogc/collections/buildings/queryables").await.json();
    let queryables: BTreeSet<&str> = queryables["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "geometry")
        .collect();
    assert_eq!(names, queryables);
    // By each property that it has, with the value that it has.
    for name in &names {
        let value = if *name == "id" { &feature["id"] } else { &said[*name] };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let by_it = get(
            &app,
            &format!("/ogc/collections/buildings/items?{name}={}", encoded(&text)),
        )
        .await
        .json();
        assert_eq!(by_it["numberMatched"], 1, "{name}={text}: {by_it}");
    }
    let schema = get(&app, "/ogc/collections/buildings/schema").await.json();
    let described = schema["properties"]["properties"]["properties"].as_object().unwrap();
    assert!(
        described.keys().eq(said.as_object().unwrap().keys()),
        "in the order of the features"
    );
    // Nothing of other kinds is among them.
    let id = feature["id"].as_str().unwrap();
    assert_eq!(
        get(&app, &format!("/ogc/collections/parcels/items/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(get(&app, ITEMS).await.json()["numberMatched"], 0);
}
