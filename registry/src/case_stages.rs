//! Where the open cases of assets stand: what tiles and lists tell as `case_stage` and `case_phase` (处置进度).
//!
//! A stage is `procedure.state`; its phase is what the map is coloured by. Both, and which of several cases is told of, are said
//! by the view `asset_case` ([ADR 36](../docs/adr/0036-what-is-being-done.md)). Whoever sees an asset sees its cases, so nobody
//! is told more by it.

use std::collections::HashMap;

use sqlx::{PgConnection, Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::end_of;
use crate::request::{Fault, Times};

/// Where the case of an asset stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseStage {
    /// `procedure.state`
    pub stage: String,
    /// `preparing`, `deciding`, `carrying_out`, `finishing` or `titling`.
    pub phase: String,
}

/// The stages of assets, by their ids.
pub type CaseStages = HashMap<Uuid, CaseStage>;

/// The stages as they are now: of these assets, or of all.
///
/// # Errors
/// The database's.
pub async fn stages_now(connection: &mut PgConnection, assets: Option<&[Uuid]>) -> Result<CaseStages, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (asset_id) asset_id as "asset_id!", stage as "stage!", phase as "phase!"
             from asset_case
            where upper_inf(recorded) and ($1::uuid[] is null or asset_id = any($1))
            order by asset_id, rank, object_id"#,
        assets,
    )
    .fetch_all(connection)
    .await?;
    let told = |stage, phase| CaseStage { stage, phase };
    Ok(rows
        .into_iter()
        .map(|row| (row.asset_id, told(row.stage, row.phase)))
        .collect())
}

/// The stages on a day, as they were known, of these assets or of all: the days of a case's steps are those on which they were
/// recorded, so its state on a day is what was known when that day ended.
///
/// # Errors
/// The database's.
pub async fn stages_on(
    connection: &mut PgConnection,
    assets: Option<&[Uuid]>,
    times: Times,
) -> Result<CaseStages, Fault> {
    let rows = sqlx::query!(
        r#"select distinct on (asset_id) asset_id as "asset_id!", stage as "stage!", phase as "phase!"
             from asset_case
            where recorded @> $2::timestamptz and valid @> $3::date and ($1::uuid[] is null or asset_id = any($1))
            order by asset_id, rank, object_id"#,
        assets,
        moment_of(times),
        times.as_of,
    )
    .fetch_all(connection)
    .await?;
    let told = |stage, phase| CaseStage { stage, phase };
    Ok(rows
        .into_iter()
        .map(|row| (row.asset_id, told(row.stage, row.phase)))
        .collect())
}

/// Appends the condition that the case of an asset is at one of these phases; `none` stands for no open case. `column` is the
/// asset's id.
pub fn push_phases(select: &mut QueryBuilder<Postgres>, column: &str, phases: &[String], times: Times) {
    let moment = moment_of(times);
    select.push(" and (").push(column).push(
        " in (select told.asset_id
                from (select distinct on (asset_id) asset_id, phase from asset_case where recorded @> ",
    );
    select.push_bind(moment).push(" and valid @> ").push_bind(times.as_of);
    select
        .push(" order by asset_id, rank, object_id) told where told.phase = any(")
        .push_bind(phases.to_vec())
        .push("))");
    if phases.iter().any(|phase| phase == "none") {
        // Asset ids of open cases are never null, so that `not in` asks once for them all.
        select
            .push(" or ")
            .push(column)
            .push(" not in (select asset_id from asset_case where recorded @> ");
        select
            .push_bind(moment)
            .push(" and valid @> ")
            .push_bind(times.as_of)
            .push(")");
    }
    select.push(")");
}

/// The assets that these cases are or were about.
///
/// # Errors
/// The database's.
pub async fn assets_of(connection: &mut PgConnection, cases: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        r#"select asset_id as "asset_id!" from policy_case_version
            where object_id = any($1) and asset_id is not null and unit_id is null
            union
           select asset_id from title_case_version where object_id = any($1)"#,
        cases,
    )
    .fetch_all(connection)
    .await?)
}

/// The end of the day, or what was known before.
fn moment_of(times: Times) -> OffsetDateTime {
    end_of(times.as_of).map_or(times.known_at, |end| end.min(times.known_at))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sqlx::PgPool;

    use crate::policy_cases::Procedure;

    /// The map's legend has a place for every state in which a case about an asset can be.
    #[sqlx::test(migrations = "../migrations")]
    async fn every_open_state_of_a_case_about_an_asset_is_at_a_phase(pool: PgPool) {
        let mut stages = Vec::new();
        for procedure in [
            Procedure::IdleDisposal,
            Procedure::HandDown,
            Procedure::TurnoverHousing,
            Procedure::Repair,
        ] {
            let definition = procedure.definition().unwrap();
            let open = definition.states.iter().filter(|state| !state.end);
            stages.extend(open.map(|state| format!("{}.{}", procedure.as_str(), state.id)));
        }
        let titles = crate::title_cases::title_case().unwrap();
        stages.extend(titles.states.iter().map(|state| format!("title_case.{}", state.id)));
        let mut phases = BTreeSet::new();
        for stage in stages {
            let phase: Option<String> = sqlx::query_scalar("select case_phase($1)")
                .bind(&stage)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert!(phase.is_some(), "{stage} is at no phase");
            phases.extend(phase);
        }
        let wanted = ["carrying_out", "deciding", "finishing", "preparing", "titling"];
        assert!(phases.iter().map(String::as_str).eq(wanted), "{phases:?}");
    }
}
