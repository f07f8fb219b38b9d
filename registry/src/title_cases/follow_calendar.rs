//! The registry's clock, once the working days of another year are known.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::content::select_cases;
use crate::request::Fault;
use crate::versioned::{Occasion, revise_what_differs};
use crate::working_days::WorkingCalendar;

/// Works out the last day of every clock that runs by this calendar. Gives how many got another.
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
        "select id from title_case
          where id in (select object_id from title_case_version
                        where upper_inf(recorded) and details -> 'clock' is not null
                          and details -> 'clock' ->> 'stopped_on' is null)
          order by id for update"
    )
    .fetch_all(&mut *connection)
    .await?;
    let running = select_cases!(
        "where upper_inf(v.recorded) and v.details -> 'clock' is not null
           and v.details -> 'clock' ->> 'stopped_on' is null
         order by v.object_id"
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect::<Result<Vec<_>, Fault>>()?;
    revise_what_differs(connection, running, now, occasion, |case| {
        let mut content = case.clone();
        let clock = content.details.clock.as_mut()?;
        let deadline = calendar.deadline(clock.accepted_on, clock.working_days);
        if deadline == clock.deadline {
            return None;
        }
        clock.deadline = deadline;
        content.due_on = deadline.due_on();
        Some(content)
    })
    .await
}

/// The years for which the registry's clocks of the caller's part wait, each as often as one does: the first year without
/// working days into which it reaches.
///
/// # Errors
/// The database's.
pub async fn years_awaited(connection: &mut PgConnection) -> Result<Vec<i32>, Fault> {
    Ok(sqlx::query_scalar!(
        r#"select (details -> 'clock' -> 'deadline' ->> 'year')::int as "year!" from title_case_version
            where upper_inf(recorded) and details -> 'clock' ->> 'stopped_on' is null
              and details -> 'clock' -> 'deadline' ->> 'known' = 'not_published'"#
    )
    .fetch_all(connection)
    .await?)
}
