//! Opening a source: what it is, unpacking it within limits, and streaming its rows.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::SystemTime;

use encoding_rs::Encoding;
use geo_types::{Coord, Geometry};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::crs::DeclaredCrs;
use crate::formats::geojson::Outline;
use crate::formats::json::Window;
use crate::formats::{LayerFiles, Opened, StartReading, geojson, geojson_sequence, shapefile};
use crate::mapping::FieldName;
use crate::report::{Warning, Words};

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A GeoJSON document: FeatureCollection, Feature or bare geometry.
    GeoJson,
    /// One GeoJSON feature per line, or per record separator (RFC 8142).
    GeoJsonSequence,
    /// An Esri shapefile with what companions it has.
    Shapefile,
}

impl Format {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::GeoJson => "geojson",
            Format::GeoJsonSequence => "geojson_sequence",
            Format::Shapefile => "shapefile",
        }
    }
}

/// How much a source may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes an archive may unpack to, all members together. 16 GiB by default.
    pub max_unpacked_bytes: u64,
    /// Unpacked bytes for one packed byte, judged once 64 MiB came out. 300 by default.
    pub max_unpack_ratio: u64,
    /// Members an archive may list. 10 000 by default.
    pub max_archive_members: usize,
    /// Vertices of one feature. 1 000 000 by default.
    pub max_vertices: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_unpacked_bytes: 16 << 30,
            max_unpack_ratio: 300,
            max_archive_members: 10_000,
            max_vertices: 1_000_000,
        }
    }
}

/// How to read a source.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Which layer of an archive or folder to read, where it holds several (its path inside).
    pub member: Option<String>,
    /// Text encoding that overrides what the source says, a WHATWG label such as `gb18030`.
    pub encoding: Option<String>,
    /// How much the source may cost.
    pub limits: Limits,
    /// Where archives are unpacked to, in a folder that is removed afterwards; the system's
    /// temporary folder where nothing is given.
    pub temporary_folder: Option<PathBuf>,
}

/// The source can't be read at all; nothing was read from it.
#[derive(Debug, thiserror::Error)]
pub enum SourceRefused {
    /// There is nothing at the path.
    #[error("there is no file or folder {path}")]
    NotFound {
        /// The path asked for.
        path: PathBuf,
    },
    /// The system refuses to read it.
    #[error("{path} can't be read: {source}")]
    Unreadable {
        /// The path asked for.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has no bytes, the folder or archive no data.
    #[error("{name} is empty")]
    Empty {
        /// The file or archive.
        name: String,
    },
    /// Neither content nor name tell a format that is known.
    #[error("{name} is in no known format")]
    UnknownFormat {
        /// The file or archive.
        name: String,
    },
    /// The format is known but not read.
    #[error("{name} is {format}, which can't be read")]
    UnsupportedFormat {
        /// The file or archive.
        name: String,
        /// The format's name.
        format: &'static str,
    },
    /// The text is UTF-16 or UTF-32.
    #[error("{name} is UTF-16 or UTF-32 text")]
    WideText {
        /// The file.
        name: String,
    },
    /// The encoding asked for has no such name.
    #[error("there is no text encoding {label}")]
    UnknownEncoding {
        /// As given.
        label: String,
    },
    /// Several layers, and none was chosen.
    #[error("there are several layers: {}", members.join(", "))]
    SeveralLayers {
        /// Their paths inside the archive or folder.
        members: Vec<String>,
    },
    /// The layer chosen isn't there.
    #[error("there is no layer {member}; there are: {}", members.join(", "))]
    NoSuchMember {
        /// As asked for.
        member: String,
        /// What there is.
        members: Vec<String>,
    },
    /// A shapefile's table or index without the shapes.
    #[error("{name} has no .shp beside it")]
    NoShapes {
        /// The file given.
        name: String,
    },
    /// An archive entry that would be written outside its folder, or a link.
    #[error("the archive holds an unsafe path: {entry}")]
    UnsafePath {
        /// The entry's name.
        entry: String,
    },
    /// The archive unpacks to more than allowed.
    #[error("the archive unpacks to more than {limit}")]
    TooLarge {
        /// What was exceeded, in words (bytes, ratio or members).
        limit: String,
    },
    /// An archive inside an archive.
    #[error("{entry} is an archive inside an archive")]
    NestedArchive {
        /// The entry's name.
        entry: String,
    },
    /// The archive needs a password.
    #[error("{entry} is encrypted")]
    Encrypted {
        /// The entry's name.
        entry: String,
    },
    /// The file is damaged.
    #[error(transparent)]
    Broken(#[from] SourceBroken),
}

impl SourceRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SourceRefused::NotFound { .. } => "not_found",
            SourceRefused::Unreadable { .. } => "unreadable",
            SourceRefused::Empty { .. } => "empty",
            SourceRefused::UnknownFormat { .. } => "unknown_format",
            SourceRefused::UnsupportedFormat { .. } => "unsupported_format",
            SourceRefused::WideText { .. } => "wide_text",
            SourceRefused::UnknownEncoding { .. } => "unknown_encoding",
            SourceRefused::SeveralLayers { .. } => "several_layers",
            SourceRefused::NoSuchMember { .. } => "no_such_member",
            SourceRefused::NoShapes { .. } => "no_shapes",
            SourceRefused::UnsafePath { .. } => "unsafe_path",
            SourceRefused::TooLarge { .. } => "too_large",
            SourceRefused::NestedArchive { .. } => "nested_archive",
            SourceRefused::Encrypted { .. } => "encrypted",
            SourceRefused::Broken(broken) => broken.code(),
        }
    }

    /// What happened, in words.
    pub fn words(&self) -> Words {
        let en = self.to_string();
        let zh = match self {
            SourceRefused::NotFound { path } => format!("找不到文件或文件夹 {}", path.display()),
            SourceRefused::Unreadable { path, source } => {
                format!("无法读取 {}：{source}", path.display())
            }
            SourceRefused::Empty { name } => format!("{name} 是空的"),
            SourceRefused::UnknownFormat { name } => format!("无法识别 {name} 的格式"),
            SourceRefused::UnsupportedFormat { name, format } => {
                format!("{name} 的格式是 {format}，暂不支持")
            }
            SourceRefused::WideText { name } => format!("{name} 是 UTF-16 或 UTF-32 文本"),
            SourceRefused::UnknownEncoding { label } => format!("没有名为 {label} 的文字编码"),
            SourceRefused::SeveralLayers { members } => {
                format!("里面有多个图层：{}", members.join("、"))
            }
            SourceRefused::NoSuchMember { member, members } => {
                format!("没有图层 {member}；现有：{}", members.join("、"))
            }
            SourceRefused::NoShapes { name } => format!("{name} 旁边没有 .shp 文件"),
            SourceRefused::UnsafePath { entry } => format!("压缩包内有不安全的路径：{entry}"),
            SourceRefused::TooLarge { limit } => format!("压缩包解开后超过限制：{limit}"),
            SourceRefused::NestedArchive { entry } => format!("压缩包内还有压缩包：{entry}"),
            SourceRefused::Encrypted { entry } => format!("{entry} 已加密"),
            SourceRefused::Broken(broken) => return broken.words(),
        };
        Words { zh, en }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        match self {
            SourceRefused::NotFound { .. } => Words::new("检查路径。", "Check the path."),
            SourceRefused::Unreadable { .. } => Words::new("检查文件权限。", "Check the file's permissions."),
            SourceRefused::Empty { .. } => Words::new("重新导出文件。", "Export the file again."),
            SourceRefused::UnknownFormat { .. } | SourceRefused::UnsupportedFormat { .. } => Words::new(
                "请提供 GeoJSON、逐行 GeoJSON 或 Shapefile（可用 gzip、zip 压缩）。",
                "Give GeoJSON, newline-delimited GeoJSON or a shapefile (gzip and zip are fine).",
            ),
            SourceRefused::WideText { .. } => Words::new("请另存为 UTF-8。", "Save it as UTF-8."),
            SourceRefused::UnknownEncoding { .. } => Words::new(
                "例如 gb18030、gbk、utf-8、big5。",
                "Use for example gb18030, gbk, utf-8 or big5.",
            ),
            SourceRefused::SeveralLayers { .. } | SourceRefused::NoSuchMember { .. } => {
                Words::new("请选定其中一个图层。", "Choose one of the layers.")
            }
            SourceRefused::NoShapes { .. } => Words::new(
                "请把 .shp、.dbf、.prj 一起提供（文件夹或 zip）。",
                "Give the .shp, .dbf and .prj together (a folder or a zip).",
            ),
            SourceRefused::UnsafePath { .. } => Words::new(
                "请重新打包，不要包含 ../、绝对路径或链接。",
                "Pack it again without ../, absolute paths or links.",
            ),
            SourceRefused::TooLarge { .. } => {
                Words::new("请先解开并分成较小的文件。", "Unpack it first and give smaller files.")
            }
            SourceRefused::NestedArchive { .. } => Words::new("请先解开一层。", "Unpack one level first."),
            SourceRefused::Encrypted { .. } => {
                Words::new("请去掉密码后重新打包。", "Pack it again without a password.")
            }
            SourceRefused::Broken(broken) => broken.remedy(),
        }
    }
}

/// The source broke while being read: the import fails and nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum SourceBroken {
    /// The data ends too early.
    #[error("the file ends too early, at byte {byte} after row {row}")]
    Truncated {
        /// Offset in the unpacked data.
        byte: u64,
        /// The last row that was whole.
        row: u64,
    },
    /// The file isn't what it claims to be, and there is no way to go on.
    #[error("the file is damaged at byte {byte} after row {row}: {detail}")]
    Damaged {
        /// Offset in the unpacked data.
        byte: u64,
        /// The last row that was whole.
        row: u64,
        /// What was found.
        detail: String,
    },
    /// Size or time of the file are not what they were at the start.
    #[error("{name} changed while it was read")]
    ChangedWhileReading {
        /// The file.
        name: String,
    },
    /// The system failed to read.
    #[error("reading failed at byte {byte}: {source}")]
    Io {
        /// Offset in the unpacked data.
        byte: u64,
        /// Why.
        source: std::io::Error,
    },
}

impl SourceBroken {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SourceBroken::Truncated { .. } => "truncated",
            SourceBroken::Damaged { .. } => "damaged",
            SourceBroken::ChangedWhileReading { .. } => "changed_while_reading",
            SourceBroken::Io { .. } => "io",
        }
    }

    /// What happened, in words.
    pub fn words(&self) -> Words {
        let en = self.to_string();
        let zh = match self {
            SourceBroken::Truncated { byte, row } => {
                format!("文件不完整：在第 {byte} 字节、第 {row} 行之后中断")
            }
            SourceBroken::Damaged { byte, row, detail } => {
                format!("文件已损坏：第 {byte} 字节、第 {row} 行之后：{detail}")
            }
            SourceBroken::ChangedWhileReading { name } => format!("读取过程中 {name} 被修改"),
            SourceBroken::Io { byte, source } => format!("读到第 {byte} 字节时出错：{source}"),
        };
        Words { zh, en }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        match self {
            SourceBroken::Truncated { .. } | SourceBroken::Damaged { .. } => Words::new(
                "请重新复制或重新导出文件；没有写入任何数据。",
                "Copy or export the file again; nothing was written.",
            ),
            SourceBroken::ChangedWhileReading { .. } => Words::new(
                "请等文件写完再导入；没有写入任何数据。",
                "Import it when nothing writes to it any more; nothing was written.",
            ),
            SourceBroken::Io { .. } => Words::new(
                "检查磁盘后重试；没有写入任何数据。",
                "Check the disk and try again; nothing was written.",
            ),
        }
    }
}

/// Why the geometry (or the whole record) of one row can't be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Unreadable {
    /// The record isn't a feature at all.
    Record {
        /// What was found.
        detail: String,
    },
    /// The geometry has the wrong form.
    Geometry {
        /// What was found.
        detail: String,
    },
    /// A coordinate is NaN or infinite.
    NotFinite,
    /// A kind of geometry that has no place here, such as a multipatch.
    Kind {
        /// The kind found.
        kind: String,
    },
    /// More vertices than allowed; reading stopped counting there.
    TooManyVertices {
        /// Counted so far, at least one more than the limit.
        count: u64,
        /// The limit.
        limit: u64,
    },
}

/// One row as it stands in the source, before mapping and checking.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    /// Row number from 1, in the order of the source.
    pub row: u64,
    /// The feature's own id, where the format has one.
    pub id: Option<String>,
    /// The attributes as in the source.
    pub properties: Map<String, Value>,
    /// The shape in the source's coordinate system; `Ok(None)` where there is none.
    pub geometry: Result<Option<Geometry<f64>>, Unreadable>,
    /// Heights were dropped.
    pub dropped_z: bool,
    /// Measures were dropped.
    pub dropped_m: bool,
    /// Rings that didn't return to their first point and were closed.
    pub closed_rings: u32,
    /// Shells and holes were told apart by position, not by their direction.
    pub reassigned_rings: bool,
    /// Attributes with bytes that don't belong to the encoding.
    pub undecodable_fields: Vec<String>,
    /// NaN or infinity stood among the attributes and was taken as empty.
    pub not_a_number: bool,
}

/// How far the reading has got; cheap to clone and to ask from another thread.
#[derive(Debug, Clone)]
pub struct Progress {
    total: u64,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Bytes to read, unpacked.
    pub fn bytes_total(&self) -> u64 {
        self.total
    }

    /// Bytes read so far, unpacked.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed).min(self.total)
    }
}

/// An opened source.
pub struct Source {
    format: Format,
    encoding: Option<String>,
    crs: DeclaredCrs,
    fields: Vec<FieldName>,
    fields_are_complete: bool,
    warnings: Vec<Warning>,
    sample: Vec<Coord<f64>>,
    estimated_rows: Option<u64>,
    progress: Progress,
    start: StartReading,
    originals: Arc<Vec<Fingerprint>>,
    unpacked: Option<Arc<TempDir>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Source")
            .field("format", &self.format)
            .field("encoding", &self.encoding)
            .field("crs", &self.crs)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// Rows looked at when opening, to learn fields and coordinates.
const SAMPLE_ROWS: usize = 500;
/// Bytes looked at when opening at most, should the first rows be huge.
const SAMPLE_BYTES: u64 = 16 << 20;

impl Source {
    /// Opens a file, a folder, a gzip file or a zip archive. The format is told by content.
    ///
    /// # Errors
    /// [`SourceRefused`] says why it can't be read, and what to do.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Source, SourceRefused> {
        let asked_for = match &options.encoding {
            None => None,
            Some(label) => Some(
                crate::encoding::by_label(label)
                    .ok_or_else(|| SourceRefused::UnknownEncoding { label: label.clone() })?,
            ),
        };
        let located = locate(path, options)?;
        let (format, opened) = open_layer(&located.files, asked_for, options)?;
        let read = Arc::new(AtomicU64::new(0));
        let mut fields = opened.fields.clone().unwrap_or_default();
        let mut is_complete = opened.fields.is_some();
        let mut sample = Vec::new();
        let mut rows_seen = 0;
        // What breaks here breaks again, and is reported, when the rows are read.
        if let Ok(mut rows) = (opened.start)(Arc::clone(&read)) {
            loop {
                // Without any field the mapping would be empty for all rows that follow.
                let has_read_enough = read.load(Ordering::Relaxed) > SAMPLE_BYTES && !fields.is_empty();
                if rows_seen == SAMPLE_ROWS || has_read_enough {
                    break;
                }
                match rows.next() {
                    Some(Ok(row)) => {
                        rows_seen += 1;
                        if opened.fields.is_none() {
                            note_fields(&mut fields, &row.properties);
                        }
                        if let Ok(Some(geometry)) = &row.geometry {
                            sample.extend(first_coordinate(geometry));
                        }
                    }
                    Some(Err(_)) => break,
                    None => {
                        is_complete = true;
                        break;
                    }
                }
            }
        }
        read.store(0, Ordering::Relaxed);
        located.verify()?;
        Ok(Source {
            format,
            encoding: opened.encoding,
            crs: opened.crs,
            fields,
            fields_are_complete: is_complete,
            warnings: opened.warnings,
            sample,
            estimated_rows: opened.estimated_rows,
            progress: Progress {
                total: opened.bytes_total,
                read,
            },
            start: opened.start,
            originals: Arc::new(located.originals),
            unpacked: located.unpacked.map(Arc::new),
        })
    }

    /// The format found.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text encoding used for the attributes, where there are any.
    pub fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// What the source says about its coordinate system.
    pub fn crs(&self) -> &DeclaredCrs {
        &self.crs
    }

    /// The attribute fields; of formats without a schema, those of the first rows.
    pub fn fields(&self) -> Vec<FieldName> {
        self.fields.clone()
    }

    /// Whether [`Source::fields`] names every field there is.
    pub fn fields_are_complete(&self) -> bool {
        self.fields_are_complete
    }

    /// Warnings about the source as a whole.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The first coordinate of each of the first rows, in the source's coordinate system.
    pub fn sample(&self) -> &[Coord<f64>] {
        &self.sample
    }

    /// How many rows there probably are.
    pub fn estimated_rows(&self) -> Option<u64> {
        self.estimated_rows
    }

    /// Bytes to read, unpacked.
    pub fn bytes_total(&self) -> u64 {
        self.progress.bytes_total()
    }

    /// Bytes read so far, unpacked.
    pub fn bytes_read(&self) -> u64 {
        self.progress.bytes_read()
    }

    /// A handle to watch the reading from elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The rows in order, read by a thread of their own with a bounded buffer. Ends after the
    /// first error. May be asked for again: it starts from the beginning.
    pub fn rows(&mut self) -> Rows {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let start = Arc::clone(&self.start);
        let read = Arc::clone(&self.progress.read);
        let originals = Arc::clone(&self.originals);
        let spawned = std::thread::Builder::new()
            .name("source-reader".to_owned())
            .spawn(move || read_rows(&start, read, &originals, &sender));
        Rows {
            receiver,
            batch: Vec::new().into_iter(),
            failed_start: spawned.err(),
            is_done: false,
            _unpacked: self.unpacked.clone(),
        }
    }
}

fn note_fields(fields: &mut Vec<FieldName>, properties: &Map<String, Value>) {
    for (name, value) in properties {
        let position = match fields.iter().position(|field| field.name == *name) {
            Some(position) => position,
            None => {
                fields.push(FieldName {
                    name: name.clone(),
                    examples: Vec::new(),
                });
                fields.len() - 1
            }
        };
        let Some(field) = fields.get_mut(position) else {
            continue;
        };
        if field.examples.len() == 3 {
            continue;
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.chars().take(80).collect(),
            other => other.to_string().chars().take(80).collect::<String>(),
        };
        if !text.is_empty() && !field.examples.contains(&text) {
            field.examples.push(text);
        }
    }
}

fn first_coordinate(geometry: &Geometry<f64>) -> Option<Coord<f64>> {
    use geo::CoordsIter;
    geometry.coords_iter().next()
}

/// Rows handed over together: fewer wake-ups of two threads.
const BATCH_ROWS: usize = 256;
/// Vertices in a batch at most, but for its last row.
const BATCH_VERTICES: usize = 65_536;
/// Batches that may wait; with the one being filled and the one being used, this bounds memory.
const BATCHES_AHEAD: usize = 4;

enum Message {
    Rows(Vec<SourceRow>),
    Broken(SourceBroken),
    End,
}

fn read_rows(start: &StartReading, read: Arc<AtomicU64>, originals: &[Fingerprint], sender: &SyncSender<Message>) {
    use geo::CoordsIter;
    // A file that changed explains any other trouble.
    let send_broken = |broken: SourceBroken| {
        let broken = verify(originals).err().unwrap_or(broken);
        // Nobody listens any more: nothing to tell.
        let _unheard = sender.send(Message::Broken(broken));
    };
    let mut rows = match start(read) {
        Ok(rows) => rows,
        Err(broken) => return send_broken(broken),
    };
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut vertices = 0;
    loop {
        match rows.next() {
            Some(Ok(row)) => {
                if let Ok(Some(geometry)) = &row.geometry {
                    vertices += geometry.coords_count();
                }
                batch.push(row);
                if batch.len() >= BATCH_ROWS || vertices >= BATCH_VERTICES {
                    vertices = 0;
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
                    if sender.send(Message::Rows(full)).is_err() {
                        return;
                    }
                }
            }
            Some(Err(broken)) => {
                if sender.send(Message::Rows(batch)).is_ok() {
                    send_broken(broken);
                }
                return;
            }
            None => break,
        }
    }
    if sender.send(Message::Rows(batch)).is_err() {
        return;
    }
    let last = match verify(originals) {
        Ok(()) => Message::End,
        Err(broken) => Message::Broken(broken),
    };
    let _unheard = sender.send(last);
}

/// Iterator over the rows of a [`Source`]. Owns all it needs, and may be sent to another thread.
#[derive(Debug)]
pub struct Rows {
    receiver: Receiver<Message>,
    batch: std::vec::IntoIter<SourceRow>,
    failed_start: Option<std::io::Error>,
    is_done: bool,
    /// The unpacked files live as long as somebody reads them.
    _unpacked: Option<Arc<TempDir>>,
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.batch.next() {
                return Some(Ok(row));
            }
            if self.is_done {
                return None;
            }
            if let Some(source) = self.failed_start.take() {
                self.is_done = true;
                return Some(Err(SourceBroken::Io { byte: 0, source }));
            }
            match self.receiver.recv() {
                Ok(Message::Rows(rows)) => self.batch = rows.into_iter(),
                Ok(Message::End) => self.is_done = true,
                Ok(Message::Broken(broken)) => {
                    self.is_done = true;
                    return Some(Err(broken));
                }
                // The reader stopped without a last word: it panicked. Rows may be missing.
                Err(_) => {
                    self.is_done = true;
                    return Some(Err(SourceBroken::Damaged {
                        byte: 0,
                        row: 0,
                        detail: "the reader stopped unexpectedly".to_owned(),
                    }));
                }
            }
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Message::Rows(rows) => write!(formatter, "Rows({})", rows.len()),
            Message::Broken(broken) => write!(formatter, "Broken({broken})"),
            Message::End => write!(formatter, "End"),
        }
    }
}

/// Size and time of a file, to notice that it changed.
#[derive(Debug, Clone)]
struct Fingerprint {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl Fingerprint {
    fn of(path: &Path) -> Result<Fingerprint, SourceRefused> {
        let metadata = std::fs::metadata(path).map_err(|source| SourceRefused::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Fingerprint {
            path: path.to_owned(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

fn verify(originals: &[Fingerprint]) -> Result<(), SourceBroken> {
    for original in originals {
        let is_same = std::fs::metadata(&original.path)
            .is_ok_and(|metadata| metadata.len() == original.length && metadata.modified().ok() == original.modified);
        if !is_same {
            return Err(SourceBroken::ChangedWhileReading {
                name: display_name(&original.path),
            });
        }
    }
    Ok(())
}

fn display_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The layer found, unpacked where needed.
struct Located {
    files: LayerFiles,
    originals: Vec<Fingerprint>,
    unpacked: Option<TempDir>,
}

impl Located {
    fn verify(&self) -> Result<(), SourceRefused> {
        Ok(verify(&self.originals)?)
    }
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> SourceRefused {
    let path = path.to_owned();
    move |source| match source.kind() {
        std::io::ErrorKind::NotFound => SourceRefused::NotFound { path: path.clone() },
        _ => SourceRefused::Unreadable {
            path: path.clone(),
            source,
        },
    }
}

/// The first bytes of a file.
fn head_of(path: &Path) -> Result<Vec<u8>, SourceRefused> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(4096).read_to_end(&mut head))
        .map_err(unreadable(path))?;
    Ok(head)
}

fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1F, 0x8B])
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn locate(path: &Path, options: &ReadOptions) -> Result<Located, SourceRefused> {
    let metadata = std::fs::metadata(path).map_err(unreadable(path))?;
    if metadata.is_dir() {
        return locate_in_folder(path, options);
    }
    let name = display_name(path);
    let original = Fingerprint::of(path)?;
    let head = head_of(path)?;
    if head.is_empty() {
        return Err(SourceRefused::Empty { name });
    }
    if is_zip(&head) {
        return locate_in_zip(path, original, options);
    }
    if is_gzip(&head) {
        let folder = temporary_folder(options)?;
        let main = folder.path().join("unpacked");
        let packed = File::open(path).map_err(unreadable(path))?;
        let mut budget = Budget::new(original.length, options.limits);
        let mut reader = flate2::bufread::MultiGzDecoder::new(std::io::BufReader::with_capacity(1 << 18, packed));
        unpack(&mut reader, &main, &mut budget)?;
        verify(std::slice::from_ref(&original))?;
        let inner = head_of(&main)?;
        if inner.is_empty() {
            return Err(SourceRefused::Empty { name });
        }
        if is_gzip(&inner) || is_zip(&inner) {
            return Err(SourceRefused::NestedArchive { entry: name });
        }
        return Ok(Located {
            files: LayerFiles {
                main,
                companions: BTreeMap::new(),
                name,
            },
            originals: vec![original],
            unpacked: Some(folder),
        });
    }
    let extension = extension(&name);
    let is_companion = matches!(
        extension.as_str(),
        "shx" | "dbf" | "prj" | "cpg" | "sbn" | "sbx" | "qix"
    );
    if shapefile::is_shapefile(&head) || is_companion {
        let folder = path.parent().map_or(Path::new("."), |folder| {
            if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }
        });
        let stem = stem(&name);
        let mut companions = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let entry = entry.map_err(unreadable(folder))?;
            let sibling = entry.file_name().to_string_lossy().into_owned();
            if self::stem(&sibling).eq_ignore_ascii_case(&stem) {
                companions.insert(self::extension(&sibling), entry.path());
            }
        }
        let main = if is_companion {
            companions
                .get("shp")
                .cloned()
                .ok_or_else(|| SourceRefused::NoShapes { name: name.clone() })?
        } else {
            path.to_owned()
        };
        let originals = std::iter::once(&main)
            .chain(
                companions
                    .iter()
                    .filter(|(extension, _)| is_used_companion(extension))
                    .map(|(_, path)| path),
            )
            .map(|path| Fingerprint::of(path))
            .collect::<Result<Vec<_>, _>>()?;
        return Ok(Located {
            files: LayerFiles {
                name: display_name(&main),
                main,
                companions,
            },
            originals,
            unpacked: None,
        });
    }
    Ok(Located {
        files: LayerFiles {
            main: path.to_owned(),
            companions: BTreeMap::new(),
            name,
        },
        originals: vec![original],
        unpacked: None,
    })
}

fn is_used_companion(extension: &str) -> bool {
    matches!(extension, "dbf" | "shx" | "prj" | "cpg")
}

/// Lower-case extension of a file name.
fn extension(name: &str) -> String {
    match file_name(name).rsplit_once('.') {
        Some((_, extension)) => extension.to_lowercase(),
        None => String::new(),
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The path inside the archive or folder without extension.
fn stem(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => stem.to_owned(),
        _ => name.to_owned(),
    }
}

fn temporary_folder(options: &ReadOptions) -> Result<TempDir, SourceRefused> {
    let made = match &options.temporary_folder {
        Some(folder) => tempfile::Builder::new().prefix("yice-").tempdir_in(folder),
        None => tempfile::Builder::new().prefix("yice-").tempdir(),
    };
    made.map_err(|source| SourceRefused::Unreadable {
        path: options.temporary_folder.clone().unwrap_or_else(std::env::temp_dir),
        source,
    })
}

/// What unpacking may still produce. Headers aren't trusted: bytes are counted as they come.
struct Budget {
    packed: u64,
    unpacked: u64,
    limits: Limits,
}

/// Below this, a high ratio is no danger.
const RATIO_JUDGED_FROM: u64 = 64 << 20;

impl Budget {
    fn new(packed: u64, limits: Limits) -> Budget {
        Budget {
            packed,
            unpacked: 0,
            limits,
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), SourceRefused> {
        self.unpacked += bytes;
        if self.unpacked > self.limits.max_unpacked_bytes {
            return Err(SourceRefused::TooLarge {
                limit: format!("{} MiB", self.limits.max_unpacked_bytes >> 20),
            });
        }
        let most = self.packed.saturating_mul(self.limits.max_unpack_ratio);
        if self.unpacked > RATIO_JUDGED_FROM && self.unpacked > most {
            return Err(SourceRefused::TooLarge {
                limit: format!("1 : {}", self.limits.max_unpack_ratio),
            });
        }
        Ok(())
    }
}

fn unpack(reader: &mut impl Read, to: &Path, budget: &mut Budget) -> Result<(), SourceRefused> {
    let mut file = File::create(to).map_err(unreadable(to))?;
    let mut buffer = vec![0_u8; 1 << 18];
    let mut written = 0_u64;
    loop {
        let got = match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let row = 0;
                return Err(SourceRefused::Broken(match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => SourceBroken::Truncated { byte: written, row },
                    std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData | std::io::ErrorKind::Other => {
                        SourceBroken::Damaged {
                            byte: written,
                            row,
                            detail: error.to_string(),
                        }
                    }
                    _ => SourceBroken::Io {
                        byte: written,
                        source: error,
                    },
                }));
            }
        };
        budget.spend(got as u64)?;
        file.write_all(buffer.get(..got).unwrap_or(&[]))
            .map_err(unreadable(to))?;
        written += got as u64;
    }
}

/// Which of the names are layers.
fn layers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: Vec<&str> = names
        .filter(|name| !name.ends_with('/') && !name.starts_with("__MACOSX/") && !file_name(name).starts_with('.'))
        .collect();
    let of = |wanted: &[&str]| -> Vec<&'a str> {
        names
            .iter()
            .copied()
            .filter(|name| wanted.contains(&extension(name).as_str()))
            .collect()
    };
    let layers = of(&["shp", "geojson", "geojsonl", "geojsons", "ndjson", "ndgeojson", "jsonl"]);
    if layers.is_empty() {
        // Plain JSON beside other layers is as a rule their description.
        of(&["json"])
    } else {
        layers
    }
}

/// Chooses the layer, or says why none can be.
fn choose<'a>(names: &'a [String], container: &str, options: &ReadOptions) -> Result<&'a str, SourceRefused> {
    let found = layers(names.iter().map(String::as_str));
    let listed = || found.iter().map(|name| (*name).to_owned()).collect();
    if let Some(member) = &options.member {
        let is_match = |name: &&&str| **name == member || file_name(name) == member || file_name(&stem(name)) == member;
        return match found.iter().filter(is_match).count() {
            1 => Ok(found.iter().find(is_match).copied().unwrap_or_default()),
            _ => Err(SourceRefused::NoSuchMember {
                member: member.clone(),
                members: listed(),
            }),
        };
    }
    match found.as_slice() {
        [only] => Ok(only),
        [] => Err(no_layer(names, container)),
        _ => Err(SourceRefused::SeveralLayers { members: listed() }),
    }
}

fn no_layer(names: &[String], container: &str) -> SourceRefused {
    let container = container.to_owned();
    for name in names {
        let format = match extension(name).as_str() {
            "zip" | "gz" | "7z" | "rar" | "tar" | "tgz" => {
                return SourceRefused::NestedArchive { entry: name.clone() };
            }
            "dbf" | "shx" => {
                return SourceRefused::NoShapes { name: name.clone() };
            }
            "gpkg" => "GeoPackage",
            "fgb" => "FlatGeobuf",
            "csv" | "txt" => "CSV",
            "xlsx" | "xls" => "Excel",
            "kml" | "kmz" => "KML",
            "dwg" | "dxf" => "CAD",
            "gdbtable" => "Esri file geodatabase",
            "docx" => "Word",
            _ => continue,
        };
        return SourceRefused::UnsupportedFormat {
            name: container,
            format,
        };
    }
    if names.iter().all(|name| name.ends_with('/')) {
        return SourceRefused::Empty { name: container };
    }
    SourceRefused::UnknownFormat { name: container }
}

/// Names (with the layer's extension removed) that belong to one shapefile.
fn companions_of<'a>(names: &'a [String], layer: &'a str) -> impl Iterator<Item = &'a String> {
    let stem = stem(layer);
    names.iter().filter(move |name| {
        *name != layer && is_used_companion(&extension(name)) && self::stem(name).eq_ignore_ascii_case(&stem)
    })
}

/// Folders inside a folder that are looked into.
const MAX_FOLDER_DEPTH: usize = 3;

fn locate_in_folder(path: &Path, options: &ReadOptions) -> Result<Located, SourceRefused> {
    let name = display_name(path);
    if extension(&name) == "gdb" {
        return Err(SourceRefused::UnsupportedFormat {
            name,
            format: "Esri file geodatabase",
        });
    }
    let mut names: Vec<String> = Vec::new();
    let mut folders = vec![(path.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let entry = entry.map_err(unreadable(&folder))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(unreadable(&folder))?;
            if kind.is_dir() && depth < MAX_FOLDER_DEPTH {
                folders.push((entry.path(), format!("{name}/"), depth + 1));
            } else if kind.is_file() {
                names.push(name);
            }
            if names.len() > options.limits.max_archive_members {
                return Err(SourceRefused::TooLarge {
                    limit: format!("{} files", options.limits.max_archive_members),
                });
            }
        }
    }
    names.sort();
    let layer = choose(&names, &name, options)?;
    let main = path.join(layer);
    let mut companions = BTreeMap::new();
    let mut originals = vec![Fingerprint::of(&main)?];
    if extension(layer) == "shp" {
        for companion in companions_of(&names, layer) {
            let file = path.join(companion);
            originals.push(Fingerprint::of(&file)?);
            companions.insert(extension(companion), file);
        }
    }
    Ok(Located {
        files: LayerFiles {
            main,
            companions,
            name: layer.to_owned(),
        },
        originals,
        unpacked: None,
    })
}

fn zip_broken(error: zip::result::ZipError, entry: &str, length: u64) -> SourceRefused {
    use zip::result::ZipError;
    let damaged = |detail: String| {
        SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: format!("{entry}: {detail}"),
        })
    };
    match error {
        ZipError::InvalidPassword => SourceRefused::Encrypted {
            entry: entry.to_owned(),
        },
        ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => SourceRefused::Encrypted {
            entry: entry.to_owned(),
        },
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
            SourceRefused::UnsupportedFormat {
                name: entry.to_owned(),
                format: "a zip archive with a compression other than deflate",
            }
        }
        // The list of contents stands at the end: without it the archive was cut off.
        ZipError::InvalidArchive(text) if text.contains("central directory") || text.contains("EOCD") => {
            SourceRefused::Broken(SourceBroken::Truncated { byte: length, row: 0 })
        }
        ZipError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            SourceRefused::Broken(SourceBroken::Truncated { byte: length, row: 0 })
        }
        other => damaged(other.to_string()),
    }
}

/// The name of an entry; not UTF-8 in archives made on Chinese Windows.
fn entry_name(raw: &[u8]) -> String {
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::GB18030.decode(raw).0.into_owned(),
    };
    name.replace('\\', "/")
}

fn is_unsafe(name: &str) -> bool {
    let bytes = name.as_bytes();
    let has_drive = bytes.get(1) == Some(&b':') && bytes.first().is_some_and(u8::is_ascii_alphabetic);
    name.starts_with('/') || has_drive || name.contains('\0') || name.split('/').any(|part| part == "..")
}

fn locate_in_zip(path: &Path, original: Fingerprint, options: &ReadOptions) -> Result<Located, SourceRefused> {
    let container = display_name(path);
    let length = original.length;
    let file = File::open(path).map_err(unreadable(path))?;
    let mut archive =
        zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| zip_broken(error, &container, length))?;
    if archive.len() > options.limits.max_archive_members {
        return Err(SourceRefused::TooLarge {
            limit: format!("{} files", options.limits.max_archive_members),
        });
    }
    let mut names = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| zip_broken(error, &container, length))?;
        let name = entry_name(entry.name_raw());
        if is_unsafe(&name) || entry.is_symlink() {
            return Err(SourceRefused::UnsafePath { entry: name });
        }
        if entry.encrypted() {
            return Err(SourceRefused::Encrypted { entry: name });
        }
        names.push(name);
    }
    let layer = choose(&names, &container, options)?;
    let folder = temporary_folder(options)?;
    let mut budget = Budget::new(length, options.limits);
    let mut extract = |name: &str| -> Result<PathBuf, SourceRefused> {
        let index = names.iter().position(|known| known == name).unwrap_or(0);
        let mut entry = archive
            .by_index(index)
            .map_err(|error| zip_broken(error, name, length))?;
        // A name of our own: nothing of the archive's decides where a file is written.
        let to = folder.path().join(format!("layer.{index}"));
        unpack(&mut entry, &to, &mut budget)?;
        Ok(to)
    };
    let main = extract(layer)?;
    let mut companions = BTreeMap::new();
    if extension(layer) == "shp" {
        for companion in companions_of(&names, layer) {
            companions.insert(extension(companion), extract(companion)?);
        }
    }
    verify(std::slice::from_ref(&original))?;
    let head = head_of(&main)?;
    if is_zip(&head) || is_gzip(&head) {
        return Err(SourceRefused::NestedArchive {
            entry: layer.to_owned(),
        });
    }
    Ok(Located {
        files: LayerFiles {
            main,
            companions,
            name: format!("{container}/{layer}"),
        },
        originals: vec![original],
        unpacked: Some(folder),
    })
}

fn open_layer(
    files: &LayerFiles,
    asked_for: Option<&'static Encoding>,
    options: &ReadOptions,
) -> Result<(Format, Opened), SourceRefused> {
    let head = head_of(&files.main)?;
    let name = files.name.clone();
    let max_vertices = options.limits.max_vertices;
    if head.is_empty() {
        return Err(SourceRefused::Empty { name });
    }
    if shapefile::is_shapefile(&head) {
        let opened = shapefile::open(files, asked_for, max_vertices)?;
        return Ok((Format::Shapefile, opened));
    }
    if extension(&name) == "shp" {
        return Err(SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: "no shapefile header".to_owned(),
        }));
    }
    if let Some(format) = other_format(&head) {
        return Err(SourceRefused::UnsupportedFormat { name, format });
    }
    if is_wide_text(&head) {
        return Err(SourceRefused::WideText { name });
    }
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    if !matches!(start.first(), Some(b'{' | 0x1E)) {
        return Err(match extension(&name).as_str() {
            "csv" | "txt" | "tsv" => SourceRefused::UnsupportedFormat { name, format: "CSV" },
            _ => SourceRefused::UnknownFormat { name },
        });
    }
    let survey = geojson::survey(files, asked_for)?;
    let file = File::open(&files.main).map_err(unreadable(&files.main))?;
    let mut window = Window::new(file, survey.length, survey.encoding, Arc::new(AtomicU64::new(0)));
    let outline = geojson::outline(&mut window).map_err(unreadable(&files.main))?;
    match outline {
        Outline::Collection | Outline::Single => {
            let opened = geojson::open(files, survey, outline, max_vertices)?;
            Ok((Format::GeoJson, opened))
        }
        Outline::Sequence => {
            let opened = geojson_sequence::open(files, survey, max_vertices)?;
            Ok((Format::GeoJsonSequence, opened))
        }
        Outline::Topology => Err(SourceRefused::UnsupportedFormat {
            name,
            format: "TopoJSON",
        }),
        Outline::EsriJson => Err(SourceRefused::UnsupportedFormat {
            name,
            format: "Esri JSON",
        }),
        Outline::Other => Err(SourceRefused::UnknownFormat { name }),
    }
}

/// Formats recognised by their first bytes, to be refused by name.
fn other_format(head: &[u8]) -> Option<&'static str> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let known: [(&[u8], &'static str); 11] = [
        (b"SQLite format 3\0", "GeoPackage or SQLite"),
        (b"fgb\x03", "FlatGeobuf"),
        (b"Rar!", "RAR"),
        (b"7z\xBC\xAF", "7-Zip"),
        (b"BZh", "bzip2"),
        (b"\xFD7zXZ", "xz"),
        (b"\x28\xB5\x2F\xFD", "Zstandard"),
        (b"AC10", "DWG"),
        (b"%PDF", "PDF"),
        (b"\xD0\xCF\x11\xE0", "an old Office document"),
        (b"PAR1", "Parquet"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("tar");
    }
    if text.starts_with(b"<") {
        let text = String::from_utf8_lossy(text).to_lowercase();
        return Some(if text.contains("<kml") {
            "KML"
        } else if text.contains("gml") {
            "GML"
        } else {
            "XML"
        });
    }
    None
}

fn is_wide_text(head: &[u8]) -> bool {
    head.starts_with(b"\xFF\xFE")
        || head.starts_with(b"\xFE\xFF")
        || head.starts_with(b"\0\0\xFE\xFF")
        || matches!(head, [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..])
}
