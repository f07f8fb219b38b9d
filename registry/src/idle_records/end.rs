//! The end of idleness: `POST /api/v1/idle-records/{id}/closures`.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::OCCUPANCIES_AFTER;
use super::content::held_versions;
use super::open::{change_asset, change_rooms, rooms_of};
use super::read::{WHAT, parse_id};
use crate::ids::UnitId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{require_word, required_reason, sane_day};
use crate::request::{Body, Context, Problem, ProblemKind};
use crate::rooms::RoomContent;
use crate::spatial_units::Content;
use crate::versioned::{Occasion, answer, version_to_change, write_revision};

/// How idleness ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdleEnd {
    /// The first day on which it is idle no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// What the use is from then on (使用状态); anything but `idle`.
    occupancy: String,
    /// The unit that uses it from then on.
    #[serde(default)]
    unit_id: Option<Uuid>,
    /// What became of it, with the document it rests on.
    reason: String,
}

/// Ends an idle record; the asset and its rooms are used from that day on as it says.
#[utoipa::path(post, path = "/api/v1/idle-records/{id}/closures", operation_id = "end_idle_record", tag = "idle records",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = IdleEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn end_idle_record(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(end): Body<IdleEnd>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&end.reason)?;
    let occupancy = end.occupancy.trim().to_owned();
    require_word("occupancy", &occupancy, &OCCUPANCIES_AFTER)?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let valid_to = sane_day("valid_to", end.valid_to)?;
    if valid_to > today {
        return Err(
            Problem::invalid("valid_to", format!("{valid_to} is in the future")).remedy("end it once it is used again")
        );
    }
    let mut transaction = context.database.begin().await?;
    let asset_id = sqlx::query_scalar!(
        "select asset_id from idle_record_version where object_id = $1 limit 1",
        id.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    // The asset first, as when a record is opened.
    let asset = crate::spatial_units::held_versions(&mut transaction, &[asset_id])
        .await?
        .remove(&asset_id)
        .ok_or_else(|| Problem::not_found("this asset"))?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_to", last_day(valid_to)), WHAT)?;
    if before.valid.to.is_some() {
        return Err(Problem::new(ProblemKind::Conflict, "it has ended already")
            .code("ended")
            .remedy("read it again; a new spell of idleness is a new record"));
    }
    if let Some(unit) = end.unit_id
        && !crate::units::is_registered(&mut transaction, UnitId(unit), valid_to).await?
    {
        return Err(
            Problem::invalid("unit_id", format!("no unit {unit} is registered on {valid_to}"))
                .remedy("register the unit first, or leave the field out"),
        );
    }
    let occasion = Occasion::by(&context.actor, Some(reason.clone()));
    let mut content = before.content.clone();
    content.end_reason = Some(reason);
    content.occupancy_after = Some(occupancy.clone());
    let mut revision = revise(&versions, before.valid, Some(content.clone()), now);
    for (valid, _) in &mut revision.write {
        valid.to = Some(valid_to);
    }
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    let from_then = ValidPeriod::since(valid_to);
    if content.whole {
        let used_again = |asset: &Content| {
            (asset.occupancy.as_deref() == Some("idle")).then(|| Content {
                occupancy: Some(occupancy.clone()),
                idle_since: None,
                unit_id: end.unit_id.map(UnitId).or(asset.unit_id),
                source_row: None,
                import_id: None,
                ..asset.clone()
            })
        };
        change_asset(&mut transaction, &asset, from_then, used_again, now, &occasion).await?;
    }
    let rooms = rooms_of(&mut transaction, asset.id).await?;
    let used_again = |room: &RoomContent| {
        (room.occupancy.as_deref() == Some("idle")).then(|| RoomContent {
            occupancy: Some(occupancy.clone()),
            unit_id: end.unit_id.map(UnitId),
            ..room.clone()
        })
    };
    change_rooms(
        &mut transaction,
        &rooms,
        &content.room_ids,
        from_then,
        used_again,
        now,
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let body = serde_json::json!({"id": id.0, "valid_to": valid_to.to_string(), "occupancy": occupancy});
    Ok(answer(StatusCode::OK, None, version, Json(body)))
}

fn last_day(valid_to: Date) -> Date {
    valid_to.previous_day().unwrap_or(valid_to)
}
