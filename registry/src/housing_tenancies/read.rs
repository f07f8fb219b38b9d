//! `GET /api/v1/housing-tenancies/{id}`: one tenancy, and everything that was ever said of it.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{TenancyContent, select_versions};
use crate::ids::{HousingTenancyId, VersionId};
use crate::period::{ValidPeriod, day, valid_period};
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this tenancy";

pub(super) fn parse_id(text: &str) -> Result<HousingTenancyId, Problem> {
    Uuid::parse_str(text)
        .map(HousingTenancyId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// Where a tenancy stands on a day.
fn status(valid: ValidPeriod, ends_on: Date, on: Date) -> &'static str {
    if on < valid.from {
        "planned"
    } else if valid.to.is_some_and(|to| to <= on) {
        "ended"
    } else if ends_on < on {
        "overdue"
    } else {
        "running"
    }
}

/// What a tenancy says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = HousingTenancySaid)]
pub(super) struct Said {
    /// The home.
    room_id: Uuid,
    /// Its building.
    building_id: Uuid,
    /// The lease: term, rent and money.
    lease_id: Uuid,
    /// Name.
    tenant_name: String,
    /// Whose staff.
    unit_id: Uuid,
    /// Is it a leader's?
    is_leader: bool,
    /// 备案号
    filing_number: Option<String>,
    /// When it was filed.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    filed_on: Option<Date>,
    /// Why they are eligible.
    eligibility: String,
    /// By which document.
    eligibility_document: String,
    /// By what the rent was set.
    rent_ground: String,
    /// The last day of the term.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    ends_on: Date,
    /// Why they left.
    exit_reason: Option<String>,
}

impl From<TenancyContent> for Said {
    fn from(content: TenancyContent) -> Self {
        Self {
            room_id: content.room_id.0,
            building_id: content.building_id.0,
            lease_id: content.lease_id.0,
            tenant_name: content.tenant_name,
            unit_id: content.unit_id.0,
            is_leader: content.is_leader,
            filing_number: content.filing_number,
            filed_on: content.filed_on,
            eligibility: content.eligibility,
            eligibility_document: content.eligibility_document,
            rent_ground: content.rent_ground,
            ends_on: content.ends_on,
            exit_reason: content.exit_reason,
        }
    }
}

/// A tenancy. Its valid period is from its first day until the home is handed back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct HousingTenancy {
    /// Its id.
    id: Uuid,
    /// `planned`, `running`, `overdue` or `ended`, on the day that is asked for.
    status: &'static str,
    /// Yuan a month, as a text.
    monthly_rent: Option<String>,
    #[serde(flatten)]
    said: Said,
    /// The version that holds.
    #[serde(flatten)]
    version: VersionFacts,
}

pub(super) async fn load(context: &Context, id: HousingTenancyId, times: Times) -> Result<HousingTenancy, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_versions!(
        "where v.object_id = $1 and v.recorded @> $2::timestamptz order by lower(v.valid) desc limit 1",
        id.0,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let monthly_rent = sqlx::query_scalar!(
        r#"select monthly_rent::text as "rent!" from lease_version
            where object_id = $1 and recorded @> $2::timestamptz limit 1"#,
        row.lease_id,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let valid = valid_period(&row.valid);
    let content = row.content();
    Ok(HousingTenancy {
        id: id.0,
        status: status(valid, content.ends_on, times.as_of),
        monthly_rent,
        said: content.into(),
        version,
    })
}

/// One tenancy, ended or not, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/housing-tenancies/{id}", operation_id = "get_housing_tenancy", tag = "housing",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = HousingTenancy, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_housing_tenancy(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let tenancy = load(&context, id, times).await?;
    context.note_read_behind("housing_tenancy", vec![id.0]).await?;
    Ok(answer_read(&headers, VersionId(tenancy.version.version_id), tenancy))
}

/// One version of a tenancy.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct HousingTenancyVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    history: HistoryFacts,
    #[serde(flatten)]
    said: Said,
}

/// Every version of a tenancy, the latest known first.
#[utoipa::path(get, path = "/api/v1/housing-tenancies/{id}/versions", operation_id = "list_housing_tenancy_versions", tag = "housing",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<HousingTenancyVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_housing_tenancy_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<HousingTenancyVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 order by lower(v.recorded), lower(v.valid), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    drop(snapshot);
    context.note_read_behind("housing_tenancy", vec![id.0]).await?;
    Ok(Json(Page {
        items: told
            .into_iter()
            .map(|(history, content)| HousingTenancyVersion {
                history,
                said: content.into(),
            })
            .collect(),
        next: None,
        total: None,
    }))
}
