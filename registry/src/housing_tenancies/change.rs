//! What is said of a tenant is put right, or a leader's home is filed: `PATCH /api/v1/housing-tenancies/{id}`.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::begin::{filing, require_unit, words};
use super::content::held_version;
use super::read::{HousingTenancy, WHAT, load, parse_id};
use crate::ids::UnitId;
use crate::ledger::Action;
use crate::period::{day, revise};
use crate::request::fields::{optional_reason, said};
use crate::request::{Body, Context, Problem, Times, etag, require_match};
use crate::versioned::{Occasion, answer, changed_fields, write_revision};

/// What can be said anew. What is absent stays; null empties. Home, term and rent stay as agreed: another term is another
/// tenancy.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = HousingTenancyChange)]
pub(super) struct TenancyChange {
    /// Name.
    tenant_name: Option<String>,
    /// Whose staff.
    unit_id: Option<Uuid>,
    /// Is it a leader's?
    is_leader: Option<bool>,
    /// 备案号
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    filing_number: Option<Option<String>>,
    /// When it was filed.
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>, format = Date)]
    filed_on: Option<Option<Day>>,
    /// Why they are eligible.
    eligibility: Option<String>,
    /// By which document.
    eligibility_document: Option<String>,
    /// Why it is changed.
    reason: Option<String>,
}

/// A day inside a body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Day(#[serde(with = "day")] Date);

/// Changes what a tenancy says, for all its days.
#[utoipa::path(patch, path = "/api/v1/housing-tenancies/{id}", operation_id = "change_housing_tenancy", tag = "housing",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = TenancyChange,
    responses((status = 200, body = HousingTenancy), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_housing_tenancy(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<TenancyChange>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    let held = held_version(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let mut content = held.content.clone();
    if let Some(name) = &change.tenant_name {
        content.tenant_name = words("tenant_name", name, 50)?;
    }
    if let Some(unit) = change.unit_id {
        require_unit(&mut transaction, UnitId(unit), held.valid.from).await?;
        content.unit_id = UnitId(unit);
    }
    if let Some(reason) = &change.eligibility {
        content.eligibility = words("eligibility", reason, 400)?;
    }
    if let Some(document) = &change.eligibility_document {
        content.eligibility_document = words("eligibility_document", document, 200)?;
    }
    content.is_leader = change.is_leader.unwrap_or(content.is_leader);
    let number = change.filing_number.unwrap_or(content.filing_number);
    let filed_on = change.filed_on.map_or(content.filed_on, |day| day.map(|Day(day)| day));
    (content.filing_number, content.filed_on) =
        filing(content.is_leader, (number.as_deref(), filed_on), context.clock.today())?;
    let mut version = Some(held.version_id);
    if !changed_fields(&held.content, &content).is_empty() {
        let occasion = Occasion::by(&context.actor, optional_reason(change.reason.as_deref())?);
        let revision = revise(
            std::slice::from_ref(&held),
            held.valid,
            Some(content),
            context.clock.now(),
        );
        version = write_revision(
            &mut transaction,
            id.0,
            Action::Change,
            &revision,
            Some(&held.content),
            &occasion,
        )
        .await?;
    }
    transaction.commit().await?;
    let tenancy = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(tenancy)))
}
