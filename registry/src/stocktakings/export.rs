//! `GET /api/v1/stocktakings/{id}/export`: the list with what was found, as a workbook or as CSV.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gis_data::Words;
use gis_data::write::{
    Cell, Column, ColumnKind, Header, LayerWriter, Shapes, Table, TargetCrs, WriteFailed, WriteFormat,
};
use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::lines::{LineQuery, StocktakingLine, all_lines, require_seen};
use super::read::parse_id;
use crate::exports::{ClosedList, Labels};
use crate::request::{Context, Fault, Problem};

/// How it is written.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// `xlsx` (unless told) or `csv`.
    format: Option<String>,
    /// The words of the page in `zh` or `en`, or `codes` (also where it is left out).
    labels: Option<String>,
}

const TEXT: ColumnKind = ColumnKind::Text;
const INTEGER: ColumnKind = ColumnKind::Integer;
const REAL: ColumnKind = ColumnKind::Real { decimals: 4 };
const DAY: ColumnKind = ColumnKind::Date;

const COLUMNS: [(&str, ColumnKind, &str, &str); 27] = [
    ("no", INTEGER, "序号", "No."),
    ("kind", TEXT, "类别", "Kind"),
    ("code", TEXT, "编码或房间号", "Code or room number"),
    ("name", TEXT, "名称", "Name"),
    ("address", TEXT, "坐落", "Address"),
    ("floor", INTEGER, "楼层", "Floor"),
    ("unit", TEXT, "台账使用单位", "Unit in the ledger"),
    ("usage", TEXT, "台账用途", "Use in the ledger"),
    ("area_m2", REAL, "台账面积（㎡）", "Area in the ledger (m²)"),
    (
        "own_area_m2",
        REAL,
        "分台账面积（㎡）",
        "Area in the unit's ledger (m²)",
    ),
    ("title_area_m2", REAL, "证载面积（㎡）", "Area by certificate (m²)"),
    ("found_area_m2", REAL, "实盘面积（㎡）", "Area found (m²)"),
    ("title_number", TEXT, "台账证号", "Certificate in the ledger"),
    (
        "own_title_number",
        TEXT,
        "分台账证号",
        "Certificate in the unit's ledger",
    ),
    ("found", TEXT, "盘点情况", "Found"),
    ("found_usage", TEXT, "实盘用途", "Use found"),
    ("found_unit", TEXT, "实盘使用单位", "Unit found"),
    ("difference", TEXT, "差异", "Difference"),
    ("answered_by", TEXT, "确认人", "Answered by"),
    ("checked_by", TEXT, "核查人", "Checked by"),
    ("explanation", TEXT, "差异说明", "Explanation"),
    ("decision", TEXT, "审核处理", "Decision"),
    ("decided_by", TEXT, "审核人", "Decided by"),
    ("settled_on", DAY, "更正日期", "Corrected on"),
    (
        "settled_version_id",
        TEXT,
        "更正的台账版本",
        "Version that corrected it",
    ),
    ("asset_id", TEXT, "资产标识", "Asset id"),
    ("id", TEXT, "标识", "Id"),
];

/// The words of the lists, as files have them.
pub(super) const WORDS: ClosedList = &[
    ("parcel", "宗地", "parcel"),
    ("building", "楼栋", "building"),
    ("room", "房间", "room"),
    ("in_place", "在位相符", "in place"),
    ("moved", "移位", "moved"),
    ("altered", "变动", "altered"),
    ("missing", "未找到", "missing"),
    ("extra", "账外", "extra"),
    ("surplus", "盘盈", "surplus"),
    ("shortfall", "盘亏", "shortfall"),
    ("facts_differ", "信息不符", "facts differ"),
    ("correct_book", "更正台账", "correct the ledger"),
    ("correct_own", "单位更正分台账", "the unit corrects its ledger"),
    ("book_stands", "台账无误", "the ledger stands"),
    ("administrative_office", "行政办公", "administrative office"),
    ("housing_security", "住房保障", "housing"),
    ("technical", "技术业务", "technical"),
    ("public_service", "公共服务", "public service"),
    ("commercial", "经营性", "commercial"),
    ("idle_land", "闲置土地", "idle land"),
    ("office", "办公室", "office"),
    ("service", "服务用房", "service room"),
    ("equipment", "设备用房", "equipment room"),
    ("ancillary", "附属用房", "ancillary room"),
    ("shop", "商业用房", "shop"),
    ("public", "公共部位", "shared space"),
    ("turnover_housing", "周转住房", "home for staff"),
    ("other", "其他", "other"),
];

/// The list as it is asked for, all rows, as a file.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/export", operation_id = "export_stocktaking", tag = "stocktakings",
    params(("id" = Uuid, Path), LineQuery, ExportQuery),
    responses((status = 200, description = "The file", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64))),
              (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn export_lines(
    context: Context,
    Path(id): Path<String>,
    query: Result<Query<LineQuery>, QueryRejection>,
    how: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let refused = |error: QueryRejection| Problem::bad("query", error.body_text());
    let (Query(query), Query(how)) = (query.map_err(refused)?, how.map_err(refused)?);
    let labels = match how.labels.as_deref() {
        None | Some("") => Labels::Codes,
        Some(labels) => Labels::parse(labels).ok_or_else(|| {
            Problem::bad("labels", format!("{labels:?} is no kind of label")).remedy("choose codes, zh or en")
        })?,
    };
    let format = match how.format.as_deref() {
        None | Some("" | "xlsx") => WriteFormat::Xlsx,
        Some("csv") => WriteFormat::Csv,
        Some(other) => {
            return Err(Problem::bad("format", format!("{other:?} is no format")).remedy("choose xlsx or csv"));
        }
    };
    let mut transaction = context.database.begin_snapshot().await?;
    require_seen(&mut transaction, id).await?;
    let lines = all_lines(&mut transaction, id, &query).await?;
    transaction.commit().await?;
    context
        .note_read_behind("stocktaking_line", lines.iter().map(|line| line.id).collect())
        .await?;
    let rows = lines.len();
    let written_at = context
        .clock
        .now()
        .to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
        .map_err(impossible)?;
    let bytes = tokio::task::spawn_blocking(move || file(&lines, format, labels, written_at))
        .await
        .map_err(impossible)??;
    let headers = file_headers(&context, "stocktaking", "清查盘点", format);
    Ok((
        headers,
        [(HeaderName::from_static("yice-rows"), rows.to_string())],
        bytes,
    )
        .into_response())
}

/// The headers of a file of a stocktaking, named for the day: in ASCII for old clients, and in full by RFC 6266.
pub(super) fn file_headers(context: &Context, ascii: &str, full: &str, format: WriteFormat) -> HeaderMap {
    let (day, ending) = (context.clock.today(), format.extension());
    let escaped: String = full.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let disposition =
        format!("attachment; filename=\"{ascii}_{day}.{ending}\"; filename*=UTF-8''{escaped}_{day}.{ending}");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("the list could not be written: {error}"),
    }
}

fn file(lines: &[StocktakingLine], format: WriteFormat, labels: Labels, written_at: String) -> Result<Vec<u8>, Fault> {
    let folder = tempfile::Builder::new()
        .prefix("yice-export-")
        .tempdir()
        .map_err(impossible)?;
    let path = folder.path().join(format!("stocktaking.{}", format.extension()));
    let table = Table {
        name: "stocktaking",
        title: Words::new("清查盘点", "Stocktaking"),
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
        header: match labels {
            Labels::Codes => Header::Names,
            Labels::Chinese => Header::Chinese,
            Labels::English => Header::English,
        },
        written_at,
    };
    let failed = |failed: WriteFailed| impossible(failed);
    let mut writer = LayerWriter::create(&path, format, table).map_err(failed)?;
    for line in lines {
        write_line(&mut writer, line, labels).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    std::fs::read(&path).map_err(impossible)
}

fn write_line(writer: &mut LayerWriter, line: &StocktakingLine, labels: Labels) -> Result<(), WriteFailed> {
    fn said(text: Option<&str>) -> Cell<'_> {
        text.filter(|text| !text.is_empty()).map_or(Cell::Empty, Cell::Text)
    }
    fn word<'a>(labels: Labels, code: Option<&'a str>) -> Cell<'a> {
        code.map_or(Cell::Empty, |code| Cell::Text(labels.of(WORDS, code)))
    }
    fn real(value: Option<f64>) -> Cell<'static> {
        value.map_or(Cell::Empty, Cell::Real)
    }
    let id = line.id.to_string();
    let asset = line.asset_id.map(|asset| asset.to_string());
    let version = line.settled_version_id.map(|version| version.to_string());
    writer.write(
        &[
            Cell::Integer(line.no.into()),
            word(labels, Some(&line.kind)),
            said(line.code.as_deref()),
            said(line.name.as_deref()),
            said(line.address.as_deref()),
            line.floor.map_or(Cell::Empty, |floor| Cell::Integer(floor.into())),
            said(line.book_unit_name.as_deref()),
            word(labels, line.usage.as_deref()),
            real(line.area_m2),
            real(line.own_area_m2),
            real(line.title_area_m2),
            real(line.found_area_m2),
            said(line.title_number.as_deref()),
            said(line.own_title_number.as_deref()),
            word(labels, line.found.as_deref()),
            word(labels, line.found_usage.as_deref()),
            said(line.found_unit_name.as_deref()),
            word(labels, line.difference.as_deref()),
            said(line.answered_by.as_deref()),
            said(line.checked_by.as_deref()),
            said(line.details.explanation.as_deref()),
            word(labels, line.decision.as_deref()),
            said(line.decided_by.as_deref()),
            line.settled_on.map_or(Cell::Empty, day_cell),
            said(version.as_deref()),
            said(asset.as_deref()),
            Cell::Text(&id),
        ],
        None,
    )
}

fn day_cell(day: Date) -> Cell<'static> {
    u16::try_from(day.year()).map_or(Cell::Empty, |year| Cell::Date {
        year,
        month: day.month().into(),
        day: day.day(),
    })
}
