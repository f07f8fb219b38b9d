//! `GET /api/v1/stocktakings/{id}/form.xlsx`: the lines that the caller answers for as a workbook to be filled in.

use std::collections::HashSet;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderName;
use axum::response::{IntoResponse, Response};
use gis_data::Words;
use gis_data::workbook::{Form, FormCells, FormColumn};
use gis_data::write::{Cell, WriteFormat};
use serde::Deserialize;
use uuid::Uuid;

use super::content::read_known;
use super::export::{WORDS, file_headers};
use super::line::{Found, book_lines};
use super::lines::{LineQuery, StocktakingLine, all_lines};
use super::permission::require_recording;
use super::read::{WHAT, parse_id};
use super::record::USAGES;
use crate::exports::Labels;
use crate::request::{Context, Fault, Problem, ProblemKind};
use crate::rooms::ROOM_TYPES;

/// The most lines of one form, and rows of one that is brought: as many as a form's lists to choose from reach.
pub(super) const MOST_ROWS: usize = 20_000;

/// In which words it is written.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FormQuery {
    /// `zh` (unless told) or `en`.
    labels: Option<String>,
}

/// What a column of the form is.
struct Asked {
    name: &'static str,
    zh: &'static str,
    en: &'static str,
    width: u8,
    cells: AskedCells,
    about: (&'static str, &'static str),
}

/// What its cells hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AskedCells {
    Text,
    Number,
    Integer,
    Found,
    Usage,
}

macro_rules! asked {
    ($name:literal, $zh:literal, $en:literal, $width:literal, $cells:ident, $about_zh:literal, $about_en:literal) => {
        Asked {
            name: $name,
            zh: $zh,
            en: $en,
            width: $width,
            cells: AskedCells::$cells,
            about: ($about_zh, $about_en),
        }
    };
}

/// What tells a row's line, and what the ledger says of it.
const KNOWN: [Asked; 10] = [
    asked!(
        "no",
        "序号",
        "No.",
        7,
        Integer,
        "在清单中的序号",
        "its place in the list"
    ),
    asked!(
        "kind",
        "类别",
        "Kind",
        8,
        Text,
        "宗地、楼栋或房间",
        "parcel, building or room"
    ),
    asked!(
        "code",
        "编码或房间号",
        "Code or room number",
        22,
        Text,
        "台账的编码；房间为房号",
        "its code in the ledger; of a room its number"
    ),
    asked!("name", "名称", "Name", 24, Text, "台账的名称", "its name in the ledger"),
    asked!(
        "address",
        "坐落",
        "Address",
        28,
        Text,
        "台账的坐落；房间为所在楼栋",
        "where it lies; of a room its building"
    ),
    asked!(
        "floor",
        "楼层",
        "Floor",
        7,
        Integer,
        "房间所在楼层",
        "the floor of a room"
    ),
    asked!(
        "unit",
        "台账使用单位",
        "Unit in the ledger",
        22,
        Text,
        "冻结时台账的使用单位",
        "the unit that used it, as the ledger said"
    ),
    asked!(
        "usage",
        "台账用途",
        "Use in the ledger",
        14,
        Text,
        "冻结时台账的用途；房间为类型",
        "its use, as the ledger said; of a room its type"
    ),
    asked!(
        "area_m2",
        "台账面积（㎡）",
        "Area in the ledger (m²)",
        14,
        Number,
        "冻结时台账的面积",
        "its area, as the ledger said"
    ),
    asked!(
        "title_number",
        "台账证号",
        "Certificate in the ledger",
        30,
        Text,
        "冻结时有效证书的证号",
        "the certificate that held"
    ),
];

/// What is answered. The names are those of an answer's fields in the API, but for the use and the unit, which stand in words.
const ANSWERED: [Asked; 8] = [
    asked!(
        "found",
        "盘点情况",
        "Found",
        14,
        Found,
        "在位相符、移位、变动、未找到，从下拉列表中选。填写任何一项时必填；整行不填的不作处理",
        "in place, moved, altered or missing, of the list. A row that says anything says this; an empty one is passed over"
    ),
    asked!(
        "found_area_m2",
        "实盘面积（㎡）",
        "Area found (m²)",
        14,
        Number,
        "现场的面积，只填数字；与台账一致的可不填",
        "the area that was found, digits only; may be left out where the ledger is right"
    ),
    asked!(
        "found_usage",
        "实盘用途",
        "Use found",
        16,
        Usage,
        "现场的用途；房间填房间类型；与台账一致的可不填",
        "the use that was found; of a room its type; may be left out where the ledger is right"
    ),
    asked!(
        "found_unit",
        "实盘使用单位",
        "Unit found",
        22,
        Text,
        "现场的使用单位，填全称或单位代码，须已登记；与台账一致的可不填",
        "full name or code of the unit that was found, which must be registered; may be left out where the ledger is right"
    ),
    asked!(
        "place",
        "现在何处、由谁使用",
        "Where it is now, who has it",
        26,
        Text,
        "移位的填写",
        "of something that moved"
    ),
    asked!(
        "own_area_m2",
        "分台账面积（㎡）",
        "Area in the unit's ledger (m²)",
        16,
        Number,
        "本单位分台账的面积，只填数字",
        "the area in the unit's own ledger, digits only"
    ),
    asked!(
        "own_title_number",
        "分台账证号",
        "Certificate in the unit's ledger",
        30,
        Text,
        "本单位分台账的证号",
        "the certificate's number in the unit's own ledger"
    ),
    asked!("note", "备注", "Note", 26, Text, "其他需要说明的", "anything else"),
];

/// By what a row is known again.
const KEYS: [Asked; 2] = [
    asked!(
        "tag",
        "版本",
        "Version",
        14,
        Text,
        "下载时该条的版本，请勿改动：下载后有变动的行不会被覆盖",
        "the line's version when the form was made; leave it as it is, so that what changed since is not overwritten"
    ),
    asked!(
        "id",
        "标识",
        "Id",
        14,
        Text,
        "该条的标识，请勿改动",
        "the line's id; leave it as it is"
    ),
];

/// The columns that a form which is brought is read by: name, Chinese, English.
pub(super) fn labels() -> Vec<(&'static str, &'static str, &'static str)> {
    ANSWERED
        .iter()
        .chain(&KEYS)
        .map(|asked| (asked.name, asked.zh, asked.en))
        .collect()
}

/// The lines that the caller answers for, with what the ledger says and what was answered, and columns to be filled in. What
/// is extra stands not in it: the ledger doesn't know it.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/form.xlsx", operation_id = "get_stocktaking_form", tag = "stocktakings",
    params(("id" = Uuid, Path), LineQuery, FormQuery),
    responses((status = 200, description = "The workbook", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64))),
              (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)))]
pub(super) async fn get_form(
    context: Context,
    Path(id): Path<String>,
    query: Result<Query<LineQuery>, QueryRejection>,
    how: Result<Query<FormQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let refused = |error: QueryRejection| Problem::bad("query", error.body_text());
    let (Query(query), Query(how)) = (query.map_err(refused)?, how.map_err(refused)?);
    let labels = match how.labels.as_deref() {
        None | Some("" | "zh") => Labels::Chinese,
        Some("en") => Labels::English,
        Some(other) => {
            return Err(Problem::bad("labels", format!("{other:?} is no language of forms")).remedy("choose zh or en"));
        }
    };
    let mut snapshot = context.database.begin_snapshot().await?;
    let stocktaking = read_known(&mut snapshot, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?
        .content;
    let definition = super::definition_of(&mut snapshot, &stocktaking).await?;
    super::require_open_for(&definition, &stocktaking, "answer")?;
    let mut lines = all_lines(&mut snapshot, id, &query).await?;
    lines.retain(|line| !line.is_extra);
    let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
    let answered_for: HashSet<Uuid> = book_lines(&mut snapshot, id, &ids)
        .await?
        .into_iter()
        .filter(|book| require_recording(&context.caller, "answer", &book.place()).is_ok())
        .map(|book| book.id)
        .collect();
    snapshot.commit().await?;
    lines.retain(|line| answered_for.contains(&line.id));
    if lines.is_empty() {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "没有由您填报的行 / there is no line that you answer for",
        )
        .code("no_lines")
        .remedy("清除筛选条件，或请负责的单位填报 / ask for other lines, or let whoever answers for them do it"));
    }
    if lines.len() > MOST_ROWS {
        return Err(Problem::new(
            ProblemKind::TooLarge,
            format!(
                "共 {} 行，一份填报表最多 {MOST_ROWS} 行 / these are {} lines, a form has {MOST_ROWS} at most",
                lines.len(),
                lines.len()
            ),
        )
        .code("form_too_large")
        .remedy("按单位、楼栋或类别分几份下载 / ask unit by unit, building by building or kind by kind"));
    }
    context
        .note_read_behind("stocktaking_line", lines.iter().map(|line| line.id).collect())
        .await?;
    let (rows, name) = (lines.len(), stocktaking.name.clone());
    let bytes = tokio::task::spawn_blocking(move || workbook(&name, &lines, labels))
        .await
        .map_err(impossible)??;
    let headers = file_headers(&context, "stocktaking_form", "盘点填报表", WriteFormat::Xlsx);
    Ok((
        headers,
        [(HeaderName::from_static("yice-rows"), rows.to_string())],
        bytes,
    )
        .into_response())
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("the form could not be written: {error}"),
    }
}

fn column(asked: &Asked, is_filled_in: bool, labels: Labels) -> FormColumn {
    let words = |codes: &[&str]| -> Vec<&'static str> {
        WORDS
            .iter()
            .filter(|(code, _, _)| codes.contains(code))
            .map(|(_, zh, en)| if labels == Labels::English { *en } else { *zh })
            .collect()
    };
    FormColumn {
        name: asked.name,
        label: if labels == Labels::English { asked.en } else { asked.zh }.to_owned(),
        about: Words::new(asked.about.0, asked.about.1),
        cells: match asked.cells {
            AskedCells::Text => FormCells::Text,
            AskedCells::Number => FormCells::Number,
            AskedCells::Integer => FormCells::Integer,
            AskedCells::Found => {
                let ledger: Vec<&str> = Found::WORDS.iter().copied().filter(|word| *word != "extra").collect();
                FormCells::Words(words(&ledger))
            }
            AskedCells::Usage => FormCells::Words(words(&[&USAGES[..], &ROOM_TYPES[..]].concat())),
        },
        is_filled_in,
        is_needed: asked.name == "found",
        width: asked.width,
    }
}

fn workbook(name: &str, lines: &[StocktakingLine], labels: Labels) -> Result<Vec<u8>, Fault> {
    let is_english = labels == Labels::English;
    let known = KNOWN.iter().map(|asked| column(asked, false, labels));
    let answered = ANSWERED.iter().map(|asked| column(asked, true, labels));
    let keys = KEYS.iter().map(|asked| column(asked, false, labels));
    let form = Form {
        sheet: if is_english {
            Words::new("Stocktaking", "Stocktaking")
        } else {
            Words::new("盘点填报表", "Stocktaking")
        },
        title: if is_english {
            format!("{name}: fill in the green columns; leave the grey ones as they are; rows without an answer are passed over")
        } else {
            format!("{name} 填报表：填写绿色表头的列，灰色的列请勿改动；不填的行不作处理")
        },
        about: vec![
            "每行一条。填好后在盘点页面“上传填报表”，先预览，确认后才写入。只填部分行也可以，可分几次上传。".to_owned(),
            "One line a row. Bring it back on the page of the stocktaking: what it would do is shown first. Some of the rows will do, and more may follow."
                .to_owned(),
            "账外资产请在页面上登记，不在本表中添加。 What the ledger doesn't know is added on the page, not here.".to_owned(),
            "面积一律用平方米。 Areas in square metres.".to_owned(),
        ],
        frozen: 4,
        columns: known.chain(answered).chain(keys).collect(),
    };
    let ids: Vec<(String, String)> = lines
        .iter()
        .map(|line| (line.tag.to_string(), line.id.to_string()))
        .collect();
    let rows: Vec<Vec<Cell<'_>>> = lines
        .iter()
        .zip(&ids)
        .map(|(line, (tag, id))| cells(line, (tag, id), labels))
        .collect();
    gis_data::workbook::form(&form, &rows).map_err(impossible)
}

/// The cells of a line, in the order of the columns.
fn cells<'a>(line: &'a StocktakingLine, (tag, id): (&'a str, &'a str), labels: Labels) -> Vec<Cell<'a>> {
    fn said(text: Option<&str>) -> Cell<'_> {
        text.filter(|text| !text.is_empty()).map_or(Cell::Empty, Cell::Text)
    }
    fn real(value: Option<f64>) -> Cell<'static> {
        value.map_or(Cell::Empty, Cell::Real)
    }
    let word = |code: Option<&'a str>| code.map_or(Cell::Empty, |code| Cell::Text(labels.of(WORDS, code)));
    vec![
        Cell::Integer(line.no.into()),
        word(Some(&line.kind)),
        said(line.code.as_deref()),
        said(line.name.as_deref()),
        said(line.address.as_deref()),
        line.floor.map_or(Cell::Empty, |floor| Cell::Integer(floor.into())),
        said(line.book_unit_name.as_deref()),
        word(line.usage.as_deref()),
        real(line.area_m2),
        said(line.title_number.as_deref()),
        word(line.found.as_deref()),
        real(line.found_area_m2),
        word(line.found_usage.as_deref()),
        said(line.found_unit_name.as_deref()),
        said(line.details.place.as_deref()),
        real(line.own_area_m2),
        said(line.own_title_number.as_deref()),
        said(line.details.note.as_deref()),
        Cell::Text(tag),
        Cell::Text(id),
    ]
}
