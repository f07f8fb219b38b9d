//! `POST /api/v1/meter-readings`: a list of readings, all of it or nothing.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::UTILITIES;
use super::content::{MeterContent, select_meters};
use crate::ids::{MeterId, SpatialUnitId};
use crate::ledger::Action;
use crate::period::{Held, Revision, ValidPeriod, day};
use crate::request::fields::{plain_text, require_word, sane_day};
use crate::request::{Body, Context, Idempotency, Permission, Problem, ProblemKind};
use crate::spatial_units::require_edit;
use crate::versioned::{Occasion, VersionWriter};

/// So many readings are taken at once.
const MOST: usize = 5_000;

/// A reading as it is brought.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MeterReadingStatement)]
pub(super) struct Statement {
    /// The building, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    building_id: Option<Uuid>,
    /// The building, by its code, where the id isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    building_code: Option<String>,
    /// `electricity`, `water`, `gas` or `heat`.
    utility: String,
    /// The first day it was read for.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// The last day; never in the future.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// How much in those days, four decimals at most: kWh of electricity, m³ of water and gas, GJ of heat.
    #[schema(value_type = String)]
    quantity: Decimal,
}

/// A list of readings.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MeterReadings {
    /// 1 to 5000 of them.
    readings: Vec<Statement>,
    /// The bill, the list or the system they come from.
    source: String,
}

/// What became of the list.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Brought {
    /// Readings that were not there.
    new: usize,
    /// Readings for the same days that said otherwise before; what they said stays in the history.
    corrected: usize,
    /// Readings that were there alike.
    unchanged: usize,
}

fn refused(index: usize, name: &str, detail: impl Into<String>, code: &'static str) -> Problem {
    Problem::invalid(&format!("readings[{index}].{name}"), detail).code(code)
}

/// The days, the amount and the word, as far as one reading says.
fn checked(index: usize, said: &Statement, today: Date) -> Result<(ValidPeriod, Decimal), Problem> {
    let field = |name: &str| format!("readings[{index}].{name}");
    require_word(&field("utility"), &said.utility, &UTILITIES)?;
    let (from, to) = (sane_day(&field("from"), said.from)?, sane_day(&field("to"), said.to)?);
    if to < from {
        return Err(refused(
            index,
            "to",
            "读数期间先止后起 / the last day lies before the first",
            "days_reversed",
        )
        .remedy("exchange the two days"));
    }
    if to > today {
        return Err(refused(
            index,
            "to",
            "读数日期在将来 / the days lie in the future",
            "date_in_future",
        )
        .remedy("bring the reading once its days are over"));
    }
    let quantity = said.quantity.normalize();
    if quantity.is_sign_negative() && !quantity.is_zero()
        || quantity.scale() > 4
        || quantity >= Decimal::from(1_000_000_000_000_i64)
    {
        return Err(refused(
            index,
            "quantity",
            "用量须为非负数，最多四位小数 / a quantity is 0 or more, with four decimals at most",
            "quantity_invalid",
        )
        .remedy("correct the quantity"));
    }
    let after = to
        .next_day()
        .ok_or_else(|| Problem::invalid(&field("to"), "no day comes after it"))?;
    Ok((ValidPeriod { from, to: Some(after) }, quantity))
}

/// The buildings that the list names, in its order.
async fn buildings(connection: &mut PgConnection, readings: &[Statement]) -> Result<Vec<Uuid>, Problem> {
    let ids: Vec<Uuid> = readings.iter().filter_map(|said| said.building_id).collect();
    let codes: Vec<String> = readings.iter().filter_map(|said| said.building_code.clone()).collect();
    let found = sqlx::query!(
        "select distinct object_id, code from spatial_unit_version
          where kind = 'building' and upper_inf(recorded) and (object_id = any($1) or code = any($2))",
        &ids,
        &codes,
    )
    .fetch_all(connection)
    .await?;
    readings
        .iter()
        .enumerate()
        .map(|(index, said)| {
            let mut meant: Vec<Uuid> = match (said.building_id, said.building_code.as_deref()) {
                (Some(id), None) => found
                    .iter()
                    .filter(|one| one.object_id == id)
                    .map(|one| one.object_id)
                    .collect(),
                (None, Some(code)) => found
                    .iter()
                    .filter(|one| one.code.as_deref() == Some(code))
                    .map(|one| one.object_id)
                    .collect(),
                _ => {
                    return Err(refused(
                        index,
                        "building_id",
                        "请以编号或代码指明一栋楼 / name one building",
                        "building_unnamed",
                    )
                    .remedy("send building_id or building_code, one of the two"));
                }
            };
            meant.sort_unstable();
            meant.dedup();
            match meant[..] {
                [one] => Ok(one),
                [] => Err(refused(
                    index,
                    "building_id",
                    "没有这栋楼 / no such building is registered",
                    "building_unknown",
                )
                .remedy("register the building first, or correct its code")),
                _ => Err(refused(
                    index,
                    "building_code",
                    "多栋楼使用这个代码 / several buildings have this code",
                    "building_ambiguous",
                )
                .remedy("send building_id")),
            }
        })
        .collect()
}

/// Brings readings of meters: all of them, or nothing where one can't be taken. A reading for the same days corrects the one
/// that was there; one that shares some of its days with another is refused, so that nothing is counted twice.
#[utoipa::path(post, path = "/api/v1/meter-readings", operation_id = "bring_meter_readings", tag = "meters",
    params(("Idempotency-Key" = String, Header)), request_body = MeterReadings,
    responses((status = 201, body = Brought), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn bring_meter_readings(
    context: Context,
    headers: HeaderMap,
    Body(list): Body<MeterReadings>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("meter-readings", &list))?;
    let source = plain_text("source", &list.source, 200)?;
    if source.is_empty() {
        return Err(Problem::invalid("source", "必填 / it is missing").remedy("name the bill, the list or the system"));
    }
    if list.readings.is_empty() || list.readings.len() > MOST {
        return Err(
            Problem::invalid("readings", format!("1 to {MOST} readings are taken at once"))
                .remedy("bring them in several lists"),
        );
    }
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let checked: Vec<(ValidPeriod, Decimal)> = list
        .readings
        .iter()
        .enumerate()
        .map(|(index, said)| checked(index, said, today))
        .collect::<Result<_, _>>()?;
    let buildings = buildings(&mut transaction, &list.readings).await?;
    require_edit(&mut transaction, &context, &[Permission::EditAssets], &buildings, None).await?;
    let mut by_meter: BTreeMap<(Uuid, &str), Vec<usize>> = BTreeMap::new();
    for (index, (building, said)) in buildings.iter().zip(&list.readings).enumerate() {
        by_meter.entry((*building, &said.utility)).or_default().push(index);
    }
    let occasion = Occasion::by(&context.actor, Some(source.clone()));
    let mut writer = VersionWriter::default();
    let mut brought = Brought::default();
    for ((building, utility), indices) in by_meter {
        let known = select_meters!(
            "where v.building_id = $1 and v.utility = $2 and upper_inf(v.recorded) order by lower(v.valid)",
            building,
            utility,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let meter = known.first().map(|row| row.object_id);
        let mut held: Vec<Held<MeterContent>> = known
            .into_iter()
            .map(|row| row.stored().held())
            .collect::<Result<_, _>>()?;
        let mut revision = Revision {
            close: Vec::new(),
            write: Vec::new(),
            at: now,
        };
        for index in indices {
            let (period, quantity) = checked[index];
            let meets = |other: &ValidPeriod| other.overlaps(&period);
            if revision.write.iter().any(|(other, _)| meets(other)) {
                return Err(overlapping(
                    index,
                    "本次读数中有重叠的日期 / two readings of this list share a day",
                ));
            }
            let content = MeterContent {
                building_id: SpatialUnitId(building),
                utility: utility.to_owned(),
                quantity,
                source: source.clone(),
            };
            match held.iter().position(|other| meets(&other.valid)) {
                None => brought.new += 1,
                Some(at) if held[at].valid != period => {
                    return Err(overlapping(
                        index,
                        "与已登记的读数日期部分重叠 / it shares some of its days with a reading that is there",
                    ));
                }
                Some(at) if held[at].content.quantity == quantity => {
                    brought.unchanged += 1;
                    continue;
                }
                Some(at) => {
                    revision.close.push(held.swap_remove(at).version_id);
                    brought.corrected += 1;
                }
            }
            revision.write.push((period, content));
        }
        if revision.write.is_empty() {
            continue;
        }
        let (id, action) = match meter {
            Some(id) => (id, Action::Change),
            None => (MeterId::fresh().0, Action::Create),
        };
        if action == Action::Create {
            writer.register(id, now);
        }
        writer.revise(id, action, &revision, None, &occasion)?;
    }
    writer.flush(&mut transaction).await?;
    let body = serde_json::json!(brought);
    idempotency
        .keep(
            &mut transaction,
            &context.actor,
            now,
            "/api/v1/meter-readings",
            "",
            &body,
        )
        .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn overlapping(index: usize, detail: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, detail)
        .field(format!("readings[{index}].from"))
        .code("reading_overlaps")
        .remedy("bring each day once: correct the days, or bring the reading for the same days as before to correct it")
}
