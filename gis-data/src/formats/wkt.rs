//! Well-known text, with PostGIS's `SRID=…;` before it.

use geo_types::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point};

use super::shape::{MAX_COLLECTION_DEPTH, Notes, bad, kind, polygon, position};
use crate::source::Unreadable;

const KINDS: [&str; 7] = [
    "POINT",
    "LINESTRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
];
/// Kinds that are known and not read, so that they can be named.
const OTHER_KINDS: [&str; 10] = [
    "CIRCULARSTRING",
    "COMPOUNDCURVE",
    "CURVEPOLYGON",
    "MULTICURVE",
    "MULTISURFACE",
    "CURVE",
    "SURFACE",
    "POLYHEDRALSURFACE",
    "TIN",
    "TRIANGLE",
];

/// Whether text looks like a shape: a known kind, and behind it what may follow.
pub(super) fn is_wkt(text: &str) -> bool {
    let text = without_srid(text).0;
    let (word, rest) = first_word(text);
    let is_kind = |word: &str| {
        KINDS
            .iter()
            .chain(&OTHER_KINDS)
            .any(|kind| kind.eq_ignore_ascii_case(word))
    };
    let rest = rest.trim_start();
    let follows = |rest: &str| rest.starts_with('(') || first_word(rest).0.eq_ignore_ascii_case("EMPTY");
    let (next, behind) = first_word(rest);
    let is_dimension = ["Z", "M", "ZM"].iter().any(|word| word.eq_ignore_ascii_case(next));
    let word = word
        .strip_suffix(['Z', 'z', 'M', 'm'])
        .filter(|_| !is_kind(word))
        .unwrap_or(word);
    is_kind(word) && (follows(rest) || (is_dimension && follows(behind.trim_start())))
}

/// The number of the coordinate system before the shape.
pub(super) fn srid(text: &str) -> Option<u32> {
    without_srid(text).1
}

fn without_srid(text: &str) -> (&str, Option<u32>) {
    let text = text.trim_start();
    let has_srid = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("SRID="));
    match text.get(5..).filter(|_| has_srid).and_then(|rest| rest.split_once(';')) {
        Some((number, rest)) => match number.trim().parse() {
            Ok(number) => (rest.trim_start(), Some(number)),
            Err(_) => (text, None),
        },
        None => (text, None),
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Reads one shape; text behind it is refused.
pub(super) fn read(text: &str, notes: &mut Notes) -> Result<Geometry<f64>, Unreadable> {
    let mut cursor = Cursor {
        rest: without_srid(text).0,
        notes,
    };
    let geometry = cursor.geometry(0)?;
    if !cursor.rest.trim().is_empty() {
        return Err(bad("there is something behind the shape"));
    }
    Ok(geometry)
}

struct Cursor<'a, 'b> {
    rest: &'a str,
    notes: &'b mut Notes,
}

impl<'a> Cursor<'a, '_> {
    fn eat(&mut self, wanted: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> &'a str {
        let (word, rest) = first_word(self.rest.trim_start());
        self.rest = rest;
        word
    }

    fn is_empty_word(&mut self) -> bool {
        let (word, rest) = first_word(self.rest.trim_start());
        let is_empty = word.eq_ignore_ascii_case("EMPTY");
        if is_empty {
            self.rest = rest;
        }
        is_empty
    }

    /// `( item, item … )` or `EMPTY`.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Unreadable>) -> Result<(), Unreadable> {
        if self.is_empty_word() {
            return Ok(());
        }
        if !self.eat('(') {
            return Err(bad("'(' expected in the shape's text"));
        }
        loop {
            item(self)?;
            if self.eat(',') {
                continue;
            }
            return if self.eat(')') {
                Ok(())
            } else {
                Err(bad("')' expected in the shape's text"))
            };
        }
    }

    fn number(&mut self) -> Option<Result<f64, Unreadable>> {
        let text = self.rest.trim_start();
        let end = text
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'))
            .unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        if word.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(word.parse().map_err(|_| bad("a coordinate is not a number")))
    }

    fn position(&mut self) -> Result<Coord<f64>, Unreadable> {
        self.notes.count(1)?;
        let too_few = || bad("a position has fewer than two numbers");
        let x = self.number().ok_or_else(too_few)??;
        let y = self.number().ok_or_else(too_few)??;
        if let Some(more) = self.number() {
            more?;
            self.notes.dropped_z = true;
            if let Some(more) = self.number() {
                more?;
                self.notes.dropped_m = true;
            }
        }
        position(x, y)
    }

    fn line(&mut self) -> Result<Vec<Coord<f64>>, Unreadable> {
        let mut line = Vec::new();
        self.list(|cursor| {
            line.push(cursor.position()?);
            Ok(())
        })?;
        line.shrink_to_fit();
        Ok(line)
    }

    fn rings(&mut self) -> Result<Vec<LineString<f64>>, Unreadable> {
        let mut rings = Vec::new();
        self.list(|cursor| {
            cursor.notes.part()?;
            let ring = cursor.line()?;
            rings.push(cursor.notes.ring(ring));
            Ok(())
        })?;
        Ok(rings)
    }

    fn geometry(&mut self, depth: u32) -> Result<Geometry<f64>, Unreadable> {
        if depth > MAX_COLLECTION_DEPTH {
            return Err(bad("collections nested too deep"));
        }
        let word = self.word().to_ascii_uppercase();
        let is_plain = KINDS.contains(&word.as_str());
        let name = if is_plain {
            word.as_str()
        } else {
            word.trim_end_matches(['Z', 'M'])
        };
        if OTHER_KINDS.contains(&word.as_str()) || OTHER_KINDS.contains(&name) {
            return Err(kind(word));
        }
        let measures = ["M", "ZM"];
        let mut has_measures = !is_plain && word.strip_prefix(name).is_some_and(|suffix| measures.contains(&suffix));
        let mut has_only_measures = has_measures && word.strip_prefix(name) == Some("M");
        let name = name.to_owned();
        let (next, rest) = first_word(self.rest.trim_start());
        if let Some(dimension) = ["Z", "M", "ZM"].iter().find(|word| word.eq_ignore_ascii_case(next)) {
            self.rest = rest;
            has_measures |= measures.contains(dimension);
            has_only_measures |= *dimension == "M";
        }
        let had_z = self.notes.dropped_z;
        let geometry = match name.as_str() {
            "POINT" => match self.line()?.as_slice() {
                [] => Geometry::MultiPoint(MultiPoint(Vec::new())),
                [coord] => Geometry::Point(Point(*coord)),
                _ => return Err(bad("a point has one position")),
            },
            "LINESTRING" => Geometry::LineString(LineString(self.line()?)),
            "POLYGON" => Geometry::Polygon(polygon(self.rings()?)),
            "MULTIPOINT" => {
                let mut points = Vec::new();
                self.list(|cursor| {
                    if cursor.is_empty_word() {
                        return Ok(());
                    }
                    // Both `(1 2)` and `1 2` are in use.
                    let has_parenthesis = cursor.eat('(');
                    points.push(Point(cursor.position()?));
                    if has_parenthesis && !cursor.eat(')') {
                        return Err(bad("')' expected in the shape's text"));
                    }
                    Ok(())
                })?;
                Geometry::MultiPoint(MultiPoint(points))
            }
            "MULTILINESTRING" => {
                let mut lines = Vec::new();
                self.list(|cursor| {
                    cursor.notes.part()?;
                    lines.push(LineString(cursor.line()?));
                    Ok(())
                })?;
                Geometry::MultiLineString(MultiLineString(lines))
            }
            "MULTIPOLYGON" => {
                let mut polygons = Vec::new();
                self.list(|cursor| {
                    cursor.notes.part()?;
                    polygons.push(polygon(cursor.rings()?));
                    Ok(())
                })?;
                Geometry::MultiPolygon(MultiPolygon(polygons))
            }
            "GEOMETRYCOLLECTION" => {
                let mut members = Vec::new();
                self.list(|cursor| {
                    cursor.notes.part()?;
                    members.push(cursor.geometry(depth + 1)?);
                    Ok(())
                })?;
                Geometry::GeometryCollection(GeometryCollection(members))
            }
            _ => return Err(bad("the text is no shape")),
        };
        if has_only_measures && self.notes.dropped_z {
            // The third number was a measure then.
            self.notes.dropped_z = had_z;
            self.notes.dropped_m = true;
        }
        self.notes.dropped_m |= has_measures;
        Ok(geometry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<(Geometry<f64>, Notes), Unreadable> {
        let mut notes = Notes::new(100);
        Ok((read(text, &mut notes)?, notes))
    }

    #[test]
    fn the_usual_spellings_are_read() {
        let point = Geometry::Point(Point(Coord { x: 1.5, y: -2.0 }));
        for (text, has_z, has_m) in [
            ("POINT (1.5 -2)", false, false),
            ("point(1.5 -2.0)", false, false),
            ("SRID=4490;POINT(1.5 -2e0)", false, false),
            ("POINT Z (1.5 -2 7)", true, false),
            ("POINTZ(1.5 -2 7)", true, false),
            ("POINT (1.5 -2 7)", true, false),
            ("POINT M (1.5 -2 7)", false, true),
            ("POINT ZM (1.5 -2 7 8)", true, true),
        ] {
            assert!(is_wkt(text), "{text}");
            let (found, notes) = shape(text).unwrap();
            assert_eq!(found, point, "{text}");
            assert_eq!((notes.dropped_z, notes.dropped_m), (has_z, has_m), "{text}");
        }
        assert_eq!(srid("SRID=4490;POINT(1 2)"), Some(4490));
        let (both, _) = shape("MULTIPOINT (1 2, (3 4))").unwrap();
        assert!(matches!(both, Geometry::MultiPoint(points) if points.0.len() == 2));
        let (empty, _) = shape("MULTIPOLYGON EMPTY").unwrap();
        assert_eq!(empty, Geometry::MultiPolygon(MultiPolygon(Vec::new())));
        let (nested, _) = shape("GEOMETRYCOLLECTION (POINT (1 2), POLYGON ((0 0, 1 0, 1 1, 0 0), EMPTY))").unwrap();
        assert!(matches!(nested, Geometry::GeometryCollection(members) if members.0.len() == 2));
    }

    #[test]
    fn other_text_says_what_is_wrong() {
        for text in [
            "",
            "POINT",
            "POINT (1)",
            "POINT (1 2",
            "POINT (1 2) x",
            "POINT (a b)",
            "POLYGON (1 2)",
            "POINT (1 2, 3 4)",
            "POINTLESS (1 2)",
        ] {
            assert!(matches!(shape(text), Err(Unreadable::Geometry { .. })), "{text}");
        }
        assert_eq!(shape("POINT (NaN 1)").unwrap_err(), Unreadable::NotFinite);
        assert_eq!(shape("POINT (1e999 1)").unwrap_err(), Unreadable::NotFinite);
        assert!(matches!(shape("CURVEPOLYGON Z (())"), Err(Unreadable::Kind { .. })));
        assert!(matches!(
            shape(&format!("LINESTRING ({})", vec!["1 2"; 101].join(","))),
            Err(Unreadable::TooManyVertices { .. })
        ));
        let deep = "GEOMETRYCOLLECTION (".repeat(100_000);
        assert!(matches!(shape(&deep), Err(Unreadable::Geometry { .. })));
        assert!(!is_wkt("Point of sale (old)") && !is_wkt("polygon"));
    }
}
