//! `GET /api/v1/leases/export`: the register as a workbook or as CSV.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use gis_data::Words;
use gis_data::write::{Cell, ColumnKind, LayerWriter, WriteFailed};
use serde::Deserialize;

use super::list::{LeaseLine, ListQuery, all_lines};
use crate::exports::{Labels, ListColumn, ListFile, day_cell, list_format, said_cell, text_cell};
use crate::request::{Context, Problem, Times};

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
const MONEY: ColumnKind = ColumnKind::Real { decimals: 2 };
const DAY: ColumnKind = ColumnKind::Date;

const COLUMNS: [ListColumn; 26] = [
    ("id", TEXT, "标识", "Id"),
    ("contract_number", TEXT, "合同编号", "Contract"),
    ("direction", TEXT, "租出或租入", "Direction"),
    ("status", TEXT, "状态", "Status"),
    ("asset_name", TEXT, "资产", "Asset"),
    ("region_code", TEXT, "行政区划代码", "Region code"),
    ("rooms", INTEGER, "房间数", "Rooms"),
    ("area_m2", REAL, "面积（㎡）", "Area (m²)"),
    ("lessor_kind", TEXT, "出租方类别", "Kind of lessor"),
    ("lessor_name", TEXT, "出租方", "Lessor"),
    ("lessee_kind", TEXT, "承租方类别", "Kind of lessee"),
    ("lessee_size", TEXT, "企业规模", "Size"),
    ("lessee_name", TEXT, "承租方", "Lessee"),
    ("is_sublet", TEXT, "转租", "Sublet"),
    ("starts_on", DAY, "起租日", "First day"),
    ("ends_on", DAY, "到期日", "Last day"),
    ("handed_back_on", DAY, "收回日", "Handed back"),
    ("days_left", INTEGER, "剩余天数", "Days left"),
    ("monthly_rent", MONEY, "月租金（元）", "Monthly rent (yuan)"),
    ("approval_number", TEXT, "批准文号", "Approval"),
    ("due", MONEY, "已到期应收（元）", "Due (yuan)"),
    ("paid", MONEY, "已收（元）", "Paid (yuan)"),
    ("arrears", MONEY, "欠缴（元）", "Arrears (yuan)"),
    ("waived", MONEY, "减免（元）", "Waived (yuan)"),
    ("remitted", MONEY, "已缴库（元）", "Remitted (yuan)"),
    ("remittance_late", MONEY, "逾期未缴库（元）", "Remittance late (yuan)"),
];

const WORDS: &[(&str, &str, &str)] = &[
    ("out", "租出", "let"),
    ("in", "租入", "rented in"),
    ("planned", "未起租", "not begun"),
    ("running", "租期内", "running"),
    ("expired", "到期未收回", "expired"),
    ("ended", "已收回", "handed back"),
    ("bureau", "机关事务管理部门", "bureau"),
    ("using_unit", "使用单位", "using unit"),
    ("state_company", "国有企业", "state-owned company"),
    ("private", "其他出租人", "other"),
    ("enterprise", "企业", "enterprise"),
    ("self_employed", "个体工商户", "self-employed"),
    ("unit", "单位", "unit"),
    ("person", "个人", "person"),
    ("large", "大型", "large"),
    ("medium", "中型", "medium"),
    ("small", "小型", "small"),
    ("micro", "微型", "micro"),
    ("true", "是", "yes"),
    ("false", "否", "no"),
];

/// The register as the list gives it, all rows, as a file.
#[utoipa::path(get, path = "/api/v1/leases/export", operation_id = "export_leases", tag = "leases",
    params(ListQuery, ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, description = "The file", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64))),
              (status = 400, body = Problem)))]
pub(super) async fn export_leases(
    context: Context,
    times: Times,
    query: Result<Query<ListQuery>, QueryRejection>,
    how: Result<Query<ExportQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let refused = |error: QueryRejection| Problem::bad("query", error.body_text());
    let (Query(query), Query(how)) = (query.map_err(refused)?, how.map_err(refused)?);
    let labels = Labels::asked(how.labels.as_deref())?;
    let format = list_format(how.format.as_deref())?;
    let mut transaction = context.database.begin_snapshot().await?;
    let lines = all_lines(&mut transaction, times, &query).await?;
    transaction.commit().await?;
    let assets: Vec<_> = lines.iter().filter_map(|line| line.asset_id).collect();
    context.note_read_of(&assets).await?;
    let file = ListFile {
        name: "leases",
        title: Words::new("租约", "Leases"),
        columns: &COLUMNS,
        format,
        labels,
    };
    let (day, rows) = (times.as_of, lines.len());
    let names = (&*format!("leases_{day}"), &*format!("租约_{day}"));
    let write = move |writer: &mut LayerWriter| lines.iter().try_for_each(|line| write_line(writer, line, labels));
    Ok(file.answer(&context.clock, names, rows, write).await?)
}

fn write_line(writer: &mut LayerWriter, line: &LeaseLine, labels: Labels) -> Result<(), WriteFailed> {
    fn money(text: &str) -> Cell<'static> {
        text.parse().map_or(Cell::Empty, Cell::Real)
    }
    let word = |code| Cell::Text(labels.of(WORDS, code));
    let id = line.id.to_string();
    let is_sublet = if line.is_sublet { "true" } else { "false" };
    writer.write(
        &[
            Cell::Text(&id),
            said_cell(line.contract_number.as_deref()),
            word(&line.direction),
            word(&line.status),
            said_cell(line.asset_name.as_deref()),
            said_cell(line.region_code.as_deref()),
            Cell::Integer(line.rooms.into()),
            Cell::Real(line.area_m2),
            word(&line.lessor_kind),
            text_cell(&line.lessor_name),
            word(&line.lessee_kind),
            line.lessee_size.as_deref().map_or(Cell::Empty, word),
            text_cell(&line.lessee_name),
            word(is_sublet),
            day_cell(line.starts_on),
            day_cell(line.ends_on),
            line.handed_back_on.map_or(Cell::Empty, day_cell),
            Cell::Integer(line.days_left.into()),
            money(&line.monthly_rent),
            said_cell(line.approval_number.as_deref()),
            money(&line.due),
            money(&line.paid),
            money(&line.arrears),
            money(&line.waived),
            money(&line.remitted),
            money(&line.remittance_late),
        ],
        None,
    )
}
