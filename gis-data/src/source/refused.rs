//! Why a source can't be read: closed lists with stable codes, words and remedies.

use std::path::PathBuf;

use crate::report::Words;

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
    /// A column was asked for that the table doesn't have.
    #[error("{name} has no column {column}; it has: {}", columns.join(", "))]
    NoSuchColumn {
        /// The table.
        name: String,
        /// Which setting names it: `shape_column`, `x_column` or `y_column`.
        setting: &'static str,
        /// As asked for.
        column: String,
        /// What there is.
        columns: Vec<String>,
    },
    /// The header asked for lies outside the first rows of the table, or is blank.
    #[error("{name} has no header in row {row}")]
    NoSuchHeader {
        /// The table.
        name: String,
        /// The row, from 1.
        row: u64,
    },
    /// One of two columns of coordinates was named, and the other was not.
    #[error("{given} is named, but not {missing}: a place has two coordinates")]
    HalfAPair {
        /// The setting given, `x_column` or `y_column`.
        given: &'static str,
        /// The one that is missing.
        missing: &'static str,
    },
    /// Settings for tables, and the file is none.
    #[error("{name} is no table: {setting} is of use for CSV and Excel alone")]
    NoTable {
        /// The file.
        name: String,
        /// The first setting given.
        setting: &'static str,
    },
    /// The format is read by way of GDAL, which isn't installed.
    #[error("{name} is {format}, and ogr2ogr, which reads it, is not installed")]
    ConverterMissing {
        /// The file.
        name: String,
        /// The format's name.
        format: &'static str,
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
            SourceRefused::NoSuchColumn { .. } => "no_such_column",
            SourceRefused::NoSuchHeader { .. } => "no_such_header",
            SourceRefused::HalfAPair { .. } => "half_a_pair",
            SourceRefused::NoTable { .. } => "no_table",
            SourceRefused::ConverterMissing { .. } => "converter_missing",
            SourceRefused::NoShapes { .. } => "no_shapes",
            SourceRefused::UnsafePath { .. } => "unsafe_path",
            SourceRefused::TooLarge { .. } => "too_large",
            SourceRefused::NestedArchive { .. } => "nested_archive",
            SourceRefused::Encrypted { .. } => "encrypted",
            SourceRefused::Broken(broken) => broken.code(),
        }
    }

    /// The setting at fault, where one is: `encoding`, `member`, `header_row`, `shape_column`, `x_column` or
    /// `y_column`.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            SourceRefused::UnknownEncoding { .. } => Some("encoding"),
            SourceRefused::SeveralLayers { .. } | SourceRefused::NoSuchMember { .. } => Some("member"),
            SourceRefused::NoSuchHeader { .. } => Some("header_row"),
            SourceRefused::NoSuchColumn { setting, .. } | SourceRefused::NoTable { setting, .. } => Some(setting),
            SourceRefused::HalfAPair { missing, .. } => Some(missing),
            _ => None,
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
            SourceRefused::NoSuchColumn {
                name, column, columns, ..
            } => {
                format!("{name} 没有列 {column}；现有：{}", columns.join("、"))
            }
            SourceRefused::NoSuchHeader { name, row } => format!("{name} 的第 {row} 行不是表头"),
            SourceRefused::HalfAPair { given, missing } => format!("指定了 {given}，却没有指定 {missing}"),
            SourceRefused::NoTable { name, setting } => {
                format!("{name} 不是表格，{setting} 只用于 CSV 和 Excel")
            }
            SourceRefused::ConverterMissing { name, format } => {
                format!("{name} 的格式是 {format}，读取它的 ogr2ogr 没有安装")
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
                "请提供 GeoJSON、Shapefile、GeoPackage、FlatGeobuf、KML、GML、DXF、CSV、Excel（.xlsx）或勘测定界 TXT（可用 gzip、zip 压缩）。",
                "Give GeoJSON, a shapefile, GeoPackage, FlatGeobuf, KML, GML, DXF, CSV, Excel (.xlsx) or a land survey's TXT (gzip and zip are fine).",
            ),
            SourceRefused::WideText { .. } => Words::new("请另存为 UTF-8。", "Save it as UTF-8."),
            SourceRefused::UnknownEncoding { .. } => Words::new(
                "例如 gb18030、gbk、utf-8、big5。",
                "Use for example gb18030, gbk, utf-8 or big5.",
            ),
            SourceRefused::SeveralLayers { .. } | SourceRefused::NoSuchMember { .. } => {
                Words::new("请选定其中一个图层。", "Choose one of the layers.")
            }
            SourceRefused::NoSuchColumn { .. } => Words::new("请选定其中一列。", "Choose one of the columns."),
            SourceRefused::NoSuchHeader { .. } => Words::new(
                "请给出表头所在的行，例如 3 或 2-3；没有表头写 0。",
                "Give the rows of the header, for example 3 or 2-3; 0 where there is none.",
            ),
            SourceRefused::HalfAPair { .. } => Words::new(
                "东坐标（经度）与北坐标（纬度）两列请一并指定。",
                "Name both: the column of eastings or longitudes and that of northings or latitudes.",
            ),
            SourceRefused::NoTable { .. } => Words::new("请去掉表格选项。", "Leave the settings for tables out."),
            SourceRefused::ConverterMissing { .. } => Words::new(
                "请安装 gdal-bin（apt install gdal-bin），或先转换为 GeoPackage。",
                "Install gdal-bin (apt install gdal-bin), or convert it to GeoPackage first.",
            ),
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
