//! The working calendar of a year that waits to be recorded: its notice comes out in the last months of the year before, and
//! without it nobody can say on which day a deadline ends that reaches into the year.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::{Date, Month};

use crate::procedures::{Awaited, Waiting, WaitingKind, WorkflowLabel};
use crate::request::{Caller, Fault, Permission};
use crate::working_days::WorkingCalendar;

/// The years whose notices wait for a reader who records them: this one, the next from November on, and any into which the
/// deadline of an open case reaches. A year's notice is due by the last day of the year before.
///
/// # Errors
/// The database's.
pub async fn waiting_calendar(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    if !caller.scope.holds_everywhere(Permission::KeepThresholds) {
        return Ok(Vec::new());
    }
    let calendar = WorkingCalendar::in_force(connection).await?;
    let mut cases: BTreeMap<i32, i64> = BTreeMap::new();
    for year in crate::title_cases::years_awaited(connection)
        .await?
        .into_iter()
        .chain(crate::policy_cases::years_awaited(connection, &calendar).await?)
    {
        *cases.entry(year).or_default() += 1;
    }
    let mut awaited: BTreeMap<i32, i64> = cases;
    awaited.entry(today.year()).or_default();
    if today.month() >= Month::November {
        awaited.entry(today.year() + 1).or_default();
    }
    Ok(awaited
        .into_iter()
        .filter(|(year, _)| calendar.year(*year).is_none())
        .map(|(year, cases)| {
            let due_on = Date::from_calendar_date(year - 1, Month::December, 31).ok();
            let wait = match cases {
                0 => (String::new(), String::new()),
                n => (
                    format!("，{n} 个在办案件待定到期日"),
                    format!("; {n} open cases wait for their last day"),
                ),
            };
            Waiting {
                procedure: Some(year.to_string()),
                about: Some(WorkflowLabel {
                    zh: format!("{year} 年{}", wait.0),
                    en: format!("{year}{}", wait.1),
                }),
                ..Waiting::new(WaitingKind::WorkingCalendar, None, Awaited::RecordYear).due(due_on, today)
            }
        })
        .collect())
}
