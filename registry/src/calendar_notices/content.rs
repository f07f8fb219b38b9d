//! What a notice says of its year, and its rows.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::CalendarNoticeId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// The notice of a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeContent {
    /// Of this year.
    pub year: i32,
    /// The notice and its day.
    pub source: String,
    /// Days off, in order.
    #[serde(serialize_with = "days")]
    pub days_off: Vec<Date>,
    /// Weekend days that are worked, in order.
    #[serde(serialize_with = "days")]
    pub worked: Vec<Date>,
}

fn days<S: serde::Serializer>(days: &[Date], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Day(#[serde(with = "day")] Date);
    serializer.collect_seq(days.iter().copied().map(Day))
}

impl VersionContent for NoticeContent {
    const OBJECT: ObjectKind = ObjectKind::CalendarNotice;
    const STATEMENTS: VersionStatements = version_statements!("calendar_notice", "year, source, days_off, worked");

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.year))
            .text(Some(&self.source))
            .value(Some(self.days_off.clone()))
            .value(Some(self.worked.clone()));
    }
}

pub(super) struct NoticeRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub year: i32,
    pub source: String,
    pub days_off: Vec<Date>,
    pub worked: Vec<Date>,
}

macro_rules! select_notices {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::calendar_notices::content::NoticeRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.year, v.source, v.days_off, v.worked
                 from calendar_notice_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_notices;

impl NoticeRow {
    pub(super) fn content(self) -> NoticeContent {
        NoticeContent {
            year: self.year,
            source: self.source,
            days_off: self.days_off,
            worked: self.worked,
        }
    }

    pub(super) fn stored(self) -> StoredVersion<NoticeContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, Ok(self.content()))
    }
}

/// Locks a notice and reads the version known now; none where there is no such notice, or it was withdrawn.
pub(super) async fn held_notice(
    connection: &mut PgConnection,
    id: CalendarNoticeId,
) -> Result<Option<Held<NoticeContent>>, Fault> {
    sqlx::query!("select id from calendar_notice where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_notices!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of notices against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_notices!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
