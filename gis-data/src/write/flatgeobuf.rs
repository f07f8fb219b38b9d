//! FlatGeobuf: features in the order of a Hilbert curve, with the packed index in front.

use std::path::{Path, PathBuf};

use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
use geo_types::Geometry;
use geozero::error::GeozeroError;
use geozero::{ColumnValue, PropertyProcessor};

use super::{Cell, ColumnKind, Shapes, Table, WarningKind, Warnings, WriteFailed, WriteRows, buffered, settle};

pub(super) struct FlatGeobufRows {
    writer: FgbWriter<'static>,
    path: PathBuf,
    names: Vec<&'static str>,
    rows: u64,
}

impl FlatGeobufRows {
    pub(super) fn create(path: &Path, table: Table) -> Result<FlatGeobufRows, WriteFailed> {
        let (name, wkt) = (table.crs.title(), table.crs.wkt());
        let is_mixed = table.shapes == Shapes::Mixed;
        let options = FgbWriterOptions {
            write_index: true,
            detect_type: false,
            promote_to_multi: !is_mixed,
            crs: FgbCrs {
                org: Some("EPSG"),
                code: i32::try_from(table.crs.epsg()).unwrap_or_default(),
                name: Some(&name),
                wkt: Some(&wkt),
                ..FgbCrs::default()
            },
            title: Some(&table.title.en),
            ..FgbWriterOptions::default()
        };
        let kind = if is_mixed {
            GeometryType::Unknown
        } else {
            GeometryType::MultiPolygon
        };
        let mut writer = FgbWriter::create_with_options(table.name, kind, options).map_err(failed)?;
        for column in &table.columns {
            let kind = match column.kind {
                ColumnKind::Text => ColumnType::String,
                ColumnKind::Integer => ColumnType::Long,
                ColumnKind::Real { .. } => ColumnType::Double,
                ColumnKind::Date => ColumnType::DateTime,
            };
            writer.add_column(column.name, kind, |_, _| {});
        }
        Ok(FlatGeobufRows {
            writer,
            path: path.to_owned(),
            names: table.columns.iter().map(|column| column.name).collect(),
            rows: 0,
        })
    }
}

impl WriteRows for FlatGeobufRows {
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        warnings: &mut Warnings,
    ) -> Result<(), WriteFailed> {
        let Some(shape) = shape else {
            warnings.add(WarningKind::RowWithoutShape, "");
            return Ok(());
        };
        let names = &self.names;
        let mut outcome = Ok(());
        self.writer
            .add_feature_geom(shape, |feature| {
                for (index, (cell, name)) in cells.iter().zip(names).enumerate() {
                    let written = match *cell {
                        Cell::Empty => continue,
                        Cell::Text(words) => feature.property(index, name, &ColumnValue::String(words)),
                        Cell::Integer(number) => feature.property(index, name, &ColumnValue::Long(number)),
                        Cell::Real(number) => feature.property(index, name, &ColumnValue::Double(number)),
                        Cell::Date { year, month, day } => {
                            let day = format!("{year:04}-{month:02}-{day:02}");
                            feature.property(index, name, &ColumnValue::DateTime(&day))
                        }
                    };
                    if let Err(error) = written {
                        outcome = Err(shape_failed(error));
                        return;
                    }
                }
            })
            .map_err(shape_failed)?;
        outcome?;
        self.rows += 1;
        Ok(())
    }

    fn finish(self: Box<Self>, _warnings: &mut Warnings) -> Result<u64, WriteFailed> {
        let mut file = buffered(&self.path)?;
        self.writer.write(&mut file).map_err(failed)?;
        settle(file)?;
        Ok(self.rows)
    }
}

fn failed(error: flatgeobuf::Error) -> WriteFailed {
    match error {
        flatgeobuf::Error::IO(error) => WriteFailed::Io(error),
        other => WriteFailed::Library {
            detail: other.to_string(),
        },
    }
}

fn shape_failed(error: GeozeroError) -> WriteFailed {
    match error {
        GeozeroError::IoError(error) => WriteFailed::Io(error),
        other => WriteFailed::Library {
            detail: other.to_string(),
        },
    }
}
