//! The title cases that wait for somebody.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::{Date, Duration};
use uuid::Uuid;

use super::content::RegistryClock;
use super::procedure::{Definition, Transition, VOCABULARY};
use crate::procedures::{Kept, StateTerm, Waiting, WaitingKind, WaitingObject, waiting_of};
use crate::request::{Caller, Fault};
use crate::titles::permission::permission_of;
use crate::working_days::Deadline;

/// A filing waits for its review from so many days before it.
const AHEAD: Duration = Duration::days(30);

/// Steps for which nobody waits: the ways out and back, what the registry answers instead of accepting or recording, and what
/// is only noted.
const ASIDE: [&str; 11] = [
    "drop",
    "reclassify",
    "send_back",
    "withdraw",
    "refuse_intake",
    "ask_supplement",
    "refuse",
    "draft_filing",
    "note_suit",
    "note_registrable",
    "talk_again",
];

/// The steps for which a case waits.
fn awaited<'a>(definition: &'a Definition, state: &'a str, policy: Option<&'a str>) -> Vec<&'a Transition> {
    definition
        .leaving(state, policy)
        .filter(|transition| {
            let is_aside = ASIDE.contains(&transition.id.as_str());
            // What is classified isn't classified again, and a filing is judged before its papers are collected anew.
            let is_again = transition.id == "classify" && transition.to == state;
            let is_early = transition.id == "collect_again" && matches!(state, "filing_review" | "filed");
            !(is_aside || is_again || is_early)
        })
        .collect()
}

/// The cases that wait for a reader, as far as they see them.
///
/// # Errors
/// The database's, or what a definition that was kept says no longer holds.
pub async fn waiting_cases(connection: &mut PgConnection, caller: &Caller, today: Date) -> Result<Vec<Waiting>, Fault> {
    let cases = sqlx::query!(
        r#"select object_id, state, asset_id, unit_code, submitted_by, due_on, review_on, definition,
                  lower(valid) as "opened_on!", details ->> 'policy_action' as policy,
                  details -> 'clock' as "clock?: Json<RegistryClock>"
             from title_case_version
            where upper_inf(recorded) and state <> 'archived'
            order by object_id"#,
    )
    .fetch_all(&mut *connection)
    .await?;
    let carried = super::definition()?;
    let digests: Vec<&str> = cases.iter().filter_map(|case| case.definition.as_deref()).collect();
    let definitions = Kept::read(&mut *connection, &[carried], &digests, VOCABULARY).await?;
    let assets: Vec<Uuid> = cases.iter().map(|case| case.asset_id).collect();
    let assets = crate::spatial_units::known_now(connection, &assets).await?;
    let mut waiting = Vec::new();
    for case in cases {
        // Cases from before definitions were kept have none.
        let definition = match &case.definition {
            Some(digest) => definitions.of(digest)?,
            None => carried,
        };
        let is_filed = case.state == "filed";
        if is_filed && case.review_on.is_none_or(|review_on| review_on > today + AHEAD) {
            continue;
        }
        let term = StateTerm {
            due_on: case.due_on.or(case.review_on.filter(|_| is_filed)),
            not_before: case.clock.as_ref().and_then(|Json(clock)| match clock.deadline {
                Deadline::NotPublished { not_before, .. } if clock.stopped_on.is_none() => Some(not_before),
                _ => None,
            }),
            ..StateTerm::default()
        };
        let asset = assets.get(&case.asset_id);
        let has = |role: &str| {
            permission_of(role).is_some_and(|permission| {
                caller.scope.holds_everywhere(permission)
                    || asset.is_some_and(|asset| caller.scope.holds_at(permission, &asset.place))
            })
        };
        let awaited = awaited(definition, &case.state, case.policy.as_deref());
        let who = (case.submitted_by.as_deref(), caller.actor.0.as_str());
        let found = waiting_of((WaitingKind::TitleCase, case.object_id), &awaited, who, &term, &has);
        let Some(found) = found else { continue };
        waiting.push(Waiting {
            object: asset.map(|asset| {
                let code = asset.code.as_deref().or(case.unit_code.as_deref());
                WaitingObject::of_asset(case.asset_id, &asset.kind, code, asset.name.as_deref())
            }),
            since: Some(case.opened_on),
            ..found.in_state(definition, &case.state).timed(&term, today)
        });
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(state: &str, policy: &str) -> String {
        let definition = crate::title_cases::title_case().unwrap();
        let names: Vec<&str> = awaited(definition, state, Some(policy))
            .into_iter()
            .map(|transition| transition.id.as_str())
            .collect();
        names.join(" ")
    }

    #[test]
    fn a_case_waits_for_what_takes_it_on() {
        let definition = crate::title_cases::title_case().unwrap();
        for aside in ASIDE {
            assert!(definition.transition(aside).is_some(), "{aside}");
        }
        for (state, steps_there) in [
            ("surveyed", "classify"),
            ("classified", "collect"),
            ("collecting", "prepare"),
            ("ready", "submit"),
            ("submitted", "accept"),
            ("supplement", "resubmit"),
            ("accepted", "review"),
            ("reviewing", "record"),
            ("rejected", "collect_again"),
            ("withdrawn", "collect_again"),
            ("recorded", "certify"),
            ("certified", "archive"),
            ("filing_draft", "put_filing_forward"),
            ("filing_review", "file"),
            ("filed", "review_filing"),
        ] {
            assert_eq!(steps(state, "re_register"), steps_there, "{state}");
        }
        assert_eq!(steps("return_talks", "return"), "clear approve_return");
        assert_eq!(steps("classified", "keep_in_unit"), "keep");
        assert_eq!(steps("kept", "keep_in_unit"), "archive");
        assert_eq!(steps("recorded", "objection"), "release lapse");
    }
}
