//! Registering a lease, and changing what it says.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::closure::hand_back;
use super::content::{LeaseContent, held_versions};
use super::home::require_no_home;
use super::instalments::follow_terms;
use super::occupancy::{Letting, follow_letting};
use super::read::{WHAT, parse_id};
use super::schedule::schedule;
use super::statement::LeaseStatement;
use crate::ids::{LeaseId, SpatialUnitId, UnitId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::fields::optional_reason;
use crate::request::{Body, Context, Fault, Idempotency, Problem, etag, require_match};
use crate::spatial_units::Kind;
use crate::versioned::{Created, Occasion, answer, answer_created, write_revision};

/// Registers a lease; its schedule follows from its terms.
#[utoipa::path(post, path = "/api/v1/leases", operation_id = "register_lease", tag = "leases",
    params(("Idempotency-Key" = String, Header)), request_body = LeaseStatement,
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn register_lease(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<LeaseStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("leases", &statement))?;
    let now = context.clock.now();
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let from = statement.starts_on()?;
    let content = require_content(&mut transaction, &statement, from).await?;
    let id = LeaseId::fresh();
    let letting = Letting::of(&mut transaction, &content).await?;
    if let Some(renewed) = content.renews_id {
        go_on_from(&mut transaction, LeaseId(renewed), &content, from, now, &occasion).await?;
    }
    let revision = revise(&[], ValidPeriod::since(from), Some(content.clone()), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    follow_terms(&mut transaction, id, &schedule(&content.terms(from)), now, &occasion).await?;
    follow_letting(&mut transaction, &letting, Some((from, &content)), now, &occasion).await?;
    let location = format!("/api/v1/leases/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes what a lease says, for all its days; the rows of its schedule that no longer fit are written anew.
#[utoipa::path(patch, path = "/api/v1/leases/{id}", operation_id = "change_lease", tag = "leases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = LeaseStatement,
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_lease(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<serde_json::Map<String, serde_json::Value>>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let now = context.clock.now();
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = versions.last().ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(before.version_id))?;
    require_no_home(&before.content)?;
    let statement = LeaseStatement::of(&before.content, before.valid).changed(change)?;
    let from = statement.starts_on()?;
    let mut content = require_content(&mut transaction, &statement, from).await?;
    if content.asset_id != before.content.asset_id
        || content.unit_id != before.content.unit_id
        || content.renews_id != before.content.renews_id
    {
        return Err(Problem::invalid(
            "asset_id",
            "a lease stays with its asset, and with the lease it goes on from",
        )
        .remedy("hand this one back and register another"));
    }
    content.end_reason.clone_from(&before.content.end_reason);
    content.case_id = before.content.case_id;
    let period = ValidPeriod { from, ..before.valid };
    if period.to.is_some_and(|to| to <= from) {
        return Err(Problem::invalid("starts_on", "it was handed back before that day")
            .remedy("write the first day of the term"));
    }
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    // A lease that was said to be one out lets no more once it is said to be one in.
    let out = [&before.content, &content]
        .into_iter()
        .find(|lease| lease.direction == "out");
    let letting = Letting::of(&mut transaction, out.unwrap_or(&content)).await?;
    let mut revision = revise(&versions, before.valid, None, now);
    revision.write = vec![(period, content.clone())];
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Change,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    let mut terms = content.terms(from);
    if let Some(last) = period.to.and_then(Date::previous_day) {
        terms.ends_on = terms.ends_on.min(last);
    }
    follow_terms(&mut transaction, id, &schedule(&terms), revision.at, &occasion).await?;
    follow_letting(&mut transaction, &letting, Some((from, &content)), now, &occasion).await?;
    transaction.commit().await?;
    let body = serde_json::json!({"id": id.0, "version_id": version.map(|version| version.0)});
    Ok(answer(StatusCode::OK, None, version, Json(body)))
}

impl LeaseStatement {
    /// With some fields said anew.
    fn changed(&self, change: serde_json::Map<String, serde_json::Value>) -> Result<Self, Problem> {
        let impossible = |error: serde_json::Error| Fault::Impossible {
            what: error.to_string(),
        };
        let mut said = serde_json::to_value(self).map_err(impossible)?;
        let names_area = change.contains_key("area_m2");
        let names_rooms = change.contains_key("rooms");
        if let Some(fields) = said.as_object_mut() {
            for (field, value) in change {
                // What is a list or a question is emptied, too.
                let value = match (field.as_str(), value) {
                    ("rooms" | "end_users", serde_json::Value::Null) => serde_json::json!([]),
                    ("is_sublet", serde_json::Value::Null) => serde_json::json!(false),
                    (_, value) => value,
                };
                fields.insert(field, value);
            }
            if names_rooms && !names_area {
                fields.insert("area_m2".to_owned(), serde_json::Value::Null);
            }
        }
        serde_path_to_error::deserialize(said).map_err(|error| {
            Problem::invalid(&error.path().to_string(), error.inner().to_string())
                .remedy("correct it as the interface's description (/openapi.json) says")
        })
    }
}

/// The content, where the asset, its rooms and the units are registered.
async fn require_content(
    connection: &mut PgConnection,
    statement: &LeaseStatement,
    from: Date,
) -> Result<LeaseContent, Problem> {
    let mut rooms = HashMap::new();
    if let Some(asset_id) = statement.asset_id {
        // Locks the asset: two leases of one building are weighed one after the other.
        let asset = crate::spatial_units::held_versions(connection, &[asset_id])
            .await?
            .remove(&asset_id)
            .ok_or_else(|| Problem::not_found("this asset"))?;
        if asset.versions.iter().any(|version| version.content.kind == Kind::Site) {
            return Err(Problem::invalid("asset_id", "a site is not let itself")
                .remedy("register the lease of the parcel or building"));
        }
        rooms = rooms_of(connection, SpatialUnitId(asset_id)).await?;
    }
    let content = statement.content(&rooms)?;
    for (field, unit) in [
        ("lessor_unit_id", content.details.lessor_unit_id),
        ("lessee_unit_id", content.details.lessee_unit_id),
    ] {
        if let Some(unit) = unit
            && !crate::units::is_registered(connection, UnitId(unit), from).await?
        {
            return Err(
                Problem::invalid(field, format!("no unit {unit} is registered on {from}"))
                    .remedy("register the unit first, or leave the field out"),
            );
        }
    }
    Ok(content)
}

/// How large the rooms of a building are, by what is known now.
async fn rooms_of(
    connection: &mut PgConnection,
    building: SpatialUnitId,
) -> Result<HashMap<Uuid, Option<Decimal>>, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (object_id) object_id, greatest(building_area_m2, use_area_m2) as area_m2
             from room_version where building_id = $1 and upper_inf(recorded)
            order by object_id, lower(valid) desc"#,
        building.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.object_id, row.area_m2)).collect())
}

/// Ends the lease that another goes on from, on the day on which that one begins.
async fn go_on_from(
    connection: &mut PgConnection,
    renewed: LeaseId,
    content: &LeaseContent,
    from: Date,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Problem> {
    let refused = |words: String| {
        Problem::invalid("renews_id", words)
            .remedy("choose the lease of the same asset that ends before this one begins")
    };
    let versions = held_versions(connection, renewed).await?;
    let before = versions
        .last()
        .ok_or_else(|| refused(format!("no lease {renewed} is registered")))?;
    require_no_home(&before.content)?;
    if before.content.asset_id != content.asset_id
        || before.content.unit_id != content.unit_id
        || before.content.direction != content.direction
    {
        return Err(refused("it is a lease of something else".to_owned()));
    }
    if from <= before.valid.from {
        return Err(refused(format!("it began on {}", before.valid.from)));
    }
    if before.valid.to.is_some() {
        return Ok(());
    }
    let reason = format!("续租：{}", content.contract_number.as_deref().unwrap_or("新租约"));
    hand_back(connection, renewed, &versions, from, &reason, now, occasion).await?;
    Ok(())
}
