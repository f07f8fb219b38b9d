//! The clocks of inspections and of what they found, once the working days of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::{InspectionContent, select_inspections};
use super::findings;
use super::plan::due_by;
use crate::request::Fault;
use crate::versioned::{Occasion, revise_what_differs};
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
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect::<Result<Vec<_>, Fault>>()?;
    let moved = revise_what_differs(&mut *connection, open, now, occasion, |inspection| {
        let clock = inspection.details.clock.as_ref();
        let due_on = clock.and_then(|clock| due_by(clock, calendar));
        (due_on != inspection.due_on).then(|| InspectionContent {
            due_on,
            ..inspection.clone()
        })
    })
    .await?;
    Ok(moved + findings::follow_calendar(connection, calendar, now, occasion).await?)
}
