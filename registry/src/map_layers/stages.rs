//! Where the cases of assets stand: what a tile tells as `case_stage`.
//!
//! It is the open policy case of the asset itself (一资一策、划转下沉、转化为周转住房、大中修) as `procedure.state`; a unit's case that
//! gives it rooms of the asset is the unit's. Whoever sees an asset sees its cases, so a tile tells nobody more.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::request::{Fault, Times};

/// The stages of assets, by their ids.
pub(super) type Stages = HashMap<Uuid, String>;

/// The stages as they are now: of these assets, or of all.
///
/// # Errors
/// The database's.
pub(super) async fn stages_now(connection: &mut PgConnection, assets: Option<&[Uuid]>) -> Result<Stages, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (asset_id) asset_id as "asset_id!", procedure || '.' || state as "stage!"
             from policy_case_version
            where upper_inf(recorded) and is_open and asset_id is not null and unit_id is null
              and ($1::uuid[] is null or asset_id = any($1))
            order by asset_id, array_position(array['idle_disposal', 'hand_down', 'turnover_housing', 'repair'], procedure)"#,
        assets,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.asset_id, row.stage)).collect())
}

/// The stages of these assets on a day, as they were known: the days of a case's steps are those on which they were recorded,
/// so its state on a day is what was known when that day ended.
///
/// # Errors
/// The database's.
pub(super) async fn stages_on(connection: &mut PgConnection, assets: &[Uuid], times: Times) -> Result<Stages, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (asset_id) asset_id as "asset_id!", procedure || '.' || state as "stage!"
             from policy_case_version
            where recorded @> $2::timestamptz and valid @> $3::date and is_open and unit_id is null
              and asset_id = any($1)
            order by asset_id, array_position(array['idle_disposal', 'hand_down', 'turnover_housing', 'repair'], procedure)"#,
        assets,
        moment_of(times),
        times.as_of,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.asset_id, row.stage)).collect())
}

/// The last instant of the day (in China Standard Time, as every legal date), or what was known before.
fn moment_of(times: Times) -> OffsetDateTime {
    let china = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
    let ends = times
        .as_of
        .next_day()
        .map(|next| next.midnight().assume_offset(china) - Duration::microseconds(1));
    ends.map_or(times.known_at, |ends| ends.min(times.known_at))
}

/// The assets that these cases are about.
///
/// # Errors
/// The database's.
pub(super) async fn assets_of(connection: &mut PgConnection, cases: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        r#"select distinct asset_id as "asset_id!" from policy_case_version
            where object_id = any($1) and asset_id is not null and unit_id is null"#,
        cases,
    )
    .fetch_all(connection)
    .await?)
}
