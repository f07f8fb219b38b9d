//! Money that moved: rent that came in, rent that went to the treasury (收支两条线), and what was recorded by mistake. Rows
//! are only added; the database refuses what would not balance.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::{held_versions, is_remitted};
use super::read::{WHAT, parse_id};
use crate::database::CopyRows;
use crate::ids::LeaseId;
use crate::ledger::{Action, ExpectedVersions, ObjectKind};
use crate::money::Money;
use crate::period::{Revision, ValidPeriod, day, valid_period};
use crate::request::fields::{plain_text, require_word, required_reason, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, etag};
use crate::versioned::{
    Created, Occasion, StoredVersion, VersionContent, VersionStatements, VersionWriter, answer, version_statements,
};

/// 收款、缴库
const KINDS: [&str; 2] = ["payment", "remittance"];

/// What a movement says; its valid period begins on the day on which the money moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MovementContent {
    /// `payment`, `remittance` or `reversal`.
    pub kind: String,
    /// How much; of a reversal what it takes back.
    pub amount: Money,
    /// 票据号、缴款书号
    pub document: String,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverses_id: Option<Uuid>,
}

impl VersionContent for MovementContent {
    const OBJECT: ObjectKind = ObjectKind::RentAccount;
    const STATEMENTS: VersionStatements =
        version_statements!("rent_movement", "kind, amount, document, note, reverses_id");

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.text(Some(&self.kind))
            .value(Some(self.amount.yuan()))
            .text(Some(&self.document))
            .text(self.note.as_deref())
            .value(self.reverses_id);
    }
}

/// A row as the table holds it.
pub(super) struct MovementRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub kind: String,
    pub amount: Decimal,
    pub document: String,
    pub note: Option<String>,
    pub reverses_id: Option<Uuid>,
}

macro_rules! select_movements {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::leases::movements::MovementRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.kind, v.amount, v.document, v.note, v.reverses_id
                 from rent_movement_version v "# + $rest
            $(, $argument)*
        )
    };
}

impl MovementRow {
    fn stored(self) -> StoredVersion<MovementContent> {
        let version_id = self.version_id;
        let content = Money::kept(self.amount)
            .map(|amount| MovementContent {
                kind: self.kind,
                amount,
                document: self.document,
                note: self.note,
                reverses_id: self.reverses_id,
            })
            .map_err(|error| Fault::Impossible {
                what: format!("rent movement {version_id}: {error}"),
            });
        StoredVersion::new(version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

/// A movement with its id, its day and the instant at which it was recorded.
pub(super) struct HeldMovement {
    pub id: Uuid,
    pub on: Date,
    pub recorded_at: OffsetDateTime,
    pub content: MovementContent,
}

/// The movements of a lease up to a day, as they were known at an instant, the first recorded first.
pub(super) async fn movements_until(
    connection: &mut PgConnection,
    lease: LeaseId,
    on: Date,
    known_at: OffsetDateTime,
) -> Result<Vec<HeldMovement>, Fault> {
    select_movements!(
        "where v.object_id = $1 and lower(v.valid) <= $2::date and v.recorded @> $3::timestamptz
         order by lower(v.valid), lower(v.recorded), v.version_id",
        lease.0,
        on,
        known_at,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        let on = valid_period(&row.valid).from;
        let stored = row.stored();
        Ok(HeldMovement {
            id: stored.head.version_id,
            on,
            recorded_at: stored.head.recorded_from,
            content: stored.content?,
        })
    })
    .collect()
}

pub(super) async fn verify_rows(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_movements!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}

/// Money that moved.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MovementStatement {
    /// `payment` 收款 (of what is rented in: 付款) or `remittance` 缴库.
    kind: String,
    /// Yuan, as a text.
    #[schema(value_type = String)]
    amount: Money,
    /// On which day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// 票据号、缴款书号
    document: String,
    /// Anything else.
    #[serde(default)]
    note: Option<String>,
}

/// What was recorded by mistake.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reversal {
    /// The document of the reversal.
    document: String,
    /// Why.
    reason: String,
}

fn required(field: &str, text: &str) -> Result<String, Problem> {
    let text = plain_text(field, text, 100)?;
    if text.is_empty() {
        return Err(Problem::invalid(field, "it is missing").remedy("write the number of the receipt or payment slip"));
    }
    Ok(text)
}

/// Records that rent came in, or that it went to the treasury.
#[utoipa::path(post, path = "/api/v1/leases/{id}/movements", operation_id = "record_rent_movement", tag = "leases",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = MovementStatement,
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn record_movement(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<MovementStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let kind = statement.kind.trim().to_owned();
    require_word("kind", &kind, &KINDS)?;
    if statement.amount == Money::NOTHING {
        return Err(Problem::invalid("amount", "nothing moved").remedy("write an amount above 0.00"));
    }
    let on = sane_day("on", statement.on)?;
    if on > context.clock.today() {
        return Err(Problem::invalid("on", format!("{on} is in the future")).remedy("record it once the money moved"));
    }
    let content = MovementContent {
        kind,
        amount: statement.amount,
        document: required("document", &statement.document)?,
        note: statement
            .note
            .as_deref()
            .map(|note| plain_text("note", note, 400))
            .transpose()?
            .filter(|note| !note.is_empty()),
        reverses_id: None,
    };
    let idempotency = Idempotency::read(&headers, &("rent_movements", id, &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let versions = held_versions(&mut transaction, id).await?;
    let lease = versions.last().ok_or_else(|| Problem::not_found(WHAT))?;
    if content.kind == "remittance" && !is_remitted(&lease.content.direction, &lease.content.lessor_kind) {
        return Err(Problem::invalid(
            "kind",
            "only rent of what the bureau or a unit lets goes to the treasury",
        )
        .remedy("record a payment"));
    }
    let reason = content.note.clone();
    add(&context, transaction, &idempotency, id, (on, content), reason).await
}

/// Takes back a payment or remittance that was recorded by mistake; both stay.
#[utoipa::path(post, path = "/api/v1/leases/{id}/movements/{movement}/reversals", operation_id = "reverse_rent_movement",
    tag = "leases", params(("id" = Uuid, Path), ("movement" = Uuid, Path), ("Idempotency-Key" = String, Header)),
    request_body = Reversal,
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn reverse_movement(
    context: Context,
    Path((id, movement)): Path<(String, String)>,
    headers: HeaderMap,
    Body(reversal): Body<Reversal>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let what = "this movement";
    let movement = Uuid::parse_str(&movement).map_err(|_| Problem::not_found(what))?;
    let reason = required_reason(&reversal.reason)?;
    let idempotency = Idempotency::read(&headers, &("rent_reversals", id, movement, &reversal))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    held_versions(&mut transaction, id).await?;
    let reversed = select_movements!("where v.object_id = $1 and v.version_id = $2", id.0, movement)
        .fetch_optional(&mut *transaction)
        .await?
        .filter(|row| row.kind != "reversal")
        .ok_or_else(|| Problem::not_found(what))?;
    // What was a mistake never counted: the reversal holds from the same day on. When it was found, `recorded` tells.
    let on = valid_period(&reversed.valid).from;
    let content = MovementContent {
        kind: "reversal".to_owned(),
        amount: reversed.stored().content?.amount,
        document: required("document", &reversal.document)?,
        note: Some(reason.clone()),
        reverses_id: Some(movement),
    };
    add(&context, transaction, &idempotency, id, (on, content), Some(reason)).await
}

async fn add(
    context: &Context,
    mut transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    idempotency: &Idempotency,
    lease: LeaseId,
    (on, content): (Date, MovementContent),
    reason: Option<String>,
) -> Result<Response, Problem> {
    let now = context.clock.now();
    let occasion = Occasion::by(&context.actor, reason);
    let revision = Revision {
        close: Vec::new(),
        write: vec![(ValidPeriod::since(on), content)],
        at: now,
    };
    let mut writer = VersionWriter::default();
    let version = writer.revise(lease.0, Action::Create, &revision, None, &occasion)?;
    writer.flush(&mut transaction).await?;
    let location = format!("/api/v1/leases/{lease}/account");
    let id = version.map(|version| version.0).unwrap_or_default();
    let body = serde_json::json!(Created {
        id,
        version_id: Some(id)
    });
    let tag = version.map(etag).unwrap_or_default();
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, &tag, &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), version, Json(body)))
}
