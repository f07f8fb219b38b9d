//! `POST /api/v1/stocktakings/{id}/lines/{line}/records`: what is said of one line: the answer, the field check, the
//! explanation of a difference, its decision, its correction.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::content::{StocktakingContent, shared_stocktaking};
use super::line::{BookLine, Decision, FieldCheck, Found, LineContent, book_line, held_line};
use super::lines::{LINE, StocktakingLine, load_line, parse_line};
use super::permission::require_recording;
use super::read::{WHAT, parse_id};
use super::settle::settle;
use super::transition::document_unknown;
use crate::documents::{Holder, attach_documents};
use crate::ids::{DocumentId, StocktakingId, StocktakingLineId, UnitId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, revise};
use crate::request::fields::{plain_text, require_word, take_area};
use crate::request::{Body, Context, Fault, Problem, ProblemKind, etag, require_match};
use crate::rooms::ROOM_TYPES;
use crate::versioned::{Occasion, VersionWriter, answer};

/// The most photographs and papers of one check.
const MOST_DOCUMENTS: usize = 20;
/// The first area that is too large, m².
const TOO_LARGE_M2: f64 = 1e9;
/// 用途
pub(super) const USAGES: [&str; 7] = [
    "administrative_office",
    "housing_security",
    "technical",
    "public_service",
    "commercial",
    "idle_land",
    "other",
];

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingAnswer)]
pub(super) struct AnswerSent {
    /// 在位、移位、变动、未找到; of something extra 账外.
    pub found: Found,
    /// The area that was found, m².
    #[serde(default)]
    pub area_m2: Option<f64>,
    /// The use that was found; of a room its type.
    #[serde(default)]
    pub usage: Option<String>,
    /// The unit that was found there.
    #[serde(default)]
    pub unit_id: Option<Uuid>,
    /// Of something that moved: where it is, or who has it.
    #[serde(default)]
    pub place: Option<String>,
    /// The area in the unit's own ledger (分台账), m².
    #[serde(default)]
    pub own_area_m2: Option<f64>,
    /// The certificate's number in the unit's own ledger.
    #[serde(default)]
    pub own_title_number: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub note: Option<String>,
}

/// What a look on the site brought. What it doesn't say anew stays as it was answered.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingCheckSent)]
pub(super) struct CheckSent {
    /// What was seen.
    found: Found,
    /// Where, longitude and latitude (CGCS2000).
    position: [f64; 2],
    /// Photographs and papers as files; a difference needs one.
    #[serde(default)]
    documents: Vec<DocumentId>,
    /// The area that was found, m².
    #[serde(default)]
    area_m2: Option<f64>,
    /// The use that was found; of a room its type.
    #[serde(default)]
    usage: Option<String>,
    /// The unit that was found there.
    #[serde(default)]
    unit_id: Option<Uuid>,
    /// Of something that moved: where it is, or who has it.
    #[serde(default)]
    place: Option<String>,
    /// What was seen, in words.
    #[serde(default)]
    note: Option<String>,
}

/// Why it differs.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingExplanationSent)]
pub(super) struct ExplanationSent {
    /// 差异说明
    text: String,
}

/// What becomes of a difference.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingDecisionSent)]
pub(super) struct DecisionSent {
    /// 更正台账、单位更正分台账、台账无误
    decision: Decision,
    /// 审核意见; needed where the ledger stands.
    #[serde(default)]
    note: Option<String>,
}

/// That the correction is made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingSettlementSent)]
pub(super) struct SettlementSent {
    /// Of a surplus: the parcel, building or room under which it is registered now.
    #[serde(default)]
    pub object_id: Option<Uuid>,
    /// Of a unit's own ledger: the area it says now, m².
    #[serde(default)]
    pub own_area_m2: Option<f64>,
    /// Of a unit's own ledger: the certificate's number it says now.
    #[serde(default)]
    pub own_title_number: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub note: Option<String>,
}

/// What is said of a line.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "record", rename_all = "snake_case")]
#[schema(as = StocktakingRecord)]
pub(super) enum Record {
    /// What was found.
    Answer(AnswerSent),
    /// What a look on the site brought.
    Check(CheckSent),
    /// Why it differs.
    Explanation(ExplanationSent),
    /// What becomes of it.
    Decision(DecisionSent),
    /// That the correction is made.
    Settlement(SettlementSent),
}

impl Record {
    fn kind(&self) -> &'static str {
        match self {
            Self::Answer(_) => "answer",
            Self::Check(_) => "check",
            Self::Explanation(_) => "explanation",
            Self::Decision(_) => "decision",
            Self::Settlement(_) => "settlement",
        }
    }

    fn zh(&self) -> &'static str {
        match self {
            Self::Answer(_) => ANSWERED,
            Self::Check(_) => "实地核查",
            Self::Explanation(_) => "差异说明",
            Self::Decision(_) => "差异审核",
            Self::Settlement(_) => "台账更正",
        }
    }
}

/// A text that may be left out.
pub(super) fn optional(field: &str, text: Option<&str>, longest: usize) -> Result<Option<String>, Problem> {
    Ok(text
        .map(|text| plain_text(field, text, longest))
        .transpose()?
        .filter(|text| !text.is_empty()))
}

/// An area that may be left out, m².
pub(super) fn area(field: &str, told: Option<f64>) -> Result<Option<Decimal>, Problem> {
    let mut taken = None;
    take_area(field, told.map(Some), TOO_LARGE_M2, &mut taken)?;
    Ok(taken)
}

/// What was found, as far as it is the same for answers and checks.
struct Facts<'a> {
    found: Found,
    area_m2: Option<f64>,
    usage: Option<&'a str>,
    unit_id: Option<Uuid>,
    place: Option<&'a str>,
}

impl Facts<'_> {
    async fn put(
        &self,
        connection: &mut PgConnection,
        context: &Context,
        (kind, is_extra): (&str, bool),
        line: &mut LineContent,
    ) -> Result<(), Problem> {
        if (self.found == Found::Extra) != is_extra {
            return Err(Problem::invalid(
                "found",
                if is_extra {
                    "账外资产只能填“账外” / this line is not of the ledger: it stays extra"
                } else {
                    "台账内的资产不能填“账外” / this line is of the ledger: it can't be extra"
                },
            )
            .code("found_of_another_line")
            .remedy("for something that the ledger doesn't know add a line of its own"));
        }
        line.found = self.found;
        if let Some(told) = area("area_m2", self.area_m2)? {
            line.found_area_m2 = Some(told);
        }
        if let Some(usage) = optional("usage", self.usage, 60)? {
            let list: &[&str] = if kind == "room" { &ROOM_TYPES } else { &USAGES };
            require_word("usage", &usage, list)?;
            line.found_usage = Some(usage);
        }
        if let Some(unit) = self.unit_id {
            if !crate::units::is_registered(connection, UnitId(unit), context.clock.today()).await? {
                return Err(
                    Problem::invalid("unit_id", "没有这个单位 / no unit is registered under this id")
                        .remedy("send the id of a unit"),
                );
            }
            line.found_unit_id = Some(UnitId(unit));
        }
        if let Some(place) = optional("place", self.place, 200)? {
            line.details.place = Some(place);
        }
        let says_something = match self.found {
            Found::Moved => line.details.place.is_some() || line.found_unit_id.is_some(),
            Found::Altered => {
                line.found_area_m2.is_some()
                    || line.found_usage.is_some()
                    || line.found_unit_id.is_some()
                    || line.details.note.is_some()
            }
            _ => true,
        };
        if !says_something {
            return Err(Problem::invalid(
                if self.found == Found::Moved { "place" } else { "note" },
                "请说明现在何处、由谁使用，或有何变动 / say where it is now, who has it, or what is another",
            )
            .code("alteration_missing")
            .remedy(
                "send place or unit_id of something that moved; area_m2, usage, unit_id or note of something altered",
            ));
        }
        Ok(())
    }
}

impl AnswerSent {
    /// What the line says by this answer.
    pub(super) async fn line(
        &self,
        connection: &mut PgConnection,
        context: &Context,
        stocktaking: StocktakingId,
        (kind, is_extra): (&str, bool),
    ) -> Result<LineContent, Problem> {
        let mut line = LineContent::answered(stocktaking, self.found, &context.actor.0);
        line.details.note = optional("note", self.note.as_deref(), 1_000)?;
        line.own_area_m2 = area("own_area_m2", self.own_area_m2)?;
        line.own_title_number = optional("own_title_number", self.own_title_number.as_deref(), 100)?;
        let facts = Facts {
            found: self.found,
            area_m2: self.area_m2,
            usage: self.usage.as_deref(),
            unit_id: self.unit_id,
            place: self.place.as_deref(),
        };
        facts.put(connection, context, (kind, is_extra), &mut line).await?;
        Ok(line)
    }
}

fn conflict(zh: &str, en: &str, code: &str, remedy: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, format!("{zh} / {en}"))
        .code(code)
        .remedy(remedy)
        .rule("ACC-02", "行政事业性国有资产管理条例 art. 39")
}

/// What a line says by an answer, where it may still be answered so.
pub(super) async fn answered(
    connection: &mut PgConnection,
    context: &Context,
    stocktaking: StocktakingId,
    (book, held): (&BookLine, Option<&LineContent>),
    sent: &AnswerSent,
) -> Result<LineContent, Problem> {
    if let Some(held) = held {
        if held.checked_by.is_some() {
            return Err(conflict(
                "已实地核查，不能改答",
                "it was looked at on the site; the answer stands",
                "checked_already",
                "let whoever checks look again",
            ));
        }
        if held.found == Found::Missing && sent.found != Found::Missing {
            return Err(conflict(
                "已报未找到的，须经实地核查才能改为找到",
                "what was reported missing is found again by a field check alone",
                "missing_stands",
                "record a field check that says where it was found",
            ));
        }
    }
    let mut line = sent
        .line(connection, context, stocktaking, (&book.kind, book.is_extra))
        .await?;
    line.extra = held.and_then(|held| held.extra.clone());
    Ok(line)
}

async fn checked(
    connection: &mut PgConnection,
    context: &Context,
    (id, book, held): (StocktakingLineId, &BookLine, &LineContent),
    sent: &CheckSent,
) -> Result<LineContent, Problem> {
    let [lon, lat] = sent.position;
    if !(70.0..=140.0).contains(&lon) || !(0.0..=60.0).contains(&lat) {
        return Err(Problem::invalid(
            "position",
            "坐标不在国内，或经纬度颠倒 / this is no longitude and latitude in the country",
        )
        .code("position_outside")
        .remedy("send [longitude, latitude] in degrees, CGCS2000"));
    }
    if sent.documents.len() > MOST_DOCUMENTS {
        return Err(Problem::invalid("documents", "more than 20 papers").remedy("bring the ones that show it"));
    }
    let mut line = held.clone();
    if sent.found != held.found {
        line.found_area_m2 = None;
        line.found_usage = None;
        line.found_unit_id = None;
        line.details.place = None;
    }
    let note = optional("note", sent.note.as_deref(), 1_000)?;
    if note.is_some() {
        line.details.note.clone_from(&note);
    }
    let facts = Facts {
        found: sent.found,
        area_m2: sent.area_m2,
        usage: sent.usage.as_deref(),
        unit_id: sent.unit_id,
        place: sent.place.as_deref(),
    };
    facts
        .put(connection, context, (&book.kind, book.is_extra), &mut line)
        .await?;
    let overturns = held.found == Found::Missing && sent.found != Found::Missing;
    if sent.documents.is_empty() && (sent.found != Found::InPlace || overturns) {
        return Err(Problem::invalid(
            "documents",
            "差异须有照片或书面材料 / a difference is shown by a photograph or a paper",
        )
        .code("proof_missing")
        .remedy("bring a file (POST /api/v1/documents) and name its id"));
    }
    if let Some(unknown) = attach_documents(connection, context, Holder::StocktakingLine, id.0, &sent.documents).await?
    {
        return Err(document_unknown(unknown));
    }
    let answered = held.details.check.as_ref().map_or(held.found, |check| check.answered);
    line.checked_by = Some(context.actor.0.clone());
    line.details.check = Some(FieldCheck {
        position: sent.position,
        documents: sent.documents.clone(),
        on: context.clock.today(),
        note,
        answered,
    });
    // What was explained of another finding explains nothing any more.
    line.explained_by = None;
    line.details.explanation = None;
    Ok(line)
}

fn require_difference(held: &LineContent) -> Result<(), Problem> {
    if held.difference.is_some() {
        return Ok(());
    }
    Err(conflict(
        "该条没有差异",
        "this line doesn't differ",
        "no_difference",
        "choose a line that differs",
    ))
}

fn explained(context: &Context, held: &LineContent, sent: &ExplanationSent) -> Result<LineContent, Problem> {
    require_difference(held)?;
    let text = plain_text("text", &sent.text, 2_000)?;
    if text.is_empty() {
        return Err(Problem::invalid("text", "必填 / it is missing").remedy("say why it differs"));
    }
    let mut line = held.clone();
    line.explained_by = Some(context.actor.0.clone());
    line.details.explanation = Some(text);
    line.decision = None;
    line.decided_by = None;
    line.details.decision_note = None;
    Ok(line)
}

async fn decided(
    connection: &mut PgConnection,
    context: &Context,
    (id, stocktaking, held): (StocktakingLineId, &StocktakingContent, &LineContent),
    sent: &DecisionSent,
) -> Result<LineContent, Problem> {
    require_difference(held)?;
    let wrote = sqlx::query_scalar!(
        r#"select exists (select from stocktaking_line_version
            where object_id = $1 and $2 in (answered_by, checked_by, explained_by)) as "wrote!""#,
        id.0,
        context.actor.0,
    )
    .fetch_one(connection)
    .await?;
    if wrote || stocktaking.put_forward_by.as_ref() == Some(&context.actor.0) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "填报、核查、说明或提请的人不得审核该差异 / whoever answered, checked, explained or put it forward doesn't decide it",
        )
        .code("four_eyes")
        .rule("GOV-01", "内部控制：四眼原则")
        .remedy("let a second person do it"));
    }
    let note = optional("note", sent.note.as_deref(), 1_000)?;
    let own = held.differs.iter().any(|differs| differs.starts_with("own_"));
    match sent.decision {
        Decision::BookStands if held.found == Found::Missing => {
            return Err(conflict(
                "盘亏不能不了了之",
                "what is missing can't simply be dropped",
                "shortfall_stands",
                "decide correct_book, or send it back to be looked for again",
            ));
        }
        Decision::BookStands if own => {
            return Err(conflict(
                "账账不符须更正一方",
                "two ledgers that differ don't both stand",
                "ledgers_differ",
                "decide which of the two is corrected",
            ));
        }
        Decision::BookStands if note.is_none() => {
            return Err(Problem::invalid("note", "请说明理由 / say why the ledger stands").remedy("send note"));
        }
        Decision::CorrectOwn if !(own && held.is_on_paper_alone()) => {
            return Err(conflict(
                "只有账账不符可以由单位更正分台账",
                "a unit's own ledger settles only what differs in it alone",
                "not_own_ledger",
                "decide correct_book or book_stands",
            ));
        }
        _ => {}
    }
    let mut line = held.clone();
    line.decision = Some(sent.decision);
    line.decided_by = Some(context.actor.0.clone());
    line.details.decision_note = note;
    Ok(line)
}

/// Records something of a line. What nobody has answered yet is matched by the line's own tag.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/lines/{line}/records", operation_id = "record_stocktaking_line", tag = "stocktakings",
    params(("id" = Uuid, Path), ("line" = Uuid, Path), ("If-Match" = String, Header)),
    request_body(content = serde_json::Value, description = "`record` says what is recorded: `answer`, `check`, `explanation`, `decision` or `settlement`, with its fields (docs/user/stocktaking.en.md)"),
    responses((status = 200, body = StocktakingLine), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn record_line(
    context: Context,
    Path((id, line)): Path<(String, String)>,
    headers: HeaderMap,
    Body(record): Body<Record>,
) -> Result<Response, Problem> {
    let (id, line_id) = (parse_id(&id)?, parse_line(&line)?);
    let mut transaction = context.database.begin().await?;
    let stocktaking = shared_stocktaking(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?
        .content;
    let book = book_line(&mut transaction, id, line_id)
        .await?
        .ok_or_else(|| Problem::not_found(LINE))?;
    require_recording(&context.caller, record.kind(), &book.place())?;
    let held = held_line(&mut transaction, line_id).await?;
    let tag = held.as_ref().map_or(line_id.0, |held| held.version_id.0);
    require_match(&headers, &etag(VersionId(tag)))?;
    let definition = super::definition_of(&mut transaction, &stocktaking).await?;
    super::require_open_for(&definition, &stocktaking, record.kind())?;
    let known = held.as_ref().map(|held| &held.content);
    let needed = || {
        known.ok_or_else(|| {
            conflict(
                "该条尚未确认",
                "this line isn't answered yet",
                "not_answered",
                "answer it first",
            )
        })
    };
    let mut after = match &record {
        Record::Answer(sent) => answered(&mut transaction, &context, id, (&book, known), sent).await?,
        Record::Check(sent) => checked(&mut transaction, &context, (line_id, &book, needed()?), sent).await?,
        Record::Explanation(sent) => explained(&context, needed()?, sent)?,
        Record::Decision(sent) => decided(&mut transaction, &context, (line_id, &stocktaking, needed()?), sent).await?,
        Record::Settlement(sent) => settle(&mut transaction, &context, &stocktaking, (&book, needed()?), sent).await?,
    };
    if matches!(record, Record::Answer(_) | Record::Check(_)) {
        after.compare(&book);
    }
    let version = write_line(&mut transaction, &context, line_id, held.as_ref(), after, record.zh()).await?;
    transaction.commit().await?;
    let line = load_line(&context, id, line_id).await?;
    Ok(answer(StatusCode::OK, None, version, Json(line)))
}

/// Why an answer is written, as the ledger says it.
pub(super) const ANSWERED: &str = "单位确认";

/// Writes what is known of a line from now on.
pub(super) async fn write_line(
    connection: &mut PgConnection,
    context: &Context,
    line: StocktakingLineId,
    held: Option<&Held<LineContent>>,
    content: LineContent,
    why: &str,
) -> Result<Option<VersionId>, Fault> {
    let mut writer = VersionWriter::default();
    let version = revise_line(&mut writer, context, line, held, content, why)?;
    writer.flush(connection).await?;
    Ok(version)
}

/// Has what is known of a line from now on written with what else the writer holds.
pub(super) fn revise_line(
    writer: &mut VersionWriter<LineContent>,
    context: &Context,
    line: StocktakingLineId,
    held: Option<&Held<LineContent>>,
    content: LineContent,
    why: &str,
) -> Result<Option<VersionId>, Fault> {
    let valid = held.map_or(ValidPeriod::since(context.clock.today()), |held| held.valid);
    let before = held.map(|held| &held.content);
    let held: &[Held<LineContent>] = held.map_or(&[], std::slice::from_ref);
    let revision = revise(held, valid, Some(content), context.clock.now());
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: Some(why.to_owned()),
        import_id: None,
    };
    let action = if held.is_empty() {
        Action::Create
    } else {
        Action::Change
    };
    writer.revise(line.0, action, &revision, before, &occasion)
}
