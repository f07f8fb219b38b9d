//! What is movable in rooms that are left, piece by piece, and its hand-over list for the shared store (公物仓) as a workbook:
//! `GET /api/v1/policy-cases/{id}/movables.xlsx`.

use axum::extract::Path;
use axum::response::Response;
use gis_data::Words;
use gis_data::write::{Cell, ColumnKind, LayerWriter, WriteFailed, WriteFormat};
use serde::{Deserialize, Serialize};

use super::allocation::Movables;
use super::facts::Fact;
use super::read::{WHAT, load, parse_id};
use crate::exports::{Labels, ListColumn, ListFile, day_cell, said_cell, text_cell};
use crate::request::fields::plain_text;
use crate::request::{Context, Problem, Times};

/// The most lines of one list.
const MOST_LINES: usize = 2_000;
/// The most pieces of one line.
const MOST_PIECES: u32 = 100_000;

/// In which state something is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PieceState {
    /// 完好
    Good,
    /// 可用
    Usable,
    /// 待修
    ToMend,
    /// 待报废
    ToScrap,
}

impl PieceState {
    fn zh(self) -> &'static str {
        match self {
            Self::Good => "完好",
            Self::Usable => "可用",
            Self::ToMend => "待修",
            Self::ToScrap => "待报废",
        }
    }
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MovablePiece)]
pub struct Piece {
    /// What it is.
    pub name: String,
    /// 资产编号
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// How many.
    pub count: u32,
    /// In which state.
    pub state: PieceState,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Are the lines of a list whole, and do they add up to its pieces?
pub(super) fn check(movables: &Movables) -> Result<(), Problem> {
    if movables.pieces.is_empty() {
        return Ok(());
    }
    if movables.pieces.len() > MOST_LINES {
        return Err(Problem::invalid(
            "pieces",
            format!("清单最多 {MOST_LINES} 行 / more than {MOST_LINES} lines"),
        )
        .remedy("record several lists"));
    }
    for piece in &movables.pieces {
        let texts = [Some(&piece.name), piece.number.as_ref(), piece.note.as_ref()];
        for text in texts.into_iter().flatten() {
            plain_text("pieces", text, 200)?;
        }
        if piece.name.trim().is_empty() || !(1..=MOST_PIECES).contains(&piece.count) {
            return Err(Problem::invalid(
                "pieces",
                "每行须有名称和数量 / each line has a name and how many there are",
            )
            .code("piece_form")
            .remedy("send name, count and state of each"));
        }
    }
    let sum: u64 = movables.pieces.iter().map(|piece| u64::from(piece.count)).sum();
    if sum == u64::from(movables.items) {
        return Ok(());
    }
    Err(Problem::invalid(
        "items",
        format!(
            "清单各行合计 {sum} 件，与件数 {} 不符 / the lines add up to {sum} pieces, and {} are said",
            movables.items, movables.items
        ),
    )
    .code("pieces_sum")
    .remedy("let the number of pieces be what the lines add up to"))
}

const TEXT: ColumnKind = ColumnKind::Text;
const COLUMNS: [ListColumn; 10] = [
    ("line", ColumnKind::Integer, "序号", "No."),
    ("name", TEXT, "名称", "Name"),
    ("number", TEXT, "资产编号", "Asset number"),
    ("count", ColumnKind::Integer, "数量", "Count"),
    ("state", TEXT, "状态", "State"),
    ("note", TEXT, "备注", "Note"),
    ("list", TEXT, "清单编号", "List"),
    ("handed_by", TEXT, "移交人", "Handed over by"),
    ("received_by", TEXT, "接收人", "Received by"),
    ("on", ColumnKind::Date, "移交日期", "Day"),
];

/// The hand-over list of what is movable, as a workbook: every line with by whom, to whom and when.
#[utoipa::path(get, path = "/api/v1/policy-cases/{id}/movables.xlsx", operation_id = "export_movables", tag = "policy cases",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, description = "The list", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64))),
              (status = 404, body = Problem)))]
pub(super) async fn export_movables(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let case = load(&context, id, times).await?;
    let lists: Vec<Movables> = case
        .details
        .facts()
        .filter_map(|(_, fact)| match fact {
            Fact::Movables(movables) => Some(movables.clone()),
            _ => None,
        })
        .collect();
    if lists.is_empty() {
        return Err(Problem::not_found(WHAT).code("no_movables"));
    }
    let rows: usize = lists.iter().map(|list| list.pieces.len().max(1)).sum();
    let names = (&*format!("movables_{id}"), &*format!("移交清单_{id}"));
    let write = move |writer: &mut LayerWriter| write_lists(writer, &lists);
    Ok(file(WriteFormat::Xlsx)
        .answer(&context.clock, names, rows, write)
        .await?)
}

fn file(format: WriteFormat) -> ListFile {
    ListFile {
        name: "movables",
        title: Words::new("公物仓移交清单", "Hand-over list for the shared store"),
        columns: &COLUMNS,
        format,
        labels: Labels::Chinese,
    }
}

fn write_lists(writer: &mut LayerWriter, lists: &[Movables]) -> Result<(), WriteFailed> {
    let mut line = 0;
    for list in lists {
        // A list by its number alone is one line.
        let pieces: Vec<Option<&Piece>> = match list.pieces.is_empty() {
            true => vec![None],
            false => list.pieces.iter().map(Some).collect(),
        };
        for piece in pieces {
            line += 1;
            write_line(writer, (line, list), piece)?;
        }
    }
    Ok(())
}

fn write_line(
    writer: &mut LayerWriter,
    (line, list): (i64, &Movables),
    piece: Option<&Piece>,
) -> Result<(), WriteFailed> {
    let count = piece.map_or(list.items, |piece| piece.count);
    writer.write(
        &[
            Cell::Integer(line),
            said_cell(piece.map(|piece| piece.name.as_str())),
            said_cell(piece.and_then(|piece| piece.number.as_deref())),
            Cell::Integer(count.into()),
            said_cell(piece.map(|piece| piece.state.zh())),
            said_cell(piece.and_then(|piece| piece.note.as_deref())),
            text_cell(&list.list),
            said_cell(list.handed_by.as_deref()),
            text_cell(&list.received_by),
            day_cell(list.on),
        ],
        None,
    )
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn the_list_says_what_was_handed_over_by_whom_and_to_whom() {
        let piece = |name: &str, number: Option<&str>, count, state| Piece {
            name: name.to_owned(),
            number: number.map(ToOwned::to_owned),
            count,
            state,
            note: None,
        };
        let list = Movables {
            on: date!(2026 - 11 - 21),
            items: 14,
            list: "公物仓1号".to_owned(),
            received_by: "赵收".to_owned(),
            handed_by: Some("钱交".to_owned()),
            pieces: vec![
                piece("办公桌", Some("ZC-001"), 12, PieceState::Good),
                piece("空调", None, 2, PieceState::ToMend),
            ],
        };
        assert!(check(&list).is_ok());
        let short = Movables {
            items: 13,
            ..list.clone()
        };
        assert_eq!(check(&short).unwrap_err().code.as_deref(), Some("pieces_sum"));
        let by_number = Movables {
            items: 3,
            list: "公物仓2号".to_owned(),
            handed_by: None,
            pieces: Vec::new(),
            ..list.clone()
        };
        assert!(check(&by_number).is_ok(), "a list of its own may stand in a paper");
        let written = file(WriteFormat::Csv)
            .bytes("2026-11-21T00:00:00Z".to_owned(), |writer| {
                write_lists(writer, &[list, by_number])
            })
            .unwrap();
        let text = String::from_utf8(written).unwrap();
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(
            lines,
            [
                "序号,名称,资产编号,数量,状态,备注,清单编号,移交人,接收人,移交日期",
                "1,办公桌,ZC-001,12,完好,,公物仓1号,钱交,赵收,2026-11-21",
                "2,空调,,2,待修,,公物仓1号,钱交,赵收,2026-11-21",
                "3,,,3,,,公物仓2号,,赵收,2026-11-21",
            ]
        );
    }
}
