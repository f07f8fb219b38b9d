//! `GET /api/v1/idle-space/export`: the answer as a workbook.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use gis_data::Words;
use gis_data::write::{Cell, ColumnKind, LayerWriter, WriteFailed, WriteFormat};
use serde::Deserialize;

use super::ask::answer;
use super::index::IdleIndex;
use super::low_use::{FoundLowUse, low_use};
use super::question::{Asked, FoundSpace};
use crate::exports::{Labels, ListColumn, ListFile, OCCUPANCY, TITLE_STATUS, USAGE, day_cell, text_cell};
use crate::request::{Context, Problem, Times};

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

const COLUMNS: [ListColumn; 25] = [
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
    let labels = Labels::asked(how.labels.as_deref())?;
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
    let file = ListFile {
        name: "idle_space",
        title: Words::new("闲置空间", "Idle space"),
        columns: &COLUMNS,
        format: WriteFormat::Xlsx,
        labels,
    };
    let (day, per_head_m2) = (times.as_of, question.per_head_m2);
    let names = (&*format!("idle-space_{day}"), &*format!("闲置空间_{day}"));
    let write = move |writer: &mut LayerWriter| {
        for space in &found {
            write_row(writer, space, per_head_m2, labels)?;
        }
        little_used
            .iter()
            .try_for_each(|space| write_low_use(writer, space, per_head_m2, labels))
    };
    Ok(file.answer(&context.clock, names, told.len(), write).await?)
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
            text_cell(&id),
            text_cell(&code),
            text_cell(&name),
            text_cell(&address),
            text_cell(&region),
            text_cell(&usage),
            text_cell(&title),
            text_cell(&occupancy),
            text_cell(&causes),
            day_cell(space.idle_since),
            whole(i64::try_from(space.rooms).ok()),
            real(space.use_area_m2),
            real(space.building_area_m2),
            whole(space.capacity.map(i64::from)),
            text_cell(&floors),
            whole(run.map(|run| run.floor.into())),
            text_cell(&run_rooms),
            real(run.map(|run| run.use_area_m2)),
            whole(run.map(|run| run.capacity.into())),
            real(space.distance_m),
            Cell::Real(per_head_m2),
            text_cell(labels.of(&UTILISATION_WORDS, if is_idle { "idle" } else { "idle_in_part" })),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ],
        None,
    )
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
            text_cell(&id),
            text_cell(&code),
            text_cell(&name),
            text_cell(&address),
            text_cell(&region),
            text_cell(&usage),
            text_cell(&title),
            text_cell(&occupancy),
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
            text_cell(labels.of(&UTILISATION_WORDS, "low_use")),
            Cell::Real(space.filled_m2),
            Cell::Real(space.spare_m2),
            Cell::Real(space.share),
        ],
        None,
    )
}
