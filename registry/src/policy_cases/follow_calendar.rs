//! The clocks of cases, once the working days of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::select_cases;
use super::open::note_due;
use crate::ledger::Action;
use crate::period::revise;
use crate::request::Fault;
use crate::versioned::{Occasion, VersionWriter};
use crate::working_days::WorkingCalendar;

/// Works out the last day of every open case's clock by this calendar. Gives how many got another.
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
        "select id from policy_case
          where id in (select object_id from policy_case_version
                        where upper_inf(recorded) and is_open and details -> 'clock' is not null)
          order by id for update"
    )
    .fetch_all(&mut *connection)
    .await?;
    let open = select_cases!(
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
        note_due(&mut content, calendar);
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

/// The years for which the open cases of the caller's part wait, each as often as a case waits for it: the first year without
/// working days into which its deadline reaches.
///
/// # Errors
/// The database's.
pub async fn years_awaited(connection: &mut PgConnection, calendar: &WorkingCalendar) -> Result<Vec<i32>, Fault> {
    // A clock that runs has its last day, where that is known.
    let open = select_cases!(
        "where upper_inf(v.recorded) and v.is_open and v.due_on is null and v.details -> 'clock' is not null"
    )
    .fetch_all(connection)
    .await?;
    let mut years = Vec::new();
    for row in open {
        let clock = row.content()?.details.clock;
        if let Some(workflow::Due::NotPublished { year, .. }) =
            clock.map(|clock| clock.due(&|day| calendar.is_working_day(day)))
        {
            years.push(year);
        }
    }
    Ok(years)
}
