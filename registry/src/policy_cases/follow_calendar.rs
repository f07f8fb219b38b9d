//! The clocks of cases, once the working days of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::select_cases;
use super::open::note_due;
use crate::request::Fault;
use crate::versioned::{Occasion, revise_what_differs};
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
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect::<Result<Vec<_>, Fault>>()?;
    revise_what_differs(connection, open, now, occasion, |case| {
        let mut content = case.clone();
        note_due(&mut content, calendar);
        (content.due_on != case.due_on).then_some(content)
    })
    .await
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
