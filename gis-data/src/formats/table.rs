//! What tables without a shape of their own kind have in common: which rows are the header, and
//! which columns hold the shape.

use std::borrow::Cow;
use std::collections::BTreeMap;

use geo_types::{Geometry, Point};
use serde_json::Value;

use super::shape::{Notes, bad, position};
use super::{wkb, wkt};
use crate::crs::DeclaredCrs;
use crate::source::{HeaderRows, SourceRefused, SourceRow, TableOptions, Unreadable};

/// Rows looked at to find the header and the columns of the shape.
pub(super) const SAMPLE_ROWS: usize = 60;

/// Cells that are one: first and last row, first and last column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merged {
    pub rows: (u64, u64),
    pub columns: (usize, usize),
}

/// A row of the sample: its number in the table, from 1, and its cells as text.
pub(super) type SampleRow = (u64, Vec<String>);

/// The header found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Names of the columns, no two the same.
    pub names: Vec<String>,
    /// The last row of the header; zero where there is none.
    pub last_row: u64,
}

/// Finds the header, or takes the one that was asked for. Headers of several rows are joined from
/// the top down with a slash.
pub(super) fn header(
    sample: &[SampleRow],
    merged: &[Merged],
    wanted: HeaderRows,
    table: &str,
) -> Result<Header, SourceRefused> {
    let width = sample.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let (first, last) = match wanted {
        HeaderRows::None => {
            return Ok(Header {
                names: super::unique_names(vec![String::new(); width]),
                last_row: 0,
            });
        }
        HeaderRows::Rows { first, last } => {
            if !sample.iter().any(|(number, _)| (first..=last).contains(number)) {
                return Err(SourceRefused::NoSuchHeader {
                    name: table.to_owned(),
                    row: first,
                });
            }
            (first, last)
        }
        // What stands above an example is header and titles alone.
        HeaderRows::Guess => {
            let above = sample.iter().position(|(_, cells)| is_example(cells));
            guess(above.and_then(|at| sample.get(..at)).unwrap_or(sample), merged)
        }
    };
    let examples = sample
        .iter()
        .skip_while(|(number, _)| *number <= last)
        .take_while(|(_, cells)| is_example(cells));
    let last_row = examples.last().map_or(last, |(number, _)| *number);
    let mut names = vec![Vec::<String>::new(); width];
    for (number, cells) in sample.iter().filter(|(number, _)| (first..=last).contains(number)) {
        for (column, parts) in names.iter_mut().enumerate() {
            let text = covered(sample, merged, *number, column)
                .or_else(|| cells.get(column).map(String::as_str))
                .unwrap_or_default();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            // A cell over several rows is said once.
            if !text.is_empty() && parts.last() != Some(&text) {
                parts.push(text);
            }
        }
    }
    Ok(Header {
        names: super::unique_names(names.into_iter().map(|parts| parts.join("/"))),
        last_row,
    })
}

/// Whether a row says of itself that it is an example, as those of our own templates do.
fn is_example(cells: &[String]) -> bool {
    cells
        .iter()
        .find(|cell| !cell.trim().is_empty())
        .is_some_and(|cell| cell.trim_start().starts_with(crate::workbook::EXAMPLE))
}

/// The text of the merged cell that covers a cell; it stands in its first row and column.
fn covered<'a>(sample: &'a [SampleRow], merged: &[Merged], row: u64, column: usize) -> Option<&'a str> {
    let area = merged.iter().find(|area| {
        (area.rows.0..=area.rows.1).contains(&row) && (area.columns.0..=area.columns.1).contains(&column)
    })?;
    let (_, cells) = sample.iter().find(|(number, _)| *number == area.rows.0)?;
    cells.get(area.columns.0).map(String::as_str)
}

/// The first and last row of the header. Titles above it fill few cells of many; names that
/// are merged over several columns have names of their own below.
fn guess(sample: &[SampleRow], merged: &[Merged]) -> (u64, u64) {
    let filled = |cells: &[String]| cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    // The width that most rows have: one long row of remarks doesn't make all others titles.
    let mut widths: Vec<usize> = sample
        .iter()
        .map(|(_, cells)| filled(cells))
        .filter(|width| *width > 0)
        .collect();
    widths.sort_unstable();
    let usual = widths.get(widths.len() / 2).copied().unwrap_or(1);
    let spread = |row: u64, cells: &[String]| {
        let under_merged = merged
            .iter()
            .filter(|area| area.rows.0 == row && area.columns.1 > area.columns.0)
            .map(|area| area.columns.1 - area.columns.0)
            .sum::<usize>();
        let is_title = filled(cells) < 2;
        filled(cells) + if is_title { 0 } else { under_merged }
    };
    let enough = (usual * 2).div_ceil(3).max(if usual > 1 { 2 } else { 1 });
    let first = sample
        .iter()
        .find(|(number, cells)| spread(*number, cells) >= enough)
        .or_else(|| sample.iter().find(|(_, cells)| filled(cells) > 0))
        .map_or(1, |(number, _)| *number);
    let mut last = first;
    loop {
        let reach = merged
            .iter()
            .filter(|area| (first..=last).contains(&area.rows.0))
            .map(|area| {
                let is_group = area.columns.1 > area.columns.0;
                area.rows.1 + u64::from(is_group)
            })
            .max()
            .unwrap_or(last)
            .max(last);
        if reach == last || reach > first + 8 {
            return (first, last);
        }
        last = reach;
    }
}

/// The columns that hold the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    None,
    /// WKT or WKB in hexadecimal digits.
    Text(usize),
    /// East (or longitude) and north (or latitude).
    Pair(usize, usize),
}

/// How the shape of a row is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShapeColumns {
    columns: Columns,
    /// Named by the first shape.
    srid: Option<u32>,
    /// Named by the header of the columns, `图形（EPSG:4490）`.
    named: Option<u32>,
}

impl ShapeColumns {
    /// Takes the columns that were asked for, or finds them by their names and values.
    pub fn find(
        names: &[String],
        rows: &[&[String]],
        options: &TableOptions,
        table: &str,
    ) -> Result<ShapeColumns, SourceRefused> {
        let place = |setting: &'static str, wanted: &str| {
            names
                .iter()
                .position(|name| name == wanted)
                .ok_or_else(|| SourceRefused::NoSuchColumn {
                    name: table.to_owned(),
                    setting,
                    column: wanted.to_owned(),
                    columns: names.to_vec(),
                })
        };
        let columns = match (&options.shape_column, &options.x_column, &options.y_column) {
            (Some(shape), _, _) => Columns::Text(place("shape_column", shape)?),
            (None, Some(x), Some(y)) => Columns::Pair(place("x_column", x)?, place("y_column", y)?),
            (None, None, None) => guess_columns(names, rows),
            (None, Some(_), None) => {
                return Err(SourceRefused::HalfAPair {
                    given: "x_column",
                    missing: "y_column",
                });
            }
            (None, None, Some(_)) => {
                return Err(SourceRefused::HalfAPair {
                    given: "y_column",
                    missing: "x_column",
                });
            }
        };
        let srid = match columns {
            Columns::Text(column) => rows
                .iter()
                .filter_map(|cells| cells.get(column))
                .find(|cell| !cell.trim().is_empty())
                .and_then(|cell| srid_of(cell)),
            _ => None,
        };
        let named = match columns {
            Columns::None => None,
            Columns::Text(column) | Columns::Pair(column, _) => names.get(column).and_then(|name| code_in(name)),
        };
        Ok(ShapeColumns { columns, srid, named })
    }

    /// What the shapes say about their coordinate system.
    pub fn crs(&self) -> DeclaredCrs {
        match self.srid.or(self.named) {
            Some(srid) => DeclaredCrs::Member {
                name: format!("EPSG:{srid}"),
            },
            None => DeclaredCrs::Missing,
        }
    }

    /// Whether there are columns of a shape at all.
    pub fn is_any(&self) -> bool {
        self.columns != Columns::None
    }

    /// The columns of the shape, from 0.
    pub fn places(&self) -> Vec<usize> {
        match self.columns {
            Columns::None => Vec::new(),
            Columns::Text(column) => vec![column],
            Columns::Pair(x, y) => vec![x, y],
        }
    }

    /// Whether a column is all shape, and no attribute.
    pub fn is_shape(&self, column: usize) -> bool {
        self.columns == Columns::Text(column)
    }

    /// Puts the shape of the cells into the row.
    pub fn read(&self, cells: &[Value], max_vertices: u64, row: &mut SourceRow) {
        let mut notes = Notes::new(max_vertices);
        let text = |column: usize| cells.get(column).map(text_of).unwrap_or_default();
        row.geometry = match self.columns {
            Columns::None => return,
            Columns::Text(column) => match text(column) {
                text if text.trim().is_empty() => Ok(None),
                text => self.shape_of(text.trim(), &mut notes).map(Some),
            },
            Columns::Pair(x, y) => pair(&text(x), &text(y)),
        };
        notes.note(row);
    }

    fn shape_of(&self, text: &str, notes: &mut Notes) -> Result<Geometry<f64>, Unreadable> {
        let (geometry, srid) = match wkb::bytes_of_hex(text) {
            Some(bytes) => {
                let read = wkb::read(&bytes, notes)?;
                (read.geometry, read.srid)
            }
            None => (wkt::read(text, notes)?, wkt::srid(text)),
        };
        match (srid, self.srid) {
            (Some(own), Some(others)) if own != others => Err(bad(format!(
                "the shape is in EPSG:{own}, the first one in EPSG:{others}"
            ))),
            (Some(own), None) => Err(bad(format!("the shape is in EPSG:{own}, the first one names none"))),
            _ => Ok(geometry),
        }
    }
}

/// The coordinate system that a header names.
fn code_in(header: &str) -> Option<u32> {
    let (_, behind) = header.split_once("EPSG:")?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn srid_of(text: &str) -> Option<u32> {
    match wkb::bytes_of_hex(text.trim()) {
        Some(bytes) => wkb::srid(&bytes),
        None => wkt::srid(text),
    }
}

/// A point of two cells: nothing where both are empty.
fn pair(x: &str, y: &str) -> Result<Option<Geometry<f64>>, Unreadable> {
    let number = |text: &str| {
        text.trim().parse::<f64>().map_err(|_| {
            bad(format!(
                "{:?} is not a coordinate",
                text.chars().take(40).collect::<String>()
            ))
        })
    };
    match (x.trim().is_empty(), y.trim().is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some(Geometry::Point(Point(position(number(x)?, number(y)?)?)))),
        _ => Err(bad("only one of two coordinates is there")),
    }
}

/// The text of a cell.
fn text_of(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// A name without case, spaces and what stands in brackets behind it; of a header of several rows
/// the last, and of that a Latin name behind Chinese and brackets, as our own workbooks have it.
fn plain(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = match name.trim().rsplit_once(char::is_whitespace) {
        Some((chinese, latin)) if !chinese.is_ascii() && latin.chars().all(|c| c.is_ascii_alphanumeric()) => latin,
        _ => name,
    };
    let name = name.split(['(', '（', '[', '【']).next().unwrap_or_default();
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

const SHAPE_NAMES: [&str; 17] = [
    "wkt",
    "ewkt",
    "wkb",
    "ewkb",
    "geom",
    "geometry",
    "thegeom",
    "shape",
    "wkbgeometry",
    "geomwkt",
    "geometrywkt",
    "shapewkt",
    "wktgeom",
    "几何",
    "几何wkt",
    "图形",
    "空间数据",
];
/// East and north by the same habit; names of another habit don't pair with them.
const PAIR_NAMES: [(&[&str], &[&str]); 5] = [
    (
        &[
            "longitude",
            "lon",
            "lng",
            "long",
            "longitudex",
            "gpslongitude",
            "decimallongitude",
        ],
        &["latitude", "lat", "latitudey", "gpslatitude", "decimallatitude"],
    ),
    (
        &[
            "经度",
            "东经",
            "经度x",
            "中心点经度",
            "中心经度",
            "坐标经度",
            "所在经度",
        ],
        &[
            "纬度",
            "北纬",
            "纬度y",
            "中心点纬度",
            "中心纬度",
            "坐标纬度",
            "所在纬度",
        ],
    ),
    (
        &["easting", "east", "东坐标", "横坐标"],
        &["northing", "north", "北坐标", "纵坐标"],
    ),
    (
        &[
            "x",
            "xcoord",
            "xcoordinate",
            "coordx",
            "pointx",
            "centroidx",
            "centerx",
            "x坐标",
            "坐标x",
            "中心点x",
        ],
        &[
            "y",
            "ycoord",
            "ycoordinate",
            "coordy",
            "pointy",
            "centroidy",
            "centery",
            "y坐标",
            "坐标y",
            "中心点y",
        ],
    ),
    (&["经度坐标", "lonwgs84", "lngwgs84"], &["纬度坐标", "latwgs84"]),
];

fn guess_columns(names: &[String], rows: &[&[String]]) -> Columns {
    let filled = |column: usize| {
        rows.iter()
            .filter_map(move |cells| cells.get(column))
            .map(|cell| cell.trim())
            .filter(|cell| !cell.is_empty())
    };
    let is_shape = |text: &str| wkt::is_wkt(text) || is_hex_shape(text);
    let named = names
        .iter()
        .enumerate()
        .filter(|(_, name)| SHAPE_NAMES.contains(&plain(name).as_str()))
        .map(|(column, _)| column);
    for column in named {
        match filled(column).next() {
            Some(text) if is_shape(text) => return Columns::Text(column),
            // An empty column of that name may be filled further down.
            None => return Columns::Text(column),
            Some(_) => {}
        }
    }
    let unnamed = (0..names.len()).find(|column| {
        let mut cells = filled(*column).peekable();
        cells.peek().is_some() && cells.all(is_shape)
    });
    if let Some(column) = unnamed {
        return Columns::Text(column);
    }
    for (east, north) in PAIR_NAMES {
        let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&plain(name).as_str()));
        if let (Some(x), Some(y)) = (find(east), find(north)) {
            let is_number = |column: usize| {
                let (numbers, others): (Vec<_>, Vec<_>) = filled(column).partition(|text| text.parse::<f64>().is_ok());
                numbers.len() >= others.len()
            };
            if is_number(x) && is_number(y) {
                return Columns::Pair(x, y);
            }
        }
    }
    Columns::None
}

fn is_hex_shape(text: &str) -> bool {
    let digits = text.strip_prefix("\\x").unwrap_or(text);
    // Byte order and kind: enough to tell a shape from a number that happens to be hexadecimal.
    let is_head = matches!(digits.get(..10), Some(head) if head.starts_with("01") || head.starts_with("00"));
    is_head
        && digits.len() >= 18
        && wkb::bytes_of_hex(text).is_some_and(|bytes| {
            // The shape may be longer than what a sample keeps of a cell, and then ends early.
            let kind = bytes.get(1..5).map_or(0, |kind| match (bytes.first(), kind) {
                (Some(1), [kind, ..]) | (Some(0), [.., kind]) => *kind,
                _ => 0,
            });
            kind != 0
        })
}

/// The examples of values of each column, for the mapping to be judged by.
pub(super) fn examples(names: &[String], shape: &ShapeColumns) -> Vec<crate::mapping::FieldName> {
    names
        .iter()
        .enumerate()
        .filter(|(column, _)| !shape.is_shape(*column))
        .map(|(_, name)| crate::mapping::FieldName {
            name: name.clone(),
            examples: Vec::new(),
        })
        .collect()
}

/// How many of the numbers are the most common one, and which that is.
pub(super) fn most_common(numbers: &[usize]) -> (usize, usize) {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for number in numbers {
        *counts.entry(*number).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(number, count)| (**count, **number));
    most.map_or((0, 0), |(number, count)| (*number, *count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: &[&[&str]]) -> Vec<SampleRow> {
        rows.iter()
            .enumerate()
            .map(|(position, cells)| {
                (
                    position as u64 + 1,
                    cells.iter().map(|cell| (*cell).to_owned()).collect(),
                )
            })
            .collect()
    }

    fn names(sample: &[SampleRow], merged: &[Merged]) -> (Vec<String>, u64) {
        let header = header(sample, merged, HeaderRows::Guess, "t").unwrap();
        let distinct: std::collections::HashSet<&String> = header.names.iter().collect();
        assert_eq!(distinct.len(), header.names.len());
        (header.names, header.last_row)
    }

    #[test]
    fn merged_headers_under_a_title_are_joined() {
        let rows = sample(&[
            &["常州市机关事务管理局房产一览表", "", "", "", ""],
            &["填报单位：某局", "", "", "", "单位：平方米"],
            &["序号", "土地", "", "房屋", "备注"],
            &["", "宗地代码", "面积", "建筑面积", ""],
            &["1", "A", "12.5", "8", ""],
            &["2", "B", "13.5", "9", "x"],
        ]);
        let merged = [
            Merged {
                rows: (1, 1),
                columns: (0, 4),
            },
            Merged {
                rows: (3, 4),
                columns: (0, 0),
            },
            Merged {
                rows: (3, 3),
                columns: (1, 2),
            },
            Merged {
                rows: (3, 4),
                columns: (4, 4),
            },
        ];
        let (found, last) = names(&rows, &merged);
        assert_eq!(found, ["序号", "土地/宗地代码", "土地/面积", "房屋/建筑面积", "备注"]);
        assert_eq!(last, 4);
    }

    #[test]
    fn a_plain_header_is_the_first_row() {
        let (found, last) = names(&sample(&[&["a", "b", "a", ""], &["1", "2", "3", "4"]]), &[]);
        assert_eq!(
            (found.as_slice(), last),
            (["a", "b", "a_2", "field_4"].map(str::to_owned).as_slice(), 1)
        );
        let (found, last) = names(&sample(&[&["only"], &["1"], &["2"]]), &[]);
        assert_eq!((found.as_slice(), last), (["only".to_owned()].as_slice(), 1));
    }

    #[test]
    fn columns_of_the_shape_are_found_by_name_and_value() {
        let find = |header: &[&str], cells: &[&str]| {
            let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
            let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
            ShapeColumns::find(&names, &[&cells], &TableOptions::default(), "t")
                .unwrap()
                .columns
        };
        assert_eq!(find(&["id", "几何WKT"], &["1", "POINT (1 2)"]), Columns::Text(1));
        assert_eq!(find(&["id", "data"], &["1", "SRID=4490;POINT (1 2)"]), Columns::Text(1));
        assert_eq!(
            find(&["geom", "id"], &["0101000000000000000000F03F0000000000000040", "1"]),
            Columns::Text(0)
        );
        assert_eq!(
            find(&["geometry", "经度", "纬度"], &["square", "119.9", "31.7"]),
            Columns::Pair(1, 2)
        );
        assert_eq!(
            find(&["Lat (deg)", "LONGITUDE"], &["31.7", "119.9"]),
            Columns::Pair(1, 0)
        );
        assert_eq!(find(&["x", "lat"], &["1", "2"]), Columns::None);
        assert_eq!(find(&["x", "y"], &["yes", "no"]), Columns::None);
        // Digits alone are no shape.
        assert_eq!(find(&["id", "code"], &["1", "0100000000000000000000"]), Columns::None);
    }
}
