//! Files to measure with: copies of real parcels, moved side by side around 119.95°E 31.78°N.

use std::io::{BufWriter, Write};
use std::path::Path;

use geo::{BoundingRect, MapCoords};
use geo_types::{Coord, Geometry};
use gis_data::write::{Cell, Column, ColumnKind, Header, LayerWriter, Shapes, Table, TargetCrs, WriteFormat};
use gis_data::{Checked, Pipeline, PipelineOptions, ReadOptions, Source, Words};

use super::{CommandFailed, bad};

const TITLE_STATUS: [&str; 6] = [
    "unified",
    "other_handed",
    "other_not_handed",
    "none_handed",
    "none_not_handed",
    "other",
];
const USAGE: [&str; 7] = [
    "administrative_office",
    "housing_security",
    "technical",
    "public_service",
    "commercial",
    "idle_land",
    "other",
];

/// The valid parcels of a real file, to take copies of.
pub(super) struct Copies {
    shapes: Vec<(String, Geometry<f64>)>,
    west: f64,
    south: f64,
    width: f64,
    height: f64,
}

/// One parcel of a file that is made.
struct Parcel {
    code: String,
    title_status: &'static str,
    usage: &'static str,
    shape: Geometry<f64>,
}

impl Copies {
    /// Reads the file.
    pub(super) fn of(source: &Path) -> Result<Self, CommandFailed> {
        let mut opened = Source::open(source, &ReadOptions::default()).map_err(|error| bad(error.to_string()))?;
        let mut options = PipelineOptions::new(gis_data::Layer::Parcels);
        options.map = vec![("key".to_owned(), "ML".to_owned())];
        let pipeline = Pipeline::new(&opened, options).map_err(|error| bad(error.to_string()))?;
        let mut shapes = Vec::new();
        for row in opened.rows() {
            if let Checked::Accepted(candidate) = pipeline.check(row.map_err(|error| bad(error.to_string()))?)
                && let Some(geometry) = candidate.geometry
            {
                shapes.push((candidate.source_key, geometry));
            }
        }
        if shapes.is_empty() {
            return Err(bad("the source has no parcels"));
        }
        let boxes: Vec<_> = shapes.iter().filter_map(|(_, shape)| shape.bounding_rect()).collect();
        let west = boxes.iter().map(|rect| rect.min().x).fold(f64::MAX, f64::min);
        let south = boxes.iter().map(|rect| rect.min().y).fold(f64::MAX, f64::min);
        Ok(Self {
            width: boxes.iter().map(|rect| rect.max().x).fold(f64::MIN, f64::max) - west,
            height: boxes.iter().map(|rect| rect.max().y).fold(f64::MIN, f64::max) - south,
            west,
            south,
            shapes,
        })
    }

    /// How many parcels make about as many megabytes of GeoJSON.
    pub(super) fn parcels_of(&self, megabytes: usize) -> Result<usize, CommandFailed> {
        let mut counting = Counting(0);
        // All of them: files begin with what is small, or with what is large.
        self.geojson(self.shapes.len(), &mut counting)
            .map_err(|error| CommandFailed::system(&error))?;
        let bytes_each = counting.0 as f64 / self.shapes.len() as f64;
        Ok((megabytes as f64 * 1e6 / bytes_each).ceil() as usize)
    }

    /// Writes so many parcels in a format.
    pub(super) fn write(&self, parcels: usize, format: WriteFormat, target: &Path) -> Result<(), CommandFailed> {
        if format == WriteFormat::GeoJson {
            return self.write_geojson(parcels, target);
        }
        let column = |name: &'static str| Column {
            name,
            kind: ColumnKind::Text,
            label: Words::new(name, name),
        };
        let table = Table {
            name: "parcels",
            title: Words::new("宗地", "parcels"),
            columns: vec![column("code"), column("title_status"), column("usage")],
            shapes: Shapes::Polygons,
            crs: TargetCrs::CGCS2000,
            header: Header::default(),
            written_at: "2026-01-01T00:00:00Z".to_owned(),
        };
        let failed = |error: gis_data::write::WriteFailed| CommandFailed::system(&error);
        let mut writer = LayerWriter::create(target, format, table).map_err(failed)?;
        for parcel in self.parcels(parcels) {
            let cells = [
                Cell::Text(&parcel.code),
                Cell::Text(parcel.title_status),
                Cell::Text(parcel.usage),
            ];
            writer.write(&cells, Some(parcel.shape)).map_err(failed)?;
        }
        writer.finish().map_err(failed)?;
        Ok(())
    }

    /// Writes so many parcels as GeoJSON, one a line, with all digits of their coordinates.
    pub(super) fn write_geojson(&self, parcels: usize, target: &Path) -> Result<(), CommandFailed> {
        let disk = |error: std::io::Error| CommandFailed::system(&error);
        let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(target).map_err(disk)?);
        self.geojson(parcels, &mut file).map_err(disk)?;
        file.flush().map_err(disk)
    }

    fn geojson(&self, parcels: usize, file: &mut impl Write) -> std::io::Result<()> {
        write!(file, "{{\"type\":\"FeatureCollection\",\"features\":[")?;
        let mut comma = "";
        for parcel in self.parcels(parcels) {
            let Parcel {
                code,
                title_status,
                usage,
                shape,
            } = &parcel;
            write!(
                file,
                "{comma}\n{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{code}\",\"title_status\":\"{title_status}\",\
                 \"usage\":\"{usage}\"}},\"geometry\":{}}}",
                geojson::Geometry::from(shape)
            )?;
            comma = ",";
        }
        write!(file, "\n]}}\n")
    }

    fn parcels(&self, parcels: usize) -> impl Iterator<Item = Parcel> {
        let columns = ((parcels / self.shapes.len()) as f64).sqrt().ceil().max(1.0) as usize;
        (0..parcels).map(move |number| {
            let copy = number / self.shapes.len();
            let (dx, dy) = (
                119.95 - self.west + (copy % columns) as f64 * self.width * 1.02,
                31.78 - self.south + (copy / columns) as f64 * self.height * 1.02,
            );
            let (key, shape) = &self.shapes[number % self.shapes.len()];
            Parcel {
                code: format!("{copy}-{key}"),
                title_status: TITLE_STATUS[number % TITLE_STATUS.len()],
                usage: USAGE[number % USAGE.len()],
                shape: shape.map_coords(|coord| Coord {
                    x: coord.x + dx,
                    y: coord.y + dy,
                }),
            }
        })
    }
}

/// Counts bytes and keeps none.
struct Counting(u64);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parcels_are_in_every_format() {
        let sample =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../gis-data/samples/cambridge/parcels_fy2014.geojson.gz");
        let copies = Copies::of(&sample).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut found = Vec::new();
        for format in [
            WriteFormat::GeoJson,
            WriteFormat::FlatGeobuf,
            WriteFormat::GeoPackage,
            WriteFormat::Shapefile,
        ] {
            let path = folder.path().join(format!("parcels.{}", format.extension()));
            copies.write(300, format, &path).unwrap();
            let mut source = Source::open(&path, &ReadOptions::default()).unwrap();
            let pipeline = Pipeline::new(&source, PipelineOptions::new(gis_data::Layer::Parcels)).unwrap();
            let mut rows: Vec<String> = source
                .rows()
                .map(|row| match pipeline.check(row.unwrap()) {
                    Checked::Accepted(candidate) => serde_json::to_string(&candidate.fields).unwrap(),
                    Checked::Quarantined(quarantine) => panic!("{format:?}: {:?}", quarantine.reason),
                })
                .collect();
            // A FlatGeobuf file is in the order of its index.
            rows.sort();
            found.push(rows);
        }
        assert_eq!(found[0].len(), 300);
        assert!(found.iter().all(|rows| *rows == found[0]));

        let path = folder.path().join("size.geojson");
        copies.write_geojson(copies.parcels_of(20).unwrap(), &path).unwrap();
        let megabytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
        assert!((18.0..22.0).contains(&megabytes), "{megabytes} MB");
    }
}
