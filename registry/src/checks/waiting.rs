//! The findings that wait for somebody: their day is over or near, or their exception ends. Of each rule so many.

use sqlx::PgConnection;
use time::{Date, Duration};

use super::rule::catalogue;
use crate::ids::UnitId;
use crate::procedures::{Awaited, Waiting, WaitingKind, WorkflowLabel};
use crate::request::{Caller, Fault, Permission, Place};

/// A day is near from so many days before it.
const AHEAD: Duration = Duration::days(14);

/// The findings and exceptions that wait for a reader, as far as they see them: those that they may decide about, and those that
/// are theirs to see to.
///
/// # Errors
/// The database's.
pub async fn waiting_findings(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    // Who sees to a finding is written by hand: as a username, or as people call them.
    let names = [caller.actor.0.clone(), caller.display_name.clone()];
    let groups = sqlx::query!(
        r#"select f.rule, f.is_excepted as "is_excepted!", f.is_placed as "is_placed!", a.region_code as "region_code?",
                  a.admin_level as "admin_level?", a.unit_id as "unit_id?", f.is_own as "is_own!", count(*) as "findings!",
                  min(f.due_on) as "due_on!", min(f.seen_on) as "seen_on!"
             from (select rule, at_id, state = 'excepted' as is_excepted, at_id is not null as is_placed,
                          coalesce(owner = any($1), false) as is_own, first_seen::date as seen_on,
                          case when state = 'excepted' then exception_until else deadline end as due_on
                     from finding
                    where (state in ('new', 'in_progress') and deadline <= $2)
                       or (state = 'excepted' and exception_until <= $2)) f
             left join lateral (
                  select region_code, admin_level, unit_id from spatial_unit_version s
                   where s.object_id = f.at_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) a on true
            group by 1, 2, 3, 4, 5, 6, 7
            order by 1, 2"#,
        &names[..],
        today + AHEAD,
    )
    .fetch_all(connection)
    .await?;
    let rules = &catalogue()?.rules;
    let mut waiting: Vec<Waiting> = Vec::new();
    for group in groups {
        let place = Place {
            region_code: group.region_code,
            admin_level: group.admin_level,
            unit_id: group.unit_id.map(UnitId),
        };
        let decides = caller.scope.holds_everywhere(Permission::DecideFindings)
            || (group.is_placed && caller.scope.holds_at(Permission::DecideFindings, &place));
        if !(decides || group.is_own) {
            continue;
        }
        let (kind, awaited, state) = if group.is_excepted {
            (WaitingKind::Exception, Awaited::Review, "excepted")
        } else {
            (WaitingKind::Finding, Awaited::PutRight, "open")
        };
        let same = |one: &&mut Waiting| one.kind == kind && one.procedure.as_deref() == Some(group.rule.as_str());
        if let Some(one) = waiting.iter_mut().find(same) {
            one.count += group.findings;
            one.since = one.since.into_iter().chain([group.seen_on]).min();
            let first = one.due_on.into_iter().chain([group.due_on]).min();
            *one = one.clone().due(first, today);
            continue;
        }
        waiting.push(Waiting {
            count: group.findings,
            about: rules.get(&group.rule).map(|rule| WorkflowLabel {
                zh: rule.title.zh.clone(),
                en: rule.title.en.clone(),
            }),
            since: Some(group.seen_on),
            link: Some(format!(
                "/api/v1/findings?rule={}&state={state}&sort=deadline",
                group.rule
            )),
            procedure: Some(group.rule),
            ..Waiting::new(kind, None, awaited).due(Some(group.due_on), today)
        });
    }
    Ok(waiting)
}
