//! What a step brings about beyond the case itself: the title, the asset's status and use.

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::CaseContent;
use super::guards::title_terms;
use crate::ids::{TitleCaseId, TitleId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::{Actor, Problem, ProblemKind};
use crate::titles::asset_status::{AssetChange, assets_of, change_assets, follow_end, status_of, status_without_title};
use crate::titles::dictionaries::{PolicyAction, RegistrationType};
use crate::titles::{TitleContent, TitleStatement, held_versions, refused, write_change, write_new};
use crate::versioned::{Occasion, write_revision};

/// By whom, when and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made<'a> {
    pub case: TitleCaseId,
    pub actor: &'a Actor,
    pub reason: Option<&'a str>,
    pub now: OffsetDateTime,
    pub today: Date,
}

impl Made<'_> {
    pub(super) fn occasion(&self, what: &str) -> Occasion {
        Occasion::by(self.actor, Some(self.reason.unwrap_or(what).to_owned()))
    }
}

/// Writes the title that the case is about: a new one, or the next version of the one that is dealt with.
///
/// # Errors
/// What the title clashes with.
pub(super) async fn record_title(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    on: Date,
    made: Made<'_>,
) -> Result<TitleContent, Problem> {
    let book = match case.title_id {
        None => None,
        Some(title) => crate::titles::current(connection, TitleId(title)).await?,
    };
    case.details.recorded_on = Some(on);
    let statement = title_terms(case, book.as_ref(), on)?;
    let content = statement.content(made.today, Some(made.case.0))?;
    let occasion = made.occasion("登簿");
    match (case.title_id, case.details.registration_type) {
        (
            _,
            Some(
                RegistrationType::Cancel
                | RegistrationType::Objection
                | RegistrationType::PreNotice
                | RegistrationType::Seizure,
            ),
        ) => {
            return Err(Problem::new(
                ProblemKind::Conflict,
                "this registration type is entered on the title itself, not by a case that makes a title",
            )
            .code("registration_type_on_title")
            .remedy("end the title, or enter the encumbrance, under /api/v1/titles"));
        }
        (Some(title), registration) => {
            let held = held_versions(connection, TitleId(title)).await?;
            write_change(
                connection,
                TitleId(title),
                &held,
                (on, content.clone()),
                (
                    if registration == Some(RegistrationType::Correct) {
                        Action::Correct
                    } else {
                        Action::Change
                    },
                    made.now,
                ),
                &occasion,
            )
            .await?;
        }
        (None, _) => {
            let (title, _) = write_new(connection, content.clone(), on, made.now, &occasion).await?;
            case.title_id = Some(title.0);
        }
    }
    Ok(content)
}

/// The certificate's number, serial and day, in the title.
///
/// # Errors
/// What the number clashes with.
pub(super) async fn note_certificate(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    (title, (on, cert_no, print_serial)): (Uuid, (Date, &str, Option<&str>)),
    made: Made<'_>,
) -> Result<(), Problem> {
    let Some(recorded_on) = case.details.recorded_on else {
        return Err(Problem::new(ProblemKind::Conflict, "no title was recorded").code("no_title"));
    };
    let held = held_versions(connection, TitleId(title)).await?;
    let Some(before) = held.iter().find(|version| version.valid.contains(recorded_on)) else {
        return Err(Problem::not_found("the title of this case"));
    };
    let mut statement = TitleStatement::of(&before.content);
    statement.cert_no = Some(cert_no.to_owned());
    statement.print_serial = print_serial.map(ToOwned::to_owned).or(statement.print_serial);
    statement.issued_on = Some(on);
    let content = statement.content(made.today, Some(made.case.0))?;
    let occasion = made.occasion("发证");
    write_change(
        connection,
        TitleId(title),
        &held,
        (recorded_on, content),
        (Action::Change, made.now),
        &occasion,
    )
    .await?;
    case.details.issued_on = Some(on);
    Ok(())
}

/// Ends the title that the case deals with (注销); its assets say what they are without it.
///
/// # Errors
/// Where it has ended by then.
pub(super) async fn end_title(
    connection: &mut PgConnection,
    case: &mut CaseContent,
    on: Date,
    made: Made<'_>,
) -> Result<(), Problem> {
    let title = TitleId(case.title_id.unwrap_or_default());
    let occasion = made.occasion("注销登记");
    let before = close_title(connection, title, on, made.now, &occasion).await?;
    let status = status_without_title(case.details.asset_status.as_deref())?;
    follow_end(connection, (title, &before), on, status, (made.now, &occasion)).await?;
    case.details.recorded_on = Some(on);
    Ok(())
}

/// Ends a title on a day and tells what it said.
///
/// # Errors
/// Where it has ended by then.
pub(super) async fn close_title(
    connection: &mut PgConnection,
    title: TitleId,
    on: Date,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<TitleContent, Problem> {
    let held = held_versions(connection, title).await?;
    let last_day = on.previous_day().unwrap_or(on);
    let before = held
        .iter()
        .find(|version| version.valid.contains(last_day) && version.valid.to.is_none())
        .map(|version| version.content.clone())
        .ok_or_else(|| {
            Problem::invalid(
                "on",
                format!("the title doesn't stand unchanged in the book from the day before {on} on"),
            )
            .code("not_standing")
            .remedy("choose a day after its last change")
        })?;
    let revision = revise(&held, ValidPeriod::since(on), None, now);
    write_revision(connection, title.0, Action::Close, &revision, Some(&before), occasion)
        .await
        .map_err(refused)?;
    Ok(before)
}

/// The assets of a recorded title: their registration status (the one place where it is kept), and what comes back from a
/// company is an administrative office again.
///
/// # Errors
/// The database's.
pub(super) async fn follow_assets(
    connection: &mut PgConnection,
    case: &CaseContent,
    title: &TitleContent,
    on: Date,
    made: Made<'_>,
) -> Result<(), Problem> {
    let mut assets = assets_of(title);
    assets.push(case.asset_id);
    let change = AssetChange {
        title_status: status_of(&title.holders),
        usage: (case.details.policy_action == Some(PolicyAction::Return)).then_some("administrative_office"),
    };
    let occasion = Occasion::by(made.actor, Some(format!("登簿 ({})", made.case)));
    change_assets(connection, assets, on, change, (made.now, &occasion)).await
}
