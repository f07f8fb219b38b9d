//! `GET /api/v1/regions/{id}`: one region as it was, by its id or its code, and its history.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::content::select_versions;
use crate::ids::{RegionId, VersionId};
use crate::request::fields::plain_text;
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history};

/// A region at a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Region {
    /// Its id, for ever.
    pub id: Uuid,
    /// Whose codes: `GB2260`, or another country's in sample data.
    pub scheme: String,
    /// 行政区划代码
    pub code: String,
    /// Name.
    pub name: String,
    /// English name.
    pub name_en: Option<String>,
    /// `nation`, `province`, `city`, `county`, `township` or `village`.
    pub level: String,
    /// The region above it.
    pub parent: Option<Named>,
    /// How many regions stand directly below it.
    pub children: i64,
    /// The regions that took its place when it ended (合并、撤销、更名).
    pub successors: Vec<Named>,
    /// The data set it came with.
    pub dataset: Option<String>,
    /// Its key there.
    pub source_key: Option<String>,
    /// What was mended in its shape: `reason`, `area_before_m2`, `area_after_m2`, and `original` as GeoJSON.
    #[schema(value_type = Option<Object>)]
    pub repaired: Option<serde_json::Value>,
    /// GeoJSON, longitude and latitude (EPSG:4490).
    #[schema(value_type = Option<Object>)]
    pub geometry: Option<Box<RawValue>>,
    /// West, south, east, north.
    pub bbox: Option<[f64; 4]>,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// Where a code is not enough.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SchemeQuery {
    /// The scheme of the code in the address, where several have it.
    scheme: Option<String>,
}

/// One region, as it was on `as_of`, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/regions/{id}", operation_id = "get_region", tag = "regions",
    params(("id" = String, Path, description = "its id or its code"), SchemeQuery,
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Region, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem),
              (status = 400, body = Problem)))]
pub(super) async fn get_region(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    query: Result<Query<SchemeQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let id = match Uuid::parse_str(&id) {
        Ok(id) => RegionId(id),
        Err(_) => find_by_code(&context, &id, query.scheme.as_deref(), times).await?,
    };
    let region = load(&context, id, times).await?;
    Ok(answer_read(&headers, VersionId(region.version.version_id), region))
}

pub(super) const WHAT: &str = "this region";

pub(super) fn parse_id(text: &str) -> Result<RegionId, Problem> {
    Uuid::parse_str(text)
        .map(RegionId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// The region that has a code on a day.
async fn find_by_code(context: &Context, code: &str, scheme: Option<&str>, times: Times) -> Result<RegionId, Problem> {
    let code = plain_text("id", code, 64)?;
    let scheme = scheme.map(|scheme| plain_text("scheme", scheme, 40)).transpose()?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let found = sqlx::query!(
        "select object_id, scheme from region_version
          where code = $1 and ($2::text is null or scheme = $2) and valid @> $3::date and recorded @> $4::timestamptz
          order by scheme",
        code,
        scheme,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    match &found[..] {
        [] => Err(Problem::not_found(WHAT)),
        [region] => Ok(RegionId(region.object_id)),
        several => {
            let schemes: Vec<&str> = several.iter().map(|region| region.scheme.as_str()).collect();
            Err(
                Problem::bad("scheme", format!("{code} is a code of {}", schemes.join(" and of ")))
                    .remedy("add scheme= to the address, or ask for the region by its id"),
            )
        }
    }
}

/// Reads one region at a date.
pub(super) async fn load(context: &Context, id: RegionId, times: Times) -> Result<Region, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = sqlx::query!(
        r#"select v.version_id, v.valid, v.recorded, v.scheme, v.code, v.name, v.name_en, v.level, v.parent_id,
                  v.successor_ids, v.dataset, v.source_key, v.repair as "repair: serde_json::Value",
                  st_asgeojson(v.geometry, 9, 0) as geometry,
                  v.original_geometry as original,
                  st_xmin(v.geometry) as west, st_ymin(v.geometry) as south,
                  st_xmax(v.geometry) as east, st_ymax(v.geometry) as north,
                  p.code as "parent_code?", p.name as "parent_name?",
                  (select count(*) from region_version c
                    where c.parent_id = $1 and c.valid @> $2::date and c.recorded @> $3::timestamptz) as "children!"
             from region_version v
             left join lateral (
                  select code, name from region_version
                   where object_id = v.parent_id and valid @> $2::date and recorded @> $3::timestamptz limit 1) p on true
            where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz"#,
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let mut successors = Vec::with_capacity(row.successor_ids.len());
    if !row.successor_ids.is_empty() {
        // As they were called when they began to be what they are: on the day itself they may not exist yet.
        let named = sqlx::query!(
            "select distinct on (object_id) object_id, code, name from region_version
              where object_id = any($1) and recorded @> $2::timestamptz and upper(valid) > $3::date is not false
              order by object_id, lower(valid)",
            &row.successor_ids,
            times.known_at,
            times.as_of,
        )
        .fetch_all(&mut *snapshot)
        .await?;
        for id in row.successor_ids {
            let known = named.iter().find(|known| known.object_id == id);
            let (code, name) = known.map(|known| (known.code.clone(), known.name.clone())).unzip();
            successors.push(Named { id, code, name });
        }
    }
    let repaired = row.repair.map(|mut repair| {
        let original = row.original.as_deref().and_then(crate::geometry::ewkb_as_geojson);
        let original = original.and_then(|text| serde_json::from_str(text.get()).ok());
        if let (Some(fields), Some(original)) = (repair.as_object_mut(), original) {
            fields.insert("original".to_owned(), original);
        }
        repair
    });
    Ok(Region {
        id: id.0,
        scheme: row.scheme,
        code: row.code,
        name: row.name,
        name_en: row.name_en,
        level: row.level,
        parent: row.parent_id.map(|id| Named {
            id,
            code: row.parent_code,
            name: row.parent_name,
        }),
        children: row.children,
        successors,
        dataset: row.dataset,
        source_key: row.source_key,
        repaired,
        geometry: row.geometry.and_then(|text| RawValue::from_string(text).ok()),
        bbox: match (row.west, row.south, row.east, row.north) {
            (Some(west), Some(south), Some(east), Some(north)) => Some([west, south, east, north]),
            _ => None,
        },
        version: VersionFacts::new(row.version_id, &row.valid, &row.recorded),
    })
}

/// One version of a region.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RegionVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// Whose codes.
    pub scheme: String,
    /// 行政区划代码
    pub code: String,
    /// Name.
    pub name: String,
    /// English name.
    pub name_en: Option<String>,
    /// Level.
    pub level: String,
    /// The region above it.
    pub parent_id: Option<Uuid>,
    /// The regions that took its place when it ended.
    pub successor_ids: Vec<Uuid>,
    /// Has it a shape?
    pub has_geometry: bool,
}

/// Every version of a region, the latest known and valid first.
#[utoipa::path(get, path = "/api/v1/regions/{id}/versions", operation_id = "list_region_versions", tag = "regions",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<RegionVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_region_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<RegionVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 order by lower(v.valid), lower(v.recorded), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| RegionVersion {
            history,
            scheme: content.scheme,
            code: content.code,
            name: content.name,
            name_en: content.name_en,
            level: content.level,
            parent_id: content.parent_id.map(|parent| parent.0),
            successor_ids: content.successor_ids.into_iter().map(|successor| successor.0).collect(),
            has_geometry: content.geometry.is_some(),
        })
        .collect();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
