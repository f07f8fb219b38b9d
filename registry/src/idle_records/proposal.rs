//! `GET /api/v1/{layer}/{id}/idle-proposal`: since when something likely stands idle, from what the registry holds.
//! A person confirms; nothing is recorded here.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Path;
use sqlx::PgConnection;
use time::{Date, Duration};
use uuid::Uuid;

use super::consumption::of_meters;
use super::evidence::{Proposal, Reason, ReasonKind, weigh};
use crate::period::{Held, ValidPeriod, valid_period};
use crate::request::{Context, Fault, Problem};
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, Kind};

/// From this share of the area on, the idle rooms speak for the whole, or those in use against it.
const MOST: f64 = 0.9;
const IN_USE: f64 = 0.1;
/// 腾退中 for longer than this speaks for idleness.
const VACATING_DAYS: i64 = 183;
/// 闲置土地处置办法 art. 2: land unbuilt for a year.
const UNBUILT_DAYS: i64 = 365;

/// Since when it likely stands idle: the reasons with their days and weights, or that they are too thin.
#[utoipa::path(get, path = "/api/v1/{layer}/{id}/idle-proposal", operation_id = "propose_idleness", tag = "idle records",
    params(("layer" = String, Path, description = "parcels or buildings"), ("id" = Uuid, Path)),
    responses((status = 200, body = Proposal), (status = 404, body = Problem)))]
pub(super) async fn propose_idleness(
    context: Context,
    Path((layer, id)): Path<(String, String)>,
) -> Result<Json<Proposal>, Problem> {
    let kind = Kind::of_path(&layer)?;
    let missing = || Problem::not_found("this asset");
    let id = Uuid::parse_str(&id).map_err(|_| missing())?;
    if kind == Kind::Site {
        return Err(missing().remedy("ask of its parcels or buildings"));
    }
    let today = context.clock.today();
    let mut transaction = context.database.begin_snapshot().await?;
    let versions = crate::spatial_units::known_versions(&mut transaction, id, kind).await?;
    let now = versions
        .iter()
        .find(|version| version.valid.contains(today))
        .ok_or_else(missing)?;
    let record = sqlx::query_scalar!(
        "select t.version_id from idle_record_thing t where t.thing_id = $1 and t.valid @> $2::date",
        id,
        today,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let record_id = match record {
        None => None,
        Some(version) => {
            sqlx::query_scalar!(
                "select object_id from idle_record_version where version_id = $1",
                version
            )
            .fetch_optional(&mut *transaction)
            .await?
        }
    };
    let mut reasons = of_asset(&versions, now, today);
    reasons.extend(of_unit(&mut transaction, &now.content, today).await?);
    let leases = of_leases(&mut transaction, id, today).await?;
    if !leases.is_empty() {
        // The lease and the word on the asset tell of one and the same letting.
        reasons.retain(|reason| reason.kind != ReasonKind::LetEnded);
    }
    reasons.extend(leases);
    if kind == Kind::Building {
        let rooms = rooms_known(&mut transaction, id).await?;
        reasons.extend(of_rooms(&rooms, today));
        reasons.extend(of_agreements(&mut transaction, id, today).await?);
        reasons.extend(of_meters(&mut transaction, id, today).await?);
    } else {
        reasons.extend(of_land(&mut transaction, id, &now.content, today).await?);
    }
    transaction.commit().await?;
    context.note_read_of(&[id]).await?;
    Ok(Json(weigh(id, reasons, record_id)))
}

/// What the asset's own history says.
fn of_asset(versions: &[Held<Content>], now: &Held<Content>, today: Date) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let before = |holds: &dyn Fn(&Content) -> bool| {
        versions
            .iter()
            .filter(|version| version.valid.from <= now.valid.from && version.version_id != now.version_id)
            .rev()
            .find(|version| holds(&version.content))
            .and_then(|version| Some((version.valid.to?, version.content.clone())))
    };
    let occupancy = now.content.occupancy.as_deref();
    match occupancy {
        Some("vacating") => {
            let since = since_when(versions, today, |content| {
                content.occupancy.as_deref() == Some("vacating")
            });
            if today - since > Duration::days(VACATING_DAYS) {
                reasons.push(Reason::new(ReasonKind::VacatingLong, since));
            }
        }
        None | Some("in_use" | "idle") => {}
        Some(other) => {
            let since = since_when(versions, today, |content| content.occupancy.as_deref() == Some(other));
            let mut reason = Reason::new(ReasonKind::OtherUse, since);
            reason.occupancy = Some(other.to_owned());
            reasons.push(reason);
        }
    }
    if matches!(occupancy, None | Some("vacating" | "idle"))
        && let Some((ended, content)) = before(&|content| matches!(content.occupancy.as_deref(), Some("let" | "lent")))
    {
        let mut reason = Reason::new(ReasonKind::LetEnded, ended);
        reason.occupancy = content.occupancy;
        reasons.push(reason);
    }
    if now.content.unit_id.is_none()
        && let Some((left, _)) = before(&|content| content.unit_id.is_some())
    {
        reasons.push(Reason::new(ReasonKind::UnitLeft, left));
    }
    reasons
}

/// Since when something holds without a break, until today.
fn since_when<C>(versions: &[Held<C>], today: Date, holds: impl Fn(&C) -> bool) -> Date {
    let mut since = today;
    let past: Vec<&Held<C>> = versions.iter().filter(|version| version.valid.from <= today).collect();
    for version in past.into_iter().rev() {
        if !holds(&version.content) || version.valid.to.is_some_and(|to| to < since && to <= today) {
            break;
        }
        since = version.valid.from;
    }
    since
}

/// What became of the unit that uses it.
async fn of_unit(connection: &mut PgConnection, content: &Content, today: Date) -> Result<Vec<Reason>, Fault> {
    let Some(unit) = content.unit_id else {
        return Ok(Vec::new());
    };
    let last = sqlx::query!(
        r#"select name, upper(valid) as ended from unit_version
            where object_id = $1 and upper_inf(recorded) order by lower(valid) desc limit 1"#,
        unit.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(last
        .and_then(|last| {
            let ended = last.ended.filter(|ended| *ended <= today)?;
            let mut reason = Reason::new(ReasonKind::UnitDissolved, ended);
            reason.unit = Some(last.name);
            Some(vec![reason])
        })
        .unwrap_or_default())
}

/// What it is let by, or was.
async fn of_leases(connection: &mut PgConnection, asset: Uuid, today: Date) -> Result<Vec<Reason>, Fault> {
    let told = sqlx::query!(
        r#"select min(lower(valid)) filter (where valid @> $2::date) as running,
                  max(upper(valid)) filter (where upper(valid) <= $2::date) as ended
             from lease_version
            where asset_id = $1 and direction = 'out' and upper_inf(recorded)"#,
        asset,
        today,
    )
    .fetch_one(connection)
    .await?;
    Ok(match (told.running, told.ended) {
        (Some(running), _) => vec![Reason::new(ReasonKind::LeaseRunning, running)],
        (None, Some(ended)) => vec![Reason::new(ReasonKind::LeaseEnded, ended)],
        (None, None) => Vec::new(),
    })
}

/// What the register of use agreements says of the building's rooms: those that hold, and by how much of it; else when the
/// last of them ended. Drafts say nothing.
async fn of_agreements(connection: &mut PgConnection, building: Uuid, today: Date) -> Result<Vec<Reason>, Fault> {
    let told = sqlx::query!(
        r#"with named as (
               select a.room_ids, a.starts_on, a.status in ('signed', 'certified') and coalesce(a.ends_on > $2::date, true) as holds,
                      case when a.status = 'cancelled' then lower(a.valid) else a.ends_on end as ended
                 from use_agreement_version a
                where a.building_ids @> array[$1::uuid] and a.signed_on is not null and a.valid @> $2::date and upper_inf(a.recorded)),
           rooms as (
               select object_id, coalesce(building_area_m2, use_area_m2, 0)::float8 as area_m2
                 from room_version where building_id = $1 and valid @> $2::date and upper_inf(recorded))
           select (select sum(area_m2) from rooms) as "all_m2?",
                  (select sum(area_m2) from rooms
                    where exists (select from named n where n.holds and n.room_ids @> array[rooms.object_id])) as "held_m2?",
                  min(starts_on) filter (where holds) as held_since, max(ended) filter (where not holds) as ended
             from named"#,
        building,
        today,
    )
    .fetch_one(connection)
    .await?;
    let share = match (told.held_m2, told.all_m2) {
        (Some(held), Some(all)) if all > 0.0 => Some(held / all),
        _ => None,
    };
    Ok(match (told.held_since, told.ended) {
        (Some(since), _) if share.is_none_or(|share| share >= IN_USE) => {
            let mut reason = Reason::new(ReasonKind::CertificateCurrent, since);
            reason.share = share.map(|share| (share * 1e4).round() / 1e4);
            vec![reason]
        }
        (None, Some(ended)) if ended <= today => vec![Reason::new(ReasonKind::AgreementEnded, ended)],
        _ => Vec::new(),
    })
}

/// A room with its history, by the days.
struct RoomHistory {
    area_m2: f64,
    versions: Vec<Held<RoomContent>>,
}

async fn rooms_known(connection: &mut PgConnection, building: Uuid) -> Result<Vec<RoomHistory>, Fault> {
    let mut rooms: HashMap<Uuid, RoomHistory> = HashMap::new();
    for (id, version) in crate::rooms::known_versions_in(connection, building).await? {
        let room = rooms.entry(id).or_insert_with(|| RoomHistory {
            area_m2: 0.0,
            versions: Vec::new(),
        });
        let area = version.content.building_area_m2.or(version.content.use_area_m2);
        room.area_m2 = area.and_then(|area| area.try_into().ok()).unwrap_or(room.area_m2);
        room.versions.push(version);
    }
    Ok(rooms.into_values().collect())
}

/// What its rooms say together.
fn of_rooms(rooms: &[RoomHistory], today: Date) -> Vec<Reason> {
    let there: Vec<(&RoomHistory, &Held<RoomContent>)> = rooms
        .iter()
        .filter_map(|room| {
            let now = room.versions.iter().find(|version| version.valid.contains(today))?;
            Some((room, now))
        })
        .collect();
    // Where no area is known, each room counts alike.
    let known: f64 = there.iter().map(|(room, _)| room.area_m2).sum();
    let size = |room: &RoomHistory| if known > 0.0 { room.area_m2 } else { 1.0 };
    let all: f64 = there.iter().map(|(room, _)| size(room)).sum();
    if there.is_empty() || all <= 0.0 {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    let mut tell = |kind, found: Vec<(&RoomHistory, Date)>, least: f64| {
        let share = found.iter().map(|(room, _)| size(room)).sum::<f64>() / all;
        let Some(since) = found.iter().map(|(_, since)| *since).max().filter(|_| share >= least) else {
            return;
        };
        let mut reason = Reason::new(kind, since);
        reason.count = Some(found.len());
        reason.share = Some((share * 1e4).round() / 1e4);
        reasons.push(reason);
    };
    let is = |content: &RoomContent, occupancy: &str| content.occupancy.as_deref() == Some(occupancy);
    let since = |room: &RoomHistory, holds: &dyn Fn(&RoomContent) -> bool| since_when(&room.versions, today, holds);
    tell(
        ReasonKind::PartsIdle,
        there
            .iter()
            .filter(|(_, now)| is(&now.content, "idle"))
            .map(|(room, _)| (*room, since(room, &|content| is(content, "idle"))))
            .collect(),
        MOST,
    );
    tell(
        ReasonKind::RoomsVacated,
        there
            .iter()
            .filter(|(room, now)| {
                now.content.unit_id.is_none()
                    && super::may_fall_idle(now.content.occupancy.as_deref())
                    && !is(&now.content, "idle")
                    && room.versions.iter().any(|version| version.content.unit_id.is_some())
            })
            .map(|(room, _)| (*room, since(room, &|content| content.unit_id.is_none())))
            .collect(),
        MOST,
    );
    tell(
        ReasonKind::RoomsInUse,
        there
            .iter()
            .filter(|(_, now)| {
                now.content.unit_id.is_some() || matches!(now.content.occupancy.as_deref(), Some("let" | "lent"))
            })
            .map(|(room, now)| (*room, now.valid.from))
            .collect(),
        IN_USE,
    );
    reasons
}

/// What the land itself says.
async fn of_land(
    connection: &mut PgConnection,
    parcel: Uuid,
    content: &Content,
    today: Date,
) -> Result<Vec<Reason>, Fault> {
    let mut reasons = Vec::new();
    let buildings = sqlx::query!(
        r#"select v.occupancy, v.idle_since, v.valid
             from spatial_unit_relation r
             join spatial_unit_version v
               on v.object_id = r.lower_id and v.kind = 'building' and v.valid @> $2::date and upper_inf(v.recorded)
            where r.upper_id = $1 and r.kind = 'parcel_building' and r.valid @> $2::date and upper_inf(r.recorded)"#,
        parcel,
        today,
    )
    .fetch_all(&mut *connection)
    .await?;
    let granted = sqlx::query_scalar!(
        r#"select min(coalesce(term_from, recorded_on)) from title_version
            where parcel_ids @> array[$1::uuid] and book_state = '1' and valid @> $2::date and upper_inf(recorded)"#,
        parcel,
        today,
    )
    .fetch_one(connection)
    .await?;
    if buildings.is_empty() {
        if let Some(granted) = granted.filter(|granted| today - *granted > Duration::days(UNBUILT_DAYS)) {
            reasons.push(Reason::new(
                ReasonKind::Unbuilt,
                granted.checked_add(Duration::days(UNBUILT_DAYS)).unwrap_or(granted),
            ));
        }
    } else {
        let idle: Vec<Date> = buildings
            .iter()
            .filter(|building| building.occupancy.as_deref() == Some("idle"))
            .map(|building| {
                let held: ValidPeriod = valid_period(&building.valid);
                building.idle_since.unwrap_or(held.from)
            })
            .collect();
        let in_use = buildings.len() - idle.len();
        let last = idle.iter().max().copied();
        if let (0, Some(since)) = (in_use, last) {
            let mut reason = Reason::new(ReasonKind::PartsIdle, since);
            reason.count = Some(idle.len());
            reasons.push(reason);
        } else if in_use > 0 {
            let since = buildings
                .iter()
                .filter(|building| building.occupancy.as_deref() != Some("idle"))
                .map(|building| valid_period(&building.valid).from)
                .max()
                .unwrap_or(today);
            let mut reason = Reason::new(ReasonKind::RoomsInUse, since);
            reason.count = Some(in_use);
            reasons.push(reason);
        }
    }
    if content.usage.as_deref() == Some("idle_land")
        && let Some(since) = content.idle_since
    {
        reasons.push(Reason::new(ReasonKind::CalledIdle, since));
    }
    Ok(reasons)
}
