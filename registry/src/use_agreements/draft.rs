//! Drafting an agreement: `POST /api/v1/use-agreements`.

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{AgreementContent, Status};
use crate::ids::{UnitId, UseAgreementId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{optional_reason, plain_text, sane_day, take_area};
use crate::request::{Body, Context, Fault, Idempotency, Permission, Problem};
use crate::spatial_units::require_edit;
use crate::versioned::{Created, Occasion, answer_created, write_revision};

/// The most rooms of one agreement: a whole compound.
const MOST_ROOMS: usize = 5_000;
/// The first approved area that is too large, m².
const TOO_LARGE_M2: f64 = 1e7;

/// An agreement as it is to be.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgreementDraft {
    /// 使用单位
    unit_id: Uuid,
    /// 房间清单
    room_ids: Vec<Uuid>,
    /// 用途; it is not to be let, lent or a business (党政机关办公用房管理办法 art. 18).
    purpose: String,
    /// 核定面积, m² of use area.
    #[serde(default)]
    approved_area_m2: Option<f64>,
    /// The first day of use; today unless told.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    starts_on: Option<Date>,
    /// The first day on which it is over; without a term where none is given.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    ends_on: Option<Date>,
    /// The papers it rests on, by name.
    #[serde(default)]
    documents: Vec<String>,
    /// It stands in the register from this day: the first day of use or today, the earlier, unless told.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
}

/// The names of papers, without the empty ones.
pub(super) fn papers(names: &[String]) -> Result<Vec<String>, Problem> {
    if names.len() > 50 {
        return Err(Problem::invalid("documents", "more than 50 documents").remedy("name the ones that matter"));
    }
    let names = names
        .iter()
        .map(|name| plain_text("documents", name, 200))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(names.into_iter().filter(|name| !name.is_empty()).collect())
}

/// What it is used for.
pub(super) fn purpose(text: &str) -> Result<String, Problem> {
    let purpose = plain_text("purpose", text, 100)?;
    if purpose.is_empty() {
        return Err(Problem::invalid("purpose", "必填 / it is missing").remedy("say what the rooms are used for"));
    }
    Ok(purpose)
}

/// The approved area, m².
pub(super) fn approved_area(area_m2: Option<f64>) -> Result<Option<Decimal>, Problem> {
    let mut taken = None;
    take_area("approved_area_m2", Some(area_m2), TOO_LARGE_M2, &mut taken)?;
    if taken.is_some_and(|area: Decimal| area <= Decimal::ZERO) {
        return Err(
            Problem::invalid("approved_area_m2", "须大于 0 / it must be more than 0")
                .remedy("send the approved area in m², or leave it out"),
        );
    }
    Ok(taken)
}

/// It ends after it began.
pub(super) fn in_order(starts_on: Date, ends_on: Option<Date>) -> Result<(), Problem> {
    if ends_on.is_some_and(|ends| ends <= starts_on) {
        return Err(
            Problem::invalid("ends_on", "终止日期不晚于起始日期 / it ends before it begins")
                .remedy("choose a later day, or leave it out for an agreement without a term"),
        );
    }
    Ok(())
}

/// The unit must be there on the day.
pub(super) async fn require_unit(connection: &mut PgConnection, unit: UnitId, on: Date) -> Result<(), Problem> {
    if crate::units::is_registered(connection, unit, on).await? {
        return Ok(());
    }
    Err(Problem::invalid(
        "unit_id",
        format!("{on} 没有登记这个单位 / no unit {unit} is registered on {on}"),
    )
    .remedy("register the unit first"))
}

/// The rooms, each once, all registered on the day, and the buildings they are in; whoever writes this may edit those.
pub(super) async fn require_rooms(
    connection: &mut PgConnection,
    context: &Context,
    rooms: &[Uuid],
    on: Date,
) -> Result<(Vec<Uuid>, Vec<Uuid>), Problem> {
    let mut rooms = rooms.to_vec();
    rooms.sort_unstable();
    rooms.dedup();
    if rooms.is_empty() {
        return Err(
            Problem::invalid("room_ids", "没有选择房间 / no room is named").remedy("choose the rooms that are used")
        );
    }
    if rooms.len() > MOST_ROOMS {
        return Err(Problem::invalid("room_ids", format!("more than {MOST_ROOMS} rooms"))
            .remedy("make an agreement for each compound"));
    }
    let held = sqlx::query!(
        "select object_id, building_id from room_version
          where object_id = any($1) and valid @> $2::date and upper_inf(recorded)",
        &rooms,
        on
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(Fault::from)?;
    if let Some(missing) = rooms.iter().find(|room| held.iter().all(|row| row.object_id != **room)) {
        return Err(Problem::invalid(
            "room_ids",
            format!("{on} 没有登记房间 {missing} / no room {missing} is registered on {on}"),
        )
        .remedy("leave it out, or register it first"));
    }
    let mut buildings: Vec<Uuid> = held.iter().map(|row| row.building_id).collect();
    buildings.sort_unstable();
    buildings.dedup();
    require_edit(connection, context, &[Permission::EditAssets], &buildings, None).await?;
    Ok((rooms, buildings))
}

/// Drafts an agreement (拟定).
#[utoipa::path(post, path = "/api/v1/use-agreements", operation_id = "draft_use_agreement", tag = "use agreements",
    params(("Idempotency-Key" = String, Header)), request_body = AgreementDraft,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn draft_use_agreement(
    context: Context,
    headers: HeaderMap,
    Body(draft): Body<AgreementDraft>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("use-agreements", &draft))?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let starts_on = sane_day("starts_on", draft.starts_on.unwrap_or(today))?;
    let ends_on = draft.ends_on.map(|day| sane_day("ends_on", day)).transpose()?;
    in_order(starts_on, ends_on)?;
    let from = sane_day("valid_from", draft.valid_from.unwrap_or(starts_on.min(today)))?;
    if from > today {
        return Err(Problem::invalid("valid_from", "日期在将来 / that day is still to come")
            .remedy("choose today or an earlier day"));
    }
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let unit_id = UnitId(draft.unit_id);
    require_unit(&mut transaction, unit_id, from).await?;
    let (room_ids, building_ids) = require_rooms(&mut transaction, &context, &draft.room_ids, from).await?;
    let content = AgreementContent {
        unit_id,
        room_ids,
        building_ids,
        purpose: purpose(&draft.purpose)?,
        approved_area_m2: approved_area(draft.approved_area_m2)?,
        starts_on,
        ends_on,
        status: Status::Draft,
        agreement_no: None,
        signed_on: None,
        certificate_no: None,
        certified_on: None,
        registration: None,
        transfer_slip_no: None,
        documents: papers(&draft.documents)?,
    };
    let id = UseAgreementId::fresh();
    let occasion = Occasion::by(&context.actor, optional_reason(draft.reason.as_deref())?);
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/use-agreements/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}
