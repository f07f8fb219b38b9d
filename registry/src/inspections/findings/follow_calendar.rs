//! The working days of findings, once those of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::select_findings;
use super::step::due_by;
use crate::ledger::Action;
use crate::period::revise;
use crate::request::Fault;
use crate::versioned::{Occasion, VersionWriter};
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
    .await?;
    let mut writer = VersionWriter::default();
    let mut moved = 0;
    for row in open {
        let id = row.object_id;
        let held = row.stored().held()?;
        let mut content = held.content.clone();
        content.due_on = content
            .issued_on
            .and_then(|issued_on| due_by(issued_on, content.days, calendar));
        if content.due_on == held.content.due_on {
            continue;
        }
        let revision = revise(std::slice::from_ref(&held), held.valid, Some(content), now);
        writer.revise(id, Action::Change, &revision, Some(&held.content), occasion)?;
        moved += 1;
    }
    writer.flush(connection).await?;
    Ok(moved)
}
