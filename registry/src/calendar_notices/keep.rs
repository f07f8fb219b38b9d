//! Recording a notice, correcting it, and withdrawing one that was recorded by mistake.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, Month};
use uuid::Uuid;

use super::content::{NoticeContent, held_notice};
use super::list::{CalendarNotice, WHAT, load};
use crate::ids::CalendarNoticeId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{plain_text, required_reason};
use crate::request::{Body, Context, Idempotency, Problem, Times, etag, require_match};
use crate::versioned::{Occasion, answer, write_revision};
use crate::working_days::{WorkingCalendar, Year, days};

/// Days off in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysOff {
    /// The first of them.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub(super) from: Date,
    /// The last of them.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub(super) to: Date,
}

/// What the notice says of its year.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeStatement {
    /// Of this year.
    #[schema(minimum = 2000, maximum = 2100)]
    year: i32,
    /// The notice and its day, for instance 国务院办公厅关于2026年部分节假日安排的通知, 2025-11-04.
    source: String,
    /// 放假: days off, the weekends between them included.
    off: Vec<DaysOff>,
    /// 上班: weekend days that are worked, `YYYY-MM-DD`.
    #[serde(default)]
    worked: Vec<String>,
    /// Why it is recorded or corrected.
    reason: String,
}

impl NoticeStatement {
    fn content(&self) -> Result<NoticeContent, Problem> {
        if !(2000..=2100).contains(&self.year) {
            return Err(
                Problem::invalid("year", "年份须在 2000 至 2100 之间 / a year is 2000 to 2100").remedy("send a year"),
            );
        }
        let source = plain_text("source", &self.source, 400)?;
        if source.is_empty() {
            return Err(
                Problem::invalid("source", "请注明通知名称和日期 / say which notice, and of which day")
                    .remedy("send the name of the notice and its day"),
            );
        }
        if self.off.is_empty() {
            return Err(Problem::invalid("off", "请填写放假日期 / it names no days off")
                .remedy("send the days off that the notice names"));
        }
        for (at, off) in self.off.iter().enumerate() {
            if off.from > off.to {
                return Err(Problem::invalid(
                    &format!("off[{at}]"),
                    format!("起止日期颠倒 / {} to {} runs backwards", off.from, off.to),
                )
                .remedy("send the first day before the last"));
            }
            // Before any of its days is counted, so that a slip costs nothing.
            if [off.from, off.to].iter().any(|day| day.year() != self.year) {
                return Err(Problem::invalid(
                    &format!("off[{at}]"),
                    format!("不在 {} 年内 / it is not in the year {}", self.year, self.year),
                )
                .remedy("each year's days stand in its own notice"));
            }
        }
        let worked = self
            .worked
            .iter()
            .enumerate()
            .map(|(at, text)| {
                crate::request::day(text).ok_or_else(|| {
                    Problem::invalid(&format!("worked[{at}]"), "日期格式应为 YYYY-MM-DD / it is no day")
                        .remedy("send days as YYYY-MM-DD")
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let off = self.off.iter().flat_map(|off| days(off.from, off.to));
        let year = Year::new(self.year, source, off, worked).map_err(|(field, reason)| {
            Problem::invalid(field, format!("与通知不符：{reason} / {reason}"))
                .remedy("weekend days that are worked lie on Saturdays and Sundays of the year and are not off")
        })?;
        if year.off().len() > 100 {
            return Err(Problem::invalid("off", "放假日期超过 100 天 / more than 100 days off")
                .remedy("send the days off that the notice names"));
        }
        Ok(NoticeContent {
            year: self.year,
            source: year.source().to_owned(),
            days_off: year.off().iter().copied().collect(),
            worked: year.worked().iter().copied().collect(),
        })
    }
}

/// What was recorded, and what it moved.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct NoticeRecorded {
    /// Its id.
    id: Uuid,
    /// The version that was written; none where nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<Uuid>,
    /// So many open cases got another last day.
    deadlines: usize,
}

pub(super) fn parse_id(text: &str) -> Result<CalendarNoticeId, Problem> {
    Uuid::parse_str(text)
        .map(CalendarNoticeId)
        .map_err(|_| Problem::not_found(WHAT))
}

fn the_year(year: i32) -> Result<ValidPeriod, Problem> {
    let first = |year| Date::from_calendar_date(year, Month::January, 1);
    match (first(year), first(year + 1)) {
        (Ok(from), Ok(to)) => Ok(ValidPeriod { from, to: Some(to) }),
        _ => Err(Problem::invalid("year", "it is no year").remedy("send a year")),
    }
}

/// Open cases go by the calendars that hold now. Gives how many got another last day.
async fn move_deadlines(connection: &mut PgConnection, context: &Context, year: i32) -> Result<usize, Problem> {
    let calendar = WorkingCalendar::in_force(connection).await?;
    let now = context.clock.now();
    let occasion = Occasion::by(
        &context.actor,
        Some(format!(
            "{year} 年放假安排已登记，按工作日重算期限 / the working days of {year} are known, and the last day with them"
        )),
    );
    let mut moved = crate::title_cases::follow_calendar(connection, &calendar, now, &occasion).await?;
    moved += crate::policy_cases::follow_calendar(connection, &calendar, now, &occasion).await?;
    moved += crate::inspections::follow_calendar(connection, &calendar, now, &occasion).await?;
    Ok(moved)
}

/// Records the notice of a year. It goes before a calendar that the program carries.
#[utoipa::path(post, path = "/api/v1/calendar-notices", operation_id = "record_calendar_notice", tag = "calendar notices",
    params(("Idempotency-Key" = String, Header)), request_body = NoticeStatement,
    responses((status = 201, body = NoticeRecorded), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn record_calendar_notice(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<NoticeStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("calendar-notices", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let content = statement.content()?;
    let occasion = Occasion::by(&context.actor, Some(required_reason(&statement.reason)?));
    let id = CalendarNoticeId::fresh();
    let revision = revise(&[], the_year(content.year)?, Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let deadlines = move_deadlines(&mut transaction, &context, statement.year).await?;
    let location = format!("/api/v1/calendar-notices/{id}");
    let body = serde_json::json!(NoticeRecorded {
        id: id.0,
        version_id: version.map(|version| version.0),
        deadlines,
    });
    let tag = version.map(etag).unwrap_or_default();
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, &tag, &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), version, Json(body)))
}

/// Corrects a notice: what is sent takes the place of what was recorded. The year stays.
#[utoipa::path(patch, path = "/api/v1/calendar-notices/{id}", operation_id = "correct_calendar_notice", tag = "calendar notices",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = NoticeStatement,
    responses((status = 200, body = CalendarNotice), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn correct_calendar_notice(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<NoticeStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let content = statement.content()?;
    let reason = required_reason(&statement.reason)?;
    let mut transaction = context.database.begin().await?;
    let held = held_notice(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    if content.year != held.content.year {
        return Err(
            Problem::invalid("year", "不能改为另一年 / a notice stays that of its year")
                .remedy("withdraw it, and record the notice of the other year"),
        );
    }
    let mut version = Some(held.version_id);
    if content != held.content {
        let occasion = Occasion::by(&context.actor, Some(reason));
        let revision = revise(
            std::slice::from_ref(&held),
            held.valid,
            Some(content),
            context.clock.now(),
        );
        version = write_revision(
            &mut transaction,
            id.0,
            Action::Change,
            &revision,
            Some(&held.content),
            &occasion,
        )
        .await?;
        move_deadlines(&mut transaction, &context, statement.year).await?;
        transaction.commit().await?;
    }
    let notice = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(notice)))
}

/// Why a notice is withdrawn.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeWithdrawal {
    /// Why.
    reason: String,
}

/// Withdraws a notice that was recorded by mistake. Its history stays; deadlines go by what is published without it.
#[utoipa::path(post, path = "/api/v1/calendar-notices/{id}/withdrawals", operation_id = "withdraw_calendar_notice",
    tag = "calendar notices", params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = NoticeWithdrawal,
    responses((status = 200, body = NoticeRecorded), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn withdraw_calendar_notice(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(withdrawal): Body<NoticeWithdrawal>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let occasion = Occasion::by(&context.actor, Some(required_reason(&withdrawal.reason)?));
    let mut transaction = context.database.begin().await?;
    let held = held_notice(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let revision = revise(std::slice::from_ref(&held), held.valid, None, context.clock.now());
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&held.content),
        &occasion,
    )
    .await?;
    let deadlines = move_deadlines(&mut transaction, &context, held.content.year).await?;
    transaction.commit().await?;
    let body = NoticeRecorded {
        id: id.0,
        version_id: version.map(|version| version.0),
        deadlines,
    };
    Ok(answer(StatusCode::OK, None, version, Json(body)))
}
