//! Registering, changing and closing a unit.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use space_standard::{Grade, Level, RankRefused};
use time::Date;
use uuid::Uuid;

use super::content::{UnitContent, held_versions};
use super::read::{Unit, WHAT, load, parse_id};
use super::{KINDS, LEVELS};
use crate::ids::{UnitId, VersionId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, reach, revise};
use crate::request::fields::{
    optional_reason, plain_text, required_reason, said, sane_day, take_required_text, take_text, take_word,
};
use crate::request::{Body, Context, Idempotency, Problem, Times};
use crate::tree::Tree;
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, version_to_change, write_revision,
};

/// What can be said of a unit. In a change, a field that is absent stays and one that is null is emptied.
#[derive(Debug, Default, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitStatement {
    /// True in law from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// 统一社会信用代码 or the bureau's own code; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    code: Option<Option<String>>,
    /// Needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// `national`, `province`, `city`, `county` or `township`; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    level: Option<Option<String>>,
    /// What it is; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    kind: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    region_code: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<Option<Uuid>>,
    /// Approved staffing (编制) by rank, persons: the whole of it.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, u32>>)]
    headcount: Option<Option<Value>>,
}

impl UnitStatement {
    /// Applies what is said to a content.
    fn apply(&self, content: &mut UnitContent) -> Result<(), Problem> {
        take_required_text("code", &self.code, 64, &mut content.code)?;
        take_required_text("name", &self.name, 200, &mut content.name)?;
        take_word("level", &self.level, &LEVELS, &mut content.level)?;
        take_word("kind", &self.kind, &KINDS, &mut content.kind)?;
        take_text("region_code", &self.region_code, 24, &mut content.region_code)?;
        if let Some(parent_id) = self.parent_id {
            content.parent_id = parent_id.map(UnitId);
        }
        if let Some(headcount) = &self.headcount {
            content.headcount = headcount.as_ref().map(read_headcount).transpose()?.unwrap_or_default();
        }
        if self.headcount.is_some() || self.level.is_some() {
            require_ranks(content)?;
        }
        Ok(())
    }
}

/// Reads ranks and their numbers.
fn read_headcount(value: &Value) -> Result<BTreeMap<String, u32>, Problem> {
    let remedy = "send an object of ranks and whole numbers of persons, as {\"正处级\": 3}";
    let ranks = value
        .as_object()
        .ok_or_else(|| Problem::invalid("headcount", "it is no object").remedy(remedy))?;
    let mut headcount = BTreeMap::new();
    for (rank, persons) in ranks {
        let name = plain_text("headcount", rank, 40)?;
        if name.is_empty() {
            return Err(Problem::invalid("headcount", "a rank has no name").remedy(remedy));
        }
        let persons = persons
            .as_u64()
            .and_then(|persons| u32::try_from(persons).ok())
            .ok_or_else(|| {
                Problem::invalid(
                    &format!("headcount.{name}"),
                    format!("{persons} is no number of persons"),
                )
                .remedy(remedy)
            })?;
        if headcount.insert(name, persons).is_some() {
            return Err(Problem::invalid("headcount", format!("the rank {rank:?} stands there twice")).remedy(remedy));
        }
    }
    Ok(headcount)
}

/// The ranks must be those of the unit's level (SPC-10); a sum without ranks may stand until they are known.
fn require_ranks(content: &UnitContent) -> Result<(), Problem> {
    let Some(level) = Level::parse(&content.level) else {
        return Ok(());
    };
    for rank in content.headcount.keys() {
        match Grade::parse(level, rank) {
            Ok(_) | Err(RankRefused::Unranked { .. }) => {}
            Err(refused) => {
                let ranks: Vec<&str> = space_standard::grades(level).map(|grade| grade.name.zh).collect();
                return Err(Problem::invalid("headcount", refused.to_string())
                    .code("rank_not_of_level")
                    .remedy(format!("choose one of {}", ranks.join("、"))));
            }
        }
    }
    Ok(())
}

/// What a unit refers to must be there on the day.
async fn require_references(
    connection: &mut sqlx::PgConnection,
    id: UnitId,
    content: &UnitContent,
    before: Option<&UnitContent>,
    period: ValidPeriod,
) -> Result<(), Problem> {
    if let Some(code) = &content.region_code
        && before.is_none_or(|before| before.region_code != content.region_code)
    {
        crate::regions::require_registered(connection, "region_code", code, period.from).await?;
    }
    if let Some(parent_id) = content.parent_id
        && before.is_none_or(|before| before.parent_id != content.parent_id)
    {
        Tree::Units
            .require_parent(connection, id.0, parent_id.0, period)
            .await?;
    }
    Ok(())
}

/// Registers a unit.
#[utoipa::path(post, path = "/api/v1/units", operation_id = "create_unit", tag = "units",
    params(("Idempotency-Key" = String, Header)), request_body = UnitStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_unit(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<UnitStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("units", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    Tree::Units.lock(&mut transaction).await?;
    let now = context.clock.now();
    let from = sane_day(
        "valid_from",
        statement.valid_from.unwrap_or_else(|| context.clock.today()),
    )?;
    let mut content = UnitContent::default();
    statement.apply(&mut content)?;
    let id = UnitId::fresh();
    let period = ValidPeriod::since(from);
    require_references(&mut transaction, id, &content, None, period).await?;
    let revision = revise(&[], period, Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/units/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes what is said of a unit from a day on.
#[utoipa::path(patch, path = "/api/v1/units/{id}", operation_id = "change_unit", tag = "units",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = UnitStatement,
    responses((status = 200, body = Unit), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_unit(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<UnitStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(today))?;
    let mut transaction = context.database.begin().await?;
    Tree::Units.lock(&mut transaction).await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    let mut content = before.content.clone();
    statement.apply(&mut content)?;
    if changed_fields(&before.content, &content).is_empty() {
        let seen = Times {
            as_of: from,
            ..Times::now(&context.clock)
        };
        let unit = load(&context, id, seen).await?;
        return Ok(answer(StatusCode::OK, None, Some(before.version_id), Json(unit)));
    }
    let period = reach(&versions, from);
    require_references(&mut transaction, id, &content, Some(&before.content), period).await?;
    let revision = revise(&versions, period, Some(content), context.clock.now());
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    write_revision(
        &mut transaction,
        id.0,
        Action::Change,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let seen = Times {
        as_of: from,
        known_at: revision.at,
        ..Times::now(&context.clock)
    };
    let unit = load(&context, id, seen).await?;
    Ok(answer(
        StatusCode::OK,
        None,
        Some(VersionId(unit.version.version_id)),
        Json(unit),
    ))
}

/// The day a unit ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitClosure {
    /// The first day on which it is no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why; an ending is never without a reason.
    reason: String,
}

/// Closes a unit on a day. Its history stays.
#[utoipa::path(post, path = "/api/v1/units/{id}/closures", operation_id = "close_unit", tag = "units",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = UnitClosure,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_unit(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(closure): Body<UnitClosure>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&closure.reason)?;
    let valid_to = sane_day("valid_to", closure.valid_to)?;
    let mut transaction = context.database.begin().await?;
    Tree::Units.lock(&mut transaction).await?;
    let versions = held_versions(&mut transaction, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    let before = version_to_change(&versions, &headers, context.clock.today(), ("valid_to", last_day), WHAT)?;
    let revision = revise(&versions, ValidPeriod::since(valid_to), None, context.clock.now());
    if revision.close.is_empty() {
        return Err(Problem::invalid("valid_to", "it has ended by then already").remedy("choose an earlier day"));
    }
    Tree::Units
        .require_no_children(&mut transaction, id.0, valid_to)
        .await?;
    let occasion = Occasion::by(&context.actor, Some(reason));
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
