//! Confirming that something stands idle: `POST /api/v1/idle-records`.

use std::collections::HashMap;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::IdleRecordContent;
use super::{CAUSES, may_fall_idle};
use crate::ids::{IdleRecordId, RoomId, SpatialUnitId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, day, revise, revise_each};
use crate::request::fields::{plain_text, require_word, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, ProblemKind};
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, HeldUnit, Kind};
use crate::versioned::{Created, Occasion, VersionWriter, answer_created, write_revision};

/// What is confirmed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdleStatement {
    /// The parcel or building.
    asset_id: Uuid,
    /// One of its floors: every room there that may be idle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<i16>,
    /// Some of its rooms. With neither floor nor rooms, all of it stands idle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    room_ids: Vec<Uuid>,
    /// The first day of idleness.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    idle_since: Date,
    /// 闲置原因: `surplus`, `unsuitable`, `planned_demolition`, `dangerous`, `vacated_by_reallocation`,
    /// `unit_abolished`, `title_unclear` or `other`.
    cause: String,
    /// The cause in words; needed for `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause_note: Option<String>,
    /// What shows it.
    evidence: String,
    /// The names of the documents that show it.
    #[serde(default)]
    documents: Vec<String>,
}

impl IdleStatement {
    /// The record that this makes, of what is found to be idle.
    fn content(&self, parts: Parts, today: Date, confirmed_by: &str) -> Result<IdleRecordContent, Problem> {
        let cause = self.cause.trim();
        require_word("cause", cause, &CAUSES)?;
        let cause_note = self
            .cause_note
            .as_deref()
            .map(|note| plain_text("cause_note", note, 400))
            .transpose()?
            .filter(|note| !note.is_empty());
        if cause == "other" && cause_note.is_none() {
            return Err(Problem::invalid("cause_note", "it is missing").remedy("say in words what the other cause is"));
        }
        let evidence = plain_text("evidence", &self.evidence, 2_000)?;
        if evidence.is_empty() {
            return Err(Problem::invalid("evidence", "it is missing")
                .remedy("say what shows that it stands idle: an inspection, a handover, a meter"));
        }
        if self.documents.len() > 50 {
            return Err(Problem::invalid("documents", "more than 50 documents").remedy("name the ones that matter"));
        }
        let documents = self
            .documents
            .iter()
            .map(|name| plain_text("documents", name, 200))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(IdleRecordContent {
            asset_id: SpatialUnitId(self.asset_id),
            whole: parts.whole,
            floor: self.floor,
            room_ids: parts.rooms.iter().map(|room| room.0).collect(),
            cause: cause.to_owned(),
            cause_note,
            evidence,
            documents: documents.into_iter().filter(|name| !name.is_empty()).collect(),
            confirmed_by: confirmed_by.to_owned(),
            confirmed_on: today,
            end_reason: None,
            occupancy_after: None,
        })
    }
}

/// What a record is of.
struct Parts {
    whole: bool,
    rooms: Vec<RoomId>,
}

/// Confirms that something stands idle; its occupancy follows.
#[utoipa::path(post, path = "/api/v1/idle-records", operation_id = "open_idle_record", tag = "idle records",
    params(("Idempotency-Key" = String, Header)), request_body = IdleStatement,
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn open_idle_record(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<IdleStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("idle_records", &statement))?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let since = sane_day("idle_since", statement.idle_since)?;
    if since > today {
        return Err(Problem::invalid("idle_since", format!("{since} is in the future"))
            .remedy("write the first day on which it stood idle"));
    }
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    // Locks the asset: two records of one building are made one after the other.
    let asset = crate::spatial_units::held_versions(&mut transaction, &[statement.asset_id])
        .await?
        .remove(&statement.asset_id)
        .filter(|asset| asset.versions.iter().any(|version| version.valid.contains(today)))
        .ok_or_else(|| Problem::not_found("this asset"))?;
    let rooms = rooms_of(&mut transaction, SpatialUnitId(statement.asset_id)).await?;
    let parts = find_parts(&mut transaction, &statement, &asset, &rooms, since).await?;
    let content = statement.content(parts, today, &context.caller.display_name)?;
    let occasion = Occasion::by(&context.actor, Some(content.evidence.clone()));
    let id = IdleRecordId::fresh();
    let revision = revise(&[], ValidPeriod::since(since), Some(content.clone()), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let spell = ValidPeriod::since(since);
    if content.whole {
        let fall_idle = |asset: &Content| {
            Some(Content {
                occupancy: Some("idle".to_owned()),
                idle_since: Some(since),
                source_row: None,
                import_id: None,
                ..asset.clone()
            })
        };
        change_asset(&mut transaction, &asset, spell, fall_idle, now, &occasion).await?;
    }
    let fall_idle = |room: &RoomContent| {
        Some(RoomContent {
            occupancy: Some("idle".to_owned()),
            unit_id: None,
            ..room.clone()
        })
    };
    change_rooms(
        &mut transaction,
        &rooms,
        &content.room_ids,
        spell,
        fall_idle,
        now,
        &occasion,
    )
    .await?;
    let location = format!("/api/v1/idle-records/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// The rooms of a building with the versions known now, locked.
///
/// # Errors
/// The database's.
pub async fn rooms_of(
    connection: &mut PgConnection,
    building: SpatialUnitId,
) -> Result<HashMap<Uuid, Vec<Held<RoomContent>>>, Fault> {
    let ids = sqlx::query_scalar!(
        "select distinct object_id from room_version where building_id = $1 and upper_inf(recorded)",
        building.0
    )
    .fetch_all(&mut *connection)
    .await?;
    crate::rooms::held_versions_of(connection, &ids).await
}

/// What the record is of, where that may be called idle.
async fn find_parts(
    connection: &mut PgConnection,
    statement: &IdleStatement,
    asset: &HeldUnit,
    rooms: &HashMap<Uuid, Vec<Held<RoomContent>>>,
    since: Date,
) -> Result<Parts, Problem> {
    let kind = asset.versions.first().map(|version| version.content.kind);
    if kind == Some(Kind::Site) {
        return Err(Problem::invalid("asset_id", "a site is not idle itself")
            .remedy("record it on its parcels or buildings: the site's figures follow"));
    }
    let is_part = statement.floor.is_some() || !statement.room_ids.is_empty();
    if is_part && kind != Some(Kind::Building) {
        return Err(
            Problem::invalid("floor", "only a building has floors and rooms").remedy("leave floor and rooms out")
        );
    }
    let spell = ValidPeriod::since(since);
    // Rooms that other records hold idle stay theirs.
    let taken = sqlx::query_scalar!(
        "select thing_id from idle_record_thing where thing_id = any($1) and valid && daterange($2, null)",
        &rooms.keys().copied().collect::<Vec<_>>(),
        since,
    )
    .fetch_all(connection)
    .await?;
    let contradiction = |room: &[Held<RoomContent>]| {
        room.iter()
            .find(|version| version.valid.overlaps(&spell) && !may_fall_idle(version.content.occupancy.as_deref()))
            .map(|version| (version.valid, version.content.clone()))
    };
    let refused = |(valid, room): (ValidPeriod, RoomContent)| {
        let use_then = room.occupancy.unwrap_or_default();
        Problem::new(
            ProblemKind::Conflict,
            format!("room {} is recorded as {use_then} since {}", room.number, valid.from),
        )
        .field("room_ids")
        .code("not_idle")
        .remedy("end that use first, leave the room out, or begin later")
    };
    let mut found: Vec<RoomId> = Vec::new();
    if !statement.room_ids.is_empty() {
        for id in &statement.room_ids {
            let room = rooms.get(id).ok_or_else(|| {
                Problem::invalid("room_ids", format!("room {id} is not in this building"))
                    .remedy("choose rooms of the building")
            })?;
            if let Some(contradiction) = contradiction(room) {
                return Err(refused(contradiction));
            }
            found.push(RoomId(*id));
        }
    } else {
        for (id, room) in rooms {
            let is_there = room.iter().any(|version| {
                version.valid.to.is_none() && statement.floor.is_none_or(|floor| version.content.floor == floor)
            });
            if !is_there || taken.contains(id) {
                continue;
            }
            match contradiction(room) {
                None => found.push(RoomId(*id)),
                // What others use is not idle; what is broken or gone is neither.
                Some((valid, content))
                    if statement.floor.is_none() && matches!(content.occupancy.as_deref(), Some("let" | "lent")) =>
                {
                    return Err(refused((valid, content)));
                }
                Some(_) => {}
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    if is_part {
        if found.is_empty() {
            return Err(Problem::invalid("floor", "no room there may be called idle")
                .remedy("choose a floor with rooms that nobody else's record holds"));
        }
        return Ok(Parts {
            whole: false,
            rooms: found,
        });
    }
    if let Some(version) = asset
        .versions
        .iter()
        .find(|version| version.valid.overlaps(&spell) && !may_fall_idle(version.content.occupancy.as_deref()))
    {
        let use_then = version.content.occupancy.as_deref().unwrap_or_default();
        return Err(Problem::new(
            ProblemKind::Conflict,
            format!("it is recorded as {use_then} since {}", version.valid.from),
        )
        .field("idle_since")
        .code("not_idle")
        .remedy("end that use first, or begin later"));
    }
    Ok(Parts {
        whole: true,
        rooms: found,
    })
}

/// What an asset is from a day on, version by version.
pub(super) async fn change_asset(
    connection: &mut PgConnection,
    asset: &HeldUnit,
    period: ValidPeriod,
    change: impl Fn(&Content) -> Option<Content>,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let revision = revise_each(
        &asset.versions,
        period,
        |content| change(content).filter(|after| !after.changed_fields(content).is_empty()),
        now,
    );
    let Some(before) = asset.versions.last().filter(|_| !revision.close.is_empty()) else {
        return Ok(());
    };
    let occasion = crate::spatial_units::Occasion {
        actor: occasion.actor.clone(),
        reason: occasion.reason.clone(),
        import_id: None,
    };
    crate::spatial_units::write_revision(
        connection,
        asset.id,
        before.content.kind,
        Action::Change,
        revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    Ok(())
}

/// What rooms are from a day on, version by version.
pub(super) async fn change_rooms(
    connection: &mut PgConnection,
    held: &HashMap<Uuid, Vec<Held<RoomContent>>>,
    ids: &[Uuid],
    period: ValidPeriod,
    change: impl Fn(&RoomContent) -> Option<RoomContent>,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let mut writer = VersionWriter::<RoomContent>::default();
    for id in ids {
        let Some(room) = held.get(id) else { continue };
        let revision = revise_each(
            room,
            period,
            |content| change(content).filter(|after| !crate::versioned::changed_fields(content, after).is_empty()),
            now,
        );
        let Some(before) = room.last().filter(|_| !revision.close.is_empty()) else {
            continue;
        };
        writer.revise(*id, Action::Change, &revision, Some(&before.content), occasion)?;
    }
    writer.flush(connection).await
}
