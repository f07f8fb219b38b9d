//! Opening a case, and recording facts in it.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use workflow::Subject;

use super::allocation::Need;
use super::content::{CaseContent, CaseDetails, IdleReason, held_case};
use super::facts::{Document, Fact, Record};
use super::permission::{require_opening, require_recording};
use super::procedure::{Definition, Procedure};
use super::read::{PolicyCase, WHAT, load, parse_id};
use super::receiving::{require_answering, require_offerable};
use crate::documents::{Holder, attach_documents};
use crate::ids::{PolicyCaseId, UnitId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, revise};
use crate::request::fields::optional_reason;
use crate::request::{Body, Context, Fault, Idempotency, Place, Problem, ProblemKind, Times, etag, require_match};
use crate::spatial_units::KnownAsset;
use crate::units::KnownUnit;
use crate::versioned::{Created, Occasion, answer, answer_created, write_revision};
use crate::working_days::WorkingCalendar;

/// The most records that a case takes.
const MOST_RECORDS: usize = 2_000;

/// The beginning of a case.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyCaseOpening)]
pub(super) struct Opening {
    /// By which procedure.
    procedure: Procedure,
    /// The parcel or building; of a swap what is given, of a unit's other cases it comes to be known later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asset_id: Option<Uuid>,
    /// The unit that asks for space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_id: Option<Uuid>,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    need: Option<Need>,
    /// Why it stands idle; an idle asset's case needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_reason: Option<IdleReason>,
    /// The rooms that it is about, where it isn't about the whole building.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    room_ids: Vec<Uuid>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Another case is open: whose, and where.
async fn competing(context: &Context, asset: Option<Uuid>, procedure: Procedure, problem: Problem) -> Problem {
    if !matches!(
        problem.code.as_deref(),
        Some("policy_case_version_one_per_asset" | "policy_case_version_one_housing_case")
    ) {
        return problem;
    }
    let problem = problem.rule("DSP-21", "一资一策（方案 2.3）");
    let Ok(mut snapshot) = context.database.begin_snapshot().await else {
        return problem;
    };
    let pending = sqlx::query!(
        "select object_id, opened_by, state from policy_case_version
          where upper_inf(recorded) and is_open and asset_id = $1 and procedure = $2",
        asset,
        procedure.as_str(),
    )
    .fetch_optional(&mut *snapshot)
    .await;
    match pending {
        Ok(Some(pending)) => Problem {
            detail: format!(
                "该资产已有未办结的案件（{}，{}） / case {} of {} is open ({}); one asset has one policy",
                pending.opened_by, pending.state, pending.object_id, pending.opened_by, pending.state
            ),
            remedy: Some(format!("go on with /api/v1/policy-cases/{}", pending.object_id)),
            ..problem
        },
        _ => problem,
    }
}

async fn require_rooms(
    connection: &mut PgConnection,
    (asset, rooms): (Option<Uuid>, &[Uuid]),
    on: Date,
) -> Result<(), Problem> {
    if rooms.is_empty() {
        return Ok(());
    }
    let there = sqlx::query_scalar!(
        r#"select count(distinct object_id) as "count!" from room_version
            where object_id = any($1) and building_id = $2 and valid @> $3::date and upper_inf(recorded)"#,
        rooms,
        asset,
        on,
    )
    .fetch_one(connection)
    .await?;
    if usize::try_from(there).ok() == Some(rooms.len()) {
        return Ok(());
    }
    Err(Problem::invalid(
        "room_ids",
        "有房间不在该楼栋 / not all of them are rooms of this building",
    )
    .code("room_elsewhere")
    .remedy("send the ids of rooms of the building, each once"))
}

/// What a case is about when it begins.
struct About {
    asset_id: Option<Uuid>,
    unit_id: Option<Uuid>,
    region_code: Option<String>,
    place: Place,
}

/// Whose part of the registry a case is, as grants know places: of the unit that asks, else of the asset as it is now. Of
/// an asset that its case handed over to another level, it stays with the level that gave it.
pub(super) async fn place_of(connection: &mut PgConnection, case: &CaseContent) -> Result<Option<Place>, Fault> {
    let units = crate::units::known_now(&mut *connection, case.unit_id.as_slice()).await?;
    let assets = crate::spatial_units::known_now(connection, case.asset_id.as_slice()).await?;
    let unit = case.unit_id.map(|unit| (unit, units.get(&unit)));
    let asset = case.asset_id.and_then(|asset| assets.get(&asset));
    let handed_from = case.details.handed_from.as_deref();
    Ok(place_among(unit, (asset, handed_from), case.region_code.as_deref()))
}

/// The same, where the unit and the asset have been read.
pub(super) fn place_among(
    unit: Option<(Uuid, Option<&KnownUnit>)>,
    (asset, handed_from): (Option<&KnownAsset>, Option<&str>),
    region_code: Option<&str>,
) -> Option<Place> {
    match unit {
        Some((id, unit)) => Some(Place {
            region_code: region_code.map(ToOwned::to_owned),
            admin_level: unit.map(|unit| unit.level.clone()),
            unit_id: Some(UnitId(id)),
        }),
        None => asset.map(|asset| Place {
            admin_level: handed_from
                .map(ToOwned::to_owned)
                .or_else(|| asset.place.admin_level.clone()),
            ..asset.place.clone()
        }),
    }
}

/// The level of a unit.
pub(super) async fn level_of(connection: &mut PgConnection, unit: Uuid) -> Result<Option<String>, Fault> {
    Ok(sqlx::query_scalar!(
        "select level from unit_version where object_id = $1 and upper_inf(recorded) order by lower(valid) desc limit 1",
        unit,
    )
    .fetch_optional(connection)
    .await?)
}

/// The asset, and where it lies.
async fn asset_on(connection: &mut PgConnection, asset: Uuid, on: Date) -> Result<Place, Problem> {
    let asset = sqlx::query!(
        "select kind, region_code, admin_level, unit_id from spatial_unit_version
          where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
        asset,
        on,
    )
    .fetch_optional(connection)
    .await?;
    asset
        .filter(|asset| matches!(asset.kind.as_str(), "parcel" | "building"))
        .map(|asset| Place {
            region_code: asset.region_code,
            admin_level: asset.admin_level,
            unit_id: asset.unit_id.map(UnitId),
        })
        .ok_or_else(|| {
            Problem::invalid(
                "asset_id",
                "没有这个宗地或楼栋 / no parcel or building is registered under this id",
            )
            .remedy("send the id of a parcel or building")
        })
}

/// Settles what the case is about: an asset, or a unit and what it asks for.
async fn about(
    connection: &mut PgConnection,
    opening: &Opening,
    definition: &Definition,
    today: Date,
) -> Result<About, Problem> {
    let asset_missing =
        || Problem::invalid("asset_id", "请选择宗地或楼栋 / choose a parcel or building").remedy("send asset_id");
    if definition.subject == Subject::Asset {
        if opening.unit_id.is_some() || opening.need.is_some() {
            return Err(Problem::invalid(
                "unit_id",
                "这类案件以资产立案 / this procedure is about an asset, not about a unit",
            )
            .remedy("leave unit_id and need out"));
        }
        let asset = opening.asset_id.ok_or_else(asset_missing)?;
        let place = asset_on(connection, asset, today).await?;
        if opening.procedure == Procedure::TurnoverHousing {
            super::housing::require_building(connection, (asset, &opening.room_ids)).await?;
        }
        return Ok(About {
            region_code: place.region_code.clone(),
            asset_id: Some(asset),
            unit_id: None,
            place,
        });
    }
    let unit_id = opening.unit_id.ok_or_else(|| {
        Problem::invalid("unit_id", "请选择申请单位 / choose the unit that asks").remedy("send unit_id")
    })?;
    let unit = sqlx::query!(
        "select level, region_code from unit_version where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
        unit_id,
        today,
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| {
        Problem::invalid("unit_id", "没有这个单位 / no unit is registered under this id").remedy("send the id of a unit")
    })?;
    let region_code = unit.region_code.ok_or_else(|| {
        Problem::invalid("unit_id", "该单位没有行政区划，请先补全 / the unit has no region")
            .code("unit_without_region")
            .remedy("say in which region the unit is, then open the case")
    })?;
    // A leader's office is one room, and which one is said in the case.
    if opening.procedure != Procedure::LeaderOffice {
        let need = opening.need.as_ref().ok_or_else(|| {
            Problem::invalid("need", "请填写需求 / say what the unit asks for")
                .code("need_missing")
                .rule("SPC-04", "党政机关办公用房建设标准 (2674) art. 3")
                .remedy("send need.people by rank, or need.use_area_m2, and need.purpose")
        })?;
        need.check()?;
        for rank in need.people.keys() {
            if let Err(why) = crate::space::rank_limit_m2(&unit.level, Some(&region_code), rank)? {
                return Err(Problem::invalid("need.people", format!("{} / {}", why.zh, why.en))
                    .code("rank_not_of_level")
                    .rule("SPC-10", "党政机关办公用房建设标准 (2674) art. 9")
                    .remedy("use the ranks of the unit's level"));
            }
        }
    }
    let is_swap = opening.procedure == Procedure::SwapPremises;
    match opening.asset_id {
        Some(asset) if is_swap => {
            asset_on(connection, asset, today).await?;
        }
        None if is_swap => return Err(asset_missing()),
        None => {}
        Some(_) => {
            return Err(Problem::invalid(
                "asset_id",
                "这类案件先有单位和需求，资产在办理中确定 / which asset it is comes out in the case",
            )
            .remedy("leave asset_id out"));
        }
    }
    Ok(About {
        asset_id: opening.asset_id,
        unit_id: Some(unit_id),
        place: Place {
            region_code: Some(region_code.clone()),
            admin_level: Some(unit.level),
            unit_id: Some(UnitId(unit_id)),
        },
        region_code: Some(region_code),
    })
}

/// Opens a case: about an asset, which it holds against other cases of its kind until it ends, or about a unit and what it
/// asks for.
#[utoipa::path(post, path = "/api/v1/policy-cases", operation_id = "open_policy_case", tag = "policy cases",
    params(("Idempotency-Key" = String, Header)), request_body = Opening,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn open_policy_case(
    context: Context,
    headers: HeaderMap,
    Body(opening): Body<Opening>,
) -> Result<Response, Problem> {
    let definition = opening.procedure.definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    let idempotency = Idempotency::read(&headers, &("policy-cases", &opening))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let about = about(&mut transaction, &opening, definition, today).await?;
    require_opening(&context.caller, opening.procedure, Some(&about.place))?;
    if opening.procedure == Procedure::IdleDisposal && opening.idle_reason.is_none() {
        return Err(Problem::invalid("idle_reason", "请选择闲置原因 / say why it stands idle")
            .code("idle_reason_missing")
            .rule("DSP-01", "党政机关办公用房管理办法 art. 27")
            .remedy("choose one of surplus, unsuitable, planning, dangerous, vacated, reorganised, unclear_title, other"));
    }
    require_rooms(&mut transaction, (about.asset_id, &opening.room_ids), today).await?;
    crate::procedures::keep(&mut transaction, definition, now).await?;
    let mut content = CaseContent {
        asset_id: about.asset_id,
        procedure: opening.procedure,
        definition: definition.digest(),
        state: definition.initial.clone(),
        is_open: true,
        route: None,
        region_code: about.region_code,
        opened_by: context.actor.0.clone(),
        put_forward_by: None,
        decided_by: None,
        due_on: None,
        details: CaseDetails {
            idle_reason: opening.idle_reason,
            room_ids: opening.room_ids.clone(),
            need: opening.need.clone(),
            ..CaseDetails::default()
        },
        unit_id: about.unit_id,
    };
    let calendar = WorkingCalendar::in_force(&mut transaction).await?;
    start_clock(&mut content, definition, today, &calendar);
    let id = PolicyCaseId::fresh();
    let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(opening.reason.as_deref())?);
    let written = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await;
    let version = match written {
        Ok(version) => version,
        Err(fault) => {
            transaction.rollback().await?;
            return Err(competing(&context, opening.asset_id, opening.procedure, fault.into()).await);
        }
    };
    let location = format!("/api/v1/policy-cases/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// The clock of the state that the case has come to, where it has a deadline.
pub(super) fn start_clock(content: &mut CaseContent, definition: &Definition, today: Date, calendar: &WorkingCalendar) {
    let deadline = definition
        .state(&content.state)
        .and_then(|state| state.deadline.as_ref());
    content.details.clock = deadline.map(|deadline| workflow::Clock {
        started_on: today,
        days: deadline.days,
        count: deadline.count,
        pauses: Vec::new(),
    });
    note_due(content, calendar);
}

/// The last day of the clock, in its column.
pub(super) fn note_due(content: &mut CaseContent, calendar: &WorkingCalendar) {
    content.due_on =
        content
            .details
            .clock
            .as_ref()
            .and_then(|clock| match clock.due(&|day| calendar.is_working_day(day)) {
                workflow::Due::On(day) => Some(day),
                workflow::Due::Resting { .. } | workflow::Due::NotPublished { .. } => None,
            });
}

/// May the record be declared void?
fn require_voidable(content: &CaseContent, definition: &Definition, no: u32) -> Result<(), Problem> {
    let refuse = |zh: &str, en: &str| {
        Problem::new(ProblemKind::Conflict, format!("{zh} / {en}"))
            .field("no")
            .code("record_stands")
            .remedy("record what is right now; what was recorded stays in the history")
    };
    let Some((record, fact)) = content.details.facts().find(|(record, _)| record.no == no) else {
        return Err(refuse("没有这条记录", "there is no such record, or it is void already"));
    };
    match fact {
        Fact::Void(_) => Err(refuse("作废不能再作废", "a declaration that something is void stands")),
        // It is the other bureau's word, and they may give another.
        Fact::Acceptance(_) => Err(refuse(
            "接收方的答复不能由他人作废",
            "it is the word of the bureau that receives, which alone may give another",
        )),
        Fact::Document(document) => {
            let taken = content
                .details
                .taken
                .iter()
                .map(|taken| (taken.transition.as_str(), taken.route.as_deref()));
            if workflow::step::may_withdraw(definition, taken, &document.kind) {
                Ok(())
            } else {
                Err(refuse(
                    "已办步骤依据此材料，不能作废",
                    "a step that was taken rests on this document",
                ))
            }
        }
        // What was put forward is judged as it stands.
        _ if record.state != content.state => Err(refuse(
            "只能作废本环节的记录",
            "it was recorded in another state, and steps rest on it",
        )),
        _ => Ok(()),
    }
}

/// Records a fact in a case.
#[utoipa::path(post, path = "/api/v1/policy-cases/{id}/records", operation_id = "record_in_policy_case", tag = "policy cases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    request_body(content = Value, description = "`record` says what is recorded; the other fields are those that PolicyFact gives for it"),
    responses((status = 200, body = PolicyCase), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn record_in_policy_case(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Value>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let mut transaction = context.database.begin().await?;
    let held = held_case(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let definition = super::definition_of(&mut transaction, &held.content).await?;
    let fact = Fact::read(&sent, &definition, today)?;
    if matches!(fact, Fact::Acceptance(_)) {
        require_answering(&mut transaction, &context.caller, &held.content).await?;
    } else {
        let place = place_of(&mut transaction, &held.content).await?;
        require_recording(&context.caller, fact.kind(), place.as_ref())?;
    }
    let takes = definition
        .state(&held.content.state)
        .map(|state| state.records.as_slice())
        .unwrap_or_default();
    if !takes.iter().any(|kind| kind == fact.kind()) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            format!(
                "本环节不能登记这类内容 / in the state {} nothing of the kind {} is recorded",
                held.content.state,
                fact.kind()
            ),
        )
        .code("record_closed")
        .remedy(format!("in this state there are: {}", takes.join(", "))));
    }
    if held.content.details.records.len() >= MOST_RECORDS {
        return Err(
            Problem::new(ProblemKind::Conflict, "记录过多 / the case has too many records").code("records_full"),
        );
    }
    if let Fact::Void(void) = &fact {
        require_voidable(&held.content, &definition, void.no)?;
    }
    if let Fact::TransferProposal(proposal) = &fact {
        require_offerable(&mut transaction, &held.content, proposal).await?;
    }
    if let Fact::Document(Document { file: Some(file), .. }) = &fact
        && attach_documents(&mut transaction, &context, Holder::PolicyCase, id.0, &[*file])
            .await?
            .is_some()
    {
        return Err(
            Problem::invalid("file", format!("{file} is no paper that you brought or may read"))
                .code("file_unknown")
                .remedy("bring it first: POST /api/v1/documents"),
        );
    }
    let mut content = held.content.clone();
    let no = u32::try_from(content.details.records.len()).unwrap_or(u32::MAX - 1) + 1;
    let kind = fact.kind();
    content.details.records.push(Record {
        no,
        by: context.actor.0.clone(),
        at: context.clock.now(),
        state: content.state.clone(),
        fact,
    });
    if let Some(list) = content.details.hand_over()
        && level_of(&mut transaction, list.receiver_id).await?.is_none()
    {
        return Err(
            Problem::invalid("receiver_id", "没有这个单位 / no unit is registered under this id")
                .code("unit_unknown")
                .remedy("send the id of a unit"),
        );
    }
    settle_asset(&mut transaction, &mut content, today).await?;
    let occasion = Occasion::by(&context.actor, Some(format!("登记 {kind}")));
    let now = context.clock.now();
    let version = write_step(&mut transaction, (id, now), &held, content, &occasion).await?;
    transaction.commit().await?;
    let case = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(case)))
}

/// What a unit's case is about, by what is on record: the space that is to be given, what is rented, the leader's room.
async fn settle_asset(connection: &mut PgConnection, content: &mut CaseContent, today: Date) -> Result<(), Problem> {
    let (asset, rooms) = match content.procedure {
        Procedure::Reassign => match content.details.allotment() {
            None => (None, Vec::new()),
            Some(allotment) => (Some(allotment.asset_id), allotment.room_ids.clone()),
        },
        Procedure::RentIn => (content.details.lease_in().and_then(|lease| lease.asset_id), Vec::new()),
        Procedure::LeaderOffice => match content.details.leader_room() {
            None => (None, Vec::new()),
            Some(room) => {
                let building = sqlx::query_scalar!(
                    "select building_id from room_version where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
                    room.room_id,
                    today,
                )
                .fetch_optional(&mut *connection)
                .await?
                .ok_or_else(|| {
                    Problem::invalid("room_id", "没有这个房间 / no room is registered under this id")
                        .remedy("send the id of a room")
                })?;
                (Some(building), vec![room.room_id])
            }
        },
        Procedure::TurnoverHousing if content.details.homes() != content.details.room_ids => {
            (content.asset_id, content.details.homes().to_vec())
        }
        _ => return Ok(()),
    };
    if let Some(asset) = asset {
        asset_on(connection, asset, today).await?;
        require_rooms(connection, (Some(asset), &rooms), today).await?;
    }
    content.asset_id = asset;
    content.details.room_ids = rooms;
    Ok(())
}

/// Writes the next version of a case.
pub(super) async fn write_step(
    connection: &mut PgConnection,
    (id, now): (PolicyCaseId, OffsetDateTime),
    held: &Held<CaseContent>,
    content: CaseContent,
    occasion: &Occasion,
) -> Result<Option<VersionId>, Fault> {
    let revision = revise(std::slice::from_ref(held), held.valid, Some(content), now);
    write_revision(
        connection,
        id.0,
        Action::Change,
        &revision,
        Some(&held.content),
        occasion,
    )
    .await
}
