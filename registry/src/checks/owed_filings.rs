//! The yearly filings and publications that are owed (年度备案、内部公示). Who owes one is what USE-12 and USE-13 say: what they find
//! today is overdue, and what they would find on the day after the last one is due until then.
//!
//! `GET /api/v1/owed-filings`: by which units, of those whose filings the caller keeps.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, Duration, Month};
use uuid::Uuid;

use super::parameters::{ValuesInForce, held_for};
use super::rule::catalogue;
use super::run::ask;
use crate::ids::UnitId;
use crate::period::day;
use crate::procedures::WorkflowLabel;
use crate::request::{
    Caller, Context, Cursor, Fault, Page, PageQuery, Permission, Place, Problem, Times, without_cursor,
};
use crate::use_filings::FilingKind;

/// What stands until a day waits from so many days before it.
const AHEAD: Duration = Duration::days(30);

/// The rules, and what is missing by each.
const FILINGS: [(&str, FilingKind, &str, &str); 2] = [
    (
        "USE-12",
        FilingKind::LeaderOffices,
        "领导干部办公用房年度备案",
        "leaders' offices",
    ),
    (
        "USE-13",
        FilingKind::InternalPublication,
        "内部公示",
        "publication inside the unit",
    ),
];

/// A filing that a unit owes.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OwedFiling {
    /// The unit.
    pub unit_id: Uuid,
    /// Its code.
    pub unit_code: String,
    /// Its name.
    pub unit_name: String,
    /// What is missing.
    pub kind: FilingKind,
    /// Of which year.
    pub year: i32,
    /// Its last day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub due_on: Date,
    /// Is that day over?
    pub overdue: bool,
}

impl OwedFiling {
    /// What it is called, with its year.
    pub(super) fn label(&self) -> WorkflowLabel {
        let called = FILINGS.iter().find(|(_, kind, ..)| *kind == self.kind);
        let (zh, en) = called.map_or(("", ""), |(_, _, zh, en)| (*zh, *en));
        WorkflowLabel {
            zh: format!("{} 年度{zh}", self.year),
            en: format!("{en}, {}", self.year),
        }
    }
}

/// What the units owe whose filings the caller keeps: of one kind and year, or everything.
///
/// # Errors
/// The database's.
pub(super) async fn owed_filings(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
    asked: Option<(FilingKind, i32)>,
) -> Result<Vec<OwedFiling>, Fault> {
    let theirs = units_of(connection, caller, today).await?;
    if theirs.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = theirs.keys().copied().collect();
    let catalogue = catalogue()?;
    let mut owed = Vec::new();
    for (rule, kind, ..) in FILINGS {
        let Some(rule) = catalogue
            .rules
            .get(rule)
            .filter(|_| asked.is_none_or(|(asked, _)| asked == kind))
        else {
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
                if due_on > today + AHEAD || asked.is_some_and(|(_, asked)| asked != year) {
                    continue;
                }
                let looked_at = today.max(due_on + Duration::days(1));
                for found in ask(connection, profile, rule, looked_at, Some(&here)).await? {
                    let Some((unit_code, unit_name)) = theirs.get(&found.object_id).cloned() else {
                        continue;
                    };
                    owed.push(OwedFiling {
                        unit_id: found.object_id,
                        unit_code,
                        unit_name,
                        kind,
                        year,
                        due_on,
                        overdue: due_on < today,
                    });
                }
            }
        }
    }
    Ok(owed)
}

fn last_day_of(year: i32) -> Option<Date> {
    Date::from_calendar_date(year, Month::December, 31).ok()
}

/// Code and name of the units whose filings the caller keeps.
async fn units_of(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<BTreeMap<Uuid, (String, String)>, Fault> {
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
            caller
                .scope
                .holds_at(Permission::KeepFilings, &place)
                .then_some((unit.object_id, (unit.code, unit.name)))
        })
        .collect())
}

/// Which filings.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OwedQuery {
    /// `leader_offices` or `internal_publication`.
    kind: String,
    /// Of which year.
    year: i32,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// The units that owe a filing of a year, of those whose filings the caller keeps: what is due first, then by code.
#[utoipa::path(get, path = "/api/v1/owed-filings", operation_id = "list_owed_filings", tag = "use filings",
    params(OwedQuery), responses((status = 200, body = Page<OwedFiling>), (status = 400, body = Problem)))]
pub(super) async fn list_owed_filings(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<OwedQuery>, QueryRejection>,
) -> Result<Json<Page<OwedFiling>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let address = without_cursor(&uri);
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()? as usize;
    let after: Option<(String, String, Uuid)> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &address))
        .transpose()?;
    let kind = FilingKind::of(&query.kind).ok_or_else(|| {
        Problem::bad("kind", format!("{:?} is not filed every year", query.kind))
            .remedy("choose leader_offices or internal_publication")
    })?;
    let today = Times::now(&context.clock).as_of;
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut owed = owed_filings(&mut snapshot, &context.caller, today, Some((kind, query.year))).await?;
    drop(snapshot);
    let key = |one: &OwedFiling| (one.due_on.to_string(), one.unit_code.clone(), one.unit_id);
    owed.sort_by_cached_key(key);
    let total = i64::try_from(owed.len()).ok().filter(|_| query.count);
    if let Some(after) = after {
        owed.retain(|one| key(one) > after);
    }
    let more = owed.len() > limit;
    owed.truncate(limit);
    let next = owed.last().filter(|_| more).map(|last| {
        let joint = if address.contains('?') { '&' } else { '?' };
        format!("{address}{joint}cursor={}", Cursor::new(&address, key(last)).encode())
    });
    Ok(Json(Page {
        items: owed,
        next,
        total,
    }))
}
