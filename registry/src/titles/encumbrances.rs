//! What lies on a title (权利负担): mortgage, seizure, objection, pre-notice, dispute; and what each of them blocks.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::content::held_versions as held_titles;
use super::dictionaries::{EncumbranceKind, MortgageKind, SeizureKind};
use super::permission::{TitleAction, require, require_at};
use super::read::{WHAT, parse_id};
use crate::database::CopyRows;
use crate::ids::{EncumbranceId, TitleId, VersionId};
use crate::ledger::{Action, ExpectedVersions, ObjectKind};
use crate::period::{Held, ValidPeriod, day, reach, revise};
use crate::request::fields::{plain_text, required_reason, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, Times};
use crate::versioned::{
    Created, Occasion, StoredVersion, VersionContent, VersionFacts, VersionStatements, answer_created, answer_ended,
    version_statements, version_to_change, write_revision,
};

/// An objection lapses unless its author sues within 15 days (Civil Code art. 220).
const OBJECTION_DAYS: i64 = 15;
/// A pre-notice lapses 90 days after the registration can be applied for (Civil Code art. 221).
const PRE_NOTICE_DAYS: i64 = 90;

/// The last day of a pre-notice, where it is known from when on the registration can be applied for.
#[must_use]
pub fn pre_notice_ends(registrable_on: Date) -> Option<Date> {
    registrable_on.checked_add(Duration::days(PRE_NOTICE_DAYS))
}

/// What a version of an encumbrance says.
#[derive(Debug, Clone, Serialize)]
pub struct EncumbranceContent {
    /// The title it lies on.
    pub title_id: Uuid,
    /// 权利负担类别
    pub kind: EncumbranceKind,
    /// Who holds it.
    pub holder: String,
    /// The document it rests on.
    pub document: String,
    /// That document's date.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub document_date: Option<Date>,
    /// The last day on which it holds, where it lapses by itself.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub expires_on: Option<Date>,
    /// 查封类型
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seizure_kind: Option<SeizureKind>,
    /// 轮候顺序: 0 is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_no: Option<i16>,
    /// 抵押方式
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mortgage_kind: Option<MortgageKind>,
    /// Yuan, two decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    /// The parties agreed that the property isn't transferred.
    pub transfer_barred: bool,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl VersionContent for EncumbranceContent {
    const OBJECT: ObjectKind = ObjectKind::Encumbrance;
    const STATEMENTS: VersionStatements = version_statements!(
        "encumbrance",
        "title_id, kind, holder, document, document_date, expires_on, seizure_kind, queue_no, mortgage_kind, amount, transfer_barred, remark"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.title_id))
            .text(Some(self.kind.code()))
            .text(Some(&self.holder))
            .text(Some(&self.document))
            .value(self.document_date)
            .value(self.expires_on)
            .text(self.seizure_kind.map(SeizureKind::code))
            .value(self.queue_no)
            .text(self.mortgage_kind.map(MortgageKind::code))
            .value(self.amount)
            .value(Some(self.transfer_barred))
            .text(self.remark.as_deref());
    }
}

struct EncumbranceRow {
    version_id: Uuid,
    object_id: Uuid,
    valid: PgRange<Date>,
    recorded: PgRange<OffsetDateTime>,
    title_id: Uuid,
    kind: String,
    holder: String,
    document: String,
    document_date: Option<Date>,
    expires_on: Option<Date>,
    seizure_kind: Option<String>,
    queue_no: Option<i16>,
    mortgage_kind: Option<String>,
    amount: Option<Decimal>,
    transfer_barred: bool,
    remark: Option<String>,
}

macro_rules! select_encumbrances {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            EncumbranceRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.title_id, v.kind, v.holder, v.document,
                      v.document_date, v.expires_on, v.seizure_kind, v.queue_no, v.mortgage_kind, v.amount,
                      v.transfer_barred, v.remark
                 from encumbrance_version v "# + $rest
            $(, $argument)*
        )
    };
}

impl EncumbranceRow {
    fn stored(self) -> StoredVersion<EncumbranceContent> {
        let kind = EncumbranceKind::of(&self.kind).ok_or_else(|| Fault::Impossible {
            what: format!("encumbrance version {}: kind is not of the list", self.version_id),
        });
        let content = kind.map(|kind| EncumbranceContent {
            title_id: self.title_id,
            kind,
            holder: self.holder,
            document: self.document,
            document_date: self.document_date,
            expires_on: self.expires_on,
            seizure_kind: self.seizure_kind.as_deref().and_then(SeizureKind::of),
            queue_no: self.queue_no,
            mortgage_kind: self.mortgage_kind.as_deref().and_then(MortgageKind::of),
            amount: self.amount.map(|amount| amount.normalize()),
            transfer_barred: self.transfer_barred,
            remark: self.remark,
        });
        StoredVersion::new(self.version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

/// An encumbrance at a date.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Encumbrance {
    /// Its id.
    pub id: Uuid,
    /// 权利负担类别
    pub kind: EncumbranceKind,
    /// Who holds it.
    pub holder: String,
    /// The document it rests on.
    pub document: String,
    /// That document's date.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub document_date: Option<Date>,
    /// The last day on which it holds, where it lapses by itself.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub expires_on: Option<Date>,
    /// Has it lapsed by the day that was asked for? It then blocks nothing, and is to be cleared from the book.
    pub lapsed: bool,
    /// 查封类型
    pub seizure_kind: Option<SeizureKind>,
    /// 轮候顺序: 0 is in force.
    pub queue_no: Option<i16>,
    /// 抵押方式
    pub mortgage_kind: Option<MortgageKind>,
    /// Yuan.
    pub amount: Option<f64>,
    /// The parties agreed that the property isn't transferred.
    pub transfer_barred: bool,
    /// Anything else.
    pub remark: Option<String>,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// What lies on a title on a day, by order of receipt.
///
/// # Errors
/// The database's.
pub async fn encumbrances_of(
    connection: &mut PgConnection,
    title: TitleId,
    times: Times,
) -> Result<Vec<Encumbrance>, Fault> {
    select_encumbrances!(
        "where v.title_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz
         order by v.queue_no nulls first, lower(v.valid), v.object_id",
        title.0,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
        let id = row.object_id;
        let content = row.stored().content?;
        Ok(Encumbrance {
            id,
            kind: content.kind,
            lapsed: content.expires_on.is_some_and(|last| last < times.as_of),
            holder: content.holder,
            document: content.document,
            document_date: content.document_date,
            expires_on: content.expires_on,
            seizure_kind: content.seizure_kind,
            queue_no: content.queue_no,
            mortgage_kind: content.mortgage_kind,
            amount: content.amount.and_then(|amount| amount.to_f64()),
            transfer_barred: content.transfer_barred,
            remark: content.remark,
            version,
        })
    })
    .collect()
}

/// What somebody may want to do with a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// 首次登记
    FirstRegistration,
    /// 转移登记
    Transfer,
    /// 变更登记
    Change,
    /// 注销登记
    Cancel,
    /// 抵押
    Mortgage,
    /// Any disposal: let, sell, swap, demolish.
    Disposal,
    /// 分割、合并: the old title ends, new ones take its place.
    Split,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::FirstRegistration,
        Self::Transfer,
        Self::Change,
        Self::Cancel,
        Self::Mortgage,
        Self::Disposal,
        Self::Split,
    ];
}

/// How strongly an encumbrance stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is only to be known.
    Warns,
    /// Its holder must be told.
    MustTell,
    /// Its holder must consent.
    NeedsConsent,
    /// It can't be done.
    Blocks,
}

/// What the law makes of an encumbrance for an act, and where it says so; nothing where it doesn't matter.
#[must_use]
pub fn effect_of(kind: EncumbranceKind, transfer_barred: bool, act: Act) -> Option<(Effect, &'static str)> {
    use Effect::{Blocks, MustTell, NeedsConsent, Warns};
    use EncumbranceKind::{Dispute, Mortgage, Objection, PreNotice, Seizure};
    const REL_38: &str = "城市房地产管理法 art. 38";
    const CC_406: &str = "民法典 art. 406";
    const CC_221: &str = "民法典 art. 221";
    const R656_22: &str = "不动产登记暂行条例 art. 22";
    const RULES63_28: &str = "不动产登记暂行条例实施细则 art. 28";
    Some(match (kind, act) {
        (Seizure, Act::Transfer | Act::Disposal) => (Blocks, REL_38),
        (Seizure, Act::Mortgage) => (Blocks, "民法典 art. 399"),
        // A split or merge ends the old title, so it takes the consents that its ending takes.
        (Seizure | Mortgage | PreNotice, Act::Split) => (NeedsConsent, RULES63_28),
        (Objection, Act::Split) => (Warns, "民法典 art. 220"),
        (Dispute, Act::Split) => (Blocks, R656_22),
        (Seizure, Act::Cancel) => (NeedsConsent, RULES63_28),
        (Seizure, Act::Change) => (Warns, REL_38),
        (Mortgage, Act::Transfer) if transfer_barred => (Blocks, CC_406),
        (Mortgage, Act::Transfer) => (MustTell, CC_406),
        (Mortgage, Act::Disposal) => (NeedsConsent, CC_406),
        (Mortgage, Act::Cancel) => (NeedsConsent, RULES63_28),
        (Mortgage, Act::Mortgage | Act::Change) => (Warns, CC_406),
        (Objection, Act::Disposal) => (Blocks, "民法典 art. 220"),
        (Objection, Act::Transfer | Act::Mortgage | Act::Change | Act::Cancel) => (Warns, "民法典 art. 220"),
        (PreNotice, Act::Transfer | Act::Mortgage | Act::Disposal) => (NeedsConsent, CC_221),
        (PreNotice, Act::Change | Act::Cancel) => (Warns, CC_221),
        (Dispute, Act::FirstRegistration) => (Blocks, R656_22),
        (Dispute, Act::Transfer | Act::Mortgage | Act::Disposal) => (Blocks, REL_38),
        (Dispute, Act::Change | Act::Cancel) => (Warns, R656_22),
        (Seizure | Mortgage | Objection | PreNotice, Act::FirstRegistration) => return None,
    })
}

/// Something that stands in the way of an act.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Obstacle {
    /// The act.
    pub act: Act,
    /// How strongly.
    pub effect: Effect,
    /// What it is.
    pub kind: EncumbranceKind,
    /// Whose it is.
    pub holder: String,
    /// The document it rests on.
    pub document: String,
    /// The last day on which it holds, where it lapses by itself.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub expires_on: Option<Date>,
    /// Where the law says so.
    pub source: &'static str,
}

/// What stands in the way of an act, the strongest first. Lapsed encumbrances don't.
#[must_use]
pub fn obstacles(encumbrances: &[Encumbrance], act: Act) -> Vec<Obstacle> {
    let mut found: Vec<Obstacle> = encumbrances
        .iter()
        .filter(|encumbrance| !encumbrance.lapsed)
        .filter_map(|encumbrance| {
            let (effect, source) = effect_of(encumbrance.kind, encumbrance.transfer_barred, act)?;
            Some(Obstacle {
                act,
                effect,
                kind: encumbrance.kind,
                holder: encumbrance.holder.clone(),
                document: encumbrance.document.clone(),
                expires_on: encumbrance.expires_on,
                source,
            })
        })
        .collect();
    found.sort_by_key(|obstacle| std::cmp::Reverse(obstacle.effect));
    found
}

/// What is entered on a title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EncumbranceStatement {
    /// 权利负担类别
    pub kind: EncumbranceKind,
    /// Who holds it.
    holder: String,
    /// The document it rests on.
    document: String,
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    document_date: Option<Date>,
    /// The day of its registration; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// The last day on which it holds. An objection lapses after 15 days unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    expires_on: Option<Date>,
    /// From this day on what a pre-notice secures can be registered; 90 days later it lapses.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    registrable_on: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mortgage_kind: Option<MortgageKind>,
    /// An advance seizure (预查封)?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    advance: bool,
    /// Yuan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<f64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    transfer_barred: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl EncumbranceStatement {
    /// Whether it could be entered from a day on, so far as the statement alone tells.
    ///
    /// # Errors
    /// A problem naming the field.
    pub fn check(&self, from: Date, today: Date) -> Result<(), Problem> {
        self.content(TitleId(Uuid::nil()), 0, from, today).map(|_| ())
    }

    fn content(&self, title: TitleId, waiting: usize, from: Date, today: Date) -> Result<EncumbranceContent, Problem> {
        let given = |field: &str, text: &str, longest| {
            let text = plain_text(field, text, longest)?;
            if text.is_empty() {
                return Err(Problem::invalid(field, "it is missing").remedy(format!("send {field}")));
            }
            Ok(text)
        };
        if let Some(date) = self.document_date
            && sane_day("document_date", date)? > today
        {
            return Err(Problem::invalid("document_date", format!("{date} is in the future"))
                .remedy("write the date of the document")
                .code("date_in_future"));
        }
        let is_seizure = self.kind == EncumbranceKind::Seizure;
        if (self.mortgage_kind.is_some() || self.transfer_barred) && self.kind != EncumbranceKind::Mortgage {
            return Err(Problem::invalid("mortgage_kind", "only a mortgage has it").remedy("leave it out"));
        }
        let expires_on = self.last_day(from)?;
        Ok(EncumbranceContent {
            title_id: title.0,
            kind: self.kind,
            holder: given("holder", &self.holder, 200)?,
            document: given("document", &self.document, 400)?,
            document_date: self.document_date,
            expires_on,
            seizure_kind: is_seizure.then_some(match (self.advance, waiting) {
                (false, 0) => SeizureKind::Seizure,
                (false, _) => SeizureKind::Waiting,
                (true, 0) => SeizureKind::Advance,
                (true, _) => SeizureKind::AdvanceWaiting,
            }),
            queue_no: is_seizure.then(|| i16::try_from(waiting).unwrap_or(i16::MAX)),
            mortgage_kind: self.mortgage_kind,
            amount: self
                .amount
                .map(|amount| {
                    Decimal::try_from(amount)
                        .ok()
                        .filter(|_| (0.0..1e13).contains(&amount))
                        .map(|amount| amount.round_dp(2).normalize())
                        .ok_or_else(|| Problem::invalid("amount", "it is no amount of yuan").remedy("send 0 or more"))
                })
                .transpose()?,
            transfer_barred: self.transfer_barred,
            remark: self
                .remark
                .as_deref()
                .map(|remark| plain_text("remark", remark, 2_000))
                .transpose()?
                .filter(|remark| !remark.is_empty()),
        })
    }

    /// The last day on which it holds where it is entered on a day; none where it doesn't lapse by itself.
    ///
    /// # Errors
    /// A problem naming the field.
    pub fn last_day(&self, from: Date) -> Result<Option<Date>, Problem> {
        if self.registrable_on.is_some() && (self.kind != EncumbranceKind::PreNotice || self.expires_on.is_some()) {
            return Err(Problem::invalid(
                "registrable_on",
                "a pre-notice alone has it, and then no other last day",
            )
            .remedy("leave one of them out"));
        }
        let last_day = match self.registrable_on {
            Some(day) => pre_notice_ends(sane_day("registrable_on", day)?),
            None => self.expires_on,
        };
        Ok(match (last_day, self.kind) {
            (Some(last), _) if last < from => {
                return Err(Problem::invalid("expires_on", "it ends before it begins")
                    .remedy("send a later day")
                    .code("dates_out_of_order"));
            }
            (Some(last), _) => Some(sane_day("expires_on", last)?),
            (None, EncumbranceKind::Objection) => from.checked_add(Duration::days(OBJECTION_DAYS)),
            (None, _) => None,
        })
    }
}

/// Enters an encumbrance on a title. Seizures queue up in the order of their receipt.
#[utoipa::path(post, path = "/api/v1/titles/{id}/encumbrances", operation_id = "encumber_title", tag = "titles",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = EncumbranceStatement,
    responses((status = 201, body = Created), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn encumber_title(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<EncumbranceStatement>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::Encumber)?;
    let title = parse_id(&id)?;
    let idempotency = Idempotency::read(&headers, &(title, &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(today))?;
    if from > today {
        return Err(Problem::invalid("valid_from", format!("{from} is in the future"))
            .remedy("send the day of its registration")
            .code("date_in_future"));
    }
    let held = held_titles(&mut transaction, title).await?;
    let Some(burdened) = held.iter().find(|version| version.valid.contains(from)) else {
        return Err(Problem::not_found(WHAT));
    };
    let assets = super::asset_status::assets_of(&burdened.content);
    require_at(&mut transaction, &context, TitleAction::Encumber, &assets).await?;
    let occasion = Occasion::by(
        &context.actor,
        crate::request::fields::optional_reason(statement.reason.as_deref())?,
    );
    let (id, version) = enter(&mut transaction, title, &statement, (from, today, now), &occasion).await?;
    let location = format!("/api/v1/encumbrances/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Enters an encumbrance on a title from a day on. Who may is for the caller to ask.
///
/// # Errors
/// What is wrong with it, or that no such title is in the book on that day.
pub async fn enter(
    connection: &mut PgConnection,
    title: TitleId,
    statement: &EncumbranceStatement,
    (from, today, now): (Date, Date, OffsetDateTime),
    occasion: &Occasion,
) -> Result<(EncumbranceId, Option<VersionId>), Problem> {
    // Locks the title: the order of receipt is the order in which this is passed.
    let held = held_titles(connection, title).await?;
    if !held.iter().any(|version| version.valid.contains(from)) {
        return Err(Problem::not_found(WHAT));
    }
    let waiting = sqlx::query_scalar!(
        r#"select coalesce(max(queue_no) + 1, 0)::integer as "next!" from encumbrance_version
            where title_id = $1 and kind = 'seizure' and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)"#,
        title.0,
        from,
    )
    .fetch_one(&mut *connection)
    .await?;
    let content = statement.content(title, usize::try_from(waiting).unwrap_or_default(), from, today)?;
    let id = EncumbranceId::fresh();
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let version = write_revision(connection, id.0, Action::Create, &revision, None, occasion).await?;
    Ok((id, version))
}

/// When an encumbrance lapses by itself, said anew from a day on.
///
/// # Errors
/// The database's, or that there is no such encumbrance on that day.
pub async fn let_expire(
    connection: &mut PgConnection,
    id: EncumbranceId,
    (from, expires_on): (Date, Option<Date>),
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Problem> {
    let held = held_encumbrance(connection, id).await?;
    let before = held
        .iter()
        .find(|version| version.valid.contains(from))
        .ok_or_else(|| Problem::not_found("this encumbrance on that day"))?;
    let mut content = before.content.clone();
    content.expires_on = expires_on;
    let revision = revise(&held, reach(&held, from), Some(content), now);
    write_revision(
        connection,
        id.0,
        Action::Change,
        &revision,
        Some(&before.content),
        occasion,
    )
    .await?;
    Ok(())
}

/// Takes an encumbrance off its title on a day; the seizures behind a seizure move up. One that is off by then stays so.
///
/// # Errors
/// The database's.
pub async fn lift(
    connection: &mut PgConnection,
    id: EncumbranceId,
    valid_to: Date,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<Option<VersionId>, Problem> {
    let versions = held_encumbrance(connection, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    let Some(before) = versions
        .iter()
        .find(|version| version.valid.contains(last_day) || version.valid.from == valid_to)
        .map(|version| version.content.clone())
    else {
        return Ok(None);
    };
    let revision = revise(&versions, ValidPeriod::since(valid_to), None, now);
    if revision.close.is_empty() {
        return Ok(None);
    }
    let version = write_revision(connection, id.0, Action::Close, &revision, Some(&before), occasion).await?;
    if let Some(place) = before.queue_no {
        move_up(connection, TitleId(before.title_id), place, valid_to, now, occasion).await?;
    }
    Ok(version)
}

/// Takes everything off a title that ends on a day: those whose consent it took have given it. Who waits goes first, so that
/// nobody moves up to a seizure of nothing.
///
/// # Errors
/// The database's.
pub(super) async fn lift_all(
    connection: &mut PgConnection,
    title: TitleId,
    on: Date,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Problem> {
    let ids = sqlx::query_scalar!(
        "select object_id from encumbrance_version
          where title_id = $1 and upper_inf(recorded) and upper_inf(valid)
          order by queue_no desc nulls last, object_id",
        title.0,
    )
    .fetch_all(&mut *connection)
    .await?;
    for id in ids {
        lift(connection, EncumbranceId(id), on, now, occasion).await?;
    }
    Ok(())
}

/// What lies on a title goes on lying on those that take its place: each of them has it from the day on, in the same order,
/// and the old one no longer. What has lapsed by then stays behind.
///
/// # Errors
/// The database's.
pub async fn pass_on(
    connection: &mut PgConnection,
    old: TitleId,
    new: &[TitleId],
    (on, now): (Date, OffsetDateTime),
    occasion: &Occasion,
) -> Result<(), Problem> {
    let ids = sqlx::query_scalar!(
        "select object_id from encumbrance_version
          where title_id = $1 and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)
          order by queue_no nulls first, object_id",
        old.0,
        on,
    )
    .fetch_all(&mut *connection)
    .await?;
    for id in ids {
        let held = held_encumbrance(connection, EncumbranceId(id)).await?;
        let Some(before) = held.iter().find(|version| version.valid.to.is_none_or(|to| on < to)) else {
            continue;
        };
        let content = before.content.clone();
        let valid = ValidPeriod {
            from: on.max(before.valid.from),
            to: before.valid.to,
        };
        let revision = revise(&held, ValidPeriod::since(on), None, now);
        write_revision(connection, id, Action::Close, &revision, Some(&content), occasion).await?;
        if content.expires_on.is_some_and(|last| last < on) {
            continue;
        }
        for title in new {
            let mut content = content.clone();
            content.title_id = title.0;
            let id = EncumbranceId::fresh();
            let revision = revise(&[], valid, Some(content), now);
            write_revision(connection, id.0, Action::Create, &revision, None, occasion).await?;
        }
    }
    Ok(())
}

/// The release of an encumbrance.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    /// The first day on which it is no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why, with the document of release.
    reason: String,
}

/// Releases an encumbrance. The seizures behind a seizure move up (轮候查封 takes effect by itself).
#[utoipa::path(post, path = "/api/v1/encumbrances/{id}/closures", operation_id = "release_encumbrance", tag = "titles",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Release,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn release_encumbrance(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(release): Body<Release>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::Encumber)?;
    let what = "this encumbrance";
    let id = Uuid::parse_str(&id)
        .map(EncumbranceId)
        .map_err(|_| Problem::not_found(what))?;
    let reason = required_reason(&release.reason)?;
    let valid_to = sane_day("valid_to", release.valid_to)?;
    let mut transaction = context.database.begin().await?;
    let title = sqlx::query_scalar!(
        "select title_id from encumbrance_version where object_id = $1 limit 1",
        id.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found(what))?;
    let burdened = held_titles(&mut transaction, TitleId(title)).await?;
    let assets: Vec<Uuid> = burdened
        .iter()
        .flat_map(|version| super::asset_status::assets_of(&version.content))
        .collect();
    require_at(&mut transaction, &context, TitleAction::Encumber, &assets).await?;
    let versions = held_encumbrance(&mut transaction, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    version_to_change(&versions, &headers, context.clock.today(), ("valid_to", last_day), what)?;
    let occasion = Occasion::by(&context.actor, Some(reason));
    let version = lift(&mut transaction, id, valid_to, context.clock.now(), &occasion).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}

/// Those who wait behind a released seizure, one place further from the day of the release.
async fn move_up(
    connection: &mut PgConnection,
    title: TitleId,
    place: i16,
    from: Date,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let behind = sqlx::query_scalar!(
        r#"select object_id from encumbrance_version
            where title_id = $1 and kind = 'seizure' and upper_inf(recorded) and valid @> $2::date and queue_no > $3
            order by queue_no"#,
        title.0,
        from,
        place,
    )
    .fetch_all(&mut *connection)
    .await?;
    for id in behind {
        let held = held_encumbrance(connection, EncumbranceId(id)).await?;
        let Some(before) = held.iter().find(|version| version.valid.contains(from)) else {
            continue;
        };
        let mut content = before.content.clone();
        content.queue_no = content.queue_no.map(|place| place - 1);
        if content.queue_no == Some(0) {
            content.seizure_kind = content.seizure_kind.map(|kind| match kind {
                SeizureKind::Waiting => SeizureKind::Seizure,
                SeizureKind::AdvanceWaiting => SeizureKind::Advance,
                other => other,
            });
        }
        let revision = revise(
            &held,
            ValidPeriod {
                from,
                to: before.valid.to,
            },
            Some(content),
            now,
        );
        write_revision(
            connection,
            id,
            Action::Change,
            &revision,
            Some(&before.content),
            occasion,
        )
        .await?;
    }
    Ok(())
}

async fn held_encumbrance(
    connection: &mut PgConnection,
    id: EncumbranceId,
) -> Result<Vec<Held<EncumbranceContent>>, Fault> {
    sqlx::query!("select id from encumbrance where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_encumbrances!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

pub(super) async fn verify_encumbrances(
    connection: &mut PgConnection,
    expected: &mut ExpectedVersions,
) -> Result<(), Fault> {
    let mut rows = select_encumbrances!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_of_what_blocks_what() {
        use EncumbranceKind::{Dispute, Mortgage, Objection, PreNotice, Seizure};
        for (kind, barred, act, effect) in [
            (Seizure, false, Act::Transfer, Some(Effect::Blocks)),
            (Seizure, false, Act::Cancel, Some(Effect::NeedsConsent)),
            (Mortgage, false, Act::Transfer, Some(Effect::MustTell)),
            (Mortgage, true, Act::Transfer, Some(Effect::Blocks)),
            (Mortgage, false, Act::Disposal, Some(Effect::NeedsConsent)),
            (Objection, false, Act::Disposal, Some(Effect::Blocks)),
            (PreNotice, false, Act::Transfer, Some(Effect::NeedsConsent)),
            (Dispute, false, Act::FirstRegistration, Some(Effect::Blocks)),
            (Dispute, false, Act::Transfer, Some(Effect::Blocks)),
            (Mortgage, false, Act::FirstRegistration, None),
            (Mortgage, false, Act::Split, Some(Effect::NeedsConsent)),
            (Seizure, false, Act::Split, Some(Effect::NeedsConsent)),
            (Dispute, false, Act::Split, Some(Effect::Blocks)),
        ] {
            assert_eq!(
                effect_of(kind, barred, act).map(|(effect, _)| effect),
                effect,
                "{kind:?} {act:?}"
            );
        }
        // Everything that blocks says where the law does.
        for &kind in EncumbranceKind::ALL {
            for act in Act::ALL {
                assert!(effect_of(kind, false, act).is_none_or(|(_, source)| source.contains("art.")));
            }
        }
    }
}
