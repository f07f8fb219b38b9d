//! The inspections that wait for somebody, and what they found that is to be put right or looked at again.

use sqlx::PgConnection;
use sqlx::types::Json;
use time::Date;

use super::permission::{Inspected, has_role};
use super::procedure::{Transition, VOCABULARY, definition};
use crate::procedures::{
    Awaited, Kept, StateTerm, Waiting, WaitingKind, WaitingObject, WorkflowLabel, state_term, waiting_of,
};
use crate::request::{Caller, Fault};
use crate::working_days::WorkingCalendar;

/// A name that is the same in both languages.
fn called(name: &str) -> WorkflowLabel {
    WorkflowLabel {
        zh: name.to_owned(),
        en: name.to_owned(),
    }
}

/// The inspections and findings that wait for a reader, as far as they see them.
///
/// # Errors
/// The database's, or what a definition that was kept says no longer holds.
pub async fn waiting_inspections(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    let inspections = sqlx::query!(
        r#"select v.object_id, v.title, v.region_code, v.unit_id, v.target, v.definition, v.state, v.put_forward_by,
                  lower(v.valid) as "opened_on!", v.details -> 'clock' as "clock?: Json<workflow::Clock>",
                  (v.details -> 'taken' -> -1 ->> 'on')::date as moved_on, r.name as "region_name?"
             from inspection_version v
             left join lateral (select name from region_version
                      where code = v.region_code and upper_inf(recorded) order by lower(valid) desc limit 1) r on true
            where upper_inf(v.recorded) and v.is_open
            order by v.object_id"#,
    )
    .fetch_all(&mut *connection)
    .await?;
    let carried = definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    let digests: Vec<&str> = inspections.iter().map(|one| one.definition.as_str()).collect();
    let definitions = Kept::read(&mut *connection, &[carried], &digests, VOCABULARY).await?;
    let calendar = WorkingCalendar::in_force(&mut *connection).await?;
    let mut waiting = Vec::new();
    for one in inspections {
        let definition = definitions.of(&one.definition)?;
        let awaited: Vec<&Transition> = definition.onward(&one.state, None).collect();
        let term = match &one.clock {
            Some(Json(clock)) => state_term(definition, (&one.state, clock), &calendar, today),
            None => StateTerm::default(),
        };
        let inspected = Inspected {
            region_code: &one.region_code,
            unit_id: one.unit_id,
            is_below: one.target == "lower_bureau",
        };
        let has = |role: &str| has_role(caller, role, inspected);
        let who = (one.put_forward_by.as_deref(), caller.actor.0.as_str());
        let found = waiting_of((WaitingKind::Inspection, one.object_id), &awaited, who, &term, &has);
        let Some(found) = found else { continue };
        waiting.push(Waiting {
            about: Some(called(&one.title)),
            object: Some(WaitingObject {
                kind: "region".to_owned(),
                id: None,
                code: Some(one.region_code.clone()),
                name: one.region_name,
                ..WaitingObject::default()
            }),
            since: one.moved_on.or(Some(one.opened_on)),
            ..found.in_state(definition, &one.state).timed(&term, today)
        });
    }
    waiting.extend(waiting_findings(connection, caller, today).await?);
    Ok(waiting)
}

/// What is to be put right, and what was and is to be looked at again: of each inspection so many.
async fn waiting_findings(connection: &mut PgConnection, caller: &Caller, today: Date) -> Result<Vec<Waiting>, Fault> {
    let groups = sqlx::query!(
        r#"select f.inspection_id, f.region_code, f.unit_id, f.state, i.title as "title?", i.region_code as "place?",
                  i.unit_id as "place_unit?", i.target as "target?", count(*) as "findings!",
                  min(coalesce(f.deferred_until, f.due_on)) as due_on, min(f.issued_on) as issued_on
             from inspection_finding_version f
             left join inspection_version i on i.object_id = f.inspection_id and upper_inf(i.recorded)
            where upper_inf(f.recorded) and f.issued_on is not null and f.state in ('open', 'rectified')
              and (f.state = 'open' or f.rectified_by is distinct from $1)
            group by f.inspection_id, f.region_code, f.unit_id, f.state, i.title, i.region_code, i.unit_id, i.target
            order by f.inspection_id, f.state"#,
        caller.actor.0,
    )
    .fetch_all(connection)
    .await?;
    let mut waiting: Vec<Waiting> = Vec::new();
    for group in groups {
        let own = Inspected {
            region_code: &group.region_code,
            unit_id: group.unit_id,
            is_below: false,
        };
        let whole = group.place.as_deref().map(|region_code| Inspected {
            region_code,
            unit_id: group.place_unit,
            is_below: group.target.as_deref() == Some("lower_bureau"),
        });
        let (awaited, is_theirs) = if group.state == "open" {
            let of_whole = whole.is_some_and(|whole| has_role(caller, "inspected", whole));
            (Awaited::Rectify, of_whole || has_role(caller, "inspected", own))
        } else {
            let inspects = whole.is_some_and(|whole| has_role(caller, "inspector", whole));
            (Awaited::Recheck, inspects)
        };
        if !is_theirs {
            continue;
        }
        let due_on = group.due_on.filter(|_| awaited == Awaited::Rectify);
        let same = |one: &&mut Waiting| one.id == Some(group.inspection_id) && one.awaited == awaited;
        if let Some(one) = waiting.iter_mut().find(same) {
            one.count += group.findings;
            let first = one.due_on.into_iter().chain(due_on).min();
            *one = one.clone().due(first, today);
        } else {
            waiting.push(Waiting {
                count: group.findings,
                about: group.title.as_deref().map(called),
                since: group.issued_on,
                ..Waiting::new(WaitingKind::InspectionFinding, Some(group.inspection_id), awaited).due(due_on, today)
            });
        }
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inspection_waits_for_what_takes_it_on() {
        let definition = definition().unwrap();
        let steps = |state: &str| -> Vec<String> {
            definition
                .onward(state, None)
                .map(|transition| transition.id.clone())
                .collect()
        };
        assert_eq!(steps("visited"), ["issue", "pass"]);
        assert_eq!(steps("scored"), ["publish"]);
        assert_eq!(steps("drafted"), ["plan"]);
    }
}
