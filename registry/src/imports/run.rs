//! One import from the first byte to the commit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use gis_data::{Candidate, Checked, Pipeline, PipelineOptions, Quarantine, Source, Target};
use rust_decimal::Decimal;
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use time::Date;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::ImportOrder;
use super::compare::{Comparison, Likeness};
use super::outcome::{Outcome, OutcomeWriter, RowOutcome};
use super::report::{Counts, CrsOf, Report};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::{ImportId, SpatialUnitId, UnitId};
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::period::{ValidPeriod, reach, revise};
use crate::request::{Fault, Problem, ProblemKind};
use crate::spatial_units::{Content, HeldUnit, Kind, Occasion, Repair, VersionWriter, held_versions};

mod history;

/// Rows that travel together from the reader to the writer. Two batches wait at most, so memory stays bounded.
const BATCH_ROWS: usize = 4_000;
/// The first batch is small and the next ones double, so that the database has something to do at once.
const FIRST_BATCH_ROWS: usize = 250;

/// Why an import ended without writing anything.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailed {
    /// The file or the order was at fault.
    #[error("{}", .problem.detail)]
    Refused {
        /// What is wrong and what to do.
        problem: Box<Problem>,
    },
    /// Somebody stopped it.
    #[error("the import was cancelled; nothing was written")]
    Cancelled,
    /// The system failed.
    #[error("the import failed; nothing was written")]
    Fault {
        /// How.
        #[from]
        source: Fault,
    },
}

impl From<sqlx::Error> for ImportFailed {
    fn from(source: sqlx::Error) -> Self {
        Self::Fault { source: source.into() }
    }
}

impl From<Problem> for ImportFailed {
    fn from(problem: Problem) -> Self {
        Self::Refused {
            problem: Box::new(problem),
        }
    }
}

impl ImportFailed {
    /// How a client sees it.
    #[must_use]
    pub fn problem(self) -> Problem {
        match self {
            Self::Refused { problem } => *problem,
            Self::Cancelled => Problem::new(
                ProblemKind::FileRefused,
                "the import was cancelled; nothing was written",
            )
            .code("cancelled"),
            Self::Fault { source } => source.into(),
        }
    }
}

/// How far an import is; watched from elsewhere.
#[derive(Debug, Clone)]
pub struct ImportProgress {
    inner: Arc<ProgressInner>,
}

#[derive(Debug)]
struct ProgressInner {
    started: Instant,
    source: std::sync::OnceLock<gis_data::Progress>,
    rows: AtomicU64,
    writing: AtomicBool,
    cancelled: AtomicBool,
}

impl Default for ImportProgress {
    fn default() -> Self {
        Self {
            inner: Arc::new(ProgressInner {
                started: Instant::now(),
                source: std::sync::OnceLock::new(),
                rows: AtomicU64::new(0),
                writing: AtomicBool::new(false),
                cancelled: AtomicBool::new(false),
            }),
        }
    }
}

impl ImportProgress {
    /// Asks it to stop; nothing will be written.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn set_rows(&self, rows: u64) {
        self.inner.rows.store(rows, Ordering::Relaxed);
    }

    pub(crate) fn set_writing(&self) {
        self.inner.writing.store(true, Ordering::Relaxed);
    }

    /// Bytes of the unpacked file that were read, and all of them.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        self.inner
            .source
            .get()
            .map_or((0, 0), |source| (source.bytes_read(), source.bytes_total()))
    }

    /// Rows dealt with.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.inner.rows.load(Ordering::Relaxed)
    }

    /// Is the file read, and only the end of the writing left?
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.inner.writing.load(Ordering::Relaxed)
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.inner.started.elapsed().as_secs_f64()
    }
}

/// A checked row, made ready for the database on the reader's thread.
pub(crate) enum ReadyRow {
    Accepted(Box<Accepted>),
    Quarantined(Quarantine),
}

pub(crate) struct Accepted {
    pub(crate) row: u64,
    pub(crate) source_key: String,
    pub(crate) fields: serde_json::Map<String, Value>,
    pub(crate) attributes: Option<Box<RawValue>>,
    pub(crate) geometry: Option<Vec<u8>>,
    pub(crate) tile_shape: Option<Vec<u8>>,
    pub(crate) area_m2: Option<f64>,
    pub(crate) is_clear: bool,
    pub(crate) bbox: Option<[f64; 4]>,
    pub(crate) repair: Option<Repair>,
    pub(crate) original_geometry: Option<Vec<u8>>,
    pub(crate) warnings: Vec<RowWarning>,
}

/// Something worth knowing about a row that was taken over.
#[derive(Debug, serde::Serialize)]
pub(crate) struct RowWarning {
    pub(crate) code: String,
    /// Our field it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<&'static str>,
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// Imports a file.
///
/// # Errors
/// [`ImportFailed`]; then nothing was written but the record that it failed.
pub async fn run_import(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    progress: &ImportProgress,
) -> Result<Report, ImportFailed> {
    let valid_from = order.valid_from.unwrap_or_else(|| clock.today());
    record_start(database, clock, id, order, valid_from).await?;
    let outcome = attempt(database, clock, id, order, progress, valid_from).await;
    if let Err(failed) = &outcome {
        let state = if matches!(failed, ImportFailed::Cancelled) {
            "cancelled"
        } else {
            "failed"
        };
        let problem = match failed {
            ImportFailed::Refused { problem } => (**problem).clone(),
            ImportFailed::Cancelled => ImportFailed::Cancelled.problem(),
            ImportFailed::Fault { .. } => Problem::new(
                ProblemKind::Internal,
                "the database or the program failed; nothing was written, and it has been logged",
            )
            .remedy("try again; if it lasts, see the server's log"),
        };
        let recorded = sqlx::query!(
            "update import set state = $2, problem = $3, finished_at = $4 where id = $1",
            id.0,
            state,
            serde_json::to_value(&problem).unwrap_or_default(),
            clock.now(),
        )
        .execute(database.pool())
        .await;
        if let Err(error) = recorded {
            tracing::warn!(import.id = %id, error = %error, "the end of a failed import could not be recorded");
        }
    }
    outcome
}

async fn record_start(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    valid_from: Date,
) -> Result<(), ImportFailed> {
    sqlx::query!(
        "insert into import (id, layer, file_name, dataset, actor, dry_run, valid_from, state, started_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'reading', $8)",
        id.0,
        order.layer.as_str(),
        order.file_name,
        order.dataset,
        order.actor.0,
        order.dry_run,
        valid_from,
        clock.now(),
    )
    .execute(database.pool())
    .await?;
    Ok(())
}

/// Opens the file and settles coordinate system and mapping.
fn open(order: &ImportOrder) -> Result<(Source, Pipeline), Problem> {
    let source = Source::open(&order.path, &order.read_options()).map_err(|error| {
        let problem = refused(error.code(), &error.words(), &error.remedy());
        match error.field() {
            Some(field) => problem.field(field),
            None => problem,
        }
    })?;
    let mut options = PipelineOptions::new(order.layer);
    options.map.clone_from(&order.map);
    options.values.clone_from(&order.values);
    options.shapes_optional = order.shapes_optional;
    options.duplicate_keys = order.duplicate_keys;
    order.coordinates.apply(order.crs.as_deref(), &mut options)?;
    let pipeline = Pipeline::new(&source, options).map_err(super::coordinates::pipeline_problem)?;
    Ok((source, pipeline))
}

fn refused(code: &str, words: &gis_data::Words, remedy: &gis_data::Words) -> Problem {
    Problem::new(ProblemKind::FileRefused, format!("{} / {}", words.zh, words.en))
        .remedy(format!("{} / {}", remedy.zh, remedy.en))
        .code(code)
}

async fn attempt(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    progress: &ImportProgress,
    valid_from: Date,
) -> Result<Report, ImportFailed> {
    let begun = Instant::now();
    let kind = match order.layer {
        gis_data::Layer::Parcels => Kind::Parcel,
        gis_data::Layer::Buildings => Kind::Building,
        gis_data::Layer::Sites => Kind::Site,
        gis_data::Layer::Regions => {
            return crate::regions::import_regions(database, clock, id, order, progress, valid_from).await;
        }
        gis_data::Layer::Units => {
            return crate::units::import_units(database, clock, id, order, progress, valid_from).await;
        }
        gis_data::Layer::Rooms => {
            return crate::rooms::import_rooms(database, clock, id, order, progress, valid_from).await;
        }
        gis_data::Layer::Titles => {
            return crate::rights::import_rights(database, clock, id, order, progress, valid_from).await;
        }
    };
    let (source, pipeline, mut batches) = start_reading(database, order, progress).await?;
    if order.on_behalf.is_some() && pipeline.mapping().is_history() {
        return Err(super::routes::for_the_whole_registry("a file of versions").into());
    }
    let mut transaction = order.begin(database).await?;
    let is_new = lock_import(&mut transaction, id, &order.dataset, clock).await?;
    let mut writer = Writer::prepare(&mut transaction, clock, id, order, kind, valid_from, &pipeline, is_new).await?;
    if pipeline.mapping().is_history() {
        writer.take_history(&mut transaction, &mut batches, progress).await?;
    }
    // While the database takes one batch in, the next is built: two cores do what one would do in turn.
    let mut waiting = Waiting::default();
    while let Some(batch) = batches.recv().await {
        if progress.is_cancelled() {
            return Err(ImportFailed::Cancelled);
        }
        let mut batch = batch?;
        let found = writer.look_up(&mut transaction, &mut batch).await?;
        let building = beside(move || {
            let built = writer.build(batch, &found);
            (writer, built)
        })?;
        waiting.flush(&mut transaction, id).await?;
        let (back, built) = building.await.map_err(|_ended| Fault::Impossible {
            what: "the builder of rows ended unexpectedly".to_owned(),
        })?;
        (writer, waiting) = (back, built?);
        progress.inner.rows.store(writer.counts.read, Ordering::Relaxed);
    }
    waiting.flush(&mut transaction, id).await?;
    progress.inner.writing.store(true, Ordering::Relaxed);
    writer.look_for_missing(&mut transaction, order).await?;
    if progress.is_cancelled() {
        return Err(ImportFailed::Cancelled);
    }
    let report = Report {
        format: source.format,
        encoding: source.encoding,
        crs: CrsOf {
            declared: source.declared,
            used: Some(pipeline.crs().name().to_owned()),
        },
        dataset: order.dataset.clone(),
        valid_from,
        dry_run: order.dry_run,
        counts: writer.counts,
        repaired: writer.repaired,
        mend_tolerance: (pipeline.tolerance().relative, pipeline.tolerance().absolute_m2),
        missing: writer.missing,
        closed: writer.closed,
        reasons: writer.reasons,
        warnings: writer.warnings,
        words: writer.words,
        mapping: pipeline
            .mapping()
            .entries()
            .into_iter()
            .map(|(target, field)| (target.as_str().to_owned(), field))
            .collect(),
        bbox: writer.bbox,
        seconds: begun.elapsed().as_secs_f64(),
    };
    finish(transaction, clock, id, order, report).await
}

/// Takes the locks that keep imports of one data set apart and tell a running import from an interrupted one. Says
/// whether the data set was unknown before.
pub(crate) async fn lock_import(
    connection: &mut PgConnection,
    id: ImportId,
    dataset: &str,
    clock: &Clock,
) -> Result<bool, ImportFailed> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 11))", id.to_string())
        .execute(&mut *connection)
        .await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 13))", dataset)
        .execute(&mut *connection)
        .await?;
    let inserted = sqlx::query!(
        "insert into dataset (name, created_at) values ($1, $2) on conflict (name) do nothing",
        dataset,
        clock.now()
    )
    .execute(connection)
    .await
    .map_err(|error| crate::database::refusal_of(&error).map_or_else(|| error.into(), ImportFailed::from))?
    .rows_affected();
    Ok(inserted == 1)
}

/// Records the report and its ledger entry and commits; a dry run keeps the report and the rows' outcomes alone.
pub(crate) async fn finish(
    mut transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    report: Report,
) -> Result<Report, ImportFailed> {
    if !report.counts.add_up() {
        return Err(Fault::Impossible {
            what: format!("the rows of import {id} do not add up: {:?}", report.counts),
        }
        .into());
    }
    let impossible = |error: serde_json::Error| Fault::Impossible {
        what: error.to_string(),
    };
    let text = serde_json::value::to_raw_value(&report).map_err(impossible)?;
    if !order.dry_run {
        let entry = NewEntry {
            id: EntryId::fresh(),
            recorded_at: clock.now(),
            actor: &order.actor.0,
            action: Action::Import,
            object: Object {
                kind: ObjectKind::Import,
                id: id.0,
            },
            before: None,
            after: Some(&text),
            reason: None,
            case_id: None,
            import_id: Some(id),
        };
        crate::ledger::append(&mut transaction, &entry).await?;
    }
    super::marked::keep_file(&mut transaction, id, order, &report).await?;
    sqlx::query!(
        "update import set state = 'done', report = $2, finished_at = $3 where id = $1",
        id.0,
        serde_json::to_value(&report).map_err(impossible)?,
        clock.now(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(report)
}

/// What is known of the source once it is open.
pub(crate) struct SourceFacts {
    pub(crate) format: String,
    pub(crate) encoding: Option<String>,
    pub(crate) declared: Option<String>,
}

pub(crate) type Batch = Result<Vec<ReadyRow>, ImportFailed>;

/// The batches of a file. The reader says when it has come to the end, by an empty batch: should it die before, the
/// rows so far must not be taken for the whole file.
pub(crate) struct Batches {
    receiver: mpsc::Receiver<Batch>,
    ended: bool,
}

impl Batches {
    pub(super) fn over(receiver: mpsc::Receiver<Batch>) -> Self {
        Self { receiver, ended: false }
    }

    /// The next batch; none at the end of the file.
    pub(crate) async fn recv(&mut self) -> Option<Batch> {
        if self.ended {
            return None;
        }
        match self.receiver.recv().await {
            Some(Ok(batch)) if batch.is_empty() => {
                self.ended = true;
                None
            }
            Some(batch) => Some(batch),
            None => {
                self.ended = true;
                Some(Err(Fault::Impossible {
                    what: "the reader ended before the file did".to_owned(),
                }
                .into()))
            }
        }
    }
}

/// Opens the file and reads it on a thread of its own.
pub(crate) async fn start_reading(
    database: &Database,
    order: &ImportOrder,
    progress: &ImportProgress,
) -> Result<(SourceFacts, Arc<Pipeline>, Batches), ImportFailed> {
    let opening = order.clone();
    let (mut source, mut pipeline) = tokio::task::spawn_blocking(move || open(&opening))
        .await
        .map_err(|error| Fault::Impossible {
            what: format!("the reader ended unexpectedly: {error}"),
        })??;
    let facts = SourceFacts {
        format: source.format().as_str().to_owned(),
        encoding: source.encoding().map(ToOwned::to_owned),
        declared: source.crs().label(),
    };
    let _ = progress.inner.source.set(source.progress());
    if order.coordinates.known.is_empty()
        && let Some(extent) = pipeline.extent_of(&source)
    {
        pipeline.compare_with(super::coordinates::known_around(database, order.layer, extent).await?);
    }
    let pipeline = Arc::new(pipeline);
    let (sender, receiver) = mpsc::channel(2);
    let (checking, watching) = (Arc::clone(&pipeline), progress.clone());
    beside(move || {
        let mut full = FIRST_BATCH_ROWS;
        let mut batch = Vec::with_capacity(full);
        for row in source.rows() {
            if watching.is_cancelled() {
                let _ = sender.blocking_send(Err(ImportFailed::Cancelled));
                return;
            }
            match row {
                Ok(row) => batch.push(ready(checking.check(row))),
                Err(broken) => {
                    let problem = refused(broken.code(), &broken.words(), &broken.remedy());
                    let _ = sender.blocking_send(Err(problem.into()));
                    return;
                }
            }
            if batch.len() == full {
                full = (2 * full).min(BATCH_ROWS);
                let rows = std::mem::replace(&mut batch, Vec::with_capacity(full));
                if sender.blocking_send(Ok(rows)).is_err() {
                    return;
                }
            }
        }
        // Where the importer has gone away already, nobody is left to be told.
        if batch.is_empty() || sender.blocking_send(Ok(batch)).is_ok() {
            let _ = sender.blocking_send(Ok(Vec::new()));
        }
    })?;
    Ok((facts, pipeline, Batches::over(receiver)))
}

/// Computes on a thread of its own, which gives way: to the thread that feeds the database, which else waits for its
/// turn while the database waits for it, and to those that answer requests. Threads that it starts give way, too.
fn beside<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<oneshot::Receiver<T>, Fault> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("import".to_owned())
        .spawn(move || {
            #[cfg(target_os = "linux")]
            if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 5) {
                tracing::debug!(%error, "an import keeps its priority");
            }
            // Where the import has been given up already, nobody is left to be told.
            let _ = sender.send(compute());
        })
        .map_err(|error| Fault::Impossible {
            what: format!("no thread could be started: {error}"),
        })?;
    Ok(receiver)
}

fn ready(checked: Checked) -> ReadyRow {
    let candidate = match checked {
        Checked::Quarantined(quarantine) => return ReadyRow::Quarantined(quarantine),
        Checked::Accepted(candidate) => candidate,
    };
    if candidate.geometry.is_some() && candidate.fields.get("secrecy").and_then(Value::as_str) == Some("classified") {
        // Neither the registry nor the report of the import keeps the shape.
        return ReadyRow::Quarantined(Quarantine {
            row: candidate.row,
            source_key: Some(candidate.source_key),
            reason: gis_data::Reason::ClassifiedWithShape,
            raw: candidate.attributes,
            geometry: None,
            geometry_is_lonlat: false,
        });
    }
    match prepare(candidate) {
        Ok(accepted) => ReadyRow::Accepted(Box::new(accepted)),
        Err((candidate, reason)) => ReadyRow::Quarantined(Quarantine {
            row: candidate.row,
            source_key: Some(candidate.source_key),
            reason: gis_data::Reason::MalformedGeometry { detail: reason },
            raw: candidate.attributes,
            geometry: None,
            geometry_is_lonlat: false,
        }),
    }
}

fn prepare(candidate: Candidate) -> Result<Accepted, (Box<Candidate>, String)> {
    use geo::BoundingRect;
    let shape = match &candidate.geometry {
        None => Ok(None),
        Some(geometry) => crate::geometry::ewkb(geometry)
            .map_err(|error| error.to_string())
            .and_then(|ewkb| {
                Ok((
                    ewkb,
                    tiles::Shape::prepare(geometry)
                        .map_err(|error| error.to_string())?
                        .to_bytes(),
                ))
            })
            .map(Some),
    };
    let shape = match shape {
        Ok(shape) => shape,
        Err(reason) => return Err((Box::new(candidate), reason)),
    };
    let bbox = candidate
        .geometry
        .as_ref()
        .and_then(BoundingRect::bounding_rect)
        .map(|rect| [rect.min().x, rect.min().y, rect.max().x, rect.max().y]);
    let (geometry, tile_shape) = shape.unzip();
    let repair = candidate.repaired.as_ref().map(|repair| Repair {
        reason: repair.reason.code().to_owned(),
        area_before_m2: repair.area_before_m2,
        area_after_m2: repair.area_after_m2,
    });
    let original_geometry = candidate
        .shape_before()
        .and_then(|(shape, epsg)| crate::geometry::ewkb_in(shape, epsg).ok());
    Ok(Accepted {
        row: candidate.row,
        source_key: candidate.source_key,
        fields: candidate.fields,
        attributes: if candidate.attributes.is_empty() {
            None
        } else {
            serde_json::value::to_raw_value(&candidate.attributes).ok()
        },
        geometry,
        tile_shape,
        area_m2: candidate.area_m2,
        is_clear: candidate.is_clear,
        bbox,
        repair,
        original_geometry,
        warnings: candidate
            .warnings
            .into_iter()
            .map(|warning| RowWarning {
                code: warning.code.as_str().to_owned(),
                field: warning.field,
                zh: warning.message_zh,
                en: warning.message_en,
            })
            .collect(),
    })
}

/// Rows that are built and wait for the database.
#[derive(Default)]
struct Waiting {
    versions: VersionWriter,
    outcomes: OutcomeWriter,
}

impl Waiting {
    async fn flush(mut self, connection: &mut PgConnection, import_id: ImportId) -> Result<(), Fault> {
        self.versions.flush(connection).await?;
        self.outcomes.flush(connection, import_id).await?;
        Ok(())
    }
}

/// What the registry holds of the objects of a batch.
#[derive(Default)]
struct Found {
    ids: HashMap<String, Uuid>,
    held: HashMap<Uuid, HeldUnit>,
    /// Keys that belong to objects out of the sight of whoever brings the file.
    elsewhere: HashSet<String>,
}

struct Writer {
    clock: Clock,
    id: ImportId,
    kind: Kind,
    dataset: String,
    valid_from: Date,
    dry_run: bool,
    likeness: Likeness,
    default_region: Option<String>,
    /// Whose grants bound it.
    order: ImportOrder,
    mapped: Arc<[Target]>,
    regions: HashSet<String>,
    units: HashMap<String, Uuid>,
    /// Nothing of the data set was held before: no row needs looking up.
    fresh: bool,
    occasion: Occasion,
    versions: VersionWriter,
    outcomes: OutcomeWriter,
    counts: Counts,
    repaired: u64,
    missing: u64,
    closed: u64,
    reasons: BTreeMap<String, u64>,
    warnings: BTreeMap<String, u64>,
    words: BTreeMap<String, (String, String)>,
    bbox: Option<[f64; 4]>,
}

impl Writer {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a fact of the one import, used once, here"
    )]
    async fn prepare(
        connection: &mut PgConnection,
        clock: &Clock,
        id: ImportId,
        order: &ImportOrder,
        kind: Kind,
        valid_from: Date,
        pipeline: &Pipeline,
        is_new_dataset: bool,
    ) -> Result<Self, ImportFailed> {
        // Whoever sees a part alone can't know that there is nothing beyond it.
        let fresh = is_new_dataset
            || order.on_behalf.is_none()
            && sqlx::query_scalar!(
                r#"select not exists (select from spatial_unit where dataset = $1 and kind = $2) as "fresh!""#,
                order.dataset,
                kind.word(),
            )
            .fetch_one(&mut *connection)
            .await?;
        let regions: HashSet<String> = sqlx::query_scalar!(
            "select code from region_version where valid @> $1::date and upper_inf(recorded)",
            valid_from,
        )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .collect();
        if let Some(region) = &order.region
            && !regions.contains(region)
        {
            return Err(
                Problem::invalid("region", format!("no region {region} is registered on {valid_from}"))
                    .remedy("register the region first, or leave it out")
                    .into(),
            );
        }
        let mut units = HashMap::new();
        for unit in sqlx::query!(
            "select object_id, code, name from unit_version where valid @> $1::date and upper_inf(recorded)",
            valid_from
        )
        .fetch_all(&mut *connection)
        .await?
        {
            units.insert(unit.name, unit.object_id);
            units.insert(unit.code, unit.object_id);
        }
        Ok(Self {
            clock: clock.clone(),
            id,
            kind,
            dataset: order.dataset.clone(),
            valid_from,
            dry_run: order.dry_run,
            likeness: Likeness {
                same_shape: order.same_shape,
                attributes: order.compare_attributes,
            },
            default_region: order.region.clone(),
            order: order.clone(),
            mapped: pipeline
                .mapping()
                .entries()
                .into_iter()
                .map(|(target, _)| target)
                .collect(),
            regions,
            units,
            fresh,
            occasion: Occasion {
                actor: order.actor.clone(),
                reason: None,
                import_id: Some(id.0),
            },
            versions: VersionWriter::default(),
            outcomes: OutcomeWriter::default(),
            counts: Counts::default(),
            repaired: 0,
            missing: 0,
            closed: 0,
            reasons: BTreeMap::new(),
            warnings: BTreeMap::new(),
            words: BTreeMap::new(),
            bbox: None,
        })
    }

    async fn look_up(&self, connection: &mut PgConnection, batch: &mut [ReadyRow]) -> Result<Found, ImportFailed> {
        show_to_postgis(connection, batch).await?;
        let keys: Vec<String> = batch
            .iter()
            .filter_map(|row| match row {
                ReadyRow::Accepted(accepted) => Some(accepted.source_key.clone()),
                ReadyRow::Quarantined(quarantine) => quarantine.source_key.clone(),
            })
            .collect();
        self.find(connection, &keys).await
    }

    /// What the registry holds of the objects with these keys.
    async fn find(&self, connection: &mut PgConnection, keys: &[String]) -> Result<Found, ImportFailed> {
        let mut found = Found::default();
        if self.fresh {
            return Ok(found);
        }
        for unit in sqlx::query!(
            r#"select id, source_key as "source_key!" from spatial_unit where dataset = $1 and kind = $2 and source_key = any($3)"#,
            self.dataset,
            self.kind.word(),
            keys,
        )
        .fetch_all(&mut *connection)
        .await?
        {
            found.ids.insert(unit.source_key, unit.id);
        }
        let ids: Vec<Uuid> = found.ids.values().copied().collect();
        found.held = held_versions(connection, &ids).await?;
        if self.order.on_behalf.is_some() {
            found.elsewhere = sqlx::query_scalar!(
                r#"select key as "key!" from scope_taken_keys($1, $2, $3) key"#,
                self.dataset,
                self.kind.word(),
                keys,
            )
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .filter(|key| !found.ids.contains_key(key))
            .collect();
        }
        Ok(found)
    }

    /// Decides what becomes of each row and builds what is to be written.
    fn build(&mut self, batch: Vec<ReadyRow>, found: &Found) -> Result<Waiting, ImportFailed> {
        let (known, held) = (&found.ids, &found.held);
        let now = self.clock.now();
        for row in batch {
            self.counts.read += 1;
            let mut accepted = match row {
                ReadyRow::Quarantined(quarantine) => {
                    let object = quarantine.source_key.as_ref().and_then(|key| known.get(key)).copied();
                    self.quarantine(&quarantine, object)?;
                    continue;
                }
                ReadyRow::Accepted(accepted) => *accepted,
            };
            let object = known.get(&accepted.source_key).copied();
            let versions = object
                .and_then(|object| held.get(&object))
                .map_or(&[][..], |unit| &unit.versions);
            let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
            let content = self.content(&mut accepted, before.map(|version| &version.content));
            let refused = if content.is_classified_with_shape() {
                Some(gis_data::Reason::ClassifiedWithShape)
            } else if self.reaches(&accepted.source_key, versions, &content, found) {
                None
            } else {
                Some(gis_data::Reason::OutOfScope)
            };
            if let Some(reason) = refused {
                let raw = content
                    .source_attributes
                    .as_ref()
                    .and_then(|text| serde_json::from_str(text.get()).ok())
                    .unwrap_or_default();
                let quarantine = Quarantine {
                    row: accepted.row,
                    source_key: Some(accepted.source_key),
                    reason,
                    raw,
                    geometry: None,
                    geometry_is_lonlat: false,
                };
                self.quarantine(&quarantine, object)?;
                continue;
            }
            let comparison = before.map(|before| self.likeness.compare(&before.content, &content));
            let outcome = match comparison {
                Some(Comparison::Same) => Outcome::Unchanged,
                Some(Comparison::SameWithinTolerance) => {
                    accepted.warnings.push(warning(
                        "shape_within_tolerance",
                        "图形与在册版本的差异在容差之内",
                        "the shape differs from the registered one by less than the tolerance",
                    ));
                    Outcome::Unchanged
                }
                Some(Comparison::Different) => Outcome::NewVersion,
                None if object.is_some() => Outcome::NewVersion,
                None => Outcome::Inserted,
            };
            match outcome {
                Outcome::Inserted => self.counts.inserted += 1,
                Outcome::NewVersion => self.counts.new_version += 1,
                _ => self.counts.unchanged += 1,
            }
            self.repaired += u64::from(accepted.repair.is_some());
            let id = object.map_or_else(SpatialUnitId::fresh, SpatialUnitId);
            if !self.dry_run && outcome != Outcome::Unchanged {
                if object.is_none() {
                    self.versions
                        .register(id, self.kind, Some((&self.dataset, &accepted.source_key)), now);
                }
                let revision = revise(versions, reach(versions, self.valid_from), Some(content), now);
                self.versions
                    .take_over(id, self.kind, revision, self.id, &self.occasion)?;
            }
            self.widen(accepted.bbox);
            for warning in &accepted.warnings {
                self.count_warning(warning);
            }
            let warnings = if accepted.warnings.is_empty() {
                None
            } else {
                serde_json::to_string(&accepted.warnings).ok()
            };
            let written = outcome != Outcome::Inserted || !self.dry_run;
            self.outcomes.push(
                self.id,
                &RowOutcome {
                    row: signed(accepted.row),
                    outcome,
                    source_key: Some(&accepted.source_key),
                    object_id: written.then_some(id.0),
                    repaired: accepted.repair.is_some(),
                    reason: None,
                    warnings: warnings.as_deref(),
                    raw: None,
                    geometry_text: None,
                },
            );
        }
        Ok(Waiting {
            versions: std::mem::take(&mut self.versions),
            outcomes: std::mem::take(&mut self.outcomes),
        })
    }

    /// May the file say this: is it within the grants of whoever brings it, where the object was and where it will be?
    fn reaches(
        &self,
        key: &str,
        versions: &[crate::period::Held<Content>],
        content: &Content,
        found: &Found,
    ) -> bool {
        self.order.on_behalf.is_none()
            || (!found.elsewhere.contains(key)
                && self.order.reaches(&content.place())
                && versions
                    .iter()
                    .filter(|version| version.valid.to.is_none_or(|to| to > self.valid_from))
                    .all(|version| self.order.reaches(&version.content.place())))
    }

    /// What the row says, over what is held: a field that the file does not speak of stays as it is.
    fn content(&mut self, accepted: &mut Accepted, held: Option<&Content>) -> Content {
        let mut content = held.cloned().unwrap_or_else(|| Content::empty(self.kind));
        let fields = std::mem::take(&mut accepted.fields);
        let text = |name: &str| {
            fields.get(name).and_then(|value| match value {
                Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let mut beyond = Vec::new();
        let mut number = |name: &'static str, bounds: RangeInclusive<i16>| {
            let value = fields.get(name)?.as_i64()?;
            let within = i16::try_from(value).ok().filter(|value| bounds.contains(value));
            if within.is_none() {
                beyond.push(out_of_bounds(
                    name,
                    &value,
                    &format!("{}…{}", bounds.start(), bounds.end()),
                ));
            }
            within
        };
        let building = self.kind == Kind::Building;
        for target in &*Arc::clone(&self.mapped) {
            match target {
                Target::Code => content.code = text("code"),
                Target::Name => content.name = text("name"),
                Target::Address => content.address = text("address"),
                Target::TitleStatus => content.title_status = text("title_status"),
                Target::Usage => content.usage = text("usage"),
                Target::Occupancy => content.occupancy = text("occupancy"),
                Target::AdminLevel => content.admin_level = text("admin_level"),
                Target::Secrecy => content.secrecy = text("secrecy"),
                Target::IdleSince => {
                    content.idle_since = text("idle_since").and_then(|text| crate::request::day(&text));
                }
                Target::RegisteredAreaM2 => {
                    let said = fields.get("registered_area_m2").and_then(Value::as_f64);
                    content.registered_area_m2 = said
                        .filter(|area| (0.0..MOST_AREA_M2).contains(area))
                        .and_then(|area| Decimal::try_from(area).ok())
                        .map(|area| area.round_dp(4).normalize());
                    if let (Some(area), None) = (said, content.registered_area_m2) {
                        accepted
                            .warnings
                            .push(out_of_bounds("registered_area_m2", &area, "0…100 000 000 000"));
                    }
                }
                Target::RegionCode => {
                    content.region_code = text("region_code");
                    if let Some(code) = content.region_code.take_if(|code| !self.regions.contains(code)) {
                        accepted.warnings.push(
                            warning(
                                "unknown_region",
                                format!("行政区划代码 {code} 未登记"),
                                format!("no region {code} is registered"),
                            )
                            .about("region_code"),
                        );
                    }
                }
                Target::UnitCode => {
                    let named = text("unit_code");
                    content.unit_id = named
                        .as_ref()
                        .and_then(|name| self.units.get(name))
                        .copied()
                        .map(UnitId);
                    if let (Some(name), None) = (named, content.unit_id) {
                        accepted.warnings.push(
                            warning(
                                "unknown_unit",
                                format!("单位 {name} 未登记"),
                                format!("no unit {name} is registered"),
                            )
                            .about("unit_code"),
                        );
                    }
                }
                Target::YearBuilt if building => content.completed_year = number("year_built", i16::MIN..=i16::MAX),
                Target::FloorsAbove if building => content.floors_above = number("floors_above", 0..=300),
                Target::FloorsBelow if building => content.floors_below = number("floors_below", 0..=30),
                _ => {}
            }
        }
        accepted.warnings.append(&mut beyond);
        if content.occupancy.as_deref() != Some("idle")
            && let Some(day) = content.idle_since.take()
            && fields.contains_key("idle_since")
        {
            accepted.warnings.push(
                warning(
                    "idle_since_without_idle",
                    format!("使用状态不是闲置，闲置起始日期 {day} 未采用"),
                    format!("it is not idle, so the day {day} since which it would be is left out"),
                )
                .about("idle_since"),
            );
        }
        if content.region_code.is_none() {
            content.region_code.clone_from(&self.default_region);
        }
        content.geometry = accepted.geometry.take();
        content.tile_shape = accepted.tile_shape.take();
        content.area_m2 = accepted.area_m2;
        content.source_attributes = accepted.attributes.take();
        content.source_row = Some(signed(accepted.row));
        content.import_id = Some(self.id.0);
        content.repair.clone_from(&accepted.repair);
        content.original_geometry = accepted.original_geometry.take();
        content
    }

    fn quarantine(&mut self, quarantine: &Quarantine, object: Option<Uuid>) -> Result<(), ImportFailed> {
        self.counts.quarantined += 1;
        let (code, words) = (quarantine.reason.code(), quarantine.reason.words());
        *self.reasons.entry(code.to_owned()).or_default() += 1;
        self.words
            .entry(code.to_owned())
            .or_insert_with(|| (words.zh.clone(), words.en.clone()));
        let reason = serde_json::json!({
            "code": code, "zh": words.zh, "en": words.en, "field": quarantine.reason.field(),
        })
        .to_string();
        let raw = serde_json::value::to_raw_value(&quarantine.raw).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })?;
        self.outcomes.push(
            self.id,
            &RowOutcome {
                row: signed(quarantine.row),
                outcome: Outcome::Quarantined,
                source_key: quarantine.source_key.as_deref(),
                object_id: object,
                repaired: false,
                reason: Some(&reason),
                warnings: None,
                raw: Some(&raw),
                geometry_text: quarantine.geometry.as_deref().filter(|_| quarantine.geometry_is_lonlat),
            },
        );
        Ok(())
    }

    fn count_warning(&mut self, warning: &RowWarning) {
        *self.warnings.entry(warning.code.clone()).or_default() += 1;
        self.words
            .entry(warning.code.clone())
            .or_insert_with(|| (warning.zh.clone(), warning.en.clone()));
    }

    fn widen(&mut self, bbox: Option<[f64; 4]>) {
        let Some([west, south, east, north]) = bbox else { return };
        self.bbox = Some(match self.bbox {
            None => [west, south, east, north],
            Some(seen) => [
                seen[0].min(west),
                seen[1].min(south),
                seen[2].max(east),
                seen[3].max(north),
            ],
        });
    }

    /// What the data set holds on that day and the file does not have: reported, and ended only where that was asked.
    async fn look_for_missing(
        &mut self,
        connection: &mut PgConnection,
        order: &ImportOrder,
    ) -> Result<(), ImportFailed> {
        if self.fresh {
            return Ok(());
        }
        // The tables may have been filled a moment ago and have no statistics: without them PostgreSQL takes a nested
        // loop that grows with the square of the rows.
        sqlx::query("set local enable_nestloop = off")
            .execute(&mut *connection)
            .await?;
        let missing = sqlx::query!(
            r#"select u.id, u.source_key as "source_key!"
                 from spatial_unit u
                 join spatial_unit_version v on v.object_id = u.id and v.valid @> $4::date and upper_inf(v.recorded)
                where u.dataset = $1 and u.kind = $2
                  and not exists (select from import_outcome r where r.import_id = $3 and r.object_id = u.id)
                order by u.source_key"#,
            self.dataset,
            self.kind.word(),
            self.id.0,
            self.valid_from,
        )
        .fetch_all(&mut *connection)
        .await?;
        sqlx::query("set local enable_nestloop = on")
            .execute(&mut *connection)
            .await?;
        self.missing = missing.len() as u64;
        let outcome = if order.close_missing {
            Outcome::Closed
        } else {
            Outcome::Missing
        };
        let mut row = 0_i64;
        for chunk in missing.chunks(BATCH_ROWS) {
            let ids: Vec<Uuid> = chunk.iter().map(|missing| missing.id).collect();
            if order.close_missing {
                self.closed += chunk.len() as u64;
                if !self.dry_run {
                    let held = held_versions(connection, &ids).await?;
                    let now = self.clock.now();
                    for id in &ids {
                        let Some(unit) = held.get(id) else { continue };
                        let before = unit
                            .versions
                            .iter()
                            .find(|version| version.valid.contains(self.valid_from));
                        let revision = revise(&unit.versions, ValidPeriod::since(self.valid_from), None, now);
                        self.versions.revise(
                            SpatialUnitId(*id),
                            self.kind,
                            Action::Close,
                            revision,
                            before.map(|version| &version.content),
                            &self.occasion,
                        )?;
                    }
                    self.versions.flush(connection).await?;
                }
            }
            for missing in chunk {
                row -= 1;
                self.outcomes.push(
                    self.id,
                    &RowOutcome {
                        row,
                        outcome,
                        source_key: Some(&missing.source_key),
                        object_id: Some(missing.id),
                        repaired: false,
                        reason: None,
                        warnings: None,
                        raw: None,
                        geometry_text: None,
                    },
                );
            }
            self.outcomes.flush(connection, self.id).await?;
        }
        Ok(())
    }
}

/// No area is larger than the land of a country: more than this, in m², is a mistake in the file.
const MOST_AREA_M2: f64 = 1e11;

impl RowWarning {
    /// The same, about a field of ours.
    pub(crate) fn about(self, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }
}

fn out_of_bounds(target: &'static str, value: &dyn std::fmt::Display, bounds: &str) -> RowWarning {
    warning(
        "value_out_of_bounds",
        format!("{target} 的值 {value} 超出范围（{bounds}），未采用"),
        format!("the value {value} of {target} is out of bounds ({bounds}); left empty"),
    )
    .about(target)
}

pub(crate) fn warning(code: &str, zh: impl Into<String>, en: impl Into<String>) -> RowWarning {
    RowWarning {
        code: code.to_owned(),
        field: None,
        zh: zh.into(),
        en: en.into(),
    }
}

pub(crate) fn signed(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

/// Asks PostGIS about the shapes of a batch that two programs might judge differently, and quarantines those that it
/// does not take: the table does not ask it about what an import brings (docs/adr/0010).
pub(crate) async fn show_to_postgis(connection: &mut PgConnection, batch: &mut [ReadyRow]) -> Result<(), ImportFailed> {
    let doubtful: Vec<(usize, &[u8])> = batch
        .iter()
        .enumerate()
        .filter_map(|(index, row)| match row {
            ReadyRow::Accepted(accepted) if !accepted.is_clear => Some((index, accepted.geometry.as_deref()?)),
            _ => None,
        })
        .collect();
    if doubtful.is_empty() {
        return Ok(());
    }
    let (places, shapes): (Vec<usize>, Vec<&[u8]>) = doubtful.into_iter().unzip();
    let refused = sqlx::query!(
        r#"select ordinality as "ordinality!", st_isvalidreason(st_geomfromewkb(shape)) as "reason!"
             from unnest($1::bytea[]) with ordinality as s (shape, ordinality)
            where not st_isvalid(st_geomfromewkb(shape))"#,
        &shapes as &[&[u8]],
    )
    .fetch_all(connection)
    .await?;
    for refused in refused {
        let Some(slot) = usize::try_from(refused.ordinality - 1)
            .ok()
            .and_then(|ordinal| places.get(ordinal))
            .and_then(|index| batch.get_mut(*index))
        else {
            continue;
        };
        if let ReadyRow::Accepted(accepted) = slot {
            let raw = accepted
                .attributes
                .as_ref()
                .and_then(|text| serde_json::from_str(text.get()).ok())
                .unwrap_or_default();
            *slot = ReadyRow::Quarantined(Quarantine {
                row: accepted.row,
                source_key: Some(accepted.source_key.clone()),
                reason: gis_data::Reason::MalformedGeometry { detail: refused.reason },
                raw,
                geometry: None,
                geometry_is_lonlat: false,
            });
        }
    }
    Ok(())
}
