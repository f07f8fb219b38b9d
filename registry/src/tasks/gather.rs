//! What waits for a reader, from every noun, in the order in which it presses.

use serde::Serialize;
use time::{Date, Duration};
use uuid::Uuid;

use crate::procedures::{Waiting, WaitingKind};
use crate::request::{Context, Fault, Problem, Times};

/// A day is near from so many days before it.
const NEAR: Duration = Duration::days(14);

/// How a task presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskUrgency)]
pub(super) enum Urgency {
    /// 已升级督办
    Escalated,
    /// 已超期
    Overdue,
    /// 即将到期: within 14 days.
    Soon,
    /// Anything else.
    Other,
}

/// A task of the worklist.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Task {
    /// How it presses.
    pub urgency: Urgency,
    /// What waits.
    #[serde(flatten)]
    pub waiting: Waiting,
}

/// The place of a task in the list. It is nobody else's.
pub(super) type Key = (u8, String, String, String);

impl Task {
    fn of(waiting: Waiting, today: Date) -> Self {
        let is_near = waiting.due_on.is_some_and(|due_on| due_on <= today + NEAR);
        let urgency = match (waiting.escalated, waiting.overdue, is_near) {
            (true, _, _) => Urgency::Escalated,
            (_, true, _) => Urgency::Overdue,
            (_, _, true) => Urgency::Soon,
            _ => Urgency::Other,
        };
        Self { urgency, waiting }
    }

    /// Its place: what presses most, what is due first, then by kind.
    pub fn key(&self) -> Key {
        let waiting = &self.waiting;
        let day = waiting.due_on.or(waiting.not_before);
        let what: Vec<String> = waiting
            .id
            .map(|id| id.to_string())
            .into_iter()
            .chain(waiting.procedure.clone())
            .collect();
        (
            self.urgency as u8,
            day.map_or_else(|| "9999-12-31".to_owned(), |day| day.to_string()),
            waiting.kind.as_str().to_owned(),
            format!("{} {}", what.join(" "), waiting.awaited.as_str()),
        )
    }

    /// What it tells of an asset by, for the ledger's word of it.
    pub fn tells_of(&self) -> Option<(&'static str, Uuid)> {
        let kind = match self.waiting.kind {
            WaitingKind::TitleCase => "title_case",
            WaitingKind::PolicyCase => "policy_case",
            WaitingKind::UseAgreement => "use_agreement",
            WaitingKind::HousingTenancy => "housing_tenancy",
            // The others name no asset.
            _ => return None,
        };
        Some((kind, self.waiting.id?))
    }
}

/// Everything that waits for the caller. A few statements a noun, however many cases there are.
pub(super) async fn gather(context: &Context) -> Result<Vec<Task>, Fault> {
    let times = Times::now(&context.clock);
    let (caller, today) = (&context.caller, times.as_of);
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut waiting = crate::title_cases::waiting_cases(&mut snapshot, caller, today).await?;
    waiting.extend(crate::policy_cases::waiting_cases(&mut snapshot, caller, today).await?);
    waiting.extend(crate::inspections::waiting_inspections(&mut snapshot, caller, today).await?);
    waiting.extend(crate::stocktakings::waiting_stocktakings(&mut snapshot, caller, today).await?);
    waiting.extend(crate::checks::waiting_findings(&mut snapshot, caller, today).await?);
    waiting.extend(crate::leases::waiting_leases(&mut snapshot, caller, times).await?);
    waiting.extend(crate::use_agreements::waiting_agreements(&mut snapshot, caller, today).await?);
    waiting.extend(crate::housing_tenancies::waiting_tenancies(&mut snapshot, caller, today).await?);
    waiting.extend(crate::checks::waiting_filings(&mut snapshot, caller, today).await?);
    waiting.extend(crate::calendar_notices::waiting_calendar(&mut snapshot, caller, today).await?);
    drop(snapshot);
    let mut tasks: Vec<Task> = waiting.into_iter().map(|waiting| Task::of(waiting, today)).collect();
    tasks.sort_by_cached_key(Task::key);
    Ok(tasks)
}

/// Says of the assets of these tasks where they stand. One statement, for those that are shown; their sites are told of then,
/// which is a read of each that is internal.
pub(super) async fn place(context: &Context, tasks: &mut [Task]) -> Result<(), Problem> {
    let assets: Vec<Uuid> = tasks
        .iter()
        .filter_map(|task| task.waiting.object.as_ref()?.asset_id())
        .collect();
    let mut snapshot = context.database.begin_snapshot().await?;
    let stands = crate::spatial_units::whereabouts_now(&mut snapshot, &assets).await?;
    drop(snapshot);
    for object in tasks.iter_mut().filter_map(|task| task.waiting.object.as_mut()) {
        if let Some(there) = object.asset_id().and_then(|id| stands.get(&id)) {
            object.site_name.clone_from(&there.site_name);
            object.address.clone_from(&there.address);
        }
    }
    let sites: Vec<Uuid> = stands.values().filter_map(|there| there.site_id).collect();
    context.note_read_of(&sites).await
}
