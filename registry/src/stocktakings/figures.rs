//! `POST /api/v1/stocktakings/{id}/figures`: many lines are answered by a form that was filled in. What it would do is told
//! first; then it is taken over in one transaction, each row by the rules of an answer that is typed.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::path::PathBuf;

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Multipart, Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gis_data::Words;
use gis_data::workbook::{Fault as CellFault, MarkRefused};
use gis_data::write::WriteFormat;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::content::shared_stocktaking;
use super::export::{WORDS, file_headers};
use super::filled::{Filled, FilledRow, read, read_options, unreadable};
use super::form::labels;
use super::line::{BookLine, Found, LineContent, book_lines, held_lines};
use super::permission::require_recording;
use super::read::{WHAT, parse_id};
use super::record::{ANSWERED, AnswerSent, USAGES, answered, revise_line};
use crate::ids::{StocktakingId, StocktakingLineId};
use crate::period::Held;
use crate::request::{Context, Fault, Problem, ProblemKind};
use crate::rooms::ROOM_TYPES;
use crate::versioned::VersionWriter;

/// The most bytes of a form that is brought.
pub(super) const MOST_FORM_BYTES: usize = 32 << 20;
/// Refused rows that an answer tells one by one; a marked copy tells them all.
const MOST_TOLD: usize = 500;
/// Forms read, and copies made, at once: each is held in memory.
static AT_ONCE: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// How a form is brought.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct BringQuery {
    /// Tell what it would do, and write nothing.
    #[serde(default)]
    preview: bool,
}

/// A row that isn't taken over.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingRowRefused)]
pub(super) struct RowRefused {
    /// The number that a spreadsheet shows beside it.
    row: u64,
    /// The column at fault, by the name below its header.
    field: Option<String>,
    /// A stable word for the reason, where it has one.
    code: Option<String>,
    /// Why, in both languages.
    detail: String,
    /// What to do.
    remedy: Option<String>,
}

/// What a form does, or would do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingFigures)]
pub(super) struct FiguresTold {
    /// Nothing was written.
    is_preview: bool,
    /// So many lines are answered by it.
    answered: usize,
    /// So many of these differ from the ledger.
    differing: usize,
    /// So many rows say what is known already.
    unchanged: usize,
    /// So many rows were left empty.
    empty: usize,
    /// So many rows are refused.
    refused: usize,
    /// The first 500 of them.
    refusals: Vec<RowRefused>,
    /// A copy with every refused row marked can be asked for: the file is a workbook.
    can_be_marked: bool,
}

/// A file as it came in; it goes with its folder.
struct Brought {
    path: PathBuf,
    encoding: Option<String>,
    folder: tempfile::TempDir,
}

fn disk(error: std::io::Error) -> Fault {
    Fault::Impossible {
        what: format!("an upload could not be kept: {error}"),
    }
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("a form could not be read: {error}"),
    }
}

fn too_large() -> Problem {
    Problem::new(
        ProblemKind::TooLarge,
        format!(
            "填报表最大 {} MB / a form may have {} MiB at most",
            MOST_FORM_BYTES >> 20,
            MOST_FORM_BYTES >> 20
        ),
    )
    .field("file")
    .remedy("分几份上传 / bring it in parts")
}

fn broken(error: MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Problem::bad("file", error.body_text())
    }
}

/// What the name ends in, where that may stand in a name of ours: it helps to tell what kind of text a text is.
fn ending(given: &str) -> &str {
    given
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .filter(|ending| (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or("csv")
}

async fn receive(multipart: Result<Multipart, MultipartRejection>) -> Result<Brought, Problem> {
    let mut multipart = multipart.map_err(|error| {
        Problem::new(ProblemKind::UnsupportedMediaType, error.body_text())
            .remedy("send the form as multipart/form-data with the part `file`")
    })?;
    let folder = tempfile::Builder::new().prefix("yice-form-").tempdir().map_err(disk)?;
    let (mut path, mut encoding, mut bytes) = (None, None, 0);
    while let Some(mut part) = multipart.next_field().await.map_err(broken)? {
        match part.name() {
            Some("file") => {
                let to = folder
                    .path()
                    .join(format!("form.{}", ending(part.file_name().unwrap_or_default())));
                let mut file = std::fs::File::create(&to).map_err(disk)?;
                while let Some(chunk) = part.chunk().await.map_err(broken)? {
                    bytes += chunk.len();
                    if bytes > MOST_FORM_BYTES {
                        return Err(too_large());
                    }
                    file.write_all(&chunk).map_err(disk)?;
                }
                path = Some(to);
            }
            Some("encoding") => encoding = Some(part.text().await.map_err(broken)?).filter(|label| !label.is_empty()),
            _ => {}
        }
    }
    let path = path.ok_or_else(|| {
        Problem::bad("file", "请选择填报表 / the file is missing")
            .remedy("send it as the part `file` of multipart/form-data")
    })?;
    Ok(Brought { path, encoding, folder })
}

impl Brought {
    async fn read(&self) -> Result<Filled, Problem> {
        let (path, options) = (self.path.clone(), read_options(self.encoding.clone()));
        tokio::task::spawn_blocking(move || read(&path, &options))
            .await
            .map_err(impossible)?
    }
}

/// What a line says by its row.
struct Answered {
    line: StocktakingLineId,
    held: Option<Held<LineContent>>,
    content: LineContent,
}

/// What became of the rows.
#[derive(Default)]
struct Judged {
    answered: Vec<Answered>,
    unchanged: usize,
    refused: Vec<(u64, Problem)>,
}

/// Says of every row what it does. What is known of the lines is locked.
async fn judge(
    connection: &mut PgConnection,
    context: &Context,
    id: StocktakingId,
    filled: &Filled,
) -> Result<Judged, Problem> {
    let stocktaking = shared_stocktaking(connection, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?
        .content;
    let definition = super::definition_of(connection, &stocktaking).await?;
    super::require_open_for(&definition, &stocktaking, "answer")?;
    let told: Vec<Uuid> = filled.rows.iter().filter_map(|row| uuid(row, "id")).collect();
    let books: HashMap<Uuid, BookLine> = book_lines(connection, id, &told)
        .await?
        .into_iter()
        .filter(|book| require_recording(&context.caller, "answer", &book.place()).is_ok())
        .map(|book| (book.id, book))
        .collect();
    let answering: Vec<Uuid> = books.keys().copied().collect();
    let mut held = held_lines(connection, &answering).await?;
    let units = units_named(connection, context, filled).await?;
    let mut judged = Judged::default();
    let mut said = HashSet::new();
    for row in &filled.rows {
        let book = uuid(row, "id").and_then(|line| books.get(&line));
        let known = book.and_then(|book| held.get(&book.id));
        let outcome = match book {
            _ if row.broken => Err(row_broken()),
            None => Err(line_unknown()),
            Some(book) if said.contains(&book.id) => Err(said_twice()),
            Some(book) => judge_row(connection, context, id, row, (book, known), &units).await,
        };
        said.extend(book.map(|book| book.id));
        match outcome {
            Ok(Some(content)) => {
                let line = content_line(book)?;
                judged.answered.push(Answered {
                    line: StocktakingLineId(line),
                    held: held.remove(&line),
                    content,
                });
            }
            Ok(None) => judged.unchanged += 1,
            // What is no fault of the row's ends it all.
            Err(problem) if problem.status >= 500 => return Err(problem),
            Err(problem) => judged.refused.push((row.row, problem)),
        }
    }
    Ok(judged)
}

fn content_line(book: Option<&BookLine>) -> Result<Uuid, Fault> {
    book.map(|book| book.id).ok_or_else(|| Fault::Impossible {
        what: "a row was answered without its line".to_owned(),
    })
}

fn uuid(row: &FilledRow, name: &str) -> Option<Uuid> {
    row.cell(name).and_then(|text| Uuid::parse_str(text).ok())
}

fn row_broken() -> Problem {
    Problem::new(
        ProblemKind::InvalidField,
        "这一行读不出来：文字编码不对，或多出了列 / this row can't be read: it has more cells than the header, or text of another encoding",
    )
    .code("row_broken")
    .remedy("按填报表的列填写，CSV 存为 UTF-8 或 GB18030 / keep the form's columns, and save CSV as UTF-8 or GB18030")
}

/// Of lines that are somebody else's, of another stocktaking or of none the same is said: nothing.
fn line_unknown() -> Problem {
    Problem::invalid(
        "id",
        "本次盘点中没有由您填报的这一条 / this stocktaking has no such line that you answer for",
    )
    .code("line_unknown")
    .remedy("用自己下载的填报表；台账没有的资产请在页面上登记 / use a form that you downloaded; what the ledger doesn't know is added on the page")
}

fn said_twice() -> Problem {
    Problem::invalid(
        "id",
        "前面已有一行填了这一条 / an earlier row says something of this line",
    )
    .code("said_twice")
    .remedy("只留一行 / leave one of them")
}

fn line_changed() -> Problem {
    Problem::new(
        ProblemKind::StaleVersion,
        "下载填报表后，这一条已有变动 / this line has changed since the form was made",
    )
    .field("tag")
    .code("line_changed")
    .remedy("重新下载填报表，核对后再填这一行 / download the form anew, look at this line and fill it in again")
}

/// The units that are named in the file, by the word that names them.
async fn units_named(
    connection: &mut PgConnection,
    context: &Context,
    filled: &Filled,
) -> Result<HashMap<String, Vec<Uuid>>, Fault> {
    let mut words: Vec<String> = filled
        .rows
        .iter()
        .filter_map(|row| row.cell("found_unit").map(ToOwned::to_owned))
        .collect();
    words.sort_unstable();
    words.dedup();
    let mut units: HashMap<String, Vec<Uuid>> = HashMap::new();
    if words.is_empty() {
        return Ok(units);
    }
    // A code is one unit's; a name may be several's.
    let found = sqlx::query!(
        r#"select word as "word!", object_id as "object_id!"
             from (select w.word, v.object_id, v.code = w.word as is_code,
                          bool_or(v.code = w.word) over (partition by w.word) as has_code
                     from unnest($1::text[]) as w (word)
                     join unit_version v on v.code = w.word or v.name = w.word
                    where upper_inf(v.recorded) and v.valid @> $2::date) named
            where is_code or not has_code"#,
        words.as_slice(),
        context.clock.today(),
    )
    .fetch_all(connection)
    .await?;
    for unit in found {
        units.entry(unit.word).or_default().push(unit.object_id);
    }
    Ok(units)
}

/// What a line says by a row; nothing where it says what is known already.
async fn judge_row(
    connection: &mut PgConnection,
    context: &Context,
    id: StocktakingId,
    row: &FilledRow,
    (book, held): (&BookLine, Option<&Held<LineContent>>),
    units: &HashMap<String, Vec<Uuid>>,
) -> Result<Option<LineContent>, Problem> {
    let found_there = held.and_then(|held| held.content.found_unit_id).map(|unit| unit.0);
    let sent = answer_of(row, book, (units, found_there))?;
    if let Some(held) = held {
        let said = sent.line(connection, context, id, (&book.kind, book.is_extra)).await?;
        if says_the_same(&said, &held.content) {
            return Ok(None);
        }
    }
    if uuid(row, "tag") != Some(held.map_or(book.id, |held| held.version_id.0)) {
        return Err(line_changed());
    }
    let known = held.map(|held| &held.content);
    let mut content = answered(connection, context, id, (book, known), &sent).await?;
    content.compare(book);
    Ok(Some(content))
}

/// Do they agree in all that a form says?
fn says_the_same(said: &LineContent, held: &LineContent) -> bool {
    said.found == held.found
        && said.found_area_m2 == held.found_area_m2
        && said.found_usage == held.found_usage
        && said.found_unit_id == held.found_unit_id
        && said.own_area_m2 == held.own_area_m2
        && said.own_title_number == held.own_title_number
        && said.details.place == held.details.place
        && said.details.note == held.details.note
}

/// The answer that a row is, its words read.
fn answer_of(
    row: &FilledRow,
    book: &BookLine,
    (units, found_there): (&HashMap<String, Vec<Uuid>>, Option<Uuid>),
) -> Result<AnswerSent, Problem> {
    let found = row.cell("found").ok_or_else(|| {
        Problem::invalid(
            "found",
            "填了其他列而没有填盘点情况 / something is said, and not what was found",
        )
        .code("found_missing")
        .remedy(choices("found", Found::WORDS, book))
    })?;
    let found = code_of(found, Found::WORDS)
        .and_then(Found::parse)
        .ok_or_else(|| no_choice("found", found, Found::WORDS, book))?;
    let usages: &[&str] = if book.kind == "room" { &ROOM_TYPES } else { &USAGES };
    let usage = row
        .cell("found_usage")
        .map(|word| code_of(word, usages).ok_or_else(|| no_choice("found_usage", word, usages, book)))
        .transpose()?;
    let text = |name: &str| row.cell(name).map(ToOwned::to_owned);
    Ok(AnswerSent {
        found,
        area_m2: number(row, "found_area_m2")?,
        usage: usage.map(ToOwned::to_owned),
        unit_id: row
            .cell("found_unit")
            .map(|word| unit(word, units, found_there))
            .transpose()?,
        place: text("place"),
        own_area_m2: number(row, "own_area_m2")?,
        own_title_number: text("own_title_number"),
        note: text("note"),
    })
}

/// What people write for a word of a list beside what files of ours have.
const OTHER_WORDS: [(&str, &str); 3] = [("in_place", "在位"), ("in_place", "相符"), ("missing", "盘亏")];

/// The code of a list that a word stands for: the code itself, or what it is called in one of the languages.
fn code_of(word: &str, list: &[&str]) -> Option<&'static str> {
    let is = |(code, zh, en): &&(&'static str, &'static str, &'static str)| {
        list.contains(code)
            && (*code == word || *zh == word || en.eq_ignore_ascii_case(word) || OTHER_WORDS.contains(&(*code, word)))
    };
    WORDS.iter().find(is).map(|(code, _, _)| *code)
}

fn choices(field: &str, list: &[&str], book: &BookLine) -> String {
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for (code, chinese, english) in WORDS {
        let is_other = field == "found" && (*code == "extra") != book.is_extra;
        if list.contains(code) && !is_other {
            zh.push(*chinese);
            en.push(*english);
        }
    }
    format!("可填：{} / choose {}", zh.join("、"), en.join(", "))
}

fn no_choice(field: &str, word: &str, list: &[&str], book: &BookLine) -> Problem {
    let word: String = word.chars().take(40).collect();
    Problem::invalid(field, format!("没有“{word}”这一选项 / {word:?} is none of the choices"))
        .code("no_choice")
        .remedy(choices(field, list, book))
}

fn number(row: &FilledRow, name: &str) -> Result<Option<f64>, Problem> {
    let Some(text) = row.cell(name) else { return Ok(None) };
    let digits: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, ',' | '，'))
        .collect();
    let digits = ["㎡", "m²", "平方米"]
        .iter()
        .find_map(|unit| digits.strip_suffix(unit))
        .unwrap_or(&digits);
    digits
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .map(Some)
        .ok_or_else(|| {
            let text: String = text.chars().take(40).collect();
            Problem::invalid(name, format!("“{text}”不是数字 / {text:?} is no number"))
                .code("no_number")
                .remedy("只填平方米的数字 / write a number of square metres")
        })
}

/// The unit that a word names. Of several of one name it is the one that was found there already: so the form had it.
fn unit(word: &str, units: &HashMap<String, Vec<Uuid>>, found_there: Option<Uuid>) -> Result<Uuid, Problem> {
    if let Ok(id) = Uuid::parse_str(word) {
        return Ok(id);
    }
    let known = units.get(word).map(Vec::as_slice).unwrap_or_default();
    if let Some(unit) = found_there.filter(|unit| known.contains(unit)) {
        return Ok(unit);
    }
    let word: String = word.chars().take(60).collect();
    match known {
        [id] => Ok(*id),
        [] => Err(Problem::invalid(
            "found_unit",
            format!("没有登记“{word}”这个单位 / no unit is registered as {word:?}"),
        )
        .code("unit_unknown")
        .remedy("填单位全称或单位代码 / write a unit's full name or its code")),
        _ => Err(Problem::invalid(
            "found_unit",
            format!("有几个单位都叫“{word}” / several units are called {word:?}"),
        )
        .code("unit_ambiguous")
        .remedy("改填单位代码 / write its code")),
    }
}

/// The column of the form at fault: those of an answer are called otherwise where the form has words for an id or a code.
fn column_of(problem: &Problem) -> Option<&'static str> {
    let name = match problem.field.as_deref()? {
        "area_m2" => "found_area_m2",
        "usage" => "found_usage",
        "unit_id" => "found_unit",
        name => name,
    };
    labels()
        .into_iter()
        .map(|(known, ..)| known)
        .find(|known| *known == name)
}

/// Why a row is refused, in both languages: some refusals of a field name it in one.
fn words_of(problem: &Problem) -> Words {
    let is_chinese = |text: &str| text.chars().any(|letter| ('\u{4E00}'..='\u{9FFF}').contains(&letter));
    if let Some((zh, en)) = problem.detail.split_once(" / ").filter(|(zh, _)| is_chinese(zh)) {
        return Words::new(zh, en);
    }
    let column = column_of(problem);
    let label = labels().into_iter().find(|(name, ..)| Some(*name) == column);
    let zh = match label {
        Some((_, zh, _)) => format!("“{zh}”的填写不合要求（{}）", problem.detail),
        None => format!("这一行的填写不合要求（{}）", problem.detail),
    };
    Words::new(zh, problem.detail.clone())
}

impl Judged {
    fn told(&self, is_preview: bool, filled: &Filled) -> FiguresTold {
        let differing = self
            .answered
            .iter()
            .filter(|answered| answered.content.difference.is_some());
        FiguresTold {
            is_preview,
            answered: self.answered.len(),
            differing: differing.count(),
            unchanged: self.unchanged,
            empty: filled.empty,
            refused: self.refused.len(),
            refusals: self
                .refused
                .iter()
                .take(MOST_TOLD)
                .map(|(row, problem)| {
                    let words = words_of(problem);
                    RowRefused {
                        row: *row,
                        field: column_of(problem).map(ToOwned::to_owned),
                        code: problem.code.clone(),
                        detail: format!("{} / {}", words.zh, words.en),
                        remedy: problem.remedy.clone(),
                    }
                })
                .collect(),
            can_be_marked: filled.is_workbook && !self.refused.is_empty(),
        }
    }
}

/// Takes over a form that was filled in (XLSX, or CSV in UTF-8 or GB18030): the part `file` of multipart/form-data, with
/// `encoding` where a CSV doesn't say. Rows that are refused are told and left out, all others are written together. The same
/// file again writes nothing: its rows say what is known by then.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/figures", operation_id = "bring_stocktaking_figures", tag = "stocktakings",
    params(("id" = Uuid, Path), BringQuery),
    responses((status = 200, body = FiguresTold), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn bring_figures(
    context: Context,
    Path(id): Path<String>,
    query: Result<Query<BringQuery>, QueryRejection>,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Json<FiguresTold>, Problem> {
    let id = parse_id(&id)?;
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let brought = receive(multipart).await?;
    let _place = AT_ONCE.acquire().await.map_err(impossible)?;
    let filled = brought.read().await?;
    let mut transaction = context.database.begin().await?;
    let judged = judge(&mut transaction, &context, id, &filled).await?;
    let told = judged.told(query.preview, &filled);
    if query.preview {
        transaction.rollback().await?;
        return Ok(Json(told));
    }
    let mut writer = VersionWriter::default();
    for Answered { line, held, content } in judged.answered {
        revise_line(&mut writer, &context, line, held.as_ref(), content, ANSWERED)?;
    }
    writer.flush(&mut transaction).await?;
    transaction.commit().await?;
    Ok(Json(told))
}

/// The workbook that is brought, given back with every row marked that would be refused now. Nothing is written.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/figures/marked", operation_id = "mark_stocktaking_figures", tag = "stocktakings",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The workbook, marked", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
              (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn mark_figures(
    context: Context,
    Path(id): Path<String>,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let brought = receive(multipart).await?;
    let _place = AT_ONCE.acquire().await.map_err(impossible)?;
    let filled = brought.read().await?;
    let mut transaction = context.database.begin().await?;
    let judged = judge(&mut transaction, &context, id, &filled).await?;
    transaction.rollback().await?;
    if !filled.is_workbook || judged.refused.is_empty() {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "没有可标注的行，或不是 Excel 工作簿 / no row is refused, or the file is no workbook",
        )
        .code("nothing_to_mark")
        .remedy("refusals of a CSV are told by the preview"));
    }
    let faults: Vec<CellFault> = judged
        .refused
        .iter()
        .map(|(row, problem)| CellFault {
            row: *row,
            field: column_of(problem).map(ToOwned::to_owned),
            words: with_remedy(words_of(problem), problem.remedy.as_deref()),
            is_refused: true,
        })
        .collect();
    let (from, to) = (brought.path.clone(), brought.folder.path().join("marked.xlsx"));
    let (options, headers) = (read_options(brought.encoding.clone()), filled.headers);
    let bytes = tokio::task::spawn_blocking(move || {
        gis_data::workbook::mark(&from, &options, &headers, &faults, &to).map(|()| std::fs::read(&to).map_err(disk))
    })
    .await
    .map_err(impossible)?
    .map_err(|refused| match refused {
        MarkRefused::Source(refused) => unreadable(&refused),
        MarkRefused::TooLarge { .. } => {
            Problem::new(ProblemKind::TooLarge, refused.to_string()).remedy("分几份上传 / bring it in parts")
        }
        MarkRefused::Write(error) => impossible(error).into(),
    })??;
    let headers = file_headers(
        &context,
        "stocktaking_form_marked",
        "盘点填报表-错误标注",
        WriteFormat::Xlsx,
    );
    Ok((headers, bytes).into_response())
}

/// What is wrong, and what to do, where that is said in both languages.
fn with_remedy(words: Words, remedy: Option<&str>) -> Words {
    match remedy.and_then(|remedy| remedy.split_once(" / ")) {
        Some((zh, en)) => Words::new(format!("{}。{zh}", words.zh), format!("{}; {en}", words.en)),
        None => words,
    }
}
