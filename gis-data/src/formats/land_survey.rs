//! The boundary-point text file of land surveys (国土勘测定界成果 TXT), as surveyors hand it over:
//! a header that names the coordinate system, then for each parcel a line about it that ends in
//! `@`, and its boundary points `name,ring,X,Y`. X is north and Y is east.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use geo_types::{Coord, Geometry};
use serde_json::Value;

use super::json::{Found, Window, max_feature_bytes};
use super::shape::{Notes, bad, position};
use super::survey::Survey;
use super::{LayerFiles, Opened, rings};
use crate::crs::DeclaredCrs;
use crate::mapping::FieldName;
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

/// Bytes of a line.
const MAX_LINE: usize = 1 << 20;
/// What the line of a parcel holds, in its order. The count of points comes first.
const FIELDS: [&str; 8] = [
    "界址点数",
    "地块面积",
    "地块编号",
    "地块名称",
    "记录图形属性",
    "图幅号",
    "地块用途",
    "地类编码",
];

/// Whether a text is such a file: it has one of its two headings.
pub(crate) fn is_land_survey(text: &str) -> bool {
    text.lines()
        .any(|line| matches!(line.trim(), "[属性描述]" | "[地块坐标]"))
}

/// The header's entries.
#[derive(Debug, Clone, Default)]
struct Header {
    entries: Vec<(String, String)>,
}

impl Header {
    fn get(&self, name: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// Opens a file.
pub(crate) fn open(files: &LayerFiles, survey: Survey, max_vertices: u64) -> Result<Opened, SourceRefused> {
    let path = files.main.clone();
    let start_reading = move |read: Arc<AtomicU64>| -> Result<Rows, SourceBroken> {
        let io = |source| SourceBroken::Io { byte: 0, source };
        let mut window = Window::new(File::open(&path).map_err(io)?, survey.length, survey.encoding, read);
        window.skip_mark().map_err(io)?;
        let mut rows = Rows {
            window,
            header: Header::default(),
            pending: None,
            row: 0,
            max_vertices,
            max_bytes: max_feature_bytes(max_vertices) as u64,
            is_done: false,
        };
        rows.read_header()?;
        Ok(rows)
    };
    let mut rows = start_reading(Arc::new(AtomicU64::new(0)))?;
    let header = rows.header.clone();
    // The zone number shows in the coordinates, and some headers leave it out.
    let easting = rows.next().and_then(Result::ok).and_then(|row| match row.geometry {
        Ok(Some(geometry)) => geo::CoordsIter::coords_iter(&geometry).next().map(|coord| coord.x),
        _ => None,
    });
    let fields = FIELDS
        .iter()
        .map(|name| FieldName {
            name: (*name).to_owned(),
            examples: Vec::new(),
        })
        .collect();
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        let rows: super::RowReader = Box::new(start_reading(read)?);
        Ok(rows)
    });
    Ok(Opened {
        encoding: Some(survey.encoding.name().to_owned()),
        crs: declared_crs(&header, easting),
        fields: Some(fields),
        warnings: Vec::new(),
        // Some twenty points a parcel.
        estimated_rows: Some((survey.lines / 20).max(1)),
        bytes_total: survey.length,
        may_have_shapes: true,
        layers: Vec::new(),
        start,
    })
}

/// The coordinate system that the header describes. Codes of EPSG where there is one, else the
/// header's own words, which are refused as unknown and shown.
fn declared_crs(header: &Header, easting: Option<f64>) -> DeclaredCrs {
    let Some(system) = header.get("坐标系") else {
        return DeclaredCrs::Missing;
    };
    let upper = system.to_uppercase();
    let number = |name: &str| {
        let digits: String = header.get(name)?.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    let described = || {
        let words = ["坐标系", "几度分带", "带号", "投影类型", "计量单位"]
            .iter()
            .filter_map(|name| Some(format!("{name}={}", header.get(name)?)))
            .collect::<Vec<_>>();
        DeclaredCrs::Member { name: words.join(" ") }
    };
    let is_metres = header.get("计量单位").is_none_or(|unit| unit.contains('米'));
    let is_gauss = header
        .get("投影类型")
        .is_none_or(|projection| projection.contains("高斯") || projection.to_uppercase().contains("GAUSS"));
    if !is_metres || !is_gauss {
        return described();
    }
    // A zone prefix stands in the eastings where they have eight digits.
    let has_prefix = easting.map(|easting| easting >= 10_000_000.0);
    let zone = number("带号").or_else(|| easting.filter(|_| has_prefix == Some(true)).map(|x| (x / 1e6) as u32));
    let (Some(zone), Some(width)) = (zone, number("几度分带")) else {
        return described();
    };
    // First zone, last zone, code of the first with its number in the eastings and without.
    let families: &[(u32, u32, u32, u32, u32)] = if upper.contains("2000") {
        &[(3, 25, 45, 4513, 4534), (6, 13, 23, 4491, 4502)]
    } else if upper.contains("80") {
        &[(3, 25, 45, 2349, 2370), (6, 13, 23, 2327, 2338)]
    } else if upper.contains("54") {
        &[(3, 25, 45, 2401, 2422), (6, 13, 23, 21413, 21453)]
    } else {
        return described();
    };
    families
        .iter()
        .find(|(degrees, first, last, _, _)| *degrees == width && (*first..=*last).contains(&zone))
        .map_or_else(described, |(_, first, _, with, without)| DeclaredCrs::Member {
            name: format!(
                "EPSG:{}",
                if has_prefix.unwrap_or(true) { with } else { without } + zone - first
            ),
        })
}

/// A line of the file.
enum Line {
    /// The flag tells that a line end stands behind it.
    Text(String, bool),
    TooLong,
    End,
}

struct Rows {
    window: Window,
    header: Header,
    /// The line about the next parcel, read already.
    pending: Option<String>,
    row: u64,
    max_vertices: u64,
    max_bytes: u64,
    is_done: bool,
}

impl Rows {
    fn damaged(&self, detail: impl Into<String>) -> SourceBroken {
        SourceBroken::Damaged {
            byte: self.window.position(),
            row: self.row,
            detail: detail.into(),
        }
    }

    /// The next line that isn't blank.
    fn line(&mut self) -> Result<Line, SourceBroken> {
        loop {
            let found = self.window.record(b'\n', MAX_LINE).map_err(|source| SourceBroken::Io {
                byte: self.window.position(),
                source,
            })?;
            match found {
                None => return Ok(Line::End),
                Some((Found::TooLong, _)) => return Ok(Line::TooLong),
                Some((Found::Whole(range), is_ended)) => {
                    let text = String::from_utf8_lossy(self.window.bytes(range));
                    let text = text.trim();
                    if !text.is_empty() {
                        return Ok(Line::Text(text.to_owned(), is_ended));
                    }
                }
            }
        }
    }

    fn read_header(&mut self) -> Result<(), SourceBroken> {
        loop {
            match self.line()? {
                Line::Text(line, _) if line == "[地块坐标]" => break,
                Line::Text(line, _) => {
                    if let Some((name, value)) = line.split_once(['=', '＝']) {
                        self.header
                            .entries
                            .push((name.trim().to_owned(), value.trim().to_owned()));
                    }
                    if self.header.entries.len() > 1_000 {
                        return Err(self.damaged("the header doesn't end"));
                    }
                }
                Line::TooLong => return Err(self.damaged("a line without end in the header")),
                Line::End => {
                    return Err(SourceBroken::Truncated {
                        byte: self.window.position(),
                        row: 0,
                    });
                }
            }
        }
        self.pending = match self.line()? {
            Line::Text(line, _) => Some(line),
            Line::TooLong => return Err(self.damaged("a line without end")),
            Line::End => None,
        };
        Ok(())
    }

    fn step(&mut self) -> Result<Option<SourceRow>, SourceBroken> {
        let Some(about) = self.pending.take() else {
            return Ok(None);
        };
        let Some(about) = about.strip_suffix('@') else {
            return Err(self.damaged("a line about a parcel expected, which ends in @"));
        };
        let mut row = SourceRow::empty(self.row + 1);
        let parts: Vec<&str> = about
            .strip_suffix(',')
            .unwrap_or(about)
            .split(',')
            .map(str::trim)
            .collect();
        for (position, value) in parts.iter().enumerate() {
            let name = match FIELDS.get(position) {
                Some(name) => (*name).to_owned(),
                None if value.is_empty() => continue,
                None => format!("field_{}", position + 1),
            };
            if value.contains('\u{fffd}') {
                row.undecodable_fields.push(name.clone());
            }
            let value = if value.is_empty() {
                Value::Null
            } else {
                Value::from(*value)
            };
            row.properties.insert(name, value);
        }
        let mut points = Points::new(self.max_vertices);
        let start = self.window.position();
        loop {
            match self.line()? {
                Line::Text(line, _) if line.ends_with('@') => {
                    self.pending = Some(line);
                    break;
                }
                Line::Text(line, is_ended) => points.take(&line, is_ended),
                Line::TooLong => return Err(self.damaged("a line without end")),
                Line::End => break,
            }
            if self.window.position() - start > self.max_bytes {
                points.failure = Some(Unreadable::TooManyVertices {
                    count: self.max_vertices + 1,
                    limit: self.max_vertices,
                });
            }
        }
        // Fewer points than the line before them says: at the end of the file it was cut off. So it was
        // where half a line follows them.
        let claimed = parts.first().and_then(|count| count.parse::<u64>().ok());
        let is_cut = claimed
            .is_some_and(|claimed| points.count < claimed || (points.count > claimed && !points.is_last_ended))
            || points.is_last_cut();
        if self.pending.is_none() && is_cut {
            return Err(SourceBroken::Truncated {
                byte: self.window.position(),
                row: self.row,
            });
        }
        self.row += 1;
        row.geometry = match claimed {
            Some(claimed) if points.failure.is_none() && claimed != points.count => Err(bad(format!(
                "the parcel has {} boundary points, and its line says {claimed}",
                points.count
            ))),
            Some(_) => points.shape(&mut row),
            None => Err(Unreadable::Record {
                detail: "the line about the parcel doesn't begin with the number of its points".to_owned(),
            }),
        };
        Ok(Some(row))
    }
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

/// The boundary points of a parcel, ring by ring.
struct Points {
    rings: Vec<(String, Vec<Coord<f64>>)>,
    count: u64,
    notes: Notes,
    failure: Option<Unreadable>,
    /// Decimals of the last easting, and of the one before it.
    decimals: (usize, usize),
    is_last_ended: bool,
    is_last_bad: bool,
}

impl Points {
    fn new(max_vertices: u64) -> Points {
        Points {
            rings: Vec::new(),
            count: 0,
            notes: Notes::new(max_vertices),
            failure: None,
            decimals: (0, 0),
            is_last_ended: true,
            is_last_bad: false,
        }
    }

    fn take(&mut self, line: &str, is_ended: bool) {
        self.count += 1;
        let last = line.rsplit(',').next().unwrap_or_default();
        let decimals = last.rsplit_once('.').map_or(0, |(_, decimals)| decimals.len());
        self.decimals = (decimals, self.decimals.0);
        self.is_last_ended = is_ended;
        self.is_last_bad = false;
        if self.failure.is_some() {
            return;
        }
        if let Err(failure) = self.point(line) {
            self.is_last_bad = true;
            self.failure = Some(failure);
            self.rings = Vec::new();
        }
    }

    fn point(&mut self, line: &str) -> Result<(), Unreadable> {
        self.notes.count(1)?;
        let mut parts = line.split([',', '，']).map(str::trim);
        let (Some(_), Some(ring), Some(north), Some(east)) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad(format!(
                "a boundary point expected: {:?}",
                line.chars().take(60).collect::<String>()
            )));
        };
        let number = |text: &str| {
            text.parse::<f64>().map_err(|_| {
                bad(format!(
                    "{:?} is not a coordinate",
                    text.chars().take(40).collect::<String>()
                ))
            })
        };
        let coord = position(number(east)?, number(north)?)?;
        match self.rings.last_mut() {
            Some((current, coords)) if current == ring => coords.push(coord),
            _ => {
                self.notes.part()?;
                self.rings.push((ring.to_owned(), vec![coord]));
            }
        }
        Ok(())
    }

    /// Whether the last line was cut off: no line end behind it, and it is no point, or has fewer
    /// decimals than the one before and its ring doesn't return to its first point.
    fn is_last_cut(&self) -> bool {
        let is_open = self.rings.last().is_none_or(|(_, ring)| ring.first() != ring.last());
        !self.is_last_ended && (self.is_last_bad || (self.decimals.0 < self.decimals.1 && is_open))
    }

    /// Shells and holes are told apart by where they lie: programs disagree about the direction.
    fn shape(self, row: &mut SourceRow) -> Result<Option<Geometry<f64>>, Unreadable> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.rings.len() > rings::MAX_RINGS {
            return Err(bad("the parcel has too many rings"));
        }
        let parts = self.rings.into_iter().map(|(_, ring)| ring).collect();
        Ok(Some(rings::by_position(parts, row)))
    }
}
