//! The clocks of inspections and of what they found, once the working days of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::select_inspections;
use super::findings;
use super::plan::due_by;
use crate::ledger::Action;
use crate::period::revise;
use crate::request::Fault;
use crate::versioned::{Occasion, VersionWriter};
use crate::working_days::WorkingCalendar;

/// Works out the last day of every open inspection and every open finding by this calendar. Gives how many got another.
///
/// # Errors
/// The database's.
pub async fn follow_calendar(
    connection: &mut PgConnection,
    calendar: &WorkingCalendar,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<usize, Fault> {
    sqlx::query!(
        "select id from inspection
          where id in (select object_id from inspection_version
                        where upper_inf(recorded) and is_open and details -> 'clock' is not null)
          order by id for update"
    )
    .fetch_all(&mut *connection)
    .await?;
    let open = select_inspections!(
        "where upper_inf(v.recorded) and v.is_open and v.details -> 'clock' is not null order by v.object_id"
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut writer = VersionWriter::default();
    let mut moved = 0;
    for row in open {
        let id = row.object_id;
        let held = row.stored().held()?;
        let mut content = held.content.clone();
        content.due_on = content.details.clock.as_ref().and_then(|clock| due_by(clock, calendar));
        if content.due_on == held.content.due_on {
            continue;
        }
        let revision = revise(std::slice::from_ref(&held), held.valid, Some(content), now);
        writer.revise(id, Action::Change, &revision, Some(&held.content), occasion)?;
        moved += 1;
    }
    writer.flush(&mut *connection).await?;
    Ok(moved + findings::follow_calendar(connection, calendar, now, occasion).await?)
}
