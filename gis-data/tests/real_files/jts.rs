//! The test cases of JTS, whose rules PostGIS follows.

use geo::MapCoords;
use geo_types::{Coord, Geometry};
use gis_data::area::plane_area_m2;
use gis_data::check::{self, Verdict};
use gis_data::overlap::common_area_m2;

use crate::support::*;
use crate::test_data;

/// One case of a file: two shapes and what comes of each operation on them.
struct Case<'a> {
    file: &'a str,
    text: &'a str,
}

impl Case<'_> {
    fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.trim())
    }

    /// One of its shapes, where it is of polygons.
    fn shape(&self, name: &str) -> Option<Geometry<f64>> {
        polygons_of(self.element(name)?)
    }

    /// What it says of the first operation whose name begins so.
    fn result(&self, operation: &str) -> Option<&str> {
        let begins = format!("name=\"{operation}").to_lowercase();
        let mut operations = self.text.split("<op ");
        let found = operations.find(|one| one.to_lowercase().starts_with(&begins))?;
        Some(found.split_once('>')?.1.split_once("</op>")?.0.trim())
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.file, self.element("desc").unwrap_or_default())
    }
}

/// Judges every case of some files, where `verdict` has one: gives how many that were, and what differs from JTS.
fn judge(files: &[&str], verdict: impl Fn(&Case<'_>) -> Option<Result<(), String>>) -> Option<(usize, Vec<String>)> {
    let folder = test_data("jts-geometry-tests")?.join("general");
    let mut judged = 0;
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for case in text.split("<case>").skip(1).map(|text| Case { file, text }) {
            let Some(verdict) = verdict(&case) else { continue };
            judged += 1;
            wrong.extend(verdict.err().map(|difference| format!("{case}: {difference}")));
        }
    }
    Some((judged, wrong))
}

/// Polygons of a well-known text.
fn polygons_of(text: &str) -> Option<Geometry<f64>> {
    let text = text.trim();
    let (body, is_multi) = match text.strip_prefix("MULTIPOLYGON") {
        Some(body) => (body, true),
        None => (text.strip_prefix("POLYGON")?, false),
    };
    let mut json = body.trim().to_owned();
    if json.contains("EMPTY") || json.contains('Z') || json.contains("NaN") || json.contains("Inf") {
        return None;
    }
    // `(1 2, 3 4)` to `[[1,2],[3,4]]`: the text of GeoJSON but for its brackets and blanks.
    let mut out = String::new();
    let mut pending = String::new();
    let flush = |pending: &mut String, out: &mut String| {
        let numbers: Vec<&str> = pending.split_whitespace().collect();
        if !numbers.is_empty() {
            out.push_str(&format!("[{},{}]", numbers[0], numbers[1]));
        }
        pending.clear();
    };
    for character in std::mem::take(&mut json).chars() {
        match character {
            '(' => out.push('['),
            ')' => {
                flush(&mut pending, &mut out);
                out.push(']');
            }
            ',' => {
                flush(&mut pending, &mut out);
                out.push(',');
            }
            other => pending.push(other),
        }
    }
    let kind = if is_multi { "MultiPolygon" } else { "Polygon" };
    let document = format!(r#"{{"type":"{kind}","coordinates":{out}}}"#);
    let folder = Folder::new();
    let rows = read(&folder.write("one.json", document)).unwrap();
    rows.into_iter().next()?.geometry.unwrap()
}

#[test]
fn validity_is_what_jts_says() {
    let files = ["TestValid.xml", "TestValid2.xml", "TestValid2-big.xml"];
    let found = judge(&files, |case| {
        let is_valid = case.result("isValid")?;
        let mut shape = case.shape("a")?;
        check::clean(&mut shape);
        let verdict = check::check(&shape);
        let is_same = (verdict == Verdict::Valid) == (is_valid == "true");
        Some(if is_same {
            Ok(())
        } else {
            Err(format!("{verdict:?}, JTS says {is_valid}"))
        })
    });
    let Some((judged, wrong)) = found else { return };
    assert!(judged > 100, "{judged}");
    assert_eq!(wrong, [""; 0]);
}

/// Areas and common areas, against the shapes that JTS says two polygons share and cover: what two cover together is what
/// each covers, less what they share. JTS has no cases of what is left, cutting to a tile and mending to the grid.
#[test]
fn areas_are_what_jts_says() {
    // Its plane is laid out at Changzhou, a unit to a metre or so.
    let placed = |shape: Geometry<f64>| {
        shape.map_coords(|at| Coord {
            x: 119.95 + at.x * 1e-5,
            y: 31.78 + at.y * 1e-5,
        })
    };
    let found = judge(&["TestOverlayAA.xml", "TestNGOverlayA.xml"], |case| {
        let [a, b] = [placed(case.shape("a")?), placed(case.shape("b")?)];
        let result = |operation: &str| Some(plane_area_m2(&placed(polygons_of(case.result(operation)?)?)));
        let (shared, both) = (result("intersection")?, result("union")?);
        if check::check(&a) != Verdict::Valid || check::check(&b) != Verdict::Valid {
            return None;
        }
        // JTS writes the corners where edges cross with a few digits.
        let hair = both * 1e-5;
        let (area, other, common) = (plane_area_m2(&a), plane_area_m2(&b), common_area_m2(&a, &b));
        let is_same = (area + other - shared - both).abs() <= hair && (common - shared).abs() <= hair;
        Some(if is_same {
            Ok(())
        } else {
            Err(format!(
                "{area} and {other} share {common}, JTS says {shared} of {both}"
            ))
        })
    });
    let Some((judged, wrong)) = found else { return };
    assert_eq!(wrong, [""; 0]);
    assert!(judged > 10, "{judged}");
}
