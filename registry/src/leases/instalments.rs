//! The rows of a lease's schedule: written anew where the terms change, and what is waived stays waived.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::schedule::Instalment;
use crate::database::CopyRows;
use crate::ids::LeaseId;
use crate::ledger::{Action, ExpectedVersions, ObjectKind};
use crate::money::Money;
use crate::period::{Held, Revision, day};
use crate::request::Fault;
use crate::versioned::{Occasion, StoredVersion, VersionContent, VersionStatements, VersionWriter, version_statements};

/// What a row of a schedule says; its valid period is the rent month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstalmentContent {
    /// From 1 on.
    pub number: i32,
    /// The last day on which it is paid in time.
    #[serde(with = "day")]
    pub due_on: Date,
    /// What was agreed.
    pub amount: Money,
    /// What is owed after relief.
    pub amount_due: Money,
    /// The relief by which it is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relief_id: Option<Uuid>,
}

impl VersionContent for InstalmentContent {
    const OBJECT: ObjectKind = ObjectKind::RentSchedule;
    const STATEMENTS: VersionStatements =
        version_statements!("rent_instalment", "number, due_on, amount, amount_due, relief_id");

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.number))
            .value(Some(self.due_on))
            .value(Some(self.amount.yuan()))
            .value(Some(self.amount_due.yuan()))
            .value(self.relief_id);
    }
}

/// A row as the table holds it.
pub(super) struct InstalmentRow {
    version_id: Uuid,
    object_id: Uuid,
    valid: PgRange<Date>,
    recorded: PgRange<OffsetDateTime>,
    number: i32,
    due_on: Date,
    amount: Decimal,
    amount_due: Decimal,
    relief_id: Option<Uuid>,
}

macro_rules! select_rows {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::leases::instalments::InstalmentRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.number, v.due_on, v.amount, v.amount_due,
                      v.relief_id
                 from rent_instalment_version v "# + $rest
            $(, $argument)*
        )
    };
}

impl InstalmentRow {
    fn stored(self) -> StoredVersion<InstalmentContent> {
        let impossible = |error: crate::money::MoneyRefused| Fault::Impossible {
            what: format!("rent row {}: {error}", self.version_id),
        };
        let content = Money::kept(self.amount).and_then(|amount| {
            Ok(InstalmentContent {
                number: self.number,
                due_on: self.due_on,
                amount,
                amount_due: Money::kept(self.amount_due)?,
                relief_id: self.relief_id,
            })
        });
        StoredVersion::new(
            self.version_id,
            self.object_id,
            &self.valid,
            &self.recorded,
            content.map_err(impossible),
        )
    }
}

/// The rows of a schedule that are known now, the first month first.
///
/// # Errors
/// The database's.
pub(super) async fn held_rows(
    connection: &mut PgConnection,
    lease: LeaseId,
) -> Result<Vec<Held<InstalmentContent>>, Fault> {
    select_rows!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        lease.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// The rows of several schedules that are known now, by lease, the first month first.
///
/// # Errors
/// The database's.
pub async fn held_rows_of(
    connection: &mut PgConnection,
    leases: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Held<InstalmentContent>>>, Fault> {
    let mut held: HashMap<Uuid, Vec<Held<InstalmentContent>>> = HashMap::new();
    for row in select_rows!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        leases
    )
    .fetch_all(connection)
    .await?
    {
        held.entry(row.object_id).or_default().push(row.stored().held()?);
    }
    Ok(held)
}

/// The rows as they were known at an instant.
pub(super) async fn rows_known_at(
    connection: &mut PgConnection,
    lease: LeaseId,
    known_at: OffsetDateTime,
) -> Result<Vec<Held<InstalmentContent>>, Fault> {
    select_rows!(
        "where v.object_id = $1 and v.recorded @> $2::timestamptz order by lower(v.valid)",
        lease.0,
        known_at,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

pub(super) async fn verify_rows(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_rows!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}

/// From the rows that are known to those that the terms want. A row that stays as it is isn't touched; one of a month that
/// was waived whole stays waived.
pub(super) fn reschedule(
    held: &[Held<InstalmentContent>],
    wanted: &[Instalment],
    now: OffsetDateTime,
) -> Revision<InstalmentContent> {
    let mut revision = Revision {
        close: Vec::new(),
        write: Vec::new(),
        at: now,
    };
    let is_as = |row: &Held<InstalmentContent>, wanted: &Instalment| {
        row.valid == wanted.period
            && (row.content.number, row.content.due_on, row.content.amount)
                == (wanted.number, wanted.due_on, wanted.amount)
    };
    for row in held {
        if !wanted.iter().any(|wanted| is_as(row, wanted)) {
            revision.close.push(row.version_id);
            revision.at = revision.at.max(row.recorded_from + Duration::MICROSECOND);
        }
    }
    for wanted in wanted
        .iter()
        .filter(|wanted| !held.iter().any(|row| is_as(row, wanted)))
    {
        let relief_id = held
            .iter()
            .find(|row| row.content.number == wanted.number && row.content.amount_due == Money::NOTHING)
            .and_then(|row| row.content.relief_id)
            .filter(|_| wanted.amount > Money::NOTHING);
        let content = InstalmentContent {
            number: wanted.number,
            due_on: wanted.due_on,
            amount: wanted.amount,
            amount_due: if relief_id.is_some() {
                Money::NOTHING
            } else {
                wanted.amount
            },
            relief_id,
        };
        revision.write.push((wanted.period, content));
    }
    revision
}

/// Writes rows of one lease's schedule, with one ledger entry for them all; nothing where nothing changes.
///
/// # Errors
/// Where the content can't be said in JSON.
pub fn write_rows(
    writer: &mut VersionWriter<InstalmentContent>,
    lease: LeaseId,
    revision: &Revision<InstalmentContent>,
    occasion: &Occasion,
) -> Result<(), Fault> {
    if revision.close.is_empty() && revision.write.is_empty() {
        return Ok(());
    }
    let action = if revision.close.is_empty() {
        Action::Create
    } else {
        Action::Change
    };
    writer.revise(lease.0, action, revision, None, occasion).map(|_| ())
}

/// Brings the schedule to what the terms want.
pub(super) async fn follow_terms(
    connection: &mut PgConnection,
    lease: LeaseId,
    wanted: &[Instalment],
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let held = held_rows(connection, lease).await?;
    let mut writer = VersionWriter::default();
    write_rows(&mut writer, lease, &reschedule(&held, wanted, now), occasion)?;
    writer.flush(connection).await
}
