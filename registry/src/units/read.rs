//! `GET /api/v1/units/{id}`: one unit as it was, and its history.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::content::{headcount, select_versions};
use super::{CodeCheck, check_code};
use crate::ids::{UnitId, VersionId};
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history, stored_attributes};

/// The region a unit serves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RegionOfUnit {
    /// 行政区划代码
    pub code: String,
    /// Its name on that day.
    pub name: Option<String>,
}

/// A unit at a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Unit {
    /// Its id, for ever.
    pub id: Uuid,
    /// 统一社会信用代码 or the bureau's own code.
    pub code: String,
    /// What the code's check digit says (GB 32100); a warning only.
    pub code_check: CodeCheck,
    /// Name.
    pub name: String,
    /// Whose it is.
    pub level: String,
    /// What it is.
    pub kind: String,
    /// The region it serves.
    pub region: Option<RegionOfUnit>,
    /// The unit above it.
    pub parent: Option<Named>,
    /// How many units stand directly below it.
    pub children: i64,
    /// Approved staffing (编制) by rank, persons.
    pub headcount: BTreeMap<String, u32>,
    /// Of all ranks together, persons.
    pub headcount_total: u64,
    /// The data set it came with.
    pub dataset: Option<String>,
    /// Its key there.
    pub source_key: Option<String>,
    /// What its list said beside all this, in its own words.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Box<RawValue>>,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// One unit, as it was on `as_of`, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/units/{id}", operation_id = "get_unit", tag = "units",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Unit, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_unit(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unit = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(&headers, VersionId(unit.version.version_id), unit))
}

pub(super) const WHAT: &str = "this unit";

pub(super) fn parse_id(text: &str) -> Result<UnitId, Problem> {
    Uuid::parse_str(text).map(UnitId).map_err(|_| Problem::not_found(WHAT))
}

/// Reads one unit at a date.
pub(super) async fn load(context: &Context, id: UnitId, times: Times) -> Result<Unit, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = sqlx::query!(
        r#"select v.version_id, v.valid, v.recorded, v.code, v.name, v.level, v.kind, v.region_code, v.parent_id,
                  v.headcount, v.dataset, v.source_key, v.source_attributes::text as source_attributes,
                  r.name as "region_name?", p.code as "parent_code?", p.name as "parent_name?",
                  (select count(*) from unit_version c
                    where c.parent_id = $1 and c.valid @> $2::date and c.recorded @> $3::timestamptz) as "children!"
             from unit_version v
             left join lateral (
                  select name from region_version
                   where code = v.region_code and valid @> $2::date and recorded @> $3::timestamptz limit 1) r on true
             left join lateral (
                  select code, name from unit_version
                   where object_id = v.parent_id and valid @> $2::date and recorded @> $3::timestamptz limit 1) p on true
            where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz"#,
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let headcount = headcount(row.headcount)?;
    Ok(Unit {
        id: id.0,
        code_check: check_code(&row.code),
        code: row.code,
        name: row.name,
        level: row.level,
        kind: row.kind,
        region: row.region_code.map(|code| RegionOfUnit {
            code,
            name: row.region_name,
        }),
        parent: row.parent_id.map(|id| Named {
            id,
            code: row.parent_code,
            name: row.parent_name,
        }),
        children: row.children,
        headcount_total: headcount.values().map(|persons| u64::from(*persons)).sum(),
        headcount,
        dataset: row.dataset,
        source_key: row.source_key,
        attributes: stored_attributes(row.source_attributes)?,
        version: VersionFacts::new(row.version_id, &row.valid, &row.recorded),
    })
}

/// One version of a unit.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnitVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Whose it is.
    pub level: String,
    /// What it is.
    pub kind: String,
    /// 行政区划代码
    pub region_code: Option<String>,
    /// The unit above it.
    pub parent_id: Option<Uuid>,
    /// Approved staffing (编制) by rank, persons.
    pub headcount: BTreeMap<String, u32>,
}

/// Every version of a unit, the latest known and valid first.
#[utoipa::path(get, path = "/api/v1/units/{id}/versions", operation_id = "list_unit_versions", tag = "units",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<UnitVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_unit_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<UnitVersion>>, Problem> {
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
        .map(|(history, content)| UnitVersion {
            history,
            code: content.code,
            name: content.name,
            level: content.level,
            kind: content.kind,
            region_code: content.region_code,
            parent_id: content.parent_id.map(|parent| parent.0),
            headcount: content.headcount,
        })
        .collect();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
