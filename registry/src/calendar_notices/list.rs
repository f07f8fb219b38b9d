//! `GET /api/v1/calendar-notices`: the years whose working days are known.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{NoticeRow, select_notices};
use super::keep::{DaysOff, parse_id};
use crate::ids::{CalendarNoticeId, VersionId};
use crate::period::day;
use crate::request::{Context, Fault, Page, Problem, Times};
use crate::versioned::{VersionFacts, answer_read};
use crate::working_days::{WorkingCalendar, Year};

pub(super) const WHAT: &str = "this notice";

/// The notice of a year.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CalendarNotice {
    /// Its id.
    pub id: Uuid,
    /// What it says.
    #[serde(flatten)]
    pub says: YearTold,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// What a notice says of its year.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct YearTold {
    /// Of this year.
    year: i32,
    /// The notice and its day.
    source: String,
    /// 放假
    off: Vec<DaysOff>,
    /// 上班: weekend days that are worked.
    #[schema(value_type = Vec<String>)]
    worked: Vec<DayTold>,
    /// Days from Monday to Friday that are off, less the weekend days that are worked: 13 in an ordinary year since 2025, 11
    /// before (全国年节及纪念日放假办法, art. 2).
    net_days_off: i64,
}

#[derive(Debug, Serialize)]
struct DayTold(#[serde(with = "day")] Date);

/// A year whose working days are known.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CalendarYear {
    /// The notice that was recorded; none where the program carries the year.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// What it says.
    #[serde(flatten)]
    says: YearTold,
    /// The version that holds, of a notice that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<Uuid>,
}

fn says(number: i32, year: &Year) -> YearTold {
    let mut off: Vec<DaysOff> = Vec::new();
    for day in year.off() {
        match off.last_mut().filter(|off| off.to.next_day() == Some(*day)) {
            Some(off) => off.to = *day,
            None => off.push(DaysOff { from: *day, to: *day }),
        }
    }
    YearTold {
        year: number,
        source: year.source().to_owned(),
        off,
        worked: year.worked().iter().copied().map(DayTold).collect(),
        net_days_off: year.net_days_off(),
    }
}

fn told(row: NoticeRow) -> Result<CalendarNotice, Fault> {
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let (id, number) = (row.object_id, row.year);
    let year = Year::new(number, row.source, row.days_off, row.worked).map_err(|(_, reason)| Fault::Impossible {
        what: format!("the notice of {number}: {reason}"),
    })?;
    Ok(CalendarNotice {
        id,
        says: says(number, &year),
        version,
    })
}

pub(super) async fn load(context: &Context, id: CalendarNoticeId, times: Times) -> Result<CalendarNotice, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_notices!(
        "where v.object_id = $1 and v.recorded @> $2::timestamptz",
        id.0,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(told(row)?)
}

/// The years whose working days are known now, the latest first: those of recorded notices, and those that the program
/// carries.
#[utoipa::path(get, path = "/api/v1/calendar-notices", operation_id = "list_calendar_notices", tag = "calendar notices",
    responses((status = 200, body = Page<CalendarYear>)))]
pub(super) async fn list_calendar_notices(context: Context) -> Result<Json<Page<CalendarYear>>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let calendar = WorkingCalendar::in_force(&mut snapshot).await?;
    let recorded = select_notices!("where upper_inf(v.recorded)")
        .fetch_all(&mut *snapshot)
        .await?;
    let mut items: Vec<CalendarYear> = calendar
        .years()
        .filter_map(|number| {
            let notice = recorded.iter().find(|notice| notice.year == number);
            Some(CalendarYear {
                id: notice.map(|notice| notice.object_id),
                says: says(number, calendar.year(number)?),
                version_id: notice.map(|notice| notice.version_id),
            })
        })
        .collect();
    items.reverse();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// One notice.
#[utoipa::path(get, path = "/api/v1/calendar-notices/{id}", operation_id = "get_calendar_notice", tag = "calendar notices",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = CalendarNotice, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_calendar_notice(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let notice = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(&headers, VersionId(notice.version.version_id), notice))
}
