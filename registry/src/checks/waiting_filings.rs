//! The yearly filings and publications that wait for somebody (年度备案、内部公示). Who owes one is what USE-12 and USE-13 say:
//! what they find today is overdue, and what they would find on the day after the last one is due until then.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::{Date, Duration, Month};
use uuid::Uuid;

use super::parameters::{ValuesInForce, held_for};
use super::rule::catalogue;
use super::run::ask;
use crate::ids::UnitId;
use crate::procedures::{Awaited, Waiting, WaitingKind, WaitingObject, WorkflowLabel};
use crate::request::{Caller, Fault, Permission, Place};

/// What stands until a day waits from so many days before it.
const AHEAD: Duration = Duration::days(30);

/// The rules, and what is missing by each.
const FILINGS: [(&str, &str, &str, &str); 2] = [
    (
        "USE-12",
        "leader_offices",
        "领导干部办公用房年度备案",
        "leaders' offices",
    ),
    (
        "USE-13",
        "internal_publication",
        "内部公示",
        "publication inside the unit",
    ),
];

/// A unit that the reader keeps filings of.
struct Theirs {
    code: String,
    name: String,
}

/// The filings that wait for a reader: of units whose filings are theirs to keep.
///
/// # Errors
/// The database's.
pub async fn waiting_filings(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    let theirs = units_of(connection, caller, today).await?;
    if theirs.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = theirs.keys().copied().collect();
    let catalogue = catalogue()?;
    let mut waiting = Vec::new();
    for (rule, kind, zh, en) in FILINGS {
        let Some(rule) = catalogue.rules.get(rule) else {
            continue;
        };
        let profiles = ValuesInForce::on(connection, rule, today).await?.profiles(catalogue);
        let held = held_for(connection, &profiles, &ids, today).await?;
        for (at, profile) in profiles.iter().enumerate() {
            let here: Vec<Uuid> = ids.iter().copied().filter(|id| held.get(id) == Some(&at)).collect();
            if here.is_empty() {
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "a parameter within -364 and 364")]
            let days = Duration::days(profile.value("filing_days").round() as i64);
            let last = (today - days).year() - 1;
            for year in [last, last + 1] {
                let Some(due_on) = last_day_of(year).map(|end| end + days) else {
                    continue;
                };
                if due_on > today + AHEAD {
                    continue;
                }
                let looked_at = today.max(due_on + Duration::days(1));
                for found in ask(connection, profile, rule, looked_at, Some(&here)).await? {
                    let Some(unit) = theirs.get(&found.object_id) else {
                        continue;
                    };
                    waiting.push(Waiting {
                        procedure: Some(kind.to_owned()),
                        about: Some(WorkflowLabel {
                            zh: format!("{year} 年度{zh}"),
                            en: format!("{en}, {year}"),
                        }),
                        object: Some(WaitingObject {
                            kind: "unit".to_owned(),
                            id: Some(found.object_id),
                            code: Some(unit.code.clone()),
                            name: Some(unit.name.clone()),
                        }),
                        ..Waiting::new(WaitingKind::UseFiling, Some(found.object_id), Awaited::File)
                            .due(Some(due_on), today)
                    });
                }
            }
        }
    }
    Ok(waiting)
}

fn last_day_of(year: i32) -> Option<Date> {
    Date::from_calendar_date(year, Month::December, 31).ok()
}

/// The units whose filings the reader keeps.
async fn units_of(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<BTreeMap<Uuid, Theirs>, Fault> {
    if !caller.scope.holds(Permission::KeepFilings) {
        return Ok(BTreeMap::new());
    }
    let units = sqlx::query!(
        "select object_id, code, name, level, region_code from unit_version
          where upper_inf(recorded) and valid @> $1::date
          order by object_id",
        today,
    )
    .fetch_all(connection)
    .await?;
    Ok(units
        .into_iter()
        .filter_map(|unit| {
            let place = Place {
                region_code: unit.region_code,
                admin_level: Some(unit.level),
                unit_id: Some(UnitId(unit.object_id)),
            };
            let theirs = Theirs {
                code: unit.code,
                name: unit.name,
            };
            caller
                .scope
                .holds_at(Permission::KeepFilings, &place)
                .then_some((unit.object_id, theirs))
        })
        .collect())
}
