//! What stands in the way of a step.

use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::content::{Fact, InspectionContent};
use super::indicators::figures;
use super::procedure::Guard;
use super::schemes::in_force;
use super::score::{Scoring, score};
use crate::request::Fault;

/// A guard that does not hold, and why.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionUnmet)]
pub struct Unmet {
    /// Which.
    pub guard: Guard,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// How far the findings of an inspection are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionFindingTotals)]
pub struct FindingTotals {
    /// All of them but those declared void.
    pub all: i64,
    /// Not put right yet.
    pub open: i64,
    /// Put right, and not looked at again.
    pub rectified: i64,
    /// Put right, and looked at again.
    pub confirmed: i64,
    /// Not put right, with a reason and a day.
    pub deferred: i64,
    /// Neither put right and looked at again, nor deferred.
    pub unsettled: i64,
}

pub(super) async fn totals(connection: &mut PgConnection, id: Uuid) -> Result<FindingTotals, Fault> {
    Ok(sqlx::query_as!(
        FindingTotals,
        r#"select count(*) as "all!", count(*) filter (where state = 'open') as "open!",
                  count(*) filter (where state = 'rectified') as "rectified!",
                  count(*) filter (where state = 'confirmed') as "confirmed!",
                  count(*) filter (where state <> 'confirmed' and deferred_until is not null) as "deferred!",
                  count(*) filter (where state <> 'confirmed' and deferred_until is null) as "unsettled!"
             from inspection_finding_version
            where inspection_id = $1 and state <> 'void' and upper_inf(recorded)"#,
        id,
    )
    .fetch_one(connection)
    .await?)
}

/// What the indicators come to now, by the scheme that holds there on the inspection's day.
pub(super) async fn scoring(
    connection: &mut PgConnection,
    inspection: (Uuid, &InspectionContent),
    known_at: OffsetDateTime,
) -> Result<Scoring, Fault> {
    let (_, content) = inspection;
    let (version, scheme) = in_force(&mut *connection, &content.region_code, content.as_of).await?;
    let figures = figures(connection, inspection, known_at).await?;
    Ok(score(figures, &scheme, version, (content.as_of, known_at)))
}

/// What guards ask: what is on record, how far the findings are, and what the score would be where that matters.
pub(super) struct Around {
    pub findings: FindingTotals,
    pub scoring: Option<Scoring>,
    pub has_reason: bool,
}

fn when(holds: bool, zh: impl Into<String>, en: impl Into<String>) -> Option<(String, String)> {
    (!holds).then(|| (zh.into(), en.into()))
}

fn check(guard: Guard, content: &InspectionContent, around: &Around) -> Option<(String, String)> {
    let (details, findings) = (&content.details, around.findings);
    match guard {
        Guard::ReasonGiven => when(around.has_reason, "请说明理由", "the reason is missing (reason)"),
        Guard::SampleDrawn => when(
            !details.sampled().is_empty(),
            "尚未抽样",
            "the sample is not drawn yet (POST …/samples)",
        ),
        Guard::SelfCheckAnswered => when(
            details.facts().any(|(_, fact)| matches!(fact, Fact::SelfCheck(_))),
            "尚未填写自查情况",
            "the self-check is not answered (record self_check)",
        ),
        Guard::SampleVisited => {
            let (sampled, visited) = (details.sampled(), details.visited());
            let left = sampled.iter().filter(|id| !visited.contains(*id)).count();
            when(
                left == 0,
                format!("样本中还有 {left} 处未现场检查"),
                format!("{left} buildings of the sample are not visited yet (record visit)"),
            )
        }
        Guard::SomethingFound => when(
            findings.all > 0,
            "没有登记问题，可直接转入复查环节",
            "nothing is found: take the step pass instead",
        ),
        Guard::NothingFound => when(
            findings.all == 0,
            format!("已登记 {} 个问题，须下发整改通知", findings.all),
            format!("{} findings are registered: issue the notice", findings.all),
        ),
        Guard::FindingsSettled => when(
            findings.unsettled == 0,
            format!("还有 {} 个问题未整改复查，也没有说明理由和期限", findings.unsettled),
            format!(
                "{} findings are neither put right and looked at again, nor deferred with a reason and a day",
                findings.unsettled
            ),
        ),
        Guard::ScoreComputable => when(
            around.scoring.as_ref().is_none_or(|scoring| scoring.score.is_some()),
            "没有一项有权重的指标可以计算",
            "not one indicator that weighs can be said",
        ),
    }
}

/// The guards that don't hold.
pub(super) fn unmet(guards: &[Guard], content: &InspectionContent, around: &Around) -> Vec<Unmet> {
    guards
        .iter()
        .filter_map(|guard| {
            let (zh, en) = check(*guard, content, around)?;
            Some(Unmet { guard: *guard, zh, en })
        })
        .collect()
}
