//! Imports over HTTP: bring a file, watch it, read its report.

use std::collections::BTreeMap;
use std::io::Write as _;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRef, Multipart, OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use time::{Date, OffsetDateTime};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::mappings::saved_mapping;
use super::order::{dataset_of, joined, table_options};
use super::{
    AssetBy, CompareAttributes, CoordinateOrder, ImportJobs, ImportOrder, ImportProgress, Report, expect_place,
    run_import,
};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::ImportId;
use crate::period::day;
use crate::request::{Context, Cursor, Fault, Page, PageQuery, Problem, ProblemKind};

/// The most bytes one uploaded file may have.
const MAX_UPLOAD_BYTES: usize = 4 << 30;

/// The routes of imports.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
    ImportJobs: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_import, list_imports))
        .routes(routes!(get_import, cancel_import))
        .routes(routes!(list_import_rows))
        .routes(routes!(get_import_report_csv))
        .routes(routes!(super::mappings::list_import_mappings))
        .routes(routes!(
            super::mappings::get_import_mapping,
            super::mappings::put_import_mapping,
            super::mappings::delete_import_mapping
        ))
        .routes(routes!(super::marked::get_import_marked))
        .routes(routes!(super::templates::get_import_template))
        .layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES))
}

/// Accepts a file and reads it in the background.
#[utoipa::path(post, path = "/api/v1/imports", operation_id = "create_import", tag = "imports",
    responses((status = 202, description = "under way; see Location"), (status = 400, body = Problem), (status = 422, body = Problem)))]
async fn create_import(
    context: Context,
    State(jobs): State<ImportJobs>,
    multipart: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Response, Problem> {
    let multipart = multipart.map_err(|error| {
        Problem::new(ProblemKind::UnsupportedMediaType, error.body_text())
            .remedy("send the file as multipart/form-data with the fields file and layer")
    })?;
    let (order, folder) = receive(&context, multipart).await?;
    let id = ImportId::fresh();
    let progress = ImportProgress::default();
    jobs.begin(id, progress.clone());
    let (database, clock) = (context.database.clone(), context.clock.clone());
    tokio::spawn(async move {
        match run_import(&database, &clock, id, &order, &progress).await {
            Ok(report) => tracing::info!(
                import.id = %id, import.rows = report.counts.read, elapsed_s = report.seconds,
                "imported {} rows of {}", report.counts.read, order.file_name
            ),
            Err(failed) => {
                tracing::warn!(import.id = %id, error = &failed as &dyn std::error::Error, "import of {} ended without effect", order.file_name)
            }
        }
        jobs.end(id);
        drop(folder);
    });
    let location =
        HeaderValue::from_str(&format!("/api/v1/imports/{id}")).unwrap_or(HeaderValue::from_static("/api/v1/imports"));
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(serde_json::json!({ "id": id })),
    )
        .into_response())
}

/// Writes the upload to a folder of its own and reads the order's fields.
async fn receive(context: &Context, mut multipart: Multipart) -> Result<(ImportOrder, tempfile::TempDir), Problem> {
    let folder = tempfile::tempdir().map_err(|error| disk(&error))?;
    let mut file: Option<(std::path::PathBuf, String)> = None;
    let mut fields: Vec<(String, String)> = Vec::new();
    let broken = |error: axum::extract::multipart::MultipartError| {
        let kind = if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ProblemKind::TooLarge
        } else {
            ProblemKind::BadRequest
        };
        Problem::new(kind, error.body_text()).field("file")
    };
    while let Some(mut part) = multipart.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let text = part.text().await.map_err(broken)?;
            fields.push((name, text));
            continue;
        }
        let given = part.file_name().unwrap_or("upload").to_owned();
        // Only the last part of what the client calls it, and nothing that a file system could take for a path.
        let plain: String = given
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        let plain = if plain.trim_matches('.').is_empty() {
            "upload".to_owned()
        } else {
            plain
        };
        let path = folder.path().join(&plain);
        let mut target = std::fs::File::create(&path).map_err(|error| disk(&error))?;
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            target.write_all(&chunk).map_err(|error| disk(&error))?;
        }
        file = Some((path, plain));
    }
    let (path, file_name) = file.ok_or_else(|| Problem::bad("file", "the file is missing"))?;
    let first = |name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    };
    let layer = first("layer").unwrap_or("parcels");
    let layer = gis_data::Layer::parse(layer).ok_or_else(|| {
        Problem::invalid("layer", format!("{layer:?} is no layer"))
            .remedy("choose parcels, buildings, sites, regions, units, rooms or titles")
    })?;
    let dataset = first("dataset").map_or_else(|| dataset_of(&file_name), ToOwned::to_owned);
    let mut order = ImportOrder::new(layer, path, &dataset);
    order.file_name = file_name;
    order.actor = context.actor.clone();
    order.keep_file = true;
    order.crs = first("crs").map(ToOwned::to_owned);
    order.coordinates = CoordinateOrder {
        swap_axes: truth(first("swap_axes")),
        datum_parameters: first("datum_parameters").map(ToOwned::to_owned),
        control_points: first("control_points").map(ToOwned::to_owned),
        parameters_to: first("parameters_to").map(ToOwned::to_owned),
        parameters_from: first("parameters_from").map(ToOwned::to_owned),
        ..CoordinateOrder::default()
    };
    order.encoding = first("encoding").map(ToOwned::to_owned);
    order.member = first("member").map(ToOwned::to_owned);
    order.table = table_options(
        first("header_row"),
        [first("shape_column"), first("x_column"), first("y_column")],
    )?;
    order.region = first("region").map(ToOwned::to_owned);
    expect_place(&context.database, &mut order, first("bounds")).await?;
    order.scheme = first("scheme").map(ToOwned::to_owned);
    order.shapes_optional = truth(first("without_shapes"));
    order.of_dataset = first("of").map(ToOwned::to_owned);
    order.asset_by = first("asset_by")
        .map(|text| {
            AssetBy::parse(text).ok_or_else(|| {
                Problem::invalid("asset_by", format!("{text:?} is no way to find an asset"))
                    .remedy("choose source_key, code or unit_code")
            })
        })
        .transpose()?;
    if let Some(text) = first("values") {
        order.values = values_of(text)?;
    }
    order.close_missing = truth(first("close_missing"));
    order.dry_run = truth(first("dry_run"));
    if let Some(share) = first("same_shape") {
        order.same_shape = share
            .parse()
            .ok()
            .filter(|share| (0.5..=1.0).contains(share))
            .ok_or_else(|| Problem::invalid("same_shape", "a share between 0.5 and 1"))?;
    }
    match first("compare_attributes") {
        None | Some("all") => {}
        Some("mapped") => order.compare_attributes = CompareAttributes::Mapped,
        Some(other) => {
            return Err(Problem::invalid(
                "compare_attributes",
                format!("{other:?} is neither all nor mapped"),
            ));
        }
    }
    match first("duplicate_keys") {
        None | Some("quarantine") => {}
        Some("number") => order.duplicate_keys = gis_data::DuplicateKeys::Number,
        Some(other) => {
            return Err(Problem::invalid(
                "duplicate_keys",
                format!("{other:?} is neither quarantine nor number"),
            ));
        }
    }
    if let Some(text) = first("valid_from") {
        order.valid_from = Some(crate::request::day(text).ok_or_else(|| {
            Problem::invalid("valid_from", format!("{text:?} is no date")).remedy("write the day as 2024-06-30")
        })?);
    }
    for (_, pair) in fields
        .iter()
        .filter(|(field, value)| field == "map" && !value.trim().is_empty())
    {
        order.map.push(
            mapping_pair(pair)
                .ok_or_else(|| Problem::invalid("map", format!("{pair:?} is not written as target=source")))?,
        );
    }
    if let Some(name) = first("mapping") {
        let saved = saved_mapping(&context.database, layer, name).await?;
        order.map = joined(order.map, saved);
    }
    for (_, chain) in fields
        .iter()
        .filter(|(field, value)| field == "ancestor" && !value.trim().is_empty())
    {
        order.ancestors.push(ancestor(chain).ok_or_else(|| {
            Problem::invalid(
                "ancestor",
                format!("{chain:?} is not written as level:code_field:name_field"),
            )
        })?);
    }
    Ok((order, folder))
}

/// `target=source`; nothing behind the sign leaves the target empty.
#[must_use]
pub fn mapping_pair(text: &str) -> Option<(String, String)> {
    let (target, source) = text.split_once('=')?;
    let (target, source) = (target.trim(), source.trim());
    (!target.is_empty()).then(|| (target.to_owned(), source.to_owned()))
}

/// `target:word=code`
#[must_use]
pub fn value_of(text: &str) -> Option<(String, String, String)> {
    let (target, rest) = text.split_once(':')?;
    let (word, code) = rest.rsplit_once('=')?;
    let (target, word, code) = (target.trim(), word.trim(), code.trim());
    (!target.is_empty() && !word.is_empty() && !code.is_empty())
        .then(|| (target.to_owned(), word.to_owned(), code.to_owned()))
}

/// Values as JSON: `{"usage": {"Vacant City": "idle_land"}}`.
fn values_of(text: &str) -> Result<Vec<(String, String, String)>, Problem> {
    let values: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(text).map_err(|error| {
        Problem::invalid("values", error.to_string()).remedy(r#"send {"usage": {"Vacant City": "idle_land"}}"#)
    })?;
    let of_target = |(target, words): (String, BTreeMap<String, String>)| {
        words.into_iter().map(move |(word, code)| (target.clone(), word, code))
    };
    Ok(values.into_iter().flat_map(of_target).collect())
}

/// `level:code_field:name_field`
#[must_use]
pub fn ancestor(text: &str) -> Option<(String, String, String)> {
    let mut parts = text.split(':').map(|part| part.trim().to_owned());
    let chain = (parts.next()?, parts.next()?, parts.next()?);
    (parts.next().is_none() && !chain.0.is_empty() && !chain.1.is_empty() && !chain.2.is_empty()).then_some(chain)
}

fn truth(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "1" | "on" | "yes"))
}

fn disk(error: &std::io::Error) -> Problem {
    tracing::error!(error = %error, "an upload could not be kept");
    Problem::new(ProblemKind::Unavailable, "the server has no room for the file")
        .remedy("free disk space on the server and try again")
}

/// An import and how far it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Import {
    id: Uuid,
    file_name: String,
    layer: String,
    dataset: String,
    dry_run: bool,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_from: Date,
    /// `reading`, `writing`, `done`, `failed` or `cancelled`.
    state: String,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    actor: String,
    /// Its workbook can be had with every fault marked: `marked.xlsx`.
    has_marked_file: bool,
    progress: Option<Progress>,
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Progress {
    bytes_read: u64,
    bytes_total: u64,
    rows: u64,
    rate_rows_per_s: f64,
    seconds_left: Option<f64>,
}

impl Progress {
    fn of(progress: &ImportProgress) -> Self {
        let (bytes_read, bytes_total) = progress.bytes();
        let (rows, seconds) = (progress.rows(), progress.seconds());
        let share = if bytes_total > 0 {
            bytes_read as f64 / bytes_total as f64
        } else {
            0.0
        };
        Self {
            bytes_read,
            bytes_total,
            rows,
            rate_rows_per_s: if seconds > 0.0 { rows as f64 / seconds } else { 0.0 },
            seconds_left: (share > 0.02).then(|| seconds * (1.0 - share) / share),
        }
    }
}

/// Every import, the latest first.
#[utoipa::path(get, path = "/api/v1/imports", operation_id = "list_imports", tag = "imports",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<Import>)))]
async fn list_imports(
    context: Context,
    State(jobs): State<ImportJobs>,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<Import>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = query.limit()?;
    let after: Option<Uuid> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, "imports"))
        .transpose()?;
    // Ids are UUIDv7: their order is the order of the starts.
    let rows = sqlx::query!(
        r#"select id, layer, file_name, dataset, actor, dry_run, valid_from, state, started_at, finished_at,
                  problem, null::json as report,
                  exists (select from import_file f where f.import_id = import.id) as "has_marked_file!"
             from import where ($1::uuid is null or id < $1) order by id desc limit $2"#,
        after,
        i64::from(limit) + 1,
    )
    .fetch_all(context.database.pool())
    .await?;
    let more = rows.len() > limit as usize;
    let items: Vec<Import> = rows
        .into_iter()
        .take(limit as usize)
        .map(|row| Import {
            id: row.id,
            file_name: row.file_name,
            layer: row.layer,
            dataset: row.dataset,
            dry_run: row.dry_run,
            valid_from: row.valid_from,
            state: row.state,
            started_at: row.started_at,
            finished_at: row.finished_at,
            actor: row.actor,
            has_marked_file: row.has_marked_file,
            progress: jobs.progress(ImportId(row.id)).as_ref().map(Progress::of),
            problem: row.problem,
            report: row.report,
        })
        .collect();
    let next = items.last().filter(|_| more).map(|last| {
        format!(
            "/api/v1/imports?limit={limit}&cursor={}",
            Cursor::new("imports", last.id).encode()
        )
    });
    Ok(Json(Page {
        items,
        next,
        total: None,
    }))
}

/// One import: how far it is, or its report.
#[utoipa::path(get, path = "/api/v1/imports/{id}", operation_id = "get_import", tag = "imports",
    params(("id" = Uuid, Path)), responses((status = 200, body = Import), (status = 404, body = Problem)))]
async fn get_import(
    context: Context,
    State(jobs): State<ImportJobs>,
    Path(id): Path<String>,
) -> Result<Json<Import>, Problem> {
    let id = parse_id(&id)?;
    let progress = jobs.progress(id);
    let row = sqlx::query!(
        r#"select id, layer, file_name, dataset, actor, dry_run, valid_from, state, started_at, finished_at, problem, report,
                  exists (select from import_file f where f.import_id = import.id) as "has_marked_file!"
             from import where id = $1"#,
        id.0,
    )
    .fetch_optional(context.database.pool())
    .await?;
    let Some(row) = row else {
        // Accepted a moment ago and not recorded yet.
        let progress = progress.ok_or_else(|| Problem::not_found("this import"))?;
        return Ok(Json(Import {
            id: id.0,
            file_name: String::new(),
            layer: String::new(),
            dataset: String::new(),
            dry_run: false,
            valid_from: context.clock.today(),
            state: "reading".to_owned(),
            started_at: context.clock.now(),
            finished_at: None,
            actor: context.actor.0,
            has_marked_file: false,
            progress: Some(Progress::of(&progress)),
            problem: None,
            report: None,
        }));
    };
    let writing = row.state == "reading" && progress.as_ref().is_some_and(ImportProgress::is_writing);
    Ok(Json(Import {
        id: row.id,
        file_name: row.file_name,
        layer: row.layer,
        dataset: row.dataset,
        dry_run: row.dry_run,
        valid_from: row.valid_from,
        state: if writing { "writing".to_owned() } else { row.state },
        started_at: row.started_at,
        finished_at: row.finished_at,
        actor: row.actor,
        has_marked_file: row.has_marked_file,
        progress: progress.as_ref().map(Progress::of),
        problem: row.problem,
        report: row.report,
    }))
}

/// Stops a running import; nothing of it is written.
#[utoipa::path(delete, path = "/api/v1/imports/{id}", operation_id = "cancel_import", tag = "imports",
    params(("id" = Uuid, Path)), responses((status = 202), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn cancel_import(
    context: Context,
    State(jobs): State<ImportJobs>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = parse_id(&id)?;
    if let Some(progress) = jobs.progress(id) {
        progress.cancel();
        return Ok(StatusCode::ACCEPTED);
    }
    let known = sqlx::query_scalar!(r#"select exists (select from import where id = $1) as "known!""#, id.0)
        .fetch_one(context.database.pool())
        .await?;
    Err(if known {
        Problem::new(ProblemKind::Conflict, "the import has ended already")
            .remedy("what it wrote stays in the history; close or correct the assets where it was wrong")
    } else {
        Problem::not_found("this import")
    })
}

pub(super) fn parse_id(text: &str) -> Result<ImportId, Problem> {
    Uuid::parse_str(text)
        .map(ImportId)
        .map_err(|_| Problem::not_found("this import"))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct RowsQuery {
    /// `inserted`, `unchanged`, `new_version`, `quarantined`, `missing`, `closed`; `repaired` for rows with a mended shape.
    outcome: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// What became of one row of the file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ImportRow {
    /// The row, from 1; below zero for assets that the file does not have.
    row: i64,
    source_key: Option<String>,
    outcome: String,
    repaired: bool,
    #[schema(value_type = Option<Object>)]
    reason: Option<Box<RawValue>>,
    #[schema(value_type = Option<Vec<Object>>)]
    warnings: Option<Box<RawValue>>,
    /// The asset it became, or is.
    asset: Option<AssetOf>,
    /// The attributes of a quarantined row, as the file has them.
    #[schema(value_type = Option<Object>)]
    raw: Option<Box<RawValue>>,
    /// The shape, GeoJSON.
    #[schema(value_type = Option<Object>)]
    geometry: Option<Box<RawValue>>,
    /// The shape before it was mended.
    #[schema(value_type = Option<Object>)]
    original: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AssetOf {
    id: Uuid,
}

/// What became of each row of the file.
#[utoipa::path(get, path = "/api/v1/imports/{id}/rows", operation_id = "list_import_rows", tag = "imports",
    params(("id" = Uuid, Path), RowsQuery), responses((status = 200, body = Page<ImportRow>), (status = 404, body = Problem)))]
async fn list_import_rows(
    context: Context,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<RowsQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<ImportRow>>, Problem> {
    let id = parse_id(&id)?;
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let outcome = query.outcome.as_deref().unwrap_or_default();
    if ![
        "",
        "inserted",
        "unchanged",
        "new_version",
        "quarantined",
        "missing",
        "closed",
        "repaired",
    ]
    .contains(&outcome)
    {
        return Err(Problem::bad("outcome", format!("{outcome:?} is no outcome")));
    }
    let asked = format!("{}?{outcome}", uri.path());
    let after: Option<i64> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &asked))
        .transpose()?;
    let rows = sqlx::query!(
        // Of the runs only as many as the page needs are unrolled: batches are in order, so those behind enough rows
        // to fill it have none of its rows. A batch that begins before the page counts for nothing here.
        r#"with run as (
                select *
                  from (select r.*, sum(case when $3::bigint is null or r.first_row > $3 then cardinality(r.rows) else 0 end)
                                    over (order by r.first_row groups between unbounded preceding and 1 preceding) as rows_before
                          from import_row_run r
                         where r.import_id = $1 and ($2 = '' or r.outcome = $2)
                           and ($3::bigint is null or r.last_row > $3)) r
                 where coalesce(r.rows_before, 0) < $4
           ), told as (
                select row, outcome, source_key, object_id, repaired, reason, warnings, raw, geometry_text
                  from import_row
                 where import_id = $1
                   and ($2 = '' or ($2 = 'repaired' and repaired) or outcome = $2)
                   and ($3::bigint is null or row > $3)
                union all
                select u.row, r.outcome, u.source_key, u.object_id, false, null, null, null, null
                  from run r
                 cross join lateral unnest(r.rows, r.source_keys, r.object_ids) as u (row, source_key, object_id)
                 where $3::bigint is null or u.row > $3
                order by row
                limit $4
           )
           select r.row as "row!", r.outcome as "outcome!", r.source_key, r.object_id, r.repaired as "repaired!",
                  r.reason::text as reason, r.warnings::text as warnings, r.raw::text as raw,
                  coalesce(r.geometry_text, st_asgeojson(v.geometry, 9, 0)) as geometry,
                  v.original_geometry as "original?"
             from told r
             left join lateral (
                  select geometry, original_geometry from spatial_unit_version
                   where object_id = r.object_id and upper_inf(recorded)
                   order by (import_id = $1) desc nulls last, lower(valid) desc limit 1) v on true
            order by r.row"#,
        id.0,
        outcome,
        after,
        i64::from(limit) + 1,
    )
    .fetch_all(context.database.pool())
    .await?;
    let more = rows.len() > limit as usize;
    let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
    let items: Vec<ImportRow> = rows
        .into_iter()
        .take(limit as usize)
        .map(|row| ImportRow {
            row: row.row,
            source_key: row.source_key,
            outcome: row.outcome,
            repaired: row.repaired,
            reason: raw(row.reason),
            warnings: raw(row.warnings),
            asset: row.object_id.map(|id| AssetOf { id }),
            raw: raw(row.raw),
            geometry: raw(row.geometry),
            original: row.original.as_deref().and_then(crate::geometry::ewkb_as_geojson),
        })
        .collect();
    let next = items.last().filter(|_| more).map(|last| {
        format!(
            "{}?outcome={outcome}&limit={limit}&cursor={}",
            uri.path(),
            Cursor::new(&asked, last.row).encode()
        )
    });
    Ok(Json(Page {
        items,
        next,
        total: None,
    }))
}

/// Every row of the report as CSV (UTF-8 with byte-order mark, so that Excel reads the Chinese).
#[utoipa::path(get, path = "/api/v1/imports/{id}/report.csv", operation_id = "get_import_report_csv", tag = "imports",
    params(("id" = Uuid, Path)), responses((status = 200, content_type = "text/csv"), (status = 404, body = Problem)))]
async fn get_import_report_csv(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let known = sqlx::query_scalar!(r#"select exists (select from import where id = $1) as "known!""#, id.0)
        .fetch_one(context.database.pool())
        .await?;
    if !known {
        return Err(Problem::not_found("this import"));
    }
    let pool = context.database.pool().clone();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, Fault>>(4);
    tokio::spawn(async move {
        let sent = write_csv(&pool, id, &sender).await;
        if let Err(error) = sent {
            let _ = sender.send(Err(error)).await;
        }
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"import-{id}.csv\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok((headers, Body::from_stream(stream)).into_response())
}

async fn write_csv(
    pool: &sqlx::PgPool,
    id: ImportId,
    sender: &tokio::sync::mpsc::Sender<Result<Bytes, Fault>>,
) -> Result<(), Fault> {
    let impossible = |error: csv::Error| Fault::Impossible {
        what: error.to_string(),
    };
    let mut rows = sqlx::query!(
        r#"select row as "row!", outcome as "outcome!", source_key, object_id, repaired as "repaired!",
                  reason ->> 'code' as code, reason ->> 'zh' as zh, reason ->> 'en' as en, warnings::text as warnings
             from import_outcome where import_id = $1 order by row"#,
        id.0,
    )
    .fetch(pool);
    let mut writer = csv::Writer::from_writer("\u{FEFF}".as_bytes().to_vec());
    writer
        .write_record([
            "row",
            "source_key",
            "outcome",
            "repaired",
            "reason",
            "原因",
            "reason_en",
            "warnings",
            "asset",
        ])
        .map_err(impossible)?;
    while let Some(row) = rows.try_next().await? {
        writer
            .write_record([
                row.row.to_string(),
                harmless(row.source_key),
                row.outcome,
                row.repaired.to_string(),
                row.code.unwrap_or_default(),
                harmless(row.zh),
                harmless(row.en),
                harmless(row.warnings),
                row.object_id.map(|id| id.to_string()).unwrap_or_default(),
            ])
            .map_err(impossible)?;
        if writer.get_ref().len() > 64 << 10 {
            let full = std::mem::replace(&mut writer, csv::Writer::from_writer(Vec::new()));
            let bytes = full.into_inner().map_err(|error| Fault::Impossible {
                what: error.to_string(),
            })?;
            if sender.send(Ok(bytes.into())).await.is_err() {
                return Ok(());
            }
        }
    }
    let bytes = writer.into_inner().map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    let _ = sender.send(Ok(bytes.into())).await;
    Ok(())
}

/// Writes the report to a file: every row as CSV where its name ends in `.csv`, else the report as JSON.
///
/// # Errors
/// Where the file can't be written or the database fails.
pub async fn write_report(
    database: &Database,
    id: ImportId,
    report: &Report,
    path: &std::path::Path,
) -> Result<(), Fault> {
    let disk = |error: std::io::Error| Fault::Impossible {
        what: error.to_string(),
    };
    if path
        .extension()
        .is_none_or(|extension| !extension.eq_ignore_ascii_case("csv"))
    {
        let json = serde_json::to_vec_pretty(report).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })?;
        return std::fs::write(path, json).map_err(disk);
    }
    let mut file = std::fs::File::create(path).map_err(disk)?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Result<Bytes, Fault>>(4);
    let pool = database.pool().clone();
    let writing = tokio::spawn(async move { write_csv(&pool, id, &sender).await });
    while let Some(chunk) = receiver.recv().await {
        file.write_all(&chunk?).map_err(disk)?;
    }
    writing.await.map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?
}

/// A text from a file that a spreadsheet would take for a formula gets an apostrophe in front.
pub(crate) fn harmless(text: Option<String>) -> String {
    let text = text.unwrap_or_default();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}
