//! `GET /api/v1/leases/{id}/account`: what is owed, what was paid and remitted, and what is late, on a day.
//!
//! What came in is counted against the rows that fell due first (民法典第五百六十条). What was reversed never counted.

use axum::Json;
use axum::extract::Path;
use serde::Serialize;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::content::{is_remitted, select_versions};
use super::instalments::{InstalmentContent, rows_known_at};
use super::movements::{HeldMovement, movements_until};
use super::read::{WHAT, parse_id};
use crate::checks::default_of;
use crate::money::Money;
use crate::period::{Held, day};
use crate::request::{Context, Problem, Times};

/// A rent month.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct AccountRow {
    /// From 1 on.
    number: i32,
    /// Its first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// Its last day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// The last day on which it is paid in time.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    due_on: Date,
    /// What was agreed.
    #[schema(value_type = String)]
    amount: Money,
    /// What is owed after relief.
    #[schema(value_type = String)]
    amount_due: Money,
    /// What was paid of it.
    #[schema(value_type = String)]
    paid: Money,
    /// `waived`, `paid`, `overdue` or `open`.
    state: &'static str,
    /// The relief by which it is less.
    relief_id: Option<Uuid>,
}

/// Money that moved.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Movement {
    /// Its id.
    id: Uuid,
    /// `payment`, `remittance` or `reversal`.
    kind: String,
    /// Yuan.
    #[schema(value_type = String)]
    amount: Money,
    /// On which day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// 票据号、缴款书号
    document: String,
    /// Anything else; of a reversal why.
    note: Option<String>,
    /// What it takes back.
    reverses_id: Option<Uuid>,
    /// By what it is taken back.
    reversed_by_id: Option<Uuid>,
    /// When it was recorded.
    #[serde(with = "time::serde::rfc3339")]
    recorded_at: OffsetDateTime,
}

/// The sums of an account on a day.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct AccountSums {
    /// The whole rent of the term.
    #[schema(value_type = String)]
    agreed: Money,
    /// What of it was waived.
    #[schema(value_type = String)]
    waived: Money,
    /// What fell due by the day.
    #[schema(value_type = String)]
    due: Money,
    /// What came in.
    #[schema(value_type = String)]
    paid: Money,
    /// What fell due and did not come in.
    #[schema(value_type = String)]
    arrears: Money,
    /// Since when the oldest of it is due.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    arrears_since: Option<Date>,
    /// What came in and fell not due yet.
    #[schema(value_type = String)]
    credit: Money,
    /// What went to the treasury.
    #[schema(value_type = String)]
    remitted: Money,
    /// What came in and did not go there.
    #[schema(value_type = String)]
    unremitted: Money,
    /// What of it should have gone there by now.
    #[schema(value_type = String)]
    remittance_late: Money,
    /// The day by which the oldest of it is to go there.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    remit_by: Option<Date>,
}

/// The account of a lease.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct LeaseAccount {
    /// The lease.
    lease_id: Uuid,
    /// On which day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    as_of: Date,
    /// Its rent, month by month.
    rows: Vec<AccountRow>,
    /// What moved by then.
    movements: Vec<Movement>,
    /// The sums.
    sums: AccountSums,
}

/// The rent of a lease, what was paid of it and what went to the treasury.
#[utoipa::path(get, path = "/api/v1/leases/{id}/account", operation_id = "get_lease_account", tag = "leases",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = LeaseAccount), (status = 404, body = Problem)))]
pub(super) async fn get_lease_account(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<LeaseAccount>, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin_snapshot().await?;
    let lease = select_versions!(
        "where v.object_id = $1 and v.recorded @> $2::timestamptz limit 1",
        id.0,
        times.known_at,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let rows = rows_known_at(&mut transaction, id, times.known_at).await?;
    let movements = movements_until(&mut transaction, id, times.as_of, times.known_at).await?;
    let days = sqlx::query_scalar!(
        r#"select rule_parameter_at('remit_days', v.region_code, $2, $3, $4)::int as "days!"
             from spatial_unit_version v
            where v.object_id = $1 and v.recorded @> $3
            order by v.valid @> $2::date desc, lower(v.valid) desc
            limit 1"#,
        lease.asset_id as Option<Uuid>,
        times.as_of,
        times.known_at,
        default_of("remit_days")?,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    context.note_read_of(lease.asset_id.as_slice()).await?;
    let remit_within =
        is_remitted(&lease.direction, &lease.lessor_kind).then(|| Duration::days(days.unwrap_or_default().into()));
    let (rows, movements, sums) = account(&rows, &movements, times.as_of, remit_within);
    Ok(Json(LeaseAccount {
        lease_id: id.0,
        as_of: times.as_of,
        rows,
        movements,
        sums,
    }))
}

/// Counts an amount against others in their order: how much of each it covers.
fn cover(amount: Money, parts: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut left = amount;
    parts
        .map(|part| {
            let covered = left.min(part);
            left = left.less(covered);
            covered
        })
        .collect()
}

fn account(
    rows: &[Held<InstalmentContent>],
    movements: &[HeldMovement],
    as_of: Date,
    // How soon what came in goes to the treasury; none where it doesn't.
    remit_within: Option<Duration>,
) -> (Vec<AccountRow>, Vec<Movement>, AccountSums) {
    let reversed_by = |id: Uuid| {
        movements
            .iter()
            .find(|movement| movement.content.reverses_id == Some(id))
            .map(|movement| movement.id)
    };
    let counted = |kind: &'static str| {
        movements
            .iter()
            .filter(move |movement| movement.content.kind == kind && reversed_by(movement.id).is_none())
    };
    let sum = |movements: &mut dyn Iterator<Item = &HeldMovement>| Money::sum(movements.map(|one| one.content.amount));
    let paid = sum(&mut counted("payment"));
    let remitted = sum(&mut counted("remittance"));
    let mut ordered: Vec<&Held<InstalmentContent>> = rows.iter().collect();
    ordered.sort_by_key(|row| (row.content.due_on, row.content.number));
    let covered = cover(paid, ordered.iter().map(|row| row.content.amount_due));
    let mut told: Vec<AccountRow> = ordered
        .iter()
        .zip(covered)
        .map(|(row, paid)| {
            let content = &row.content;
            let state = if content.relief_id.is_some() && content.amount_due == Money::NOTHING {
                "waived"
            } else if paid == content.amount_due {
                "paid"
            } else if content.due_on < as_of {
                "overdue"
            } else {
                "open"
            };
            AccountRow {
                number: content.number,
                from: row.valid.from,
                to: row.valid.to.and_then(Date::previous_day).unwrap_or(row.valid.from),
                due_on: content.due_on,
                amount: content.amount,
                amount_due: content.amount_due,
                paid,
                state,
                relief_id: content.relief_id,
            }
        })
        .collect();
    // Due on a day is unpaid from the next on.
    let due = Money::sum(told.iter().filter(|row| row.due_on < as_of).map(|row| row.amount_due));
    let arrears_since = told.iter().find(|row| row.state == "overdue").map(|row| row.due_on);
    told.sort_by_key(|row| row.number);
    let payments: Vec<(Date, Money)> = counted("payment").map(|one| (one.on, one.content.amount)).collect();
    let gone = cover(remitted, payments.iter().map(|(_, amount)| *amount));
    let deadline = |on: Date| on.saturating_add(remit_within.unwrap_or_default());
    let waiting = || {
        payments
            .iter()
            .zip(&gone)
            .filter(|((_, amount), gone)| remit_within.is_some() && amount != *gone)
            .map(|((on, amount), gone)| (deadline(*on), amount.less(*gone)))
    };
    let sums = AccountSums {
        agreed: Money::sum(told.iter().map(|row| row.amount)),
        waived: Money::sum(told.iter().map(|row| row.amount.less(row.amount_due))),
        due,
        paid,
        arrears: due.less(paid),
        arrears_since,
        credit: paid.less(due),
        remitted,
        unremitted: Money::sum(waiting().map(|(_, amount)| amount)),
        remittance_late: Money::sum(waiting().filter(|(by, _)| *by < as_of).map(|(_, amount)| amount)),
        remit_by: waiting().map(|(by, _)| by).next(),
    };
    let movements = movements
        .iter()
        .map(|movement| Movement {
            id: movement.id,
            kind: movement.content.kind.clone(),
            amount: movement.content.amount,
            on: movement.on,
            document: movement.content.document.clone(),
            note: movement.content.note.clone(),
            reverses_id: movement.content.reverses_id,
            reversed_by_id: reversed_by(movement.id),
            recorded_at: movement.recorded_at,
        })
        .collect();
    (told, movements, sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::super::movements::MovementContent;
    use super::*;
    use crate::ids::VersionId;
    use crate::leases::{Rhythm, Terms, schedule};

    fn rows(cents: i64) -> Vec<Held<InstalmentContent>> {
        let terms = Terms {
            starts_on: date!(2026 - 01 - 01),
            ends_on: date!(2026 - 12 - 31),
            monthly_rent: Money::of_cents(cents),
            rhythm: Rhythm::Quarterly,
            due_days: 0,
        };
        schedule(&terms)
            .into_iter()
            .map(|row| Held {
                version_id: VersionId::fresh(),
                valid: row.period,
                recorded_from: OffsetDateTime::UNIX_EPOCH,
                content: InstalmentContent {
                    number: row.number,
                    due_on: row.due_on,
                    amount: row.amount,
                    amount_due: row.amount,
                    relief_id: None,
                },
            })
            .collect()
    }

    fn moved(kind: &str, cents: i64, on: Date, reverses_id: Option<Uuid>) -> HeldMovement {
        HeldMovement {
            id: Uuid::now_v7(),
            on,
            recorded_at: OffsetDateTime::UNIX_EPOCH,
            content: MovementContent {
                kind: kind.to_owned(),
                amount: Money::of_cents(cents),
                document: "票据".to_owned(),
                note: None,
                reverses_id,
            },
        }
    }

    proptest! {
        /// Whatever is paid, it is counted against the oldest rows, none of it twice and none of it lost.
        #[test]
        fn what_came_in_is_counted_once(cents in 0_i64..1_000_000, paid in prop::collection::vec(1_i64..3_000_000, 0..6), day in 0_i64..500) {
            let as_of = date!(2025 - 12 - 01) + Duration::days(day);
            let movements: Vec<HeldMovement> = paid.iter().map(|cents| moved("payment", *cents, as_of, None)).collect();
            let (rows, _, sums) = account(&rows(cents), &movements, as_of, Some(Duration::days(30)));
            let all: i64 = paid.iter().sum();
            let counted: i64 = rows.iter().map(|row| row.paid.cents()).sum();
            prop_assert_eq!(counted, all.min(cents * 12));
            prop_assert!(rows.windows(2).all(|pair| pair[1].paid == Money::NOTHING || pair[0].paid == pair[0].amount_due));
            let due: i64 = rows.iter().filter(|row| row.due_on < as_of).map(|row| row.amount_due.cents()).sum();
            prop_assert_eq!(sums.arrears.cents() - sums.credit.cents(), due - all);
            prop_assert_eq!(sums.arrears_since.is_some(), sums.arrears > Money::NOTHING);
            prop_assert_eq!(sums.unremitted.cents(), all);
        }
    }

    #[test]
    fn what_was_reversed_never_counted_and_the_treasury_waits_thirty_days() {
        let first = moved("payment", 30_000, date!(2026 - 01 - 01), None);
        let wrong = moved("payment", 99_900, date!(2026 - 01 - 02), None);
        let back = moved("reversal", 99_900, date!(2026 - 01 - 03), Some(wrong.id));
        let gone = moved("remittance", 10_000, date!(2026 - 01 - 20), None);
        let movements = [first, wrong, back, gone];
        let on = |as_of| account(&rows(10_000), &movements, as_of, Some(Duration::days(30)));
        let (told, moved, sums) = on(date!(2026 - 01 - 31));
        assert_eq!((sums.paid.cents(), sums.remitted.cents()), (30_000, 10_000));
        assert_eq!(moved[1].reversed_by_id, Some(moved[2].id));
        // Due on 1 January; the quarter is paid.
        assert!(told[..3].iter().all(|row| row.state == "paid"));
        assert_eq!(told[3].state, "open");
        // The thirtieth day is in time still.
        assert_eq!((sums.unremitted.cents(), sums.remittance_late.cents()), (20_000, 0));
        assert_eq!(sums.remit_by, Some(date!(2026 - 01 - 31)));
        assert_eq!(on(date!(2026 - 02 - 01)).2.remittance_late.cents(), 20_000);
        // Due on 1 April: in time on that day, late on the next.
        assert_eq!(on(date!(2026 - 04 - 01)).2.arrears, Money::NOTHING);
        let (told, _, sums) = on(date!(2026 - 04 - 02));
        assert_eq!((told[3].state, sums.arrears.cents()), ("overdue", 30_000));
        assert_eq!(sums.arrears_since, Some(date!(2026 - 04 - 01)));
    }
}
