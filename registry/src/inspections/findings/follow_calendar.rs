//! The working days of findings, once those of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::{FindingContent, select_findings};
use super::step::due_by;
use crate::request::Fault;
use crate::versioned::{Occasion, revise_what_differs};
use crate::working_days::WorkingCalendar;

/// Works out the last day of every finding that isn't settled. Gives how many got another.
pub(in crate::inspections) async fn follow_calendar(
    connection: &mut PgConnection,
    calendar: &WorkingCalendar,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<usize, Fault> {
    sqlx::query!(
        "select id from inspection_finding
          where id in (select object_id from inspection_finding_version
                        where upper_inf(recorded) and state not in ('confirmed', 'void') and issued_on is not null)
          order by id for update"
    )
    .fetch_all(&mut *connection)
    .await?;
    let open = select_findings!(
        "where upper_inf(v.recorded) and v.state not in ('confirmed', 'void') and v.issued_on is not null order by v.object_id"
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect::<Result<Vec<_>, Fault>>()?;
    revise_what_differs(connection, open, now, occasion, |finding| {
        let due_on = finding
            .issued_on
            .and_then(|issued_on| due_by(issued_on, finding.days, calendar));
        (due_on != finding.due_on).then(|| FindingContent {
            due_on,
            ..finding.clone()
        })
    })
    .await
}
