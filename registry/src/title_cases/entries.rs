//! What a case enters on a title (异议、预告、查封): it lies there until it lapses or is taken off.

use sqlx::PgConnection;
use time::Date;

use super::content::CaseContent;
use super::effects::Made;
use crate::ids::{EncumbranceId, TitleId};
use crate::request::{Problem, ProblemKind};
use crate::titles::encumbrances::{enter, let_expire, lift};

fn nothing_entered() -> Problem {
    Problem::new(ProblemKind::Conflict, "the case has entered nothing on its title")
        .code("nothing_entered")
        .remedy("say what is to be entered, and record it first")
}

/// Enters it. Where it lapses by itself, its last day is the day on which the case comes back.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn enter_encumbrance(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    on: Date,
    made: Made<'_>,
) -> Result<(), Problem> {
    let (Some(title), Some(entry)) = (case.title_id, &case.details.entry) else {
        return Err(nothing_entered());
    };
    let occasion = made.occasion("登簿");
    let days = (on, made.today, made.now);
    let (id, _) = enter(connection, TitleId(title), entry, days, &occasion).await?;
    case.review_on = entry.last_day(on)?;
    case.details.encumbrance_id = Some(id.0);
    case.details.recorded_on = Some(on);
    Ok(())
}

/// Says anew when it lapses: never by itself once its author has sued, or 90 days after the registration is possible.
///
/// # Errors
/// Where nothing was entered.
pub(super) async fn let_entry_expire(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    (on, expires_on): (Date, Option<Date>),
    made: Made<'_>,
) -> Result<(), Problem> {
    let id = case.details.encumbrance_id.ok_or_else(nothing_entered)?;
    let occasion = made.occasion("记载");
    let_expire(connection, EncumbranceId(id), (on, expires_on), made.now, &occasion).await?;
    case.review_on = expires_on;
    Ok(())
}

/// Takes it off the title: on a day, or the day after its last one.
///
/// # Errors
/// Where nothing was entered.
pub(super) async fn release_entry(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    on: Option<Date>,
    made: Made<'_>,
) -> Result<(), Problem> {
    let id = case.details.encumbrance_id.ok_or_else(nothing_entered)?;
    let lapsed = case.review_on.and_then(Date::next_day);
    let on = on.or(lapsed).unwrap_or(made.today);
    lift(connection, EncumbranceId(id), on, made.now, &made.occasion("注销记载")).await?;
    case.review_on = None;
    Ok(())
}
