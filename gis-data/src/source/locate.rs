//! Finding the one layer in a file, folder or archive.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use tempfile::TempDir;

use super::archive::{Budget, is_gzip, is_workbook, is_zip, locate_in_zip, temporary_folder, unpack};
use super::fingerprint::{Fingerprint, display_name, verify};
use super::{ReadOptions, SourceRefused};
use crate::formats::{LayerFiles, shapefile};

/// The layer found, unpacked where needed.
pub(crate) struct Located {
    pub(crate) files: LayerFiles,
    pub(super) originals: Vec<Fingerprint>,
    pub(super) unpacked: Option<TempDir>,
}

impl Located {
    pub(super) fn verify(&self) -> Result<(), SourceRefused> {
        Ok(verify(&self.originals)?)
    }
}

pub(super) fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> SourceRefused {
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
pub(super) fn head_of(path: &Path) -> Result<Vec<u8>, SourceRefused> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(4096).read_to_end(&mut head))
        .map_err(unreadable(path))?;
    Ok(head)
}

pub(crate) fn locate(path: &Path, options: &ReadOptions) -> Result<Located, SourceRefused> {
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
    if is_zip(&head) && !is_workbook(path) {
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
        if is_gzip(&inner) || (is_zip(&inner) && !is_workbook(&main)) {
            return Err(SourceRefused::NestedArchive { entry: name });
        }
        return Ok(Located {
            files: LayerFiles {
                main,
                companions: BTreeMap::new(),
                name,
                inner: options.member.clone(),
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
                inner: None,
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
            inner: options.member.clone(),
        },
        originals: vec![original],
        unpacked: None,
    })
}

fn is_used_companion(extension: &str) -> bool {
    matches!(extension, "dbf" | "shx" | "prj" | "cpg")
}

/// Lower-case extension of a file name.
pub(super) fn extension(name: &str) -> String {
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

/// Which of the names are layers. Tables beside maps and plain text beside either are as a rule
/// their description.
fn layers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: Vec<&str> = names
        .filter(|name| !name.ends_with('/') && !name.starts_with("__MACOSX/") && !file_name(name).starts_with('.'))
        .collect();
    let kinds: [&[&str]; 4] = [
        &[
            "shp",
            "geojson",
            "geojsonl",
            "geojsons",
            "ndjson",
            "ndgeojson",
            "jsonl",
            "gpkg",
            "fgb",
            "kml",
            "gml",
            "dxf",
        ],
        &["csv", "tsv", "xlsx"],
        &["json"],
        &["txt"],
    ];
    for kind in kinds {
        let found: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| kind.contains(&extension(name).as_str()))
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The file chosen, and the layer inside it where one was asked for.
pub(super) struct Chosen<'a> {
    pub(super) layer: &'a str,
    pub(super) inner: Option<String>,
}

/// Chooses the layer, or says why none can be.
pub(super) fn choose<'a>(
    names: &'a [String],
    container: &str,
    options: &ReadOptions,
) -> Result<Chosen<'a>, SourceRefused> {
    let found = layers(names.iter().map(String::as_str));
    let listed = || found.iter().map(|name| (*name).to_owned()).collect();
    let Some(member) = &options.member else {
        return match found.as_slice() {
            [only] => Ok(Chosen {
                layer: only,
                inner: None,
            }),
            [] => Err(no_layer(names, container)),
            _ => Err(SourceRefused::SeveralLayers { members: listed() }),
        };
    };
    let is_match = |name: &&&str| **name == member || file_name(name) == member || file_name(&stem(name)) == member;
    let matching: Vec<&str> = found.iter().filter(is_match).copied().collect();
    if let [layer] = matching.as_slice() {
        return Ok(Chosen { layer, inner: None });
    }
    // A layer inside a file that holds several: `file.gpkg/layer`, or its name alone where there is
    // but one file.
    let inside: Vec<(&str, &str)> = found
        .iter()
        .filter(|name| matches!(extension(name).as_str(), "gpkg" | "xlsx" | "gml" | "dxf"))
        .filter_map(|name| {
            let inner = member
                .strip_prefix(name)
                .or_else(|| member.strip_prefix(file_name(name)))
                .and_then(|rest| rest.strip_prefix('/'));
            match inner {
                Some(inner) => Some((*name, inner)),
                None => (found.len() == 1).then_some((*name, member.as_str())),
            }
        })
        .collect();
    match inside.as_slice() {
        [(layer, inner)] => Ok(Chosen {
            layer,
            inner: Some((*inner).to_owned()),
        }),
        _ => Err(SourceRefused::NoSuchMember {
            member: member.clone(),
            members: listed(),
        }),
    }
}

fn no_layer(names: &[String], container: &str) -> SourceRefused {
    let container = container.to_owned();
    for name in names {
        let format = match extension(name).as_str() {
            "zip" | "gz" | "7z" | "rar" | "tar" | "tgz" | "kmz" => {
                return SourceRefused::NestedArchive { entry: name.clone() };
            }
            "dbf" | "shx" => {
                return SourceRefused::NoShapes { name: name.clone() };
            }
            "xls" | "ods" => "an old or other workbook than .xlsx",
            "dwg" => "DWG",
            "gdbtable" => "Esri file geodatabase",
            "docx" => "Word",
            _ if name.starts_with("word/") => "Word",
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
pub(super) fn companions_of<'a>(names: &'a [String], layer: &'a str) -> impl Iterator<Item = &'a String> {
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
    let Chosen { layer, inner } = choose(&names, &name, options)?;
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
            inner,
        },
        originals,
        unpacked: None,
    })
}
