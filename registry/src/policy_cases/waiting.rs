//! The policy cases that wait for somebody: whose next step is theirs, or that have gone to them because a day is over.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::{Date, Duration};
use uuid::Uuid;

use super::content::CaseDetails;
use super::open::place_among;
use super::permission::has_role;
use super::procedure::{Definition, Effect, Procedure, Transition, VOCABULARY};
use super::receiving::{is_answered_in, proposed_by, receives, receiving_places};
use crate::procedures::{Awaited, Kept, StateTerm, Waiting, WaitingKind, WaitingObject, state_term, waiting_of};
use crate::request::{Caller, Fault};
use crate::working_days::WorkingCalendar;

/// What stands until a day waits from so many days before it: a lease that runs, an office that is filed every year.
const AHEAD: Duration = Duration::days(30);

/// The steps for which a case waits. One that stands and is only told of again and again waits for that alone.
fn awaited<'a>(definition: &'a Definition, state: &'a str, route: Option<&'a str>) -> Vec<&'a Transition> {
    let told_again: Vec<&Transition> = definition
        .leaving(state, route)
        .filter(|transition| transition.effects.contains(&Effect::RunClockAnew))
        .collect();
    if told_again.is_empty() {
        definition.onward(state, route).collect()
    } else {
        told_again
    }
}

/// The cases that wait for a reader, as far as they see them.
///
/// # Errors
/// The database's, or what a definition that was kept says no longer holds.
pub async fn waiting_cases(connection: &mut PgConnection, caller: &Caller, today: Date) -> Result<Vec<Waiting>, Fault> {
    let cases = sqlx::query!(
        r#"select object_id, procedure, definition, state, route, region_code, put_forward_by, due_on, asset_id, unit_id,
                  offered_to, handed_from, lower(valid) as "opened_on!",
                  case when offered_to is not null then details end as "offered?: Json<CaseDetails>", details -> 'clock' as "clock?: Json<workflow::Clock>",
                  (details -> 'taken' -> -1 ->> 'on')::date as moved_on
             from policy_case_version
            where upper_inf(recorded) and is_open
            order by object_id"#,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut carried = Vec::new();
    for procedure in Procedure::ALL {
        carried.push(procedure.definition().map_err(|refused| Fault::Impossible {
            what: refused.to_string(),
        })?);
    }
    let digests: Vec<&str> = cases.iter().map(|case| case.definition.as_str()).collect();
    let definitions = Kept::read(&mut *connection, &carried, &digests, VOCABULARY).await?;
    let units: Vec<Uuid> = cases
        .iter()
        .flat_map(|case| [case.unit_id, case.offered_to])
        .flatten()
        .collect();
    let units = crate::units::known_now(&mut *connection, &units).await?;
    let assets: Vec<Uuid> = cases.iter().filter_map(|case| case.asset_id).collect();
    let assets = crate::spatial_units::known_now(connection, &assets).await?;
    let calendar = WorkingCalendar::in_force(&mut *connection).await?;
    let mut waiting = Vec::new();
    for case in cases {
        let definition = definitions.of(&case.definition)?;
        let awaited = awaited(definition, &case.state, case.route.as_deref());
        let stands = awaited
            .iter()
            .any(|transition| transition.effects.contains(&Effect::RunClockAnew));
        let term = match &case.clock {
            Some(Json(clock)) => state_term(definition, (&case.state, clock), &calendar, today),
            None => StateTerm {
                due_on: case.due_on,
                ..StateTerm::default()
            },
        };
        let is_watched = stands || (case.clock.is_none() && case.due_on.is_some());
        if is_watched
            && term
                .due_on
                .or(term.not_before)
                .is_some_and(|due_on| due_on > today + AHEAD)
        {
            continue;
        }
        let unit = case.unit_id.map(|unit| (unit, units.get(&unit)));
        let asset = case.asset_id.and_then(|asset| Some((asset, assets.get(&asset)?)));
        let known = asset.map(|(_, asset)| asset);
        let place = place_among(unit, (known, case.handed_from.as_deref()), case.region_code.as_deref());
        let has = |role: &str| has_role(caller, role, place.as_ref());
        let who = (case.put_forward_by.as_deref(), caller.actor.0.as_str());
        let mut found: Vec<Waiting> = waiting_of((WaitingKind::PolicyCase, case.object_id), &awaited, who, &term, &has)
            .into_iter()
            .collect();
        // Of an asset that is to go to another bureau, somebody there answers.
        let receiver = case.offered_to.and_then(|unit| Some((unit, units.get(&unit)?)));
        if let (Some(Json(details)), Some(receiver), Some(known)) = (&case.offered, receiver, known)
            && details
                .offer()
                .is_some_and(|offer| offer.is_unanswered() && !proposed_by(&offer, who.0, who.1))
            && is_answered_in(
                definition,
                (Procedure::parse(&case.procedure), &case.state),
                case.route.as_deref(),
            )
            && receives(caller, &receiving_places(receiver, known))
        {
            found.push(Waiting {
                roles: vec!["asset_manager".to_owned()],
                ..Waiting::new(WaitingKind::PolicyCase, Some(case.object_id), Awaited::Accept)
            });
        }
        let object = match (unit, asset) {
            (Some((id, unit)), _) => Some(WaitingObject {
                kind: "unit".to_owned(),
                id: Some(id),
                code: unit.map(|unit| unit.code.clone()),
                name: unit.map(|unit| unit.name.clone()),
                ..WaitingObject::default()
            }),
            (None, Some((id, asset))) => Some(WaitingObject::of_asset(
                id,
                &asset.kind,
                asset.code.as_deref(),
                asset.name.as_deref(),
            )),
            (None, None) => None,
        };
        waiting.extend(found.into_iter().map(|found| Waiting {
            object: object.clone(),
            since: case.moved_on.or(Some(case.opened_on)),
            ..found.in_state(definition, &case.state).timed(&term, today)
        }));
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(procedure: Procedure, state: &str, route: Option<&str>) -> String {
        let definition = procedure.definition().unwrap();
        let names: Vec<&str> = awaited(definition, state, route)
            .into_iter()
            .map(|transition| transition.id.as_str())
            .collect();
        names.join(" ")
    }

    #[test]
    fn a_case_waits_for_what_takes_it_on_and_not_for_its_withdrawal() {
        assert_eq!(steps(Procedure::IdleDisposal, "identified", None), "verify");
        assert_eq!(
            steps(Procedure::IdleDisposal, "collective", None),
            "countersign approve"
        );
        assert_eq!(
            steps(Procedure::IdleDisposal, "below_floor", Some("auction")),
            "choose_again approve_price lower_reserve"
        );
        assert_eq!(steps(Procedure::Repair, "drafted", None), "apply");
        assert_eq!(steps(Procedure::Repair, "regularising", None), "regularise");
        assert_eq!(steps(Procedure::Build, "searched", None), "review_funds");
        // A leader's office is filed every year; nobody waits for it to be vacated.
        assert_eq!(steps(Procedure::LeaderOffice, "seated", None), "file_yearly");
    }

    #[test]
    fn every_open_state_of_every_procedure_waits_for_somebody() {
        for procedure in Procedure::ALL {
            let definition = procedure.definition().unwrap();
            for state in definition.states.iter().filter(|state| !state.end) {
                let routes: Vec<Option<&str>> = std::iter::once(None)
                    .chain(definition.routes.iter().map(|route| Some(route.id.as_str())))
                    .collect();
                let waits = routes
                    .iter()
                    .any(|route| !awaited(definition, &state.id, *route).is_empty());
                assert!(waits, "{}: {}", procedure.as_str(), state.id);
            }
        }
    }
}
