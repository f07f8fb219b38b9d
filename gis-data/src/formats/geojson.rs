//! GeoJSON documents: a FeatureCollection, a single Feature or a bare geometry.
//!
//! Opening reads the whole file once at the speed of a byte search, and learns three things from
//! it: whether it is UTF-8, whether a `crs` member can exist at all (the letters `"crs"` occur),
//! and where the collection ends. Only when they occur is the outline of the document walked, so
//! that a `crs` behind the features is known before the first row is read. The alternative,
//! believing in WGS 84 until the end of the file proves otherwise, would spoil an import late.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use encoding_rs::UTF_8;
use geo_types::{Coord, Geometry, LineString, Polygon};
use serde_json::Value;

use super::json::{self, Found, Window, WindowError};
use super::survey::Survey;
use super::{LayerFiles, Opened};
use crate::crs::DeclaredCrs;
use crate::report::{Warning, WarningCode};
use crate::source::{SourceBroken, SourceRefused, SourceRow};

/// Longest member beside the features that is kept.
const MAX_MEMBER_BYTES: usize = 1 << 20;

/// What the outline of a JSON text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outline {
    /// An object with features.
    Collection,
    /// One feature or geometry, and nothing behind it.
    Single,
    /// Features or geometries one after another.
    Sequence,
    /// TopoJSON.
    Topology,
    /// Esri's own JSON.
    EsriJson,
    /// Some other JSON.
    Other,
}

/// Looks at the first object of a JSON text. Broken text is taken for what it starts as: reading
/// it will say where it breaks.
pub(crate) fn outline(window: &mut Window) -> std::io::Result<Outline> {
    window.skip_mark()?;
    match window.peek_past_space()? {
        Some(0x1E) => return Ok(Outline::Sequence),
        Some(b'{') => {}
        _ => return Ok(Outline::Other),
    }
    let mut kind: Option<String> = None;
    let mut has_geometry = false;
    let mut is_esri = false;
    let result = members(window, |window, name| {
        match name {
            "type" => {
                if let Some(Value::String(text)) = small_value(window)? {
                    kind = Some(text);
                }
                return Ok(true);
            }
            "features" if window.peek_past_space()? == Some(b'[') => {
                if is_esri {
                    kind = None;
                } else {
                    kind = Some("FeatureCollection".to_owned());
                }
                return Ok(false);
            }
            "geometry" | "properties" | "coordinates" | "geometries" => has_geometry = true,
            "geometryType" | "spatialReference" | "fieldAliases" => is_esri = true,
            _ => {}
        }
        window.value(0)?;
        Ok(true)
    });
    if let Err(WindowError::Io(error)) = result {
        return Err(error);
    }
    Ok(match kind.as_deref() {
        Some("FeatureCollection") => Outline::Collection,
        Some("Topology") => Outline::Topology,
        Some(_) if has_geometry || kind.as_deref() == Some("Feature") => match window.peek_past_space()? {
            None => Outline::Single,
            Some(_) => Outline::Sequence,
        },
        _ if is_esri => Outline::EsriJson,
        // A sequence whose first line has lost its type is still one.
        None if has_geometry => match window.peek_past_space()? {
            None => Outline::Single,
            Some(_) => Outline::Sequence,
        },
        _ => Outline::Other,
    })
}

/// Calls `member` with each name of the object at the window's position, until it says false.
/// The callback takes the value.
fn members(
    window: &mut Window,
    mut member: impl FnMut(&mut Window, &str) -> Result<bool, WindowError>,
) -> Result<(), WindowError> {
    window.take();
    loop {
        match window.peek_past_space()? {
            Some(b'}') => {
                window.take();
                return Ok(());
            }
            Some(b',') => window.take(),
            Some(b'"') => {
                let name = match window.value(MAX_MEMBER_BYTES)? {
                    Found::Whole(range) => serde_json::from_slice(window.bytes(range)).unwrap_or_default(),
                    Found::TooLong => String::new(),
                };
                if window.peek_past_space()? == Some(b':') {
                    window.take();
                }
                window.peek_past_space()?;
                if !member(window, &name)? {
                    return Ok(());
                }
            }
            Some(_) => {
                window.value(0)?;
            }
            None => return Err(WindowError::EndsEarly),
        }
    }
}

/// The next value, when it is small and whole.
fn small_value(window: &mut Window) -> Result<Option<Value>, WindowError> {
    window.peek_past_space()?;
    Ok(match window.value(MAX_MEMBER_BYTES)? {
        Found::Whole(range) => serde_json::from_slice(window.bytes(range)).ok(),
        Found::TooLong => None,
    })
}

/// Opens a document found to be a collection or a single object.
pub(crate) fn open(
    files: &LayerFiles,
    survey: Survey,
    outline: Outline,
    max_vertices: u64,
) -> Result<Opened, SourceRefused> {
    let crs = if survey.may_declare_crs {
        declared_crs(files, survey)?
    } else {
        DeclaredCrs::GeoJsonDefault
    };
    let path = files.main.clone();
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        let file = File::open(&path).map_err(|source| SourceBroken::Io { byte: 0, source })?;
        let window = Window::new(file, survey.length, survey.encoding, read);
        let rows: super::RowReader = Box::new(Rows {
            window,
            row: 0,
            state: State::Start,
            has_features: false,
            is_collection: outline == Outline::Collection,
            max_vertices,
            max_bytes: json::max_feature_bytes(max_vertices),
        });
        Ok(rows)
    });
    Ok(Opened {
        encoding: Some(survey.encoding.name().to_owned()),
        crs,
        fields: None,
        warnings: encoding_warnings(survey),
        estimated_rows: Some(survey.features.max(1)),
        bytes_total: survey.length,
        may_have_shapes: true,
        layers: Vec::new(),
        start,
    })
}

/// GeoJSON is UTF-8 by its standard: anything else is worth a word.
pub(crate) fn encoding_warnings(survey: Survey) -> Vec<Warning> {
    if survey.encoding == UTF_8 {
        return Vec::new();
    }
    let name = survey.encoding.name();
    vec![Warning::new(
        WarningCode::WrongEncodingDeclared,
        format!("GeoJSON 应为 UTF-8，但内容是 {name}；已按 {name} 读取"),
        format!("GeoJSON should be UTF-8, but the text is {name}; read as {name}"),
    )]
}

fn declared_crs(files: &LayerFiles, survey: Survey) -> Result<DeclaredCrs, SourceRefused> {
    let io = |source| SourceRefused::Broken(SourceBroken::Io { byte: 0, source });
    let file = File::open(&files.main).map_err(io)?;
    let mut window = Window::new(file, survey.length, survey.encoding, Arc::new(AtomicU64::new(0)));
    window.skip_mark().map_err(io)?;
    let mut declared = None;
    if window.peek_past_space().map_err(io)? == Some(b'{') {
        let walked = members(&mut window, |window, name| {
            if name == "crs" {
                declared = small_value(window)?;
                // Found: what follows doesn't matter.
                return Ok(false);
            }
            window.value(0)?;
            Ok(true)
        });
        // A document that breaks off is refused when its rows are read.
        if let Err(WindowError::Io(error)) = walked {
            return Err(io(error));
        }
    }
    Ok(crs_member(declared.as_ref()))
}

/// The meaning of a `crs` member of GeoJSON 2008; `null` says that none can be assumed.
pub(crate) fn crs_member(member: Option<&Value>) -> DeclaredCrs {
    let Some(member) = member else {
        return DeclaredCrs::GeoJsonDefault;
    };
    let name = member
        .pointer("/properties/name")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| {
            member
                .pointer("/properties/code")
                .map(|code| format!("EPSG:{}", code.to_string().trim_matches('"')))
        });
    match name {
        Some(name) => DeclaredCrs::Member { name },
        None if member.is_null() => DeclaredCrs::Missing,
        None => DeclaredCrs::Member {
            name: member.to_string().chars().take(120).collect(),
        },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// Among the members of the collection.
    Members,
    /// Among the features; the flag tells that one was read.
    Features(bool),
    End,
}

struct Rows {
    window: Window,
    row: u64,
    state: State,
    /// The list of features was met; without one the document isn't what its type says.
    has_features: bool,
    is_collection: bool,
    max_vertices: u64,
    max_bytes: usize,
}

impl Rows {
    fn damaged(&self, detail: &str) -> SourceBroken {
        SourceBroken::Damaged {
            byte: self.window.position(),
            row: self.row,
            detail: detail.to_owned(),
        }
    }

    fn broken(&self, error: WindowError) -> SourceBroken {
        self.window.broken(error, self.row)
    }

    fn feature(&mut self) -> Result<SourceRow, SourceBroken> {
        // Nearly always the whole feature is in the window and all is well with it: then one pass is enough.
        if let Some((row, length)) = json::row_at_start(self.window.rest(), self.row + 1, self.max_vertices) {
            self.window.take_many(length);
            self.row += 1;
            return Ok(row);
        }
        let found = self.window.value(self.max_bytes).map_err(|error| self.broken(error))?;
        self.row += 1;
        Ok(match found {
            Found::Whole(range) => json::row(self.window.bytes(range), self.row, self.max_vertices),
            Found::TooLong => json::too_long(self.row, self.max_vertices),
        })
    }

    fn step(&mut self) -> Result<Option<SourceRow>, SourceBroken> {
        loop {
            let next = match self.window.peek_past_space() {
                Ok(next) => next,
                Err(error) => return Err(self.broken(error.into())),
            };
            match (self.state, next) {
                (State::Start, Some(0xEF)) => {
                    let skipped = self.window.skip_mark();
                    skipped.map_err(|error| self.broken(error.into()))?;
                    if self.window.peek().is_ok_and(|byte| byte == Some(0xEF)) {
                        return Err(self.damaged("not JSON"));
                    }
                }
                (State::Start, Some(b'{')) if self.is_collection => {
                    self.window.take();
                    self.state = State::Members;
                }
                (State::Start, Some(b'{')) => {
                    let row = self.feature()?;
                    self.state = State::End;
                    return Ok(Some(row));
                }
                (State::Start, _) => return Err(self.damaged("not a GeoJSON object")),
                (State::Members, Some(b'}')) => {
                    if !self.has_features {
                        return Err(self.damaged("the collection has no list of features"));
                    }
                    self.window.take();
                    self.state = State::End;
                }
                (State::Members, Some(b',')) => self.window.take(),
                (State::Members, Some(b'"')) => {
                    let name: String = match self.window.value(MAX_MEMBER_BYTES) {
                        Ok(Found::Whole(range)) => serde_json::from_slice(self.window.bytes(range)).unwrap_or_default(),
                        Ok(Found::TooLong) => String::new(),
                        Err(error) => return Err(self.broken(error)),
                    };
                    match self.window.peek_past_space() {
                        Ok(Some(b':')) => self.window.take(),
                        Ok(Some(_)) => return Err(self.damaged("':' expected")),
                        Ok(None) => return Err(self.broken(WindowError::EndsEarly)),
                        Err(error) => return Err(self.broken(error.into())),
                    }
                    match self.window.peek_past_space() {
                        Ok(Some(b'[')) if name == "features" => {
                            self.window.take();
                            self.state = State::Features(false);
                            self.has_features = true;
                        }
                        Ok(Some(b',' | b'}')) => return Err(self.damaged("a value expected")),
                        Ok(_) => {
                            let skipped = self.window.value(0);
                            skipped.map_err(|error| self.broken(error))?;
                        }
                        Err(error) => return Err(self.broken(error.into())),
                    }
                }
                (State::Members, Some(_)) => return Err(self.damaged("a name expected")),
                (State::Features(_), Some(b']')) => {
                    self.window.take();
                    self.state = State::Members;
                }
                (State::Features(true), Some(b',')) => {
                    self.window.take();
                    self.state = State::Features(false);
                }
                (State::Features(true), Some(_)) => {
                    return Err(self.damaged("',' or ']' expected between features"));
                }
                (State::Features(false), Some(b',' | b'}')) => {
                    return Err(self.damaged("a feature expected"));
                }
                (State::Features(false), Some(_)) => {
                    let row = self.feature()?;
                    self.state = State::Features(true);
                    return Ok(Some(row));
                }
                (State::End, None) => return Ok(None),
                (State::End, Some(_)) => {
                    return Err(self.damaged("there is something behind the end of the document"));
                }
                (_, None) => return Err(self.broken(WindowError::EndsEarly)),
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// A shape as GeoJSON text, coordinates with all their digits.
pub(crate) fn geometry_text(geometry: &Geometry<f64>) -> String {
    let mut text = String::new();
    write_geometry(&mut text, geometry);
    text
}

fn write_geometry(text: &mut String, geometry: &Geometry<f64>) {
    let mut typed = |kind: &str, write: &mut dyn FnMut(&mut String)| {
        text.push_str("{\"type\":\"");
        text.push_str(kind);
        text.push_str("\",\"coordinates\":");
        write(text);
        text.push('}');
    };
    match geometry {
        Geometry::Point(point) => typed("Point", &mut |text| write_position(text, &point.0)),
        Geometry::Line(line) => typed("LineString", &mut |text| {
            write_list(text, [line.start, line.end].iter(), write_position);
        }),
        Geometry::LineString(line) => typed("LineString", &mut |text| write_line(text, line)),
        Geometry::Polygon(polygon) => typed("Polygon", &mut |text| write_polygon(text, polygon)),
        Geometry::MultiPoint(points) => typed("MultiPoint", &mut |text| {
            write_list(text, points.iter(), |text, point| write_position(text, &point.0));
        }),
        Geometry::MultiLineString(lines) => typed("MultiLineString", &mut |text| {
            write_list(text, lines.iter(), write_line);
        }),
        Geometry::MultiPolygon(polygons) => typed("MultiPolygon", &mut |text| {
            write_list(text, polygons.iter(), write_polygon);
        }),
        Geometry::Rect(rect) => typed("Polygon", &mut |text| {
            write_polygon(text, &rect.to_polygon());
        }),
        Geometry::Triangle(triangle) => typed("Polygon", &mut |text| {
            write_polygon(text, &triangle.to_polygon());
        }),
        Geometry::GeometryCollection(members) => {
            text.push_str("{\"type\":\"GeometryCollection\",\"geometries\":");
            write_list(text, members.iter(), write_geometry);
            text.push('}');
        }
    }
}

fn write_list<'a, T: 'a>(text: &mut String, items: impl Iterator<Item = &'a T>, write: impl Fn(&mut String, &'a T)) {
    text.push('[');
    for (position, item) in items.enumerate() {
        if position > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(']');
}

fn write_position(text: &mut String, coord: &Coord<f64>) {
    for (before, value) in [('[', coord.x), (',', coord.y)] {
        text.push(before);
        // JSON has no word for NaN and infinity.
        if value.is_finite() {
            text.push_str(&value.to_string());
        } else {
            text.push_str("null");
        }
    }
    text.push(']');
}

fn write_line(text: &mut String, line: &LineString<f64>) {
    write_list(text, line.0.iter(), write_position);
}

fn write_polygon(text: &mut String, polygon: &Polygon<f64>) {
    write_list(
        text,
        std::iter::once(polygon.exterior()).chain(polygon.interiors()),
        write_line,
    );
}
