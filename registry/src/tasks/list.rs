//! `GET /api/v1/tasks`: what waits for whoever asks, page by page; and how much of it there is, for a badge.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};

use super::gather::{Key, Task, Urgency, gather, place};
use crate::procedures::WaitingKind;
use crate::request::fields::require_word;
use crate::request::{Context, Cursor, Page, PageQuery, Problem, without_cursor};

/// What the worklist may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TasksQuery {
    /// One or several of `title_case`, `policy_case`, `inspection`, `inspection_finding`, `stocktaking`, `finding`,
    /// `exception`, `lease`, `rent`, `use_agreement`, `housing_tenancy`, `use_filing` and `working_calendar`, comma-separated.
    kind: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// The caller's own worklist: what has gone to them because its day is over first, then what is overdue, then what is due
/// soonest.
#[utoipa::path(get, path = "/api/v1/tasks", operation_id = "list_tasks", tag = "tasks",
    params(TasksQuery), responses((status = 200, body = Page<Task>), (status = 400, body = Problem)))]
pub(super) async fn list_tasks(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<TasksQuery>, QueryRejection>,
) -> Result<Json<Page<Task>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let address = without_cursor(&uri);
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()? as usize;
    let after: Option<Key> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &address))
        .transpose()?;
    let kinds: Vec<&str> = query
        .kind
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|kind| !kind.is_empty())
        .collect();
    for kind in &kinds {
        require_word("kind", kind, WaitingKind::WORDS).map_err(|problem| Problem::bad("kind", problem.detail))?;
    }
    let mut tasks = gather(&context).await?;
    tasks.retain(|task| kinds.is_empty() || kinds.contains(&task.waiting.kind.as_str()));
    let total = i64::try_from(tasks.len()).ok().filter(|_| query.count);
    if let Some(after) = after {
        tasks.retain(|task| task.key() > after);
    }
    let more = tasks.len() > limit;
    tasks.truncate(limit);
    place(&context, &mut tasks).await?;
    let next = tasks.last().filter(|_| more).map(|last| {
        let joint = if address.contains('?') { '&' } else { '?' };
        format!("{address}{joint}cursor={}", Cursor::new(&address, last.key()).encode())
    });
    let (told, ids) = tasks
        .iter()
        .filter_map(Task::tells_of)
        .map(|(kind, id)| (kind.to_owned(), id))
        .unzip();
    context.note_reads_behind(told, ids).await?;
    Ok(Json(Page {
        items: tasks,
        next,
        total,
    }))
}

/// How much waits for the caller.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(super) struct TaskSummary {
    /// Tasks; what is counted, such as leases that end, is one.
    total: u64,
    /// Those that have gone to the caller because their day is over.
    escalated: u64,
    /// Others whose day is over.
    overdue: u64,
    /// Those due within 14 days.
    soon: u64,
    /// Tasks by kind.
    kinds: BTreeMap<&'static str, u64>,
}

/// How much waits for the caller: the counts of their worklist.
#[utoipa::path(get, path = "/api/v1/tasks/summary", operation_id = "get_task_summary", tag = "tasks",
    responses((status = 200, body = TaskSummary)))]
pub(super) async fn get_task_summary(context: Context) -> Result<Json<TaskSummary>, Problem> {
    let mut summary = TaskSummary::default();
    for task in gather(&context).await? {
        summary.total += 1;
        match task.urgency {
            Urgency::Escalated => summary.escalated += 1,
            Urgency::Overdue => summary.overdue += 1,
            Urgency::Soon => summary.soon += 1,
            Urgency::Other => {}
        }
        *summary.kinds.entry(task.waiting.kind.as_str()).or_default() += 1;
    }
    Ok(Json(summary))
}
