//! KML: placemarks with their data and shapes, read element by element. KML is WGS 84 longitude and
//! latitude by its standard.

use std::io::BufReader;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use geo_types::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error as XmlError, XmlVersion};
use serde_json::Value;

use super::json::max_feature_bytes;
use super::shape::{MAX_COLLECTION_DEPTH, Notes, bad, kind, polygon, position};
use super::survey::Survey;
use super::text::{Text, TextFile, TooLong};
use super::{LayerFiles, Opened};
use crate::crs::DeclaredCrs;
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

/// Elements in elements.
const MAX_DEPTH: usize = 256;

/// Opens a document.
pub(crate) fn open(files: &LayerFiles, survey: Survey, max_vertices: u64) -> Result<Opened, SourceRefused> {
    let file = TextFile {
        path: files.main.clone(),
        encoding: survey.encoding,
        length: survey.length,
        longest: max_feature_bytes(max_vertices) as u64,
        is_lossy: true,
    };
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        read.store(0, Ordering::Relaxed);
        let mut reader = quick_xml::Reader::from_reader(BufReader::with_capacity(1 << 16, file.open(read)?));
        reader.config_mut().expand_empty_elements = true;
        let rows: super::RowReader = Box::new(Rows {
            xml: Xml {
                reader,
                buffer: Vec::new(),
                open: Vec::new(),
                length: file.length,
                row: 0,
                is_root_closed: false,
            },
            folders: Vec::new(),
            max_vertices,
            is_done: false,
        });
        Ok(rows)
    });
    Ok(Opened {
        encoding: Some(survey.encoding.name().to_owned()),
        crs: DeclaredCrs::Member {
            name: "EPSG:4326".to_owned(),
        },
        fields: None,
        warnings: Vec::new(),
        // A placemark takes some ten lines.
        estimated_rows: Some((survey.lines / 10).max(1)),
        bytes_total: survey.length,
        may_have_shapes: true,
        layers: Vec::new(),
        start,
    })
}

/// What the reader of elements meets.
enum Token {
    /// An element's local name and its attribute `name`.
    Start(String, Option<String>),
    End,
    Text(String),
    Eof,
}

/// The elements of the document one after another, and which are open.
struct Xml {
    reader: quick_xml::Reader<BufReader<Text>>,
    buffer: Vec<u8>,
    open: Vec<String>,
    length: u64,
    row: u64,
    is_root_closed: bool,
}

impl Xml {
    fn damaged(&self, detail: impl Into<String>) -> SourceBroken {
        SourceBroken::Damaged {
            byte: self.reader.buffer_position(),
            row: self.row,
            detail: detail.into(),
        }
    }

    fn truncated(&self) -> SourceBroken {
        SourceBroken::Truncated {
            byte: self.length,
            row: self.row,
        }
    }

    /// A new piece starts, whose length is limited.
    fn start_piece(&mut self) {
        self.reader.get_mut().get_mut().start_piece();
    }

    fn next(&mut self) -> Result<Token, SourceBroken> {
        loop {
            self.buffer.clear();
            let token = match self.reader.read_event_into(&mut self.buffer) {
                Ok(Event::Start(element)) => {
                    Token::Start(element.local_name().as_ref().to_owned(), name_attribute(&element))
                }
                Ok(Event::End(_)) => Token::End,
                Ok(Event::Text(text)) => Token::Text(text.xml10_content().into_owned()),
                Ok(Event::CData(text)) => Token::Text(text.xml10_content().into_owned()),
                Ok(Event::GeneralRef(reference)) => Token::Text(resolved(&reference)),
                Ok(Event::Eof) => Token::Eof,
                // `expand_empty_elements` makes two of an empty one.
                Ok(Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => continue,
                Err(XmlError::Io(error)) if TooLong::is(&error) => {
                    return Err(self.damaged("an element is too long"));
                }
                Err(XmlError::Io(error)) => {
                    return Err(SourceBroken::Io {
                        byte: self.reader.buffer_position(),
                        source: std::io::Error::new(error.kind(), error.to_string()),
                    });
                }
                // What is begun and not ended can only be so at the end of the file.
                Err(XmlError::Syntax(_)) => return Err(self.truncated()),
                Err(error) => return Err(self.damaged(error.to_string())),
            };
            match &token {
                Token::Start(name, _) => {
                    if self.is_root_closed {
                        return Err(self.damaged("there is something behind the end of the document"));
                    }
                    if self.open.len() >= MAX_DEPTH {
                        return Err(self.damaged("elements nested too deep"));
                    }
                    self.open.push(name.clone());
                }
                Token::End => {
                    self.open.pop();
                    self.is_root_closed = self.open.is_empty();
                }
                Token::Text(text) if self.open.is_empty() && !text.trim().is_empty() => {
                    return Err(self.damaged("there is text outside the document"));
                }
                Token::Text(_) => {}
                Token::Eof if self.open.is_empty() && self.is_root_closed => {}
                Token::Eof => return Err(self.truncated()),
            }
            return Ok(token);
        }
    }

    /// The text of the element that was just opened, up to its end.
    fn text(&mut self) -> Result<String, SourceBroken> {
        let depth = self.open.len();
        let mut text = String::new();
        while self.open.len() >= depth {
            if let Token::Text(more) = self.next()? {
                text.push_str(&more);
            }
        }
        Ok(text)
    }

    /// Passes over the element that was just opened.
    fn skip(&mut self) -> Result<(), SourceBroken> {
        let depth = self.open.len();
        while self.open.len() >= depth {
            self.next()?;
        }
        Ok(())
    }
}

fn name_attribute(element: &BytesStart<'_>) -> Option<String> {
    let attribute = element.try_get_attribute("name").ok().flatten()?;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned()).filter(|name| !name.trim().is_empty())
}

/// The character of a reference. Entities of a document's own aren't followed.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name = reference.xml10_content();
    match name.as_ref() {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        other => format!("&{other};"),
    }
}

struct Rows {
    xml: Xml,
    /// Depth and name of the folders around.
    folders: Vec<(usize, String)>,
    max_vertices: u64,
    is_done: bool,
}

impl Rows {
    fn step(&mut self) -> Result<Option<SourceRow>, SourceBroken> {
        loop {
            self.xml.start_piece();
            match self.xml.next()? {
                Token::Start(name, _) => match name.as_str() {
                    "Placemark" => return self.placemark().map(Some),
                    "Folder" => self.folders.push((self.xml.open.len(), String::new())),
                    "name" => {
                        let parent = self.xml.open.len() - 1;
                        let text = self.xml.text()?;
                        if let Some((depth, folder)) = self.folders.last_mut()
                            && *depth == parent
                        {
                            *folder = text.trim().to_owned();
                        }
                    }
                    _ => {}
                },
                Token::End => {
                    let depth = self.xml.open.len();
                    self.folders.retain(|(folder, _)| *folder <= depth);
                }
                Token::Text(_) => {}
                Token::Eof => return Ok(None),
            }
        }
    }

    fn placemark(&mut self) -> Result<SourceRow, SourceBroken> {
        let depth = self.xml.open.len();
        let mut row = SourceRow::empty(self.xml.row + 1);
        let folder: Vec<&str> = self
            .folders
            .iter()
            .map(|(_, name)| name.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        if !folder.is_empty() {
            put(&mut row, "folder", &folder.join("/"));
        }
        let mut shapes = Shapes {
            notes: Notes::new(self.max_vertices),
            failure: None,
        };
        let mut found = Vec::new();
        let mut data: Option<String> = None;
        while self.xml.open.len() >= depth {
            let Token::Start(name, attribute) = self.xml.next()? else {
                continue;
            };
            let parent = self.xml.open.iter().rev().nth(1).map(String::as_str);
            match (name.as_str(), parent) {
                ("name" | "description" | "address" | "phoneNumber", Some("Placemark")) => {
                    let text = self.xml.text()?;
                    put(&mut row, &name, &text);
                }
                ("ExtendedData" | "SchemaData" | "TimeStamp" | "TimeSpan", _) => {}
                ("Data", _) => data = attribute,
                ("value", Some("Data")) => {
                    let text = self.xml.text()?;
                    if let Some(name) = &data {
                        put(&mut row, name, &text);
                    }
                }
                ("SimpleData", _) => {
                    let text = self.xml.text()?;
                    if let Some(name) = &attribute {
                        put(&mut row, name, &text);
                    }
                }
                ("when" | "begin" | "end", Some("TimeStamp" | "TimeSpan")) | (_, Some("ExtendedData")) => {
                    let text = self.xml.text()?;
                    put(&mut row, &name, &text);
                }
                _ if is_shape(&name) => shapes.read(&mut self.xml, &name, 0, &mut found)?,
                _ => self.xml.skip()?,
            }
        }
        self.xml.row += 1;
        row.geometry = match shapes.failure.take() {
            Some(failure) => Err(failure),
            None if found.is_empty() => Ok(None),
            None => Ok(Some(combined(found))),
        };
        shapes.notes.note(&mut row);
        Ok(row)
    }
}

/// Values stay text, as KML has no other kind that can be relied upon.
fn put(row: &mut SourceRow, name: &str, text: &str) {
    let text = text.trim();
    if text.contains('\u{fffd}') {
        row.undecodable_fields.push(name.to_owned());
    }
    let value = if text.is_empty() {
        Value::Null
    } else {
        Value::from(text)
    };
    row.properties.insert(name.to_owned(), value);
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.step().transpose();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}

/// The names of shapes, those of other programs' making among them.
fn is_shape(name: &str) -> bool {
    matches!(
        name,
        "Point"
            | "LineString"
            | "LinearRing"
            | "Polygon"
            | "MultiGeometry"
            | "MultiPoint"
            | "MultiLineString"
            | "MultiPolygon"
            | "Track"
            | "MultiTrack"
            | "Model"
    )
}

/// Reads the shapes of one placemark; the first thing wrong with them is kept.
struct Shapes {
    notes: Notes,
    failure: Option<Unreadable>,
}

impl Shapes {
    /// Reads the shape that was just opened, up to its end.
    fn read(
        &mut self,
        xml: &mut Xml,
        name: &str,
        depth: u32,
        found: &mut Vec<Geometry<f64>>,
    ) -> Result<(), SourceBroken> {
        if depth > MAX_COLLECTION_DEPTH {
            self.fail(bad("collections nested too deep"));
            return xml.skip();
        }
        match name {
            "Polygon" => {
                let shape = self.polygon(xml)?;
                found.push(Geometry::Polygon(shape));
            }
            "Point" => {
                let coords = self.coordinates(xml)?;
                found.push(match coords.as_slice() {
                    [coord] => Geometry::Point(Point(*coord)),
                    [] => Geometry::MultiPoint(MultiPoint(Vec::new())),
                    _ => {
                        self.fail(bad("a point has one position"));
                        return Ok(());
                    }
                });
            }
            "LineString" | "LinearRing" | "Track" => {
                let coords = self.coordinates(xml)?;
                found.push(Geometry::LineString(LineString(coords)));
            }
            "Model" => {
                self.fail(kind("Model"));
                xml.skip()?;
            }
            _ => {
                let inside = xml.open.len();
                let mut members = Vec::new();
                while xml.open.len() >= inside {
                    if let Token::Start(name, _) = xml.next()?
                        && is_shape(&name)
                    {
                        if let Err(failure) = self.notes.part() {
                            self.fail(failure);
                        }
                        self.read(xml, &name, depth + 1, &mut members)?;
                        if self.failure.is_some() {
                            members.clear();
                        }
                    }
                }
                found.push(combined(members));
            }
        }
        Ok(())
    }

    fn fail(&mut self, failure: Unreadable) {
        self.failure.get_or_insert(failure);
    }

    /// All positions inside the element that was just opened.
    fn coordinates(&mut self, xml: &mut Xml) -> Result<Vec<Coord<f64>>, SourceBroken> {
        let inside = xml.open.len();
        let mut coords = Vec::new();
        while xml.open.len() >= inside {
            let Token::Start(name, _) = xml.next()? else {
                continue;
            };
            let separator = match name.as_str() {
                "coordinates" => ',',
                // Of tracks: three numbers and blanks between them.
                "coord" => ' ',
                _ => continue,
            };
            let text = xml.text()?;
            if self.failure.is_some() {
                continue;
            }
            let result = if separator == ',' {
                self.positions(&text, &mut coords)
            } else {
                self.track_point(&text, &mut coords)
            };
            if let Err(failure) = result {
                self.fail(failure);
                coords.clear();
            }
        }
        coords.shrink_to_fit();
        Ok(coords)
    }

    /// `x,y x,y,z …`; blanks beside the commas are forgiven.
    fn positions(&mut self, text: &str, coords: &mut Vec<Coord<f64>>) -> Result<(), Unreadable> {
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            self.notes.count(1)?;
            let x = number(&mut rest)?;
            if !comma(&mut rest) {
                return Err(bad("a position has fewer than two numbers"));
            }
            let y = number(&mut rest)?;
            while comma(&mut rest) {
                // A comma with nothing behind it ends the position.
                if rest.is_empty() {
                    break;
                }
                self.notes.dropped_z |= number(&mut rest)? != 0.0;
            }
            coords.push(position(x, y)?);
        }
        Ok(())
    }

    fn track_point(&mut self, text: &str, coords: &mut Vec<Coord<f64>>) -> Result<(), Unreadable> {
        self.notes.count(1)?;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Ok(());
        }
        let (x, y) = (number(&mut rest)?, number(&mut rest)?);
        if !rest.is_empty() {
            self.notes.dropped_z |= number(&mut rest)? != 0.0;
        }
        coords.push(position(x, y)?);
        Ok(())
    }

    fn polygon(&mut self, xml: &mut Xml) -> Result<geo_types::Polygon<f64>, SourceBroken> {
        let inside = xml.open.len();
        let mut shell = None;
        let mut holes = Vec::new();
        while xml.open.len() >= inside {
            let Token::Start(name, _) = xml.next()? else {
                continue;
            };
            if name != "LinearRing" {
                continue;
            }
            let is_inner = xml.open.iter().skip(inside).any(|name| name == "innerBoundaryIs");
            let coords = self.coordinates(xml)?;
            if let Err(failure) = self.notes.part() {
                self.fail(failure);
            }
            let ring = self.notes.ring(coords);
            if is_inner {
                holes.push(ring);
            } else if shell.replace(ring).is_some() {
                self.fail(bad("a polygon with two outer rings"));
            }
        }
        if shell.is_none() && !holes.is_empty() {
            self.fail(bad("a polygon without an outer ring"));
        }
        let shell = shell.unwrap_or_else(|| LineString(Vec::new()));
        Ok(polygon(std::iter::once(shell).chain(holes).collect()))
    }
}

fn number(rest: &mut &str) -> Result<f64, Unreadable> {
    let end = rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    *rest = behind.trim_start();
    word.parse().map_err(|_| bad("a coordinate is not a number"))
}

fn comma(rest: &mut &str) -> bool {
    match rest.strip_prefix(',') {
        Some(behind) => {
            *rest = behind.trim_start();
            true
        }
        None => false,
    }
}

/// One shape of several: of one kind where they are, else a collection.
fn combined(mut shapes: Vec<Geometry<f64>>) -> Geometry<f64> {
    if shapes.len() == 1 {
        return shapes.swap_remove(0);
    }
    let of_kind = |is: fn(&Geometry<f64>) -> bool| !shapes.is_empty() && shapes.iter().all(is);
    if of_kind(|shape| matches!(shape, Geometry::Polygon(_) | Geometry::MultiPolygon(_))) {
        let mut polygons = Vec::with_capacity(shapes.len());
        for shape in shapes {
            match shape {
                Geometry::Polygon(shape) => polygons.push(shape),
                Geometry::MultiPolygon(shape) => polygons.extend(shape.0),
                _ => {}
            }
        }
        return Geometry::MultiPolygon(MultiPolygon(polygons));
    }
    if of_kind(|shape| matches!(shape, Geometry::Point(_))) {
        let points = shapes
            .into_iter()
            .filter_map(|shape| Point::try_from(shape).ok())
            .collect();
        return Geometry::MultiPoint(MultiPoint(points));
    }
    if of_kind(|shape| matches!(shape, Geometry::LineString(_))) {
        let lines = shapes
            .into_iter()
            .filter_map(|shape| LineString::try_from(shape).ok())
            .collect();
        return Geometry::MultiLineString(MultiLineString(lines));
    }
    Geometry::GeometryCollection(GeometryCollection(shapes))
}
