//! Registering, changing and closing a room.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::content::{RoomContent, held_versions};
use super::purpose::purposes_of;
use super::read::{Room, WHAT, load, parse_id};
use super::{OCCUPANCIES, ROOM_TYPES};
use crate::ids::{RoomId, SpatialUnitId, UnitId, VersionId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, reach, revise};
use crate::request::fields::{
    optional_reason, require_word, required_reason, said, sane_day, take_area, take_required_text, take_text,
};
use crate::request::{Body, Context, DoorRule, Idempotency, Problem, Times};
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, end_on, version_to_change, write_revision,
};

/// The first area that is too large for a room, m².
const TOO_LARGE_M2: f64 = 1e8;

/// What can be said of a room. In a change, a field that is absent stays and one that is null is emptied.
#[derive(Debug, Default, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomStatement {
    /// True in law from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The building it is in; needed to register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    building_id: Option<Uuid>,
    /// The floor, -30 to 300; needed to register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
    /// 房间号; needed to register.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    number: Option<Option<String>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// 使用面积, m²
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    use_area_m2: Option<Option<f64>>,
    /// 建筑面积, m²
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    building_area_m2: Option<Option<f64>>,
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    unit_id: Option<Option<Uuid>>,
    /// 使用状态
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    occupancy: Option<Option<String>>,
    /// 房间类型: `office`, `service`, `equipment`, `ancillary`, `technical`, `shop` or `public`.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    room_type: Option<Option<String>>,
    /// What it serves for within its type, as `meeting` or `canteen`.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    purpose: Option<Option<String>>,
    /// The office whose rest room or washroom it is.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    part_of_id: Option<Option<Uuid>>,
    /// 技术业务用房依据: the approval or the standard that says so.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    type_basis: Option<Option<String>>,
}

impl RoomStatement {
    /// The content that this says, over what is held.
    fn content(&self, held: Option<&RoomContent>) -> Result<RoomContent, Problem> {
        let missing = |field: &str| {
            Problem::invalid(field, "it is missing")
                .remedy(format!("send {field}: a room stands on a floor of a building"))
        };
        let building_id = self
            .building_id
            .map(SpatialUnitId)
            .or(held.map(|held| held.building_id));
        let floor = match self.floor {
            None => held.map(|held| held.floor).ok_or_else(|| missing("floor"))?,
            Some(floor) => i16::try_from(floor)
                .ok()
                .filter(|floor| (-30..=300).contains(floor))
                .ok_or_else(|| {
                    Problem::invalid("floor", format!("{floor} is no floor"))
                        .remedy("send a whole number from -30 to 300")
                })?,
        };
        let mut content = held
            .cloned()
            .unwrap_or_else(|| RoomContent::empty(SpatialUnitId(Uuid::nil()), floor));
        content.building_id = building_id.ok_or_else(|| missing("building_id"))?;
        content.floor = floor;
        take_required_text("number", &self.number, 40, &mut content.number)?;
        take_text("name", &self.name, 200, &mut content.name)?;
        take_area("use_area_m2", self.use_area_m2, TOO_LARGE_M2, &mut content.use_area_m2)?;
        take_area(
            "building_area_m2",
            self.building_area_m2,
            TOO_LARGE_M2,
            &mut content.building_area_m2,
        )?;
        // What came so in a file stays until somebody speaks of its areas.
        if let (Some(use_area), Some(building_area)) = (content.use_area_m2, content.building_area_m2)
            && use_area > building_area
            && (self.use_area_m2.is_some() || self.building_area_m2.is_some())
        {
            let evidence = serde_json::json!({"use_area_m2": use_area, "building_area_m2": building_area});
            return Err(Problem::invalid(
                "use_area_m2",
                format!("{use_area} m² of use area are more than the {building_area} m² of building area"),
            )
            .remedy("see whether the two areas were exchanged")
            .code("use_area_too_large")
            .breaks(DoorRule::UseAreaWithinBuildingArea, evidence));
        }
        if let Some(unit_id) = self.unit_id {
            content.unit_id = unit_id.map(UnitId);
        }
        take_text("occupancy", &self.occupancy, 40, &mut content.occupancy)?;
        if let Some(occupancy) = &content.occupancy {
            require_word("occupancy", occupancy, &OCCUPANCIES)?;
        }
        self.take_type(&mut content)?;
        Ok(content)
    }

    fn take_type(&self, content: &mut RoomContent) -> Result<(), Problem> {
        let before = content.room_type.clone();
        take_text("room_type", &self.room_type, 40, &mut content.room_type)?;
        take_text("purpose", &self.purpose, 40, &mut content.purpose)?;
        take_text("type_basis", &self.type_basis, 400, &mut content.type_basis)?;
        if let Some(part_of_id) = self.part_of_id {
            content.part_of_id = part_of_id.map(RoomId);
        }
        if let Some(room_type) = &content.room_type {
            require_word("room_type", room_type, &ROOM_TYPES)?;
        }
        // Another type has other purposes: the old one goes where no new one was said.
        if self.purpose.is_none() && before != content.room_type {
            content.purpose = None;
        }
        let Some(purpose) = &content.purpose else { return Ok(()) };
        let room_type = content.room_type.as_deref().ok_or_else(|| {
            Problem::invalid("room_type", "it is missing").remedy("say the room's type with its purpose")
        })?;
        let purposes = purposes_of(room_type);
        if purposes.is_empty() {
            return Err(
                Problem::invalid("purpose", format!("rooms of type {room_type} have none"))
                    .remedy("leave the purpose out, or choose another type"),
            );
        }
        require_word("purpose", purpose, &purposes)
    }
}

/// What a room refers to must be there on the day.
async fn require_references(
    connection: &mut sqlx::PgConnection,
    content: &RoomContent,
    before: Option<&RoomContent>,
    on: Date,
) -> Result<(), Problem> {
    if before.is_none_or(|before| before.building_id != content.building_id) {
        let registered = sqlx::query_scalar!(
            r#"select exists (select from spatial_unit_version
                               where object_id = $1 and kind = 'building' and valid @> $2::date
                                 and upper_inf(recorded)) as "registered!""#,
            content.building_id.0,
            on,
        )
        .fetch_one(&mut *connection)
        .await?;
        if !registered {
            let detail = format!("no building {} is registered on {on}", content.building_id);
            return Err(Problem::invalid("building_id", detail)
                .remedy("send the id of a building; parcels and sites have no rooms"));
        }
    }
    if let Some(part_of_id) = content.part_of_id
        && before.is_none_or(|before| before.part_of_id != content.part_of_id)
    {
        let is_office = sqlx::query_scalar!(
            r#"select exists (select from room_version
                               where object_id = $1 and building_id = $2 and part_of_id is null and valid @> $3::date
                                 and upper_inf(recorded)) as "office!""#,
            part_of_id.0,
            content.building_id.0,
            on,
        )
        .fetch_one(&mut *connection)
        .await?;
        if !is_office {
            let detail = format!("no room {part_of_id} of this building is registered on {on} that is no part itself");
            return Err(Problem::invalid("part_of_id", detail)
                .remedy("send the id of the office that the rest room or washroom belongs to"));
        }
    }
    if let Some(unit_id) = content.unit_id
        && before.is_none_or(|before| before.unit_id != content.unit_id)
        && !crate::units::is_registered(connection, unit_id, on).await?
    {
        return Err(
            Problem::invalid("unit_id", format!("no unit {unit_id} is registered on {on}"))
                .remedy("register the unit first, or leave the field out"),
        );
    }
    Ok(())
}

/// A room is written by whoever may edit the building it is in.
async fn require_building(
    connection: &mut sqlx::PgConnection,
    context: &Context,
    content: &RoomContent,
    days: ValidPeriod,
) -> Result<(), Problem> {
    let building = [content.building_id.0];
    crate::spatial_units::require_edit(connection, context, &[context.writes_under()], &building, Some(days)).await
}

/// Registers a room.
#[utoipa::path(post, path = "/api/v1/rooms", operation_id = "create_room", tag = "rooms",
    params(("Idempotency-Key" = String, Header)), request_body = RoomStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_room(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<RoomStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("rooms", &statement))?;
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
    require_references(&mut transaction, &content, None, from).await?;
    require_building(&mut transaction, &context, &content, ValidPeriod::since(from)).await?;
    let id = RoomId::fresh();
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/rooms/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes what is said of a room from a day on.
#[utoipa::path(patch, path = "/api/v1/rooms/{id}", operation_id = "change_room", tag = "rooms",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = RoomStatement,
    responses((status = 200, body = Room), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_room(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<RoomStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(today))?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    require_building(&mut transaction, &context, &before.content, reach(&versions, from)).await?;
    let content = statement.content(Some(&before.content))?;
    if changed_fields(&before.content, &content).is_empty() {
        let seen = Times {
            as_of: from,
            ..Times::now(&context.clock)
        };
        let room = load(&context, id, seen).await?;
        return Ok(answer(StatusCode::OK, None, Some(before.version_id), Json(room)));
    }
    require_references(&mut transaction, &content, Some(&before.content), from).await?;
    require_building(&mut transaction, &context, &content, reach(&versions, from)).await?;
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
    let room = load(&context, id, seen).await?;
    Ok(answer(
        StatusCode::OK,
        None,
        Some(VersionId(room.version.version_id)),
        Json(room),
    ))
}

/// The day a room ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomClosure {
    /// The first day on which it is no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why; an ending is never without a reason.
    reason: String,
}

/// Closes a room on a day. Its history stays.
#[utoipa::path(post, path = "/api/v1/rooms/{id}/closures", operation_id = "close_room", tag = "rooms",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = RoomClosure,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_room(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(closure): Body<RoomClosure>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&closure.reason)?;
    let valid_to = sane_day("valid_to", closure.valid_to)?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    let before = version_to_change(&versions, &headers, context.clock.today(), ("valid_to", last_day), WHAT)?;
    require_building(&mut transaction, &context, &before.content, before.valid).await?;
    let occasion = Occasion::by(&context.actor, Some(reason));
    let at = (context.clock.now(), &occasion);
    let version = end_on(&mut transaction, id.0, (&versions, before), valid_to, at).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
