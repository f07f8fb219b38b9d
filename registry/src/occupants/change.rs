//! Registering, changing and closing an occupant.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use space_standard::{Grade, Level, RankRefused};
use time::Date;
use uuid::Uuid;

use super::POSTS;
use super::content::{OccupantContent, held_versions};
use super::read::{Occupant, WHAT, load, parse_id};
use crate::ids::{OccupantId, RoomId, UnitId, VersionId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, reach, revise};
use crate::request::fields::{
    optional_reason, required_reason, said, sane_day, take_area, take_required_text, take_text, take_word,
};
use crate::request::{Body, Context, Idempotency, Problem, Times};
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, end_on, version_to_change, write_revision,
};

/// The first area that is too large for an office, m².
const TOO_LARGE_M2: f64 = 1e5;

/// What can be said of an occupant. In a change, a field that is absent stays and one that is null is emptied.
#[derive(Debug, Default, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OccupantStatement {
    /// Sits there from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The room; needed to register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    /// Name; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    person: Option<Option<String>>,
    /// 工号
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    staff_number: Option<Option<String>>,
    /// Whose staff; the room's unit unless told.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    unit_id: Option<Option<Uuid>>,
    /// 职级, of the unit's level; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    rank: Option<Option<String>>,
    /// `main` (unless told) or `part_time`.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    post: Option<Option<String>>,
    /// When a post held beside the main one ends.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    post_ends: Option<Option<Day>>,
    /// 调离、退休
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    left_on: Option<Option<Day>>,
    /// 核定面积, m² of use area.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    approved_area_m2: Option<Option<f64>>,
    /// Who allowed an office beside another one, and when.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    second_office_approval: Option<Option<String>>,
}

/// A day inside a body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Day(#[serde(with = "day")] Date);

impl OccupantStatement {
    /// The content that this says, over what is held.
    fn content(&self, held: Option<&OccupantContent>) -> Result<OccupantContent, Problem> {
        let room_id = self
            .room_id
            .map(RoomId)
            .or(held.map(|held| held.room_id))
            .ok_or_else(|| {
                Problem::invalid("room_id", "it is missing").remedy("send room_id: the room that they sit in")
            })?;
        let mut content = held.cloned().unwrap_or_else(|| OccupantContent {
            room_id,
            person: String::new(),
            staff_number: None,
            unit_id: None,
            rank: String::new(),
            post: "main".to_owned(),
            post_ends: None,
            left_on: None,
            approved_area_m2: None::<Decimal>,
            second_office_approval: None,
        });
        content.room_id = room_id;
        take_required_text("person", &self.person, 100, &mut content.person)?;
        take_text("staff_number", &self.staff_number, 40, &mut content.staff_number)?;
        if let Some(unit_id) = self.unit_id {
            content.unit_id = unit_id.map(UnitId);
        }
        take_required_text("rank", &self.rank, 40, &mut content.rank)?;
        take_word("post", &self.post, &POSTS, &mut content.post)?;
        for (field, told, target) in [
            ("post_ends", self.post_ends, &mut content.post_ends),
            ("left_on", self.left_on, &mut content.left_on),
        ] {
            if let Some(told) = told {
                *target = told.map(|Day(day)| sane_day(field, day)).transpose()?;
            }
        }
        take_area(
            "approved_area_m2",
            self.approved_area_m2,
            TOO_LARGE_M2,
            &mut content.approved_area_m2,
        )?;
        take_text(
            "second_office_approval",
            &self.second_office_approval,
            400,
            &mut content.second_office_approval,
        )?;
        Ok(content)
    }
}

/// The room and the unit must be there on the day, and the rank one of the unit's level (SPC-10).
async fn require_references(
    connection: &mut sqlx::PgConnection,
    content: &OccupantContent,
    on: Date,
) -> Result<(), Problem> {
    let room = sqlx::query!(
        "select unit_id from room_version where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
        content.room_id.0,
        on,
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| {
        Problem::invalid("room_id", format!("no room {} is registered on {on}", content.room_id))
            .remedy("register the room first, or choose a day on which it is registered")
    })?;
    let Some(unit_id) = content.unit_id.map(|unit| unit.0).or(room.unit_id) else {
        return Err(Problem::invalid(
            "unit_id",
            "neither the occupant nor the room has a unit, so the rank has no level",
        )
        .remedy("say whose staff they are, or which unit uses the room"));
    };
    let level = sqlx::query_scalar!(
        "select level from unit_version where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
        unit_id,
        on,
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| {
        Problem::invalid("unit_id", format!("no unit {unit_id} is registered on {on}"))
            .remedy("register the unit first, or leave the field out")
    })?;
    let Some(level) = Level::parse(&level) else {
        return Ok(());
    };
    Grade::parse(level, &content.rank)
        .map(|_| ())
        .map_err(|refused| rank_problem("rank", level, &refused))
}

/// SPC-10: a rank that the level's table does not have.
pub(crate) fn rank_problem(field: &str, level: Level, refused: &RankRefused) -> Problem {
    let ranks: Vec<&str> = space_standard::grades(level).map(|grade| grade.name.zh).collect();
    Problem::invalid(field, refused.to_string())
        .code("rank_not_of_level")
        .remedy(format!("choose one of {}", ranks.join("、")))
}

/// Registers who sits in a room.
#[utoipa::path(post, path = "/api/v1/occupants", operation_id = "create_occupant", tag = "rooms",
    params(("Idempotency-Key" = String, Header)), request_body = OccupantStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_occupant(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<OccupantStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("occupants", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let from = sane_day(
        "valid_from",
        statement.valid_from.unwrap_or_else(|| context.clock.today()),
    )?;
    let content = statement.content(None)?;
    require_references(&mut transaction, &content, from).await?;
    let id = OccupantId::fresh();
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/occupants/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes what is said of an occupant from a day on.
#[utoipa::path(patch, path = "/api/v1/occupants/{id}", operation_id = "change_occupant", tag = "rooms",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = OccupantStatement,
    responses((status = 200, body = Occupant), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_occupant(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<OccupantStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(today))?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    let content = statement.content(Some(&before.content))?;
    if changed_fields(&before.content, &content).is_empty() {
        let seen = Times {
            as_of: from,
            ..Times::now(&context.clock)
        };
        let occupant = load(&context, id, seen).await?;
        return Ok(answer(StatusCode::OK, None, Some(before.version_id), Json(occupant)));
    }
    require_references(&mut transaction, &content, from).await?;
    let revision = revise(&versions, reach(&versions, from), Some(content), context.clock.now());
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
    let occupant = load(&context, id, seen).await?;
    Ok(answer(
        StatusCode::OK,
        None,
        Some(VersionId(occupant.version.version_id)),
        Json(occupant),
    ))
}

/// The day an occupant gives the room back.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OccupantClosure {
    /// The first day on which they no longer sit there.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why; an ending is never without a reason.
    reason: String,
}

/// Ends an occupancy on a day: the room is given back (腾退). Its history stays.
#[utoipa::path(post, path = "/api/v1/occupants/{id}/closures", operation_id = "close_occupant", tag = "rooms",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = OccupantClosure,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_occupant(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(closure): Body<OccupantClosure>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&closure.reason)?;
    let valid_to = sane_day("valid_to", closure.valid_to)?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    let before = version_to_change(&versions, &headers, context.clock.today(), ("valid_to", last_day), WHAT)?;
    let occasion = Occasion::by(&context.actor, Some(reason));
    let at = (context.clock.now(), &occasion);
    let version = end_on(&mut transaction, id.0, (&versions, before), valid_to, at).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
