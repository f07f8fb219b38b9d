//! `GET /api/v1/inspections/{id}/export`: the report as a workbook: facts, indicators with their arithmetic, sample, findings.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gis_data::Words;
use gis_data::write::{
    Cell, Column, ColumnKind, Header, LayerWriter, Shapes, Table, TargetCrs, WriteFailed, WriteFormat,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use time::macros::format_description;

use super::findings::{FindingLine, lines_of};
use super::read::{Inspection, load, parse_id};
use crate::exports::Labels;
use crate::request::{Context, Fault, Problem};

/// How it is written.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// The words of the page in `zh` (unless told) or `en`.
    labels: Option<String>,
}

const TEXT: ColumnKind = ColumnKind::Text;
const REAL: ColumnKind = ColumnKind::Real { decimals: 4 };

const COLUMNS: [(&str, ColumnKind, &str, &str); 10] = [
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
    let is_zh = match how.labels.as_deref() {
        None | Some("") => true,
        Some(labels) => match Labels::parse(labels) {
            Some(Labels::Chinese) => true,
            Some(Labels::English) => false,
            _ => return Err(Problem::bad("labels", format!("{labels:?} is no language")).remedy("choose zh or en")),
        },
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
    let lines = lines(&inspection, &findings, is_zh);
    let rows = lines.len();
    let written_at = context
        .clock
        .now()
        .to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
        .map_err(impossible)?;
    let bytes = tokio::task::spawn_blocking(move || file(&lines, is_zh, written_at))
        .await
        .map_err(impossible)??;
    let mut headers = HeaderMap::new();
    let day = context.clock.today();
    let disposition = format!(
        "attachment; filename=\"inspection_{day}.xlsx\"; filename*=UTF-8''%E5%B7%A1%E6%A3%80%E8%80%83%E6%A0%B8_{day}.xlsx"
    );
    for (name, value) in [
        (header::CONTENT_TYPE, WriteFormat::Xlsx.media_type().to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (HeaderName::from_static("yice-rows"), rows.to_string()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Ok((headers, bytes).into_response())
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("the report could not be written: {error}"),
    }
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

fn file(lines: &[Line], is_zh: bool, written_at: String) -> Result<Vec<u8>, Fault> {
    let folder = tempfile::Builder::new()
        .prefix("yice-export-")
        .tempdir()
        .map_err(impossible)?;
    let path = folder.path().join("inspection.xlsx");
    let table = Table {
        name: "inspection",
        title: Words::new("巡检考核", "Inspection"),
        columns: COLUMNS
            .iter()
            .map(|(name, kind, zh, en)| Column {
                name,
                kind: *kind,
                label: Words::new(*zh, *en),
            })
            .collect(),
        shapes: Shapes::None,
        crs: TargetCrs::CGCS2000,
        header: if is_zh { Header::Chinese } else { Header::English },
        written_at,
    };
    let failed = |failed: WriteFailed| impossible(failed);
    let mut writer = LayerWriter::create(&path, WriteFormat::Xlsx, table).map_err(failed)?;
    for line in lines {
        let mut cells: Vec<Cell<'_>> = vec![Cell::Text(line.section)];
        cells.extend([&line.item, &line.detail].map(|text| said(text)));
        for figure in line.figures {
            cells.push(
                figure
                    .and_then(|figure| figure.to_f64())
                    .map_or(Cell::Empty, Cell::Real),
            );
        }
        cells.extend([&line.person, &line.due_on].map(|text| said(text)));
        writer.write(&cells, None).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    std::fs::read(&path).map_err(impossible)
}

fn said(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}
