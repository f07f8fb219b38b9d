//! The workbook that was brought, given back with every fault marked in its cell.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use gis_data::workbook::{Fault as CellFault, MarkRefused};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::routes::parse_id;
use super::templates::workbook_headers;
use super::{ImportFailed, ImportOrder, Report};
use crate::database::Database;
use crate::ids::ImportId;
use crate::request::{Context, Fault, Problem, ProblemKind};

/// The largest file that is kept, bytes.
const MOST_KEPT_BYTES: u64 = 32 << 20;

/// Rows that are marked at most: nobody mends more by hand, and a spreadsheet is slow with so many comments.
const MOST_MARKED_ROWS: i64 = 20_000;
/// Copies made at once: each holds its sheet in memory.
static AT_ONCE: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// What a file was read with.
#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    member: Option<String>,
    table: gis_data::TableOptions,
}

/// Is there anything to be marked in the file of this report?
#[must_use]
pub fn would_be_marked(report: &Report) -> bool {
    report.format == gis_data::Format::Xlsx.as_str() && (report.counts.quarantined > 0 || !report.warnings.is_empty())
}

/// Keeps the file of an import that is about to be committed, where something in it is to be marked, in place of the one
/// that was kept of the same data set.
pub(super) async fn keep_file(
    connection: &mut PgConnection,
    id: ImportId,
    order: &ImportOrder,
    report: &Report,
) -> Result<(), ImportFailed> {
    sqlx::query!(
        "delete from import_file f using import i
          where i.id = f.import_id and i.dataset = $1 and i.layer = $2",
        order.dataset,
        order.layer.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    if !order.keep_file || !would_be_marked(report) {
        return Ok(());
    }
    let path = order.path.clone();
    let read = tokio::task::spawn_blocking(move || {
        let length = std::fs::metadata(&path)?.len();
        (length <= MOST_KEPT_BYTES).then(|| std::fs::read(&path)).transpose()
    })
    .await
    .map_err(impossible)?
    .map_err(impossible)?;
    let Some(content) = read else { return Ok(()) };
    let reading = Reading {
        member: order.member.clone(),
        table: order.table.clone(),
    };
    sqlx::query!(
        "insert into import_file (import_id, content, reading) values ($1, $2, $3)",
        id.0,
        content,
        serde_json::to_value(&reading).map_err(impossible)?,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: error.to_string(),
    }
}

/// Writes the marked copy of the file of an import.
///
/// # Errors
/// Where the file is no longer what it was, is too large to be copied, or the copy can't be written.
pub async fn mark_file(
    database: &Database,
    id: ImportId,
    order: &ImportOrder,
    report: &Report,
    to: &std::path::Path,
) -> Result<(), Problem> {
    let mut connection = database.pool().acquire().await?;
    let faults = faults_of(&mut connection, id).await?;
    let mapping = report.mapping.clone().into_iter().collect();
    write(order.path.clone(), order.read_options(), mapping, faults, to.to_owned()).await
}

async fn write(
    path: std::path::PathBuf,
    options: gis_data::ReadOptions,
    mapping: Vec<(String, String)>,
    faults: Vec<CellFault>,
    to: std::path::PathBuf,
) -> Result<(), Problem> {
    tokio::task::spawn_blocking(move || gis_data::workbook::mark(&path, &options, &mapping, &faults, &to))
        .await
        .map_err(impossible)?
        .map_err(|refused| match refused {
            MarkRefused::Source(error) => {
                let (words, remedy) = (error.words(), error.remedy());
                Problem::new(ProblemKind::FileRefused, format!("{} / {}", words.zh, words.en))
                    .remedy(format!("{} / {}", remedy.zh, remedy.en))
                    .code(error.code())
            }
            MarkRefused::TooLarge { .. } => Problem::new(ProblemKind::TooLarge, refused.to_string())
                .remedy("see the report as CSV, which names every row"),
            MarkRefused::Write(error) => impossible(error).into(),
        })
}

/// What a reason or a warning says, as it is kept with its row.
#[derive(Debug, Deserialize)]
struct Said {
    zh: String,
    en: String,
    field: Option<String>,
}

async fn faults_of(connection: &mut sqlx::PgConnection, id: ImportId) -> Result<Vec<CellFault>, Fault> {
    let mut rows = sqlx::query!(
        r#"select row, reason::text as reason, warnings::text as warnings
             from import_row
            where import_id = $1 and row > 0 and (reason is not null or warnings is not null)
            order by row
            limit $2"#,
        id.0,
        MOST_MARKED_ROWS + 1,
    )
    .fetch_all(connection)
    .await?;
    let beyond = usize::try_from(MOST_MARKED_ROWS)
        .ok()
        .and_then(|most| rows.get(most).map(|row| row.row));
    if beyond.is_some() {
        rows.pop();
    }
    let mut faults = Vec::new();
    for found in rows {
        let row = u64::try_from(found.row).unwrap_or_default();
        let reason: Option<Said> = found
            .reason
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(impossible)?;
        let warnings: Vec<Said> = found
            .warnings
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(impossible)?
            .unwrap_or_default();
        let told = reason
            .into_iter()
            .map(|said| (said, true))
            .chain(warnings.into_iter().map(|said| (said, false)));
        faults.extend(told.map(|(said, is_refused)| CellFault {
            row,
            field: said.field,
            words: gis_data::Words::new(said.zh, said.en),
            is_refused,
        }));
    }
    faults.extend(beyond.map(|row| CellFault {
        row: u64::try_from(row).unwrap_or_default(),
        field: None,
        words: gis_data::Words::new(
            "从这一行起还有错误，未再标注；全部错误见 CSV 报告",
            "from this row on there are more faults, which are not marked; the report as CSV has them all",
        ),
        is_refused: true,
    }));
    Ok(faults)
}

/// The workbook of an import with every fault marked in its cell, and listed in a sheet of their own.
#[utoipa::path(get, path = "/api/v1/imports/{id}/marked.xlsx", operation_id = "get_import_marked", tag = "imports",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
              (status = 404, body = Problem), (status = 409, body = Problem), (status = 413, body = Problem)))]
pub(super) async fn get_import_marked(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let import = sqlx::query!(
        r#"select i.file_name, i.report, f.content as "content?", f.reading as "reading?"
             from import i left join import_file f on f.import_id = i.id
            where i.id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found("this import"))?;
    let (Some(content), Some(reading), Some(report)) = (import.content, import.reading, import.report) else {
        return Err(
            Problem::new(ProblemKind::Conflict, "there is no workbook of this import to mark").remedy(
                "a workbook of at most 32 MB with faults is kept until the data set's next import; see the report as CSV, \
                 or import the file again",
            ),
        );
    };
    let _place = AT_ONCE.acquire().await.map_err(impossible)?;
    let report: Report = serde_json::from_value(report).map_err(impossible)?;
    let reading: Reading = serde_json::from_value(reading).map_err(impossible)?;
    let faults = faults_of(&mut snapshot, id).await?;
    drop(snapshot);
    let folder = tempfile::Builder::new()
        .prefix("yice-marked-")
        .tempdir()
        .map_err(impossible)?;
    let (from, to) = (folder.path().join("brought"), folder.path().join("marked.xlsx"));
    tokio::fs::write(&from, content).await.map_err(impossible)?;
    let options = gis_data::ReadOptions {
        member: reading.member,
        table: reading.table,
        ..gis_data::ReadOptions::default()
    };
    write(from, options, report.mapping.into_iter().collect(), faults, to.clone()).await?;
    let bytes = tokio::fs::read(&to).await.map_err(impossible)?;
    let stem = super::order::dataset_of(&import.file_name);
    let headers = workbook_headers(&format!("marked-{id}.xlsx"), &format!("{stem}-错误标注.xlsx"));
    Ok((headers, bytes).into_response())
}
