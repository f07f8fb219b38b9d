//! `GET /api/v1/idle-space/export`: the answer as a workbook.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gis_data::Words;
use gis_data::write::{
    Cell, Column, ColumnKind, Header, LayerWriter, Shapes, Table, TargetCrs, WriteFailed, WriteFormat,
};
use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::ask::answer;
use super::index::IdleIndex;
use super::low_use::{FoundLowUse, low_use};
use super::question::{Asked, FoundSpace};
use crate::exports::{Labels, OCCUPANCY, TITLE_STATUS, USAGE};
use crate::request::{Context, Fault, Problem, Times};

/// How it is written.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// The words of the page in `zh` or `en`, or `codes` (also where it is left out).
    labels: Option<String>,
}

const TEXT: ColumnKind = ColumnKind::Text;
const INTEGER: ColumnKind = ColumnKind::Integer;
const REAL: ColumnKind = ColumnKind::Real { decimals: 4 };

const COLUMNS: [(&str, ColumnKind, &str, &str); 25] = [
    ("id", TEXT, "标识", "Id"),
    ("code", TEXT, "楼栋编码", "Code"),
    ("name", TEXT, "名称", "Name"),
    ("address", TEXT, "坐落", "Address"),
    ("region_code", TEXT, "行政区划代码", "Region code"),
    ("usage", TEXT, "用途", "Usage"),
    ("title_status", TEXT, "权属登记情况", "Registration status"),
    ("occupancy", TEXT, "使用状况", "Occupancy"),
    ("causes", TEXT, "闲置原因", "Causes"),
    ("idle_since", ColumnKind::Date, "闲置起始日", "Idle since"),
    ("rooms", INTEGER, "闲置房间数", "Idle rooms"),
    ("use_area_m2", REAL, "闲置使用面积（㎡）", "Idle use area (m²)"),
    (
        "building_area_m2",
        REAL,
        "闲置建筑面积（㎡）",
        "Idle building area (m²)",
    ),
    ("capacity", INTEGER, "可容纳人数", "People"),
    ("floors", TEXT, "楼层", "Floors"),
    ("run_floor", INTEGER, "最大连续所在楼层", "Floor of the largest run"),
    ("run_rooms", TEXT, "最大连续房间", "Rooms of the largest run"),
    (
        "run_use_area_m2",
        REAL,
        "最大连续使用面积（㎡）",
        "Use area of the largest run (m²)",
    ),
    (
        "run_capacity",
        INTEGER,
        "最大连续可容纳人数",
        "People in the largest run",
    ),
    ("distance_m", REAL, "距离（m）", "Distance (m)"),
    ("per_head_m2", REAL, "人均使用面积（㎡）", "Use area a person (m²)"),
    ("utilisation", TEXT, "利用状况", "Use made of it"),
    ("filled_m2", REAL, "应配面积（㎡）", "Due to who sits there (m²)"),
    ("spare_m2", REAL, "富余面积（㎡）", "To spare (m²)"),
    ("filled_share", REAL, "应配面积占比", "Share filled"),
];

const UTILISATION_WORDS: [(&str, &str, &str); 3] = [
    ("idle", "闲置", "idle"),
    ("idle_in_part", "部分闲置", "idle in part"),
    ("low_use", "低效利用", "in low use"),
];

const CAUSE_WORDS: [(&str, &str, &str); 8] = [
    ("surplus", "总量有余", "more space than needed"),
    (
        "unsuitable",
        "位置环境结构不适合",
        "unsuitable place, surroundings or structure",
    ),
    ("planned_demolition", "规划拆迁", "to be demolished by plan"),
    ("dangerous", "危房无加固价值", "dangerous and not worth strengthening"),
    ("vacated_by_reallocation", "重新配置后腾空", "vacated by reallocation"),
    ("unit_abolished", "机构撤并", "unit merged or abolished"),
    ("title_unclear", "权属不清", "title unclear"),
    ("other", "其他", "other"),
];

/// The answer to the same question as a workbook; all rows of it.
#[utoipa::path(get, path = "/api/v1/idle-space/export", operation_id = "export_idle_space", tag = "idle space",
    params(Asked, ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, description = "The workbook", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64))),
              (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export_idle_space(
    context: Context,
    times: Times,
    State(index): State<IdleIndex>,
    query: Result<Query<Asked>, QueryRejection>,
    how: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let refused = |error: QueryRejection| Problem::bad("query", error.body_text());
    let (Query(asked), Query(how)) = (query.map_err(refused)?, how.map_err(refused)?);
    let labels = match how.labels.as_deref() {
        None | Some("") => Labels::Codes,
        Some(labels) => Labels::parse(labels).ok_or_else(|| {
            Problem::bad("labels", format!("{labels:?} is no kind of label")).remedy("choose codes, zh or en")
        })?,
    };
    let question = asked.question(times.as_of)?;
    let found = answer(&context, times, &index, &question).await?;
    let little_used = low_use(&context, times, &question)
        .await?
        .map_or_else(Vec::new, |found| found.items);
    let told: Vec<_> = found
        .iter()
        .map(|space| space.id)
        .chain(little_used.iter().map(|space| space.id))
        .collect();
    context.note_read_of(&told).await?;
    let (rows, per_head_m2) = (told.len(), question.per_head_m2);
    let written_at = context
        .clock
        .now()
        .to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
        .map_err(impossible)?;
    let bytes = tokio::task::spawn_blocking(move || workbook((&found, &little_used), per_head_m2, labels, written_at))
        .await
        .map_err(impossible)??;
    let mut headers = HeaderMap::new();
    let disposition = format!(
        "attachment; filename=\"idle-space_{0}.xlsx\"; filename*=UTF-8''%E9%97%B2%E7%BD%AE%E7%A9%BA%E9%97%B4_{0}.xlsx",
        times.as_of
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
        what: format!("the workbook could not be written: {error}"),
    }
}

fn workbook(
    (found, little_used): (&[FoundSpace], &[FoundLowUse]),
    per_head_m2: f64,
    labels: Labels,
    written_at: String,
) -> Result<Vec<u8>, Fault> {
    let folder = tempfile::Builder::new()
        .prefix("yice-export-")
        .tempdir()
        .map_err(impossible)?;
    let path = folder.path().join("idle-space.xlsx");
    let table = Table {
        name: "idle_space",
        title: Words::new("闲置空间", "Idle space"),
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
    let mut writer = LayerWriter::create(&path, WriteFormat::Xlsx, table).map_err(failed)?;
    for space in found {
        write_row(&mut writer, space, per_head_m2, labels).map_err(failed)?;
    }
    for space in little_used {
        write_low_use(&mut writer, space, per_head_m2, labels).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    std::fs::read(&path).map_err(impossible)
}

fn write_row(
    writer: &mut LayerWriter,
    space: &FoundSpace,
    per_head_m2: f64,
    labels: Labels,
) -> Result<(), WriteFailed> {
    let id = space.id.to_string();
    let causes: Vec<&str> = space
        .causes
        .iter()
        .map(|cause| labels.of(&CAUSE_WORDS, cause))
        .collect();
    let causes = causes.join("; ");
    let floors: Vec<String> = space.floors.iter().map(ToString::to_string).collect();
    let floors = floors.join(", ");
    let run = space.largest_run.as_ref();
    let run_rooms = run.map(|run| run.rooms.join(", ")).unwrap_or_default();
    let text = |text: &'_ Option<String>| -> String { text.clone().unwrap_or_default() };
    let (code, name, address, region) = (
        text(&space.code),
        text(&space.name),
        text(&space.address),
        text(&space.region_code),
    );
    let is_idle = space.whole || space.rooms == space.all_rooms;
    let of = |list, code: &'_ Option<String>| {
        code.as_deref()
            .map(|code| labels.of(list, code).to_owned())
            .unwrap_or_default()
    };
    let (usage, title, occupancy) = (
        of(USAGE, &space.usage),
        of(TITLE_STATUS, &space.title_status),
        of(OCCUPANCY, &space.occupancy),
    );
    let real = |area: Option<f64>| area.map_or(Cell::Empty, Cell::Real);
    let whole = |number: Option<i64>| number.map_or(Cell::Empty, Cell::Integer);
    writer.write(
        &[
            said(&id),
            said(&code),
            said(&name),
            said(&address),
            said(&region),
            said(&usage),
            said(&title),
            said(&occupancy),
            said(&causes),
            day_cell(space.idle_since),
            whole(i64::try_from(space.rooms).ok()),
            real(space.use_area_m2),
            real(space.building_area_m2),
            whole(space.capacity.map(i64::from)),
            said(&floors),
            whole(run.map(|run| run.floor.into())),
            said(&run_rooms),
            real(run.map(|run| run.use_area_m2)),
            whole(run.map(|run| run.capacity.into())),
            real(space.distance_m),
            Cell::Real(per_head_m2),
            said(labels.of(&UTILISATION_WORDS, if is_idle { "idle" } else { "idle_in_part" })),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ],
        None,
    )
}

fn said(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}

/// A building in low use: what is said of idle rooms stays empty, for none is idle.
fn write_low_use(
    writer: &mut LayerWriter,
    space: &FoundLowUse,
    per_head_m2: f64,
    labels: Labels,
) -> Result<(), WriteFailed> {
    let id = space.id.to_string();
    let text = |text: &'_ Option<String>| -> String { text.clone().unwrap_or_default() };
    let (code, name, address, region) = (
        text(&space.code),
        text(&space.name),
        text(&space.address),
        text(&space.region_code),
    );
    let of = |list, code: &'_ Option<String>| {
        code.as_deref()
            .map(|code| labels.of(list, code).to_owned())
            .unwrap_or_default()
    };
    let (usage, title, occupancy) = (
        of(USAGE, &space.usage),
        of(TITLE_STATUS, &space.title_status),
        of(OCCUPANCY, &space.occupancy),
    );
    writer.write(
        &[
            said(&id),
            said(&code),
            said(&name),
            said(&address),
            said(&region),
            said(&usage),
            said(&title),
            said(&occupancy),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Integer(space.capacity.into()),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            space.distance_m.map_or(Cell::Empty, Cell::Real),
            Cell::Real(per_head_m2),
            said(labels.of(&UTILISATION_WORDS, "low_use")),
            Cell::Real(space.filled_m2),
            Cell::Real(space.spare_m2),
            Cell::Real(space.share),
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
