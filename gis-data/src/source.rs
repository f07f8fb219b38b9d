//! Opening a source: what it is, unpacking it within limits, and streaming its rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use geo_types::Geometry;
use serde_json::{Map, Value};

use crate::crs::DeclaredCrs;
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
            SourceRefused::Unreadable { .. } => {
                Words::new("检查文件权限。", "Check the file's permissions.")
            }
            SourceRefused::Empty { .. } => Words::new("重新导出文件。", "Export the file again."),
            SourceRefused::UnknownFormat { .. } | SourceRefused::UnsupportedFormat { .. } => {
                Words::new(
                    "请提供 GeoJSON、逐行 GeoJSON 或 Shapefile（可用 gzip、zip 压缩）。",
                    "Give GeoJSON, newline-delimited GeoJSON or a shapefile (gzip and zip are fine).",
                )
            }
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
            SourceRefused::TooLarge { .. } => Words::new(
                "请先解开并分成较小的文件。",
                "Unpack it first and give smaller files.",
            ),
            SourceRefused::NestedArchive { .. } => {
                Words::new("请先解开一层。", "Unpack one level first.")
            }
            SourceRefused::Encrypted { .. } => Words::new(
                "请去掉密码后重新打包。",
                "Pack it again without a password.",
            ),
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
        self.read.load(Ordering::Relaxed)
    }
}

/// An opened source.
#[derive(Debug)]
pub struct Source {
    format: Format,
    encoding: Option<String>,
    crs: DeclaredCrs,
    fields: Vec<FieldName>,
    warnings: Vec<Warning>,
    estimated_rows: Option<u64>,
    progress: Progress,
}

impl Source {
    /// Opens a file, a folder, a gzip file or a zip archive. The format is told by content.
    ///
    /// # Errors
    /// [`SourceRefused`] says why it can't be read, and what to do.
    pub fn open(path: &Path, _options: &ReadOptions) -> Result<Source, SourceRefused> {
        Err(SourceRefused::NotFound {
            path: path.to_owned(),
        })
    }

    /// The format found.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text encoding used for the attributes, where the format leaves it open.
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
        true
    }

    /// Warnings about the source as a whole.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
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
        Rows {
            rows: Vec::new().into_iter(),
        }
    }
}

/// Iterator over the rows of a [`Source`]. Owns all it needs, and may be sent to another thread.
#[derive(Debug)]
pub struct Rows {
    rows: std::vec::IntoIter<Result<SourceRow, SourceBroken>>,
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}
