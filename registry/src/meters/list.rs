//! `GET /api/v1/meter-readings`: what a building consumed, the latest first.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::UTILITIES;
use super::content::select_meters;
use crate::period::{day, valid_period};
use crate::request::fields::require_word;
use crate::request::{Context, Problem, Times};

/// So many readings are told at most: a month each, more than 80 years of one meter.
const MOST: i64 = 1_000;

/// Whose readings.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadingsQuery {
    /// The id of the building.
    building: Uuid,
    /// `electricity`, `water`, `gas` or `heat`; all unless told.
    utility: Option<String>,
}

/// A reading.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct MeterReading {
    /// The meter.
    meter_id: Uuid,
    /// `electricity`, `water`, `gas` or `heat`.
    utility: String,
    /// The first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// The last day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// How much in those days: kWh of electricity, m³ of water and gas, GJ of heat.
    #[schema(value_type = String)]
    quantity: Decimal,
    /// What it comes from.
    source: String,
}

/// What a building consumed, the latest first.
#[utoipa::path(get, path = "/api/v1/meter-readings", operation_id = "list_meter_readings", tag = "meters",
    params(ReadingsQuery, ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Vec<MeterReading>), (status = 400, body = Problem)))]
pub(super) async fn list_meter_readings(
    context: Context,
    times: Times,
    query: Result<Query<ReadingsQuery>, QueryRejection>,
) -> Result<Json<Vec<MeterReading>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    if let Some(utility) = &query.utility {
        require_word("utility", utility, &UTILITIES).map_err(|problem| Problem::bad("utility", problem.detail))?;
    }
    let mut transaction = context.database.begin_snapshot().await?;
    let rows = select_meters!(
        "where v.building_id = $1 and ($2::text is null or v.utility = $2) and v.recorded @> $3::timestamptz
         order by lower(v.valid) desc, v.utility limit $4",
        query.building,
        query.utility,
        times.known_at,
        MOST,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    context.note_read_of(&[query.building]).await?;
    Ok(Json(
        rows.into_iter()
            .map(|row| {
                let valid = valid_period(&row.valid);
                MeterReading {
                    meter_id: row.object_id,
                    utility: row.utility,
                    from: valid.from,
                    to: valid.to.and_then(Date::previous_day).unwrap_or(valid.from),
                    quantity: row.quantity.normalize(),
                    source: row.source,
                }
            })
            .collect(),
    ))
}
