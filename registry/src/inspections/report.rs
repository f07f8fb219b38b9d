//! `GET /api/v1/inspections/{id}/export`: the report as a workbook: facts, indicators with their arithmetic, sample, findings.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::response::Response;
use gis_data::Words;
use gis_data::write::{Cell, ColumnKind, LayerWriter, WriteFailed, WriteFormat};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;

use super::findings::{FindingLine, lines_of};
use super::read::{Inspection, load, parse_id};
use crate::exports::{Labels, ListColumn, ListFile, text_cell};
use crate::request::{Context, Problem};

/// How it is written.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// The words of the page in `zh` (unless told) or `en`.
    labels: Option<String>,
}

const TEXT: ColumnKind = ColumnKind::Text;
const REAL: ColumnKind = ColumnKind::Real { decimals: 4 };

const COLUMNS: [ListColumn; 10] = [
    ("section", TEXT, "部分", "Section"),
    ("item", TEXT, "项目", "Item"),
    ("detail", TEXT, "内容", "Content"),
    ("numerator", REAL, "分子", "Numerator"),
    ("denominator", REAL, "分母", "Denominator"),
    ("rate", REAL, "比率（%）", "Rate (%)"),
    ("weight", REAL, "权重", "Weight"),
    ("points", REAL, "得分", "Points"),
    ("person", TEXT, "经办", "By"),
    ("due_on", TEXT, "期限", "Due"),
];

/// A row of the report.
#[derive(Default)]
struct Line {
    section: &'static str,
    item: String,
    detail: String,
    figures: [Option<Decimal>; 5],
    person: String,
    due_on: String,
}

/// The report of an inspection as a workbook.
#[utoipa::path(get, path = "/api/v1/inspections/{id}/export", operation_id = "export_inspection", tag = "inspections",
    params(("id" = Uuid, Path), ReportQuery),
    responses((status = 200, description = "The file", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64))),
              (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn export_inspection(
    context: Context,
    Path(id): Path<String>,
    how: Result<Query<ReportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(how) = how.map_err(|error| Problem::bad("query", error.body_text()))?;
    let labels = match how.labels.as_deref() {
        None | Some("") => Labels::Chinese,
        Some(labels) => Labels::parse(labels)
            .filter(|labels| *labels != Labels::Codes)
            .ok_or_else(|| Problem::bad("labels", format!("{labels:?} is no language")).remedy("choose zh or en"))?,
    };
    let id = parse_id(&id)?;
    let inspection = load(&context, id, None).await?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let findings = lines_of(&mut snapshot, id.0, context.clock.today()).await?;
    snapshot.commit().await?;
    context
        .note_read_behind(
            "inspection_finding",
            findings.iter().map(|finding| finding.id).collect(),
        )
        .await?;
    let lines = lines(&inspection, &findings, labels == Labels::Chinese);
    let file = ListFile {
        name: "inspection",
        title: Words::new("巡检考核", "Inspection"),
        columns: &COLUMNS,
        format: WriteFormat::Xlsx,
        labels,
    };
    let (day, rows) = (context.clock.today(), lines.len());
    let names = (&*format!("inspection_{day}"), &*format!("巡检考核_{day}"));
    let write = move |writer: &mut LayerWriter| lines.iter().try_for_each(|line| write_line(writer, line));
    Ok(file.answer(&context.clock, names, rows, write).await?)
}

fn lines(inspection: &Inspection, findings: &[FindingLine], is_zh: bool) -> Vec<Line> {
    let word = |zh: &'static str, en: &'static str| if is_zh { zh } else { en };
    let mut lines = Vec::new();
    let mut fact = |item: &str, detail: String| {
        lines.push(Line {
            section: word("概况", "Facts"),
            item: item.to_owned(),
            detail,
            ..Line::default()
        });
    };
    fact(word("名称", "Title"), inspection.title.clone());
    let region = inspection.region_name.clone().unwrap_or_default();
    fact(
        word("被检查区划", "Region"),
        format!("{region} {}", inspection.region_code).trim().to_owned(),
    );
    if let Some(unit) = &inspection.unit {
        fact(word("被检查单位", "Unit"), unit.name.clone().unwrap_or_default());
    }
    fact(
        word("考核期", "Period"),
        format!("{} – {}", inspection.period_from, inspection.period_to),
    );
    fact(word("数据时点", "As of"), inspection.as_of.to_string());
    fact(
        word("环节", "State"),
        if is_zh {
            inspection.state_zh.clone()
        } else {
            inspection.state_en.clone()
        },
    );
    if let Some(scoring) = &inspection.details.scoring {
        fact(
            word("得分", "Score"),
            scoring.score.map(|score| score.to_string()).unwrap_or_default(),
        );
        let grade = if is_zh { &scoring.grade } else { &scoring.grade_en };
        fact(word("等次", "Grade"), grade.clone().unwrap_or_default());
        fact(word("权重依据", "Weights by"), scoring.source.clone());
        for line in &scoring.lines {
            let (zh, en) = line.figure.indicator.names();
            let why = if is_zh {
                &line.figure.why_zh
            } else {
                &line.figure.why_en
            };
            lines.push(Line {
                section: word("指标", "Indicators"),
                item: word(zh, en).to_owned(),
                detail: why.clone().unwrap_or_default(),
                figures: [
                    line.figure.numerator,
                    line.figure.denominator,
                    line.figure.rate,
                    Some(line.weight),
                    line.points,
                ],
                ..Line::default()
            });
        }
    }
    for building in &inspection.sampled {
        lines.push(Line {
            section: word("样本", "Sample"),
            item: building.name.clone().unwrap_or_else(|| building.id.to_string()),
            detail: building
                .chosen_because
                .clone()
                .unwrap_or_else(|| word("抽取", "drawn").to_owned()),
            ..Line::default()
        });
    }
    for finding in findings {
        let state = match (finding.state.as_str(), finding.deferred_until) {
            ("void", _) => word("已作废", "declared void"),
            ("confirmed", _) => word("已销号", "put right and looked at again"),
            (_, Some(_)) => word("延期整改", "deferred"),
            ("rectified", None) => word("待复查", "put right, not looked at again"),
            _ => word("待整改", "open"),
        };
        let done = finding.details.steps.iter().filter_map(|step| step.text.as_deref());
        let text: Vec<&str> = std::iter::once(finding.says.as_str())
            .chain([state])
            .chain(done)
            .collect();
        lines.push(Line {
            section: word("问题", "Findings"),
            item: format!(
                "{} {}",
                finding.rule,
                finding.object_name.as_deref().unwrap_or_default()
            )
            .trim()
            .to_owned(),
            detail: text.join(word("；", "; ")),
            person: finding.rectified_by.clone().unwrap_or_default(),
            due_on: finding
                .deferred_until
                .or(finding.due_on)
                .map(|day| day.to_string())
                .unwrap_or_default(),
            ..Line::default()
        });
    }
    lines
}

fn write_line(writer: &mut LayerWriter, line: &Line) -> Result<(), WriteFailed> {
    let mut cells: Vec<Cell<'_>> = vec![Cell::Text(line.section)];
    cells.extend([&line.item, &line.detail].map(|text| text_cell(text)));
    for figure in line.figures {
        cells.push(
            figure
                .and_then(|figure| figure.to_f64())
                .map_or(Cell::Empty, Cell::Real),
        );
    }
    cells.extend([&line.person, &line.due_on].map(|text| text_cell(text)));
    writer.write(&cells, None)
}
