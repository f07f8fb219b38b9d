//! The stocktakings that wait for somebody: lines to answer, to check, to explain, to decide or to correct, and the next step.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::permission::{has_role, require_recording};
use super::procedure::{Definition, Transition, VOCABULARY, stocktaking};
use super::progress::{Progress, ProgressThere, progress_by_place};
use crate::ids::UnitId;
use crate::procedures::{Awaited, Kept, StateTerm, Waiting, WaitingKind, WaitingObject, WorkflowLabel, waiting_of};
use crate::request::{Caller, Fault, Permission, Place};

/// What can be left of the lines: the kind of record that does it, what that is called, and how many.
type Left = (&'static str, Awaited, fn(&Progress) -> i64);
const LEFT: [Left; 5] = [
    ("answer", Awaited::Answer, |progress| progress.lines - progress.answered),
    ("check", Awaited::Check, |progress| progress.unchecked),
    ("explanation", Awaited::Explain, |progress| progress.unexplained),
    ("decision", Awaited::Decide, |progress| progress.undecided),
    ("settlement", Awaited::Settle, |progress| progress.unsettled),
];

/// How many lines are left to a reader in the state that it is in, and for what.
fn left(
    (definition, state): (&Definition, &str),
    put_forward_by: Option<&str>,
    lines: &[ProgressThere],
    caller: &Caller,
) -> Option<(Awaited, i64)> {
    let takes = definition.state(state)?.records.as_slice();
    LEFT.iter().find_map(|(kind, awaited, count)| {
        if !takes.iter().any(|taken| taken == kind) {
            return None;
        }
        // Whoever put the differences forward doesn't decide them.
        if *awaited == Awaited::Decide && put_forward_by == Some(caller.actor.0.as_str()) {
            return None;
        }
        let sum: i64 = lines
            .iter()
            .filter(|there| require_recording(caller, kind, &there.place).is_ok())
            .map(|there| count(&there.progress))
            .sum();
        (sum > 0).then_some((*awaited, sum))
    })
}

/// The stocktakings that wait for a reader, as far as they see them.
///
/// # Errors
/// The database's, or what a definition that was kept says no longer holds.
pub async fn waiting_stocktakings(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    if !caller.scope.holds(Permission::TakeStock) {
        return Ok(Vec::new());
    }
    let stocktakings = sqlx::query!(
        r#"select v.object_id, v.name, v.region_code, v.admin_level, v.unit_id, v.definition, v.state, v.put_forward_by,
                  lower(v.valid) as "opened_on!", (v.details -> 'taken' -> -1 ->> 'on')::date as moved_on,
                  r.name as "region_name?"
             from stocktaking_version v
             left join lateral (select name from region_version
                      where code = v.region_code and upper_inf(recorded) order by lower(valid) desc limit 1) r on true
            where upper_inf(v.recorded) and v.is_open
            order by v.object_id"#,
    )
    .fetch_all(&mut *connection)
    .await?;
    if stocktakings.is_empty() {
        return Ok(Vec::new());
    }
    let carried = stocktaking().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    let digests: Vec<&str> = stocktakings.iter().map(|one| one.definition.as_str()).collect();
    let definitions = Kept::read(&mut *connection, &[carried], &digests, VOCABULARY).await?;
    let ids: Vec<Uuid> = stocktakings.iter().map(|one| one.object_id).collect();
    let mut lines: BTreeMap<Uuid, Vec<ProgressThere>> = BTreeMap::new();
    for there in progress_by_place(connection, &ids).await? {
        lines.entry(there.stocktaking_id).or_default().push(there);
    }
    let mut waiting = Vec::new();
    for one in stocktakings {
        let definition = definitions.of(&one.definition)?;
        let place = Place {
            region_code: Some(one.region_code.clone()),
            admin_level: one.admin_level,
            unit_id: one.unit_id.map(UnitId),
        };
        let awaited: Vec<&Transition> = definition.onward(&one.state, None).collect();
        let has = |role: &str| caller.scope.holds_at(Permission::TakeStock, &place) && has_role(caller, role, &place);
        let who = (one.put_forward_by.as_deref(), caller.actor.0.as_str());
        let kind = (WaitingKind::Stocktaking, one.object_id);
        let step = waiting_of(kind, &awaited, who, &StateTerm::default(), &has);
        let there = lines.get(&one.object_id).map(Vec::as_slice).unwrap_or_default();
        let found = match (left((definition, &one.state), who.0, there, caller), step) {
            (Some((awaited, count)), step) => Waiting {
                awaited,
                count,
                ..step.unwrap_or_else(|| Waiting::new(kind.0, Some(kind.1), awaited))
            },
            (None, Some(step)) => step,
            (None, None) => continue,
        };
        waiting.push(Waiting {
            about: Some(WorkflowLabel {
                zh: one.name.clone(),
                en: one.name,
            }),
            object: Some(WaitingObject {
                kind: "region".to_owned(),
                id: None,
                code: Some(one.region_code),
                name: one.region_name,
                ..WaitingObject::default()
            }),
            since: one.moved_on.or(Some(one.opened_on)),
            ..found.in_state(definition, &one.state).due(None, today)
        });
    }
    Ok(waiting)
}
