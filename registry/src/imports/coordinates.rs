//! What an order says about coordinates: their system, their order, the way from an old datum, and where they are
//! expected to lie.

use std::sync::Arc;

use gis_data::{Bounds, Crs, DatumShift, KnownPlaces, Layer, ParametersRefused, PipelineOptions, PipelineRefused};

use super::ImportOrder;
use crate::database::Database;
use crate::request::{DoorRule, Problem, ProblemKind};
use crate::spatial_units::Kind;

/// How the coordinates of a file are to be understood, where the file does not say or says it wrongly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CoordinateOrder {
    /// x is the northing or latitude, y the easting or longitude.
    pub swap_axes: bool,
    /// Four or seven parameters from an old datum, as [`DatumShift::parse`] reads them.
    pub datum_parameters: Option<String>,
    /// Control points instead: the text of a CSV or GeoJSON file.
    pub control_points: Option<String>,
    /// The zone of CGCS2000 that the parameters lead to, where it isn't that of the source.
    pub parameters_to: Option<String>,
    /// Who gave the parameters, by which document.
    pub parameters_from: Option<String>,
    /// Where everything is expected to lie.
    pub bounds: Option<Bounds>,
    /// Where some of the data set's objects are known to lie, by source key.
    pub known: Arc<KnownPlaces>,
}

impl CoordinateOrder {
    /// Sets the options of the pipeline.
    ///
    /// # Errors
    /// A problem that names the field and the remedy.
    pub(super) fn apply(&self, crs: Option<&str>, options: &mut PipelineOptions) -> Result<(), Problem> {
        if let Some(crs) = crs {
            options.crs = Some(Crs::of_source(crs).map_err(|error| crs_problem(&error))?);
        }
        options.swap_axes = self.swap_axes;
        options.datum_shift = self.datum_shift()?;
        options.bounds = self.bounds;
        options.known = Arc::clone(&self.known);
        Ok(())
    }

    fn datum_shift(&self) -> Result<Option<DatumShift>, Problem> {
        let reference = self.parameters_from.as_deref().unwrap_or_default();
        let target = self.parameters_to.as_deref();
        let shift = match (&self.datum_parameters, &self.control_points) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(
                    Problem::new(ProblemKind::FileRefused, "parameters and control points are both given")
                        .field("control_points")
                        .code("parameters_twice")
                        .remedy("give the parameters or the control points they come from, not both"),
                );
            }
            (Some(parameters), None) => match target {
                Some(target) => DatumShift::parse(&format!("{parameters},to={target}"), reference),
                None => DatumShift::parse(parameters, reference),
            },
            (None, Some(points)) => DatumShift::by_control_points(points, reference, target),
        };
        shift.map(Some).map_err(|error| parameters_problem(&error))
    }
}

/// The problem of a refused pipeline, with the offers where there are any.
pub(super) fn pipeline_problem(refused: PipelineRefused) -> Problem {
    match refused {
        PipelineRefused::Crs(error) => crs_problem(&error),
        PipelineRefused::Parameters(error) => parameters_problem(&error),
        PipelineRefused::Mapping(error) => Problem::new(ProblemKind::FileRefused, error.to_string())
            .field("map")
            .code("mapping"),
    }
}

fn crs_problem(error: &gis_data::CrsRefused) -> Problem {
    let offers = error
        .offers()
        .iter()
        .filter_map(|offer| serde_json::to_value(offer).ok())
        .collect();
    let field = match error.code() {
        "parameters_implausible" => "datum_parameters",
        _ => "crs",
    };
    let problem = worded(error.code(), &error.words(), &error.remedy())
        .field(field)
        .offers(offers);
    match door_rule_of(error.code()) {
        None => problem,
        Some(rule) => problem.breaks(
            rule,
            serde_json::json!({"found": error.code(), "says": error.to_string()}),
        ),
    }
}

/// The rule of the list that a refused coordinate system breaks.
fn door_rule_of(code: &str) -> Option<DoorRule> {
    match code {
        "crs_missing" | "crs_unknown" | "crs_old_datum" | "crs_local_system" | "crs_no_datum_path" => {
            Some(DoorRule::KnownSystem)
        }
        "crs_axes_exchanged" | "crs_zone_number" | "crs_does_not_fit" => Some(DoorRule::AxesAndZone),
        "crs_outside_region" => Some(DoorRule::InsideItsRegion),
        _ => None,
    }
}

fn parameters_problem(error: &ParametersRefused) -> Problem {
    worded(error.code(), &error.words(), &error.remedy()).field(error.field())
}

fn worded(code: &str, words: &gis_data::Words, remedy: &gis_data::Words) -> Problem {
    Problem::new(ProblemKind::FileRefused, format!("{} / {}", words.zh, words.en))
        .remedy(format!("{} / {}", remedy.zh, remedy.en))
        .code(code)
}

/// Where the objects of an import are expected: in the box of the region they are said to lie in, and where the data
/// set has them already. `any` as the given box asks for none. Files of regions themselves are expected nowhere.
///
/// # Errors
/// Where the given box can't be read or the database fails.
pub async fn expect_place(database: &Database, order: &mut ImportOrder, given: Option<&str>) -> Result<(), Problem> {
    match (given, &order.region) {
        (Some("any"), _) => {}
        (Some(text), _) => {
            let bounds = Bounds::parse(text).map_err(|detail| {
                Problem::invalid("bounds", detail).remedy("write 119.3,31.1,120.2,32.1 (degrees), or any")
            })?;
            order.coordinates.bounds = Some(bounds);
        }
        (None, Some(region)) if order.layer != gis_data::Layer::Regions => {
            let found = sqlx::query!(
                r#"select st_xmin(box) as west, st_ymin(box) as south, st_xmax(box) as east, st_ymax(box) as north
                     from (select st_extent(geometry) as box from region_version
                            where code = $1 and upper_inf(recorded)) held"#,
                region,
            )
            .fetch_one(database.pool())
            .await?;
            if let (Some(west), Some(south), Some(east), Some(north)) =
                (found.west, found.south, found.east, found.north)
            {
                order.coordinates.bounds = Some(Bounds {
                    west,
                    south,
                    east,
                    north,
                });
            }
        }
        (None, _) => {}
    }
    let rows = sqlx::query!(
        r#"select u.source_key as "source_key!", st_x(held.middle) as "lon!", st_y(held.middle) as "lat!"
             from spatial_unit u
             cross join lateral (
                  select st_centroid(geometry) as middle from spatial_unit_version v
                   where v.object_id = u.id and upper_inf(v.recorded) and v.geometry is not null
                   order by lower(v.valid) desc limit 1) held
            where u.dataset = $1 and u.source_key is not null
            limit $2"#,
        order.dataset,
        MAX_KNOWN,
    )
    .fetch_all(database.pool())
    .await?;
    let mut known = KnownPlaces::default();
    for row in rows {
        known.insert(row.source_key, row.lon, row.lat);
    }
    order.coordinates.known = Arc::new(known);
    Ok(())
}

/// So many objects tell whether a delivery lies where the last one did.
const MAX_KNOWN: i64 = 5_000;

/// What other sources say of the same kind around a box (west, south, east, north in degrees), for the first delivery
/// of a data set: whether it lies beside itself shows there.
///
/// # Errors
/// The database's.
pub(super) async fn known_around(
    database: &Database,
    layer: Layer,
    [west, south, east, north]: [f64; 4],
) -> Result<KnownPlaces, sqlx::Error> {
    let mut known = KnownPlaces::default();
    let kind = match layer {
        Layer::Parcels => Kind::Parcel,
        Layer::Buildings => Kind::Building,
        Layer::Sites => Kind::Site,
        Layer::Regions | Layer::Units | Layer::Rooms | Layer::Titles => return Ok(known),
    };
    let places = sqlx::query!(
        r#"select st_x(middle) as "lon!", st_y(middle) as "lat!"
             from (select st_centroid(geometry) as middle
                     from spatial_unit_version
                    where kind = $1 and upper_inf(recorded) and not st_isempty(geometry)
                      and box(geometry) && box(st_expand(st_makeenvelope($2, $3, $4, $5, 4490), $6))
                    limit $7) held"#,
        kind.word(),
        west,
        south,
        east,
        north,
        AROUND_DEG,
        MAX_AROUND,
    )
    .fetch_all(database.pool())
    .await?;
    for place in places {
        known.insert_nearby(place.lon, place.lat);
    }
    Ok(known)
}

/// Public maps are off by up to 1.3 km, about this in degrees of longitude at 50° north.
const AROUND_DEG: f64 = 0.02;
/// So many objects tell it; where more lie around, a sample of them hardly does, and nothing is said.
const MAX_AROUND: i64 = 20_000;

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode, header};
    use serde_json::{Value, json};
    use sqlx::PgPool;
    use tower::ServiceExt;

    use crate::spatial_units::tests::{app, ask};

    const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../gis-data/samples/hangzhou-crs/");

    /// Uploads a file and gives the answer, or the import as it ended.
    pub(in crate::imports) async fn upload(app: &Router, name: &str, bytes: &[u8], fields: &[(&str, &str)]) -> Value {
        let mut body = Vec::new();
        for (field, value) in fields {
            body.extend(
                format!("--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").into_bytes(),
            );
        }
        let head = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend(head.into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n--x--\r\n");
        let request = Request::post("/api/v1/imports")
            .header(header::HOST, "127.0.0.1")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Body::from(body))
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let answer = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        if status != StatusCode::ACCEPTED {
            return answer;
        }
        let at = format!("/api/v1/imports/{}", answer["id"].as_str().unwrap());
        for _ in 0..600 {
            let job = ask(app, "GET", &at, &[], None).await.body;
            if !matches!(job["state"].as_str(), Some("reading" | "writing")) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the import does not end");
    }

    fn sample(name: &str) -> Vec<u8> {
        std::fs::read(format!("{SAMPLES}{name}")).unwrap()
    }

    fn squares(x: f64, y: f64, side: f64, count: usize) -> Vec<u8> {
        let features: Vec<Value> = (0..count)
            .map(|number| {
                let west = x + 2.0 * side * number as f64;
                let ring = json!([
                    [west, y],
                    [west + side, y],
                    [west + side, y + side],
                    [west, y + side],
                    [west, y]
                ]);
                json!({"type": "Feature", "properties": {"key": format!("K{number}")},
                    "geometry": {"type": "Polygon", "coordinates": [ring]}})
            })
            .collect();
        json!({"type": "FeatureCollection", "features": features})
            .to_string()
            .into_bytes()
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn what_a_refusal_offers_can_be_sent_back_and_is_right(pool: PgPool) {
        let (app, _) = app(&pool).await;
        let name = "cgcs2000_gk_zone40_gbk_no_prj_no_cpg_no_ldid.zip";
        let refused = upload(&app, name, &sample(name), &[("layer", "parcels")]).await;
        assert_eq!(
            (&refused["state"], &refused["problem"]["code"]),
            (&json!("failed"), &json!("crs_missing"))
        );
        assert_eq!(refused["problem"]["rule"]["id"], "GEO-10");
        assert_eq!(refused["problem"]["rule"]["evidence"]["found"], "crs_missing");
        let offer = &refused["problem"]["offers"][0];
        assert_eq!(offer["set"], json!({"crs": "EPSG:4528"}));
        assert_eq!(offer["arguments"], "--crs EPSG:4528");
        assert!(offer["zh"].as_str().unwrap().contains("带号 40") && offer["en"].is_string());
        let crs = offer["set"]["crs"].as_str().unwrap();
        let done = upload(&app, name, &sample(name), &[("crs", crs)]).await;
        assert_eq!(
            (&done["state"], &done["report"]["counts"]["inserted"]),
            (&json!("done"), &json!(20))
        );
        // Latitude first: in the past it would have been said only that the axes are exchanged.
        let exchanged = squares(31.78, 119.95, 0.001, 3);
        let refused = upload(&app, "exchanged.geojson", &exchanged, &[]).await;
        assert_eq!(refused["problem"]["code"], "crs_axes_exchanged");
        assert_eq!(refused["problem"]["rule"]["id"], "GEO-09");
        assert_eq!(refused["problem"]["offers"][0]["set"], json!({"swap_axes": "true"}));
        let done = upload(&app, "exchanged.geojson", &exchanged, &[("swap_axes", "true")]).await;
        assert_eq!(done["report"]["counts"]["inserted"], 3, "{done}");
        let [west, south, ..] = [0, 1].map(|at| done["report"]["bbox"][at].as_f64().unwrap());
        assert_eq!((west, south), (119.95, 31.78));
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn what_lies_outside_its_region_is_refused_or_set_aside(pool: PgPool) {
        let (app, _) = app(&pool).await;
        let ring = json!([
            [119.8, 31.6],
            [120.0, 31.6],
            [120.0, 31.9],
            [119.8, 31.9],
            [119.8, 31.6]
        ]);
        let region = json!({"code": "320404", "name": "钟楼区", "level": "county", "valid_from": "2020-01-01",
            "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}});
        let registered = ask(
            &app,
            "POST",
            "/api/v1/regions",
            &[("Idempotency-Key", "zhonglou")],
            Some(region),
        )
        .await;
        assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.body);
        let in_region = [("region", "320404"), ("valid_from", "2024-01-01")];
        // A zone without number: the region's longitude tells which.
        let plane = squares(480_123.0, 3_520_456.0, 50.0, 4);
        let with_crs = |crs: &'static str| [&in_region[..], &[("crs", crs)]].concat();
        let refused = upload(&app, "zone.geojson", &plane, &with_crs("EPSG:4548")).await;
        assert_eq!(refused["problem"]["code"], "crs_outside_region");
        assert_eq!(refused["problem"]["rule"]["id"], "GEO-08");
        assert_eq!(refused["problem"]["offers"][0]["set"], json!({"crs": "EPSG:4549"}));
        let done = upload(&app, "zone.geojson", &plane, &with_crs("EPSG:4549")).await;
        assert_eq!(done["report"]["counts"]["inserted"], 4, "{done}");
        // One row of twelve beyond the edge and one across it; and a box of one's own.
        let long = squares(119.95, 31.7, 0.003, 12);
        let done = upload(&app, "long.geojson", &long, &in_region).await;
        assert_eq!(done["report"]["reasons"], json!({"outside_region": 1}), "{done}");
        assert_eq!(
            done["report"]["warnings"],
            json!({"partly_outside_region": 1}),
            "{done}"
        );
        assert!(
            done["report"]["words"]["outside_region"][0]
                .as_str()
                .unwrap()
                .contains("区划")
        );
        let everywhere = [&in_region[..], &[("bounds", "any"), ("dataset", "any")]].concat();
        let done = upload(&app, "long.geojson", &long, &everywhere).await;
        assert_eq!(done["report"]["counts"]["inserted"], 12, "{done}");
        let nonsense = [("bounds", "1,2,3")];
        let refused = upload(&app, "long.geojson", &long, &nonsense).await;
        assert_eq!((&refused["status"], &refused["field"]), (&json!(422), &json!("bounds")));
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn an_old_datum_wants_parameters_and_says_afterwards_whose_they_were(pool: PgPool) {
        let (app, _) = app(&pool).await;
        let name = "xian80_gk_cm120_gbk_bytes_utf8_cpg.zip";
        let refused = upload(&app, name, &sample(name), &[]).await;
        assert_eq!(
            (&refused["problem"]["code"], &refused["problem"]["field"]),
            (&json!("crs_old_datum"), &json!("crs"))
        );
        let parameters = "four:north=1.5,east=2.5,rotation=0,scale=0";
        let nobody = upload(&app, name, &sample(name), &[("datum_parameters", parameters)]).await;
        assert_eq!(
            (&nobody["problem"]["code"], &nobody["problem"]["field"]),
            (&json!("parameters_without_source"), &json!("parameters_from"))
        );
        let points = "name,source_east,source_north,target_east,target_north\n\
            A,498000,3335000,498002.5,3335001.5\nB,514000,3335000,514002.51,3335001.5\nC,506000,3370000,506002.5,3370001.49\n";
        let from = ("parameters_from", "杭州市测绘院 2019 年第 12 号");
        let both = [("datum_parameters", parameters), ("control_points", points), from];
        let refused = upload(&app, name, &sample(name), &both).await;
        assert_eq!(refused["problem"]["code"], "parameters_twice");
        for given in [("datum_parameters", parameters), ("control_points", points)] {
            let done = upload(&app, name, &sample(name), &[given, from, ("dataset", given.0)]).await;
            assert_eq!(done["report"]["warnings"]["datum_shifted"], 20, "{done}");
            let words = done["report"]["words"]["datum_shifted"][0].as_str().unwrap();
            assert!(words.contains("杭州市测绘院 2019 年第 12 号"), "{words}");
            let kept: Vec<Option<i32>> =
                sqlx::query_scalar("select st_srid(st_geomfromewkb(original_geometry)) from spatial_unit_version")
                    .fetch_all(&pool)
                    .await
                    .unwrap();
            assert!(
                kept.len() >= 20 && kept.iter().all(|srid| *srid == Some(2385)),
                "{kept:?}"
            );
            let again = upload(&app, name, &sample(name), &[given, from, ("dataset", given.0)]).await;
            assert_eq!(again["report"]["counts"]["unchanged"], 20, "{again}");
            let is_fitted = given.0 == "control_points";
            assert_eq!(words.contains("中误差"), is_fitted, "{words}");
            let residuals = done["report"]["words"]["control_point_residuals"][0].as_str();
            assert_eq!(
                residuals.is_some_and(|words| words.contains("B 北 ") && words.contains("中误差 0.00")),
                is_fitted,
                "{done}"
            );
        }
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn a_delivery_that_lies_beside_the_last_one_is_noticed(pool: PgPool) {
        let (app, state) = app(&pool).await;
        let named = [("dataset", "hangzhou"), ("map", "key=osm_id")];
        let first = upload(&app, "reference.geojson", &sample("reference_wgs84.geojson"), &named).await;
        assert_eq!(first["report"]["counts"]["inserted"], 20, "{first}");
        let shifted = sample("gcj02_offset_mislabelled_wgs84.geojson");
        let dry = [&named[..], &[("dry_run", "true")]].concat();
        let second = upload(&app, "again.geojson", &shifted, &dry).await;
        assert_eq!(second["report"]["warnings"], json!({"layer_shifted": 1}), "{second}");
        let words = second["report"]["words"]["layer_shifted"][0].as_str().unwrap();
        assert!(words.contains("--crs gcj02"), "{words}");
        let declared = [&named[..], &[("crs", "gcj02"), ("dry_run", "true")]].concat();
        let third = upload(&app, "again.geojson", &shifted, &declared).await;
        assert_eq!(third["report"]["warnings"], json!({"offset_taken_back": 20}), "{third}");

        // Under another name no key says which object is which; what is registered around the place does.
        for (dry_run, name) in [("true", "tried"), ("false", "taken")] {
            let stranger = [("dataset", name), ("map", "key=地块编号"), ("dry_run", dry_run)];
            let fourth = upload(&app, "stranger.geojson", &shifted, &stranger).await;
            assert_eq!(fourth["report"]["warnings"]["layer_shifted"], 1, "{fourth}");
            let words = fourth["report"]["words"]["layer_shifted"][0].as_str().unwrap();
            assert!(words.contains("--crs gcj02"), "{words}");
        }
        // It stays a finding until it is delivered again as it should be.
        let tester = crate::request::Actor("tester".to_owned());
        let shifted_sets = async || {
            let asked = ["GEO-11".to_owned()];
            let check = crate::checks::begin_check(&state.database, &state.clock, &tester, Some(&asked)).await;
            let outcomes = check.unwrap().carry_out(&state.database, &state.clock, |_, _| {}).await;
            outcomes.unwrap()["GEO-11"].found
        };
        assert_eq!(shifted_sets().await, 1);
        state.clock.advance(time::Duration::days(1));
        let again = [("dataset", "taken"), ("map", "key=地块编号"), ("crs", "gcj02")];
        let mended = upload(&app, "stranger.geojson", &shifted, &again).await;
        assert_eq!(mended["report"]["counts"]["new_version"], 20, "{mended}");
        assert_eq!(shifted_sets().await, 0);
        // What lies where it should says nothing, whatever else is registered there.
        let right = [("dataset", "right"), ("map", "key=地块编号"), ("dry_run", "true")];
        let fifth = upload(&app, "right.geojson", &sample("reference_wgs84.geojson"), &right).await;
        assert!(fifth["report"]["warnings"].get("layer_shifted").is_none(), "{fifth}");
    }
}
