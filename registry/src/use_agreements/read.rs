//! `GET /api/v1/use-agreements/{id}`: one agreement, and every registration of it.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{AgreementContent, Registration, Status, select_versions};
use super::step::{Step, steps_from};
use crate::ids::{UseAgreementId, VersionId};
use crate::period::day;
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this use agreement";

pub(super) fn parse_id(text: &str) -> Result<UseAgreementId, Problem> {
    Uuid::parse_str(text)
        .map(UseAgreementId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// What an agreement says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = UseAgreementSaid)]
pub(super) struct Said {
    /// 使用单位
    pub unit_id: Uuid,
    /// 房间清单
    pub room_ids: Vec<Uuid>,
    /// The buildings they are in.
    pub building_ids: Vec<Uuid>,
    /// 用途
    pub purpose: String,
    /// 核定面积, m² of use area.
    pub approved_area_m2: Option<f64>,
    /// The first day of use.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub starts_on: Date,
    /// The first day on which it is over; null without a term.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub ends_on: Option<Date>,
    /// How far it is.
    pub status: Status,
    /// The number of the signed agreement.
    pub agreement_no: Option<String>,
    /// When it was signed.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub signed_on: Option<Date>,
    /// 证号
    pub certificate_no: Option<String>,
    /// When the certificate was issued.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub certified_on: Option<Date>,
    /// The latest registration.
    pub registration: Option<Registration>,
    /// 调拨单号
    pub transfer_slip_no: Option<String>,
    /// The papers it rests on, by name.
    pub documents: Vec<String>,
}

impl From<AgreementContent> for Said {
    fn from(content: AgreementContent) -> Self {
        Self {
            unit_id: content.unit_id.0,
            room_ids: content.room_ids,
            building_ids: content.building_ids,
            purpose: content.purpose,
            approved_area_m2: content.approved_area_m2.as_ref().and_then(Decimal::to_f64),
            starts_on: content.starts_on,
            ends_on: content.ends_on,
            status: content.status,
            agreement_no: content.agreement_no,
            signed_on: content.signed_on,
            certificate_no: content.certificate_no,
            certified_on: content.certified_on,
            registration: content.registration,
            transfer_slip_no: content.transfer_slip_no,
            documents: content.documents,
        }
    }
}

/// A use agreement with its certificate.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct UseAgreement {
    /// Its id.
    id: Uuid,
    #[serde(flatten)]
    said: Said,
    /// What can be done with it.
    steps: Vec<Step>,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

pub(super) async fn load(context: &Context, id: UseAgreementId, times: Times) -> Result<UseAgreement, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_versions!(
        "where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz",
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let content = row.content()?;
    Ok(UseAgreement {
        id: id.0,
        steps: steps_from(content.status),
        said: content.into(),
        version,
    })
}

/// One agreement at a date.
#[utoipa::path(get, path = "/api/v1/use-agreements/{id}", operation_id = "get_use_agreement", tag = "use agreements",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UseAgreement, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_use_agreement(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let agreement = load(&context, id, times).await?;
    context.note_read_behind("use_agreement", vec![id.0]).await?;
    Ok(answer_read(
        &headers,
        VersionId(agreement.version.version_id),
        agreement,
    ))
}

/// One version of an agreement: a registration.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct UseAgreementVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    history: HistoryFacts,
    #[serde(flatten)]
    said: Said,
}

/// Every registration of an agreement, the latest first.
#[utoipa::path(get, path = "/api/v1/use-agreements/{id}/versions", operation_id = "list_use_agreement_versions", tag = "use agreements",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<UseAgreementVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_use_agreement_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<UseAgreementVersion>>, Problem> {
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
    drop(snapshot);
    context.note_read_behind("use_agreement", vec![id.0]).await?;
    Ok(Json(Page {
        items: told
            .into_iter()
            .map(|(history, content)| UseAgreementVersion {
                history,
                said: content.into(),
            })
            .collect(),
        next: None,
        total: None,
    }))
}
