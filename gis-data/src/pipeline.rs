//! One row from the source to a candidate for the registry, or to quarantine.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use geo_types::Geometry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::area::plane_area_m2;
use crate::check::{self, Verdict};
use crate::crs::{
    self, Bounds, Conversion, Crs, CrsRefused, DatumShift, KnownPlaces, OutOfRange, ParametersRefused, ShiftRecord,
    ShiftWatch,
};
use crate::mapping::{
    FieldMapping, KeyRule, Layer, MappingRefused, Target, ValueMap, ValueRule, closed_code, number_in,
};
use crate::report::{Defect, Reason, Warning, WarningCode};
use crate::source::{Source, SourceRow, Unreadable};

/// How much mending an invalid shape may change its area.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MendTolerance {
    /// Share of the area, 0.005 = 0.5 %.
    pub relative: f64,
    /// At least this much, in m².
    pub absolute_m2: f64,
}

impl Default for MendTolerance {
    fn default() -> MendTolerance {
        MendTolerance {
            relative: 0.005,
            absolute_m2: 1.0,
        }
    }
}

impl MendTolerance {
    /// The change allowed for a shape of that area, in m².
    pub fn allowed_m2(&self, area_m2: f64) -> f64 {
        (self.relative * area_m2).max(self.absolute_m2)
    }
}

/// What becomes of a row whose key an earlier row of the same file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKeys {
    /// It is quarantined, naming the earlier row.
    #[default]
    Quarantine,
    /// It is accepted under the key with a number, `ROAD#2`, and a warning. For sources that use
    /// placeholders as keys; the numbers follow the order of the rows, so the next delivery finds
    /// the same objects only in the same order.
    Number,
}

/// What an import asks for.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// The layer to fill.
    pub layer: Layer,
    /// The coordinate system, where the caller knows better than the file.
    pub crs: Option<Crs>,
    /// The source's x is the northing or latitude and its y the easting or longitude.
    pub swap_axes: bool,
    /// The way from an old datum or a local plane system, which nobody but the surveying authority
    /// knows.
    pub datum_shift: Option<DatumShift>,
    /// Where the objects are expected to lie. Rows outside are quarantined, and a file that lies
    /// outside nearly as a whole is refused.
    pub bounds: Option<Bounds>,
    /// Where some of the objects are known to lie: when a file lies beside them as a whole, one row
    /// carries the warning.
    pub known: Arc<KnownPlaces>,
    /// Explicit mapping, our field = the source's field.
    pub map: Vec<(String, String)>,
    /// Words of the source that stand for values of ours: our field, the source's word, our value.
    pub values: Vec<(String, String, String)>,
    /// Take rows of parcels and buildings without a shape, and leave out shapes that the layer doesn't take.
    pub shapes_optional: bool,
    /// How much mending may change an area.
    pub tolerance: MendTolerance,
    /// Vertices one feature may have.
    pub max_vertices: u64,
    /// What becomes of rows whose key occurred before.
    pub duplicate_keys: DuplicateKeys,
}

impl PipelineOptions {
    /// The defaults for a layer.
    pub fn new(layer: Layer) -> PipelineOptions {
        PipelineOptions {
            layer,
            crs: None,
            swap_axes: false,
            datum_shift: None,
            bounds: None,
            known: Arc::default(),
            map: Vec::new(),
            values: Vec::new(),
            shapes_optional: false,
            tolerance: MendTolerance::default(),
            max_vertices: crate::source::Limits::default().max_vertices,
            duplicate_keys: DuplicateKeys::default(),
        }
    }
}

/// The import can't start.
#[derive(Debug, thiserror::Error)]
pub enum PipelineRefused {
    /// Because of the coordinate system.
    #[error(transparent)]
    Crs(#[from] CrsRefused),
    /// Because of the parameters between datums.
    #[error(transparent)]
    Parameters(#[from] ParametersRefused),
    /// Because of the mapping of fields.
    #[error(transparent)]
    Mapping(#[from] MappingRefused),
}

/// Maps, converts, checks and mends rows.
#[derive(Debug)]
pub struct Pipeline {
    mapping: FieldMapping,
    values: ValueMap,
    shapes_optional: bool,
    conversion: Conversion,
    bounds: Option<Bounds>,
    shift: ShiftWatch,
    are_residuals_told: AtomicBool,
    tolerance: MendTolerance,
    max_vertices: u64,
    duplicate_keys: DuplicateKeys,
    seen: Mutex<SeenKeys>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// Good to be compared with what the registry has.
    Accepted(Candidate),
    /// Not taken over; kept for the report.
    Quarantined(Quarantine),
}

/// A row that can be taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Row number in the source, from 1.
    pub row: u64,
    /// What tells it apart from the source's other rows, from one delivery to the next.
    pub source_key: String,
    /// Mapped and typed values under our field names.
    pub fields: Map<String, Value>,
    /// The rest of the source's attributes, verbatim.
    pub attributes: Map<String, Value>,
    /// Longitude, latitude in degrees, EPSG:4490; valid; shells counter-clockwise.
    pub geometry: Option<Geometry<f64>>,
    /// Set when the shape had to be mended.
    pub repaired: Option<Repair>,
    /// Set when the shape came from a system that is never stored.
    pub original: Option<Box<Original>>,
    /// Plane area in the shape's own 3° zone, m²; nothing for points and lines.
    pub area_m2: Option<f64>,
    /// The shape is valid beyond doubt ([`check::check_and_measure`]): what isn't had better be
    /// shown to whoever judges it next. True without a shape.
    pub is_clear: bool,
    /// What is worth knowing.
    pub warnings: Vec<Warning>,
}

impl Candidate {
    /// The shape to be kept beside the one taken over, with the EPSG code of its coordinates where
    /// there is one: as the source has it where its datum or offset was left, else as it was before
    /// it was mended (4490).
    pub fn shape_before(&self) -> Option<(&Geometry<f64>, Option<u32>)> {
        match (&self.original, &self.repaired) {
            (Some(original), _) => Some((&original.geometry, original.epsg)),
            (None, Some(repair)) => Some((&repair.original, Some(4490))),
            (None, None) => None,
        }
    }
}

/// A shape as the source has it, in a system that is never stored. How it was left is
/// [`Pipeline::shift_record`] and the row's warning.
#[derive(Debug, Clone, PartialEq)]
pub struct Original {
    /// The shape, x = easting or longitude, in its system's unit.
    pub geometry: Geometry<f64>,
    /// The system's code, where it has one.
    pub epsg: Option<u32>,
    /// The system's name.
    pub system: String,
}

/// How a shape was mended. Both shapes are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Repair {
    /// What was wrong.
    pub reason: Defect,
    /// The shape before, longitude and latitude in degrees.
    pub original: Geometry<f64>,
    /// Its area by the surveyor's formula, m².
    pub area_before_m2: f64,
    /// The mended shape's area, m².
    pub area_after_m2: f64,
}

/// A row that is not taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantine {
    /// Row number in the source, from 1.
    pub row: u64,
    /// Its key, where it has one.
    pub source_key: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The attributes as in the source.
    pub raw: Map<String, Value>,
    /// The shape as GeoJSON text where it could be read: longitude and latitude when the
    /// conversion worked (then `geometry_is_lonlat`), else as in the source.
    pub geometry: Option<String>,
    /// Whether `geometry` is in longitude and latitude.
    pub geometry_is_lonlat: bool,
}

impl Pipeline {
    /// A pipeline for a source: settles the coordinate system and the mapping, and refuses
    /// coordinates that clearly don't fit the coordinate system.
    ///
    /// # Errors
    /// [`PipelineRefused`] with code, words and remedy.
    pub fn new(source: &Source, options: PipelineOptions) -> Result<Pipeline, PipelineRefused> {
        let mapping = FieldMapping::resolve(
            options.layer,
            &source.fields(),
            source.fields_are_complete(),
            &options.map,
        )?;
        let values = ValueMap::resolve(&mapping, &options.values)?;
        let bounds = options.bounds;
        let offers = || crs::offers(source.sample(), bounds);
        let crs = match options.crs {
            // A list's places are not read: whatever coordinates it has need no system.
            _ if options.layer.is_list() => Crs::from_epsg(4490)?,
            Some(crs) => crs,
            None => match source.crs().resolve() {
                // Without any coordinate there is nothing a coordinate system could spoil.
                Err(CrsRefused::Missing { .. }) if source.is_without_shapes() => Crs::from_epsg(4490)?,
                Err(CrsRefused::Missing { .. }) => {
                    return Err(CrsRefused::Missing { offers: offers() }.into());
                }
                Err(CrsRefused::Unknown { text, .. }) => {
                    let offers = offers();
                    return Err(CrsRefused::Unknown { text, offers }.into());
                }
                other => other?,
            },
        };
        let conversion = match &options.datum_shift {
            Some(shift) => Conversion::by_parameters(&crs, shift)?,
            None => Conversion::to_storage(&crs)?,
        };
        let conversion = conversion.swapping_axes(options.swap_axes);
        if !options.layer.is_list() {
            conversion.examine(source.sample(), bounds)?;
        }
        Ok(Pipeline {
            mapping,
            values,
            shapes_optional: options.shapes_optional,
            conversion,
            bounds,
            shift: ShiftWatch::new(options.known),
            are_residuals_told: AtomicBool::new(false),
            tolerance: options.tolerance,
            max_vertices: options.max_vertices,
            duplicate_keys: options.duplicate_keys,
            seen: Mutex::new(SeenKeys::new()),
        })
    }

    /// About where the source's objects lie: west, south, east and north in degrees, by the first
    /// coordinates of its first rows.
    pub fn extent_of(&self, source: &Source) -> Option<[f64; 4]> {
        source
            .sample()
            .iter()
            .filter_map(|coord| {
                let mut place = [*coord];
                self.conversion.coordinates(&mut place).ok()?;
                let [place] = place;
                Some([place.x, place.y, place.x, place.y])
            })
            .reduce(|one, other| {
                [
                    one[0].min(other[0]),
                    one[1].min(other[1]),
                    one[2].max(other[2]),
                    one[3].max(other[3]),
                ]
            })
    }

    /// Sets where objects are known to lie, before the first row is checked.
    pub fn compare_with(&mut self, known: KnownPlaces) {
        self.shift = ShiftWatch::new(Arc::new(known));
    }

    /// The mapping in force.
    pub fn mapping(&self) -> &FieldMapping {
        &self.mapping
    }

    /// The coordinate system used.
    pub fn crs(&self) -> &Crs {
        self.conversion.crs()
    }

    /// How the source's datum or offset is left, where that takes more than a projection.
    pub fn shift_record(&self) -> Option<&ShiftRecord> {
        self.conversion.record()
    }

    /// The tolerance in force.
    pub fn tolerance(&self) -> MendTolerance {
        self.tolerance
    }

    /// Checks one row. Rows must come in the order of the source, because the first acceptable one
    /// of several with the same key is the one accepted. For every key 24 bytes are remembered.
    pub fn check(&self, row: SourceRow) -> Checked {
        let SourceRow {
            row: number,
            id,
            mut properties,
            geometry,
            dropped_z,
            dropped_m,
            closed_rings,
            reassigned_rings,
            undecodable_fields,
            not_a_number,
        } = row;
        let quarantine = |reason, properties, shape: Option<(&Geometry<f64>, bool)>| {
            Checked::Quarantined(self.quarantine(number, id.as_deref(), reason, properties, shape))
        };
        let mut warnings = Vec::new();
        let is_list = self.mapping.layer().is_list();
        let mut shape = match geometry {
            Err(unreadable) if !is_list || matches!(unreadable, Unreadable::Record { .. }) => {
                return quarantine(reason_of(unreadable), properties, None);
            }
            Ok(None) => None,
            _ if is_list => {
                warnings.push(Warning::new(
                    WarningCode::ShapeLeftOut,
                    "清单类数据不带图形，文件中的坐标未作为图形采用",
                    "rows of a list have no shapes: the coordinates were not taken as one",
                ));
                None
            }
            Ok(Some(shape)) if self.shapes_optional && !takes(self.mapping.layer(), &shape) => {
                warnings.push(Warning::new(
                    WarningCode::ShapeLeftOut,
                    format!("该图层不接受 {} 图形，只采用了属性", kind_name(&shape)),
                    format!(
                        "the layer doesn't take a {}: only the attributes were taken",
                        kind_name(&shape)
                    ),
                ));
                None
            }
            Ok(shape) => shape,
            Err(_) => None,
        };
        let mut repaired = None;
        let mut original = None;
        let mut area_m2 = None;
        let mut is_clear = true;
        match &mut shape {
            None if needs_geometry(self.mapping.layer()) && !self.shapes_optional => {
                return quarantine(Reason::NoGeometry, properties, None);
            }
            None => {}
            Some(found) => match self.prepare(found) {
                Ok(prepared) => {
                    repaired = prepared.repaired;
                    original = prepared.original;
                    area_m2 = prepared.area_m2;
                    is_clear = prepared.is_clear;
                    if let Some(record) = self.conversion.record() {
                        warnings.push(record.warning());
                        if !self.are_residuals_told.swap(true, Ordering::Relaxed) {
                            warnings.extend(record.residual_warning());
                        }
                    }
                    if prepared.reaches_beyond {
                        warnings.push(Warning::new(
                            WarningCode::PartlyOutsideRegion,
                            "图形有一部分在所属区划范围之外",
                            "a part of the shape lies outside the expected region",
                        ));
                    }
                    if prepared.removed_points > 0 {
                        warnings.push(Warning::new(
                            WarningCode::RepeatedPointsRemoved,
                            format!("去除了 {} 个重复点", prepared.removed_points),
                            format!("{} repeated points removed", prepared.removed_points),
                        ));
                    }
                }
                Err((reason, is_lonlat)) => {
                    return quarantine(reason, properties, Some((&*found, is_lonlat)));
                }
            },
        }
        note_reading(
            &mut warnings,
            (dropped_z, dropped_m, closed_rings, reassigned_rings, not_a_number),
            &undecodable_fields,
        );
        let (fields, taken) = self.map_fields(&properties, &mut warnings);
        if let Some(field) = missing_field(self.mapping.layer(), &fields) {
            let reason = Reason::MissingField {
                field: field.as_str().to_owned(),
            };
            return quarantine(reason, properties, shape.as_ref().map(|s| (s, true)));
        }
        if let Err(reason) = self.period(&fields, &properties) {
            return quarantine(reason, properties, shape.as_ref().map(|s| (s, true)));
        }
        let mut is_claimed = false;
        let mut source_key = match self.key_of_attributes(id.as_deref(), &properties) {
            Some(key) => key,
            None if self.mapping.layer() == Layer::Titles && fields.contains_key(Target::AssetCode.as_str()) => {
                let asset = fields.get(Target::AssetCode.as_str()).and_then(plain_text);
                is_claimed = true;
                self.claim_within(&asset.unwrap_or_default(), number)
            }
            None => {
                warnings.push(Warning::new(
                    WarningCode::NoSourceKey,
                    "没有主键，按图形内容生成；图形一变就会被当作新的对象",
                    "no key: made from the geometry, so that a changed shape counts as a new object",
                ));
                content_key(shape.as_ref(), &properties)
            }
        };
        // Which versions of one key contradict each other is seen when all of them are there.
        if !is_claimed
            && !self.mapping.is_history()
            && let Err(first_row) = self.claim(&source_key, number)
        {
            match self.duplicate_keys {
                DuplicateKeys::Quarantine => {
                    let reason = Reason::DuplicateKey { first_row };
                    return quarantine(reason, properties, shape.as_ref().map(|s| (s, true)));
                }
                DuplicateKeys::Number => {
                    let numbered = self.claim_numbered(&source_key, number);
                    warnings.push(Warning::new(
                        WarningCode::DuplicateKeyNumbered,
                        format!("主键 {source_key} 与第 {first_row} 行重复，改为 {numbered}"),
                        format!("the key {source_key} is that of row {first_row}, too; taken as {numbered}"),
                    ));
                    source_key = numbered;
                }
            }
        }
        warnings.extend(self.shift.notice(&source_key, shape.as_ref()));
        for name in taken {
            properties.remove(name);
        }
        // A version says the same in whatever order its file has its columns.
        put_in_order(&mut properties);
        Checked::Accepted(Candidate {
            row: number,
            source_key,
            fields,
            attributes: properties,
            geometry: shape,
            repaired,
            original,
            area_m2,
            is_clear,
            warnings,
        })
    }

    fn quarantine(
        &self,
        row: u64,
        id: Option<&str>,
        reason: Reason,
        raw: Map<String, Value>,
        shape: Option<(&Geometry<f64>, bool)>,
    ) -> Quarantine {
        Quarantine {
            row,
            source_key: self.key_of_attributes(id, &raw),
            reason,
            raw,
            geometry: shape.and_then(|(geometry, _)| shown_geometry(geometry)),
            geometry_is_lonlat: shape.is_some_and(|(_, is_lonlat)| is_lonlat),
        }
    }

    /// Whether the days of a version are days at all: known, and at least one.
    fn period(&self, fields: &Map<String, Value>, properties: &Map<String, Value>) -> Result<(), Reason> {
        if !self.mapping.is_history() {
            return Ok(());
        }
        let typed = |target: Target| fields.get(target.as_str()).and_then(Value::as_str);
        let said = |target: Target| {
            let value = properties.get(self.mapping.source_of(target)?)?;
            plain_text(value).map(|text| text.chars().take(60).collect::<String>())
        };
        let (from, to) = (typed(Target::ValidFrom), typed(Target::ValidTo));
        let holds = match (from, to) {
            // What is written as year, month and day is in the order of its letters.
            (Some(from), Some(to)) => from < to,
            (Some(_), None) => said(Target::ValidTo).is_none(),
            (None, _) => false,
        };
        if holds {
            return Ok(());
        }
        Err(Reason::InvalidPeriod {
            from: said(Target::ValidFrom),
            to: said(Target::ValidTo),
        })
    }

    /// Remembers the key, or says which row has it already.
    fn claim(&self, key: &str, row: u64) -> Result<(), u64> {
        // Nothing panics while the lock is held, and the set is whole at any time.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.claim(key, row)
    }

    /// The first free key of `KEY#2`, `KEY#3` …, remembered.
    fn claim_numbered(&self, key: &str, row: u64) -> String {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = seen.numbers.get(key).copied().unwrap_or(1);
        loop {
            number += 1;
            let numbered = format!("{key}#{number}");
            if seen.claim(&numbered, row).is_ok() {
                seen.numbers.insert(key.to_owned(), number);
                return numbered;
            }
        }
    }

    /// The next free key of `ASSET#1`, `ASSET#2` …, remembered: rights without a key of their own are numbered within
    /// their asset, in the order of the rows.
    fn claim_within(&self, asset: &str, row: u64) -> String {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = seen.numbers.get(asset).copied().unwrap_or(0);
        loop {
            number += 1;
            let numbered = format!("{asset}#{number}");
            if seen.claim(&numbered, row).is_ok() {
                seen.numbers.insert(asset.to_owned(), number);
                return numbered;
            }
        }
    }

    /// Takes a shape to longitude and latitude, checks, mends and measures it. A reason comes with
    /// whether the shape is in longitude and latitude by then.
    fn prepare(&self, shape: &mut Geometry<f64>) -> Result<Prepared, (Reason, bool)> {
        use geo::CoordsIter;
        let removed_points = check::clean(shape);
        let count = shape.coords_count() as u64;
        if count == 0 {
            return Err((Reason::EmptyGeometry, false));
        }
        if count > self.max_vertices {
            let limit = self.max_vertices;
            return Err((Reason::TooManyVertices { count, limit }, false));
        }
        if !takes(self.mapping.layer(), shape) {
            let kind = kind_name(shape).to_owned();
            return Err((Reason::UnsupportedGeometry { kind }, false));
        }
        if shape
            .coords_iter()
            .any(|coord| !coord.x.is_finite() || !coord.y.is_finite())
        {
            return Err((Reason::NotFinite, false));
        }
        let is_left = self.conversion.record().is_some();
        let is_changed = is_left || self.conversion.swaps_axes() || !self.conversion.crs().is_geographic();
        let before = is_changed.then(|| shape.clone());
        if let Err(OutOfRange { x, y }) = self.conversion.geometry(shape) {
            if let Some(before) = before {
                *shape = before;
            }
            return Err((Reason::CoordinatesOutOfRange { x, y }, false));
        }
        let reaches_beyond = self.is_beyond_region(shape).map_err(|reason| (reason, true))?;
        let original = before.filter(|_| is_left).map(|mut geometry| {
            if self.conversion.swaps_axes() {
                geo::MapCoordsInPlace::map_coords_in_place(&mut geometry, |coord| geo_types::Coord {
                    x: coord.y,
                    y: coord.x,
                });
            }
            Box::new(Original {
                geometry,
                epsg: self.conversion.crs().epsg(),
                system: self.conversion.crs().name().to_owned(),
            })
        });
        check::wind(shape);
        let mut repaired = None;
        let mut area_m2 = match shape {
            Geometry::Polygon(_) | Geometry::MultiPolygon(_) => Some(plane_area_m2(shape)),
            _ => None,
        };
        let (verdict, mut is_clear) = check::check_and_measure(shape);
        match verdict {
            Verdict::Valid => {}
            Verdict::TooComplex => return Err((Reason::TooComplex, true)),
            Verdict::Invalid { defect, at } => {
                let area_before_m2 = area_m2.unwrap_or(0.0);
                let invalid = |area_change_m2| Reason::InvalidGeometry {
                    defect,
                    lon: at.x,
                    lat: at.y,
                    area_change_m2,
                };
                let Some(mut mended) = check::mend(shape) else {
                    return Err((invalid(None), true));
                };
                check::wind(&mut mended);
                let area_after_m2 = plane_area_m2(&mended);
                let change = (area_after_m2 - area_before_m2).abs();
                if change > self.tolerance.allowed_m2(area_before_m2) {
                    return Err((invalid(Some(change)), true));
                }
                let original = std::mem::replace(shape, mended);
                area_m2 = Some(area_after_m2);
                is_clear = false;
                repaired = Some(Repair {
                    reason: defect,
                    original,
                    area_before_m2,
                    area_after_m2,
                });
            }
        }
        // Points on a line hardly stay on one when they are converted: what is left is a sliver that
        // is valid by a hair's breadth.
        if area_m2.is_some_and(|area| area < MIN_AREA_M2) {
            let at = shape.coords_iter().next().unwrap_or_default();
            let reason = Reason::InvalidGeometry {
                defect: Defect::TooFewPoints,
                lon: at.x,
                lat: at.y,
                area_change_m2: None,
            };
            return Err((reason, true));
        }
        Ok(Prepared {
            removed_points,
            repaired,
            original,
            reaches_beyond,
            area_m2,
            is_clear,
        })
    }

    /// Whether a shape in longitude and latitude reaches beyond the expected region.
    fn is_beyond_region(&self, shape: &Geometry<f64>) -> Result<bool, Reason> {
        use geo::BoundingRect;
        let (Some(bounds), Some(rect)) = (self.bounds, shape.bounding_rect()) else {
            return Ok(false);
        };
        let (least, most) = (rect.min(), rect.max());
        let (is_inside, touches) = bounds.holds(least.x, least.y, most.x, most.y);
        if touches {
            Ok(!is_inside)
        } else {
            Err(Reason::OutsideRegion {
                lon: least.x,
                lat: least.y,
            })
        }
    }

    /// The key by the attributes or the feature's id; nothing where there is none.
    fn key_of_attributes(&self, id: Option<&str>, properties: &Map<String, Value>) -> Option<String> {
        match &self.mapping.key {
            KeyRule::Field(field) => properties.get(field).and_then(plain_text),
            KeyRule::Guess(fields) => {
                let of = |target| {
                    let field = self.mapping.source_of(target)?;
                    properties.get(field).and_then(plain_text)
                };
                // The number of a room says which one it is on its floor only.
                let is_room = self.mapping.layer() == Layer::Rooms;
                id.map(str::to_owned)
                    .or_else(|| if is_room { None } else { of(Target::Code) })
                    .or_else(|| {
                        fields
                            .iter()
                            .find_map(|field| properties.get(field).and_then(plain_text))
                    })
                    .or_else(|| {
                        if !is_room {
                            return None;
                        }
                        let (building, floor) = (of(Target::ParentCode)?, of(Target::Floor)?);
                        Some(format!("{building}/{floor}/{}", of(Target::Code)?))
                    })
            }
        }
    }

    /// Our fields, and the names of the attributes that were taken over as they stand: the others
    /// are kept beside them.
    fn map_fields(
        &self,
        properties: &Map<String, Value>,
        warnings: &mut Vec<Warning>,
    ) -> (Map<String, Value>, Vec<&'_ str>) {
        let mut taken = Vec::new();
        let mut fields = Map::new();
        for mapped in &self.mapping.mapped {
            let name = mapped.source.as_str();
            let Some(value) = properties.get(name) else {
                continue;
            };
            if is_nothing(value) {
                continue;
            }
            if self.values.has(mapped.target)
                && let Some(word) = plain_text(value)
                && let Some(meant) = self.values.get(mapped.target, &word)
            {
                fields.insert(mapped.target.as_str().to_owned(), Value::from(meant));
                continue;
            }
            match typed(mapped.rule, value) {
                Some((typed, is_verbatim)) => {
                    fields.insert(mapped.target.as_str().to_owned(), typed);
                    if is_verbatim {
                        taken.push(name);
                    }
                }
                None => {
                    let shown: String = plain_text(value).unwrap_or_default().chars().take(60).collect();
                    let target = mapped.target.as_str();
                    let warning = match mapped.rule {
                        ValueRule::Closed(_) => Warning::new(
                            WarningCode::UnknownValue,
                            format!("{name} 的值“{shown}”不在 {target} 的取值范围内，未采用"),
                            format!("the value \"{shown}\" of {name} is not one of {target}; left empty"),
                        ),
                        _ => Warning::new(
                            WarningCode::UnreadableValue,
                            format!("{name} 的值“{shown}”不能读作 {target}，未采用"),
                            format!("the value \"{shown}\" of {name} can't be read as {target}; left empty"),
                        ),
                    };
                    warnings.push(warning.about(target));
                }
            }
        }
        (fields, taken)
    }
}

struct Prepared {
    removed_points: usize,
    repaired: Option<Repair>,
    original: Option<Box<Original>>,
    reaches_beyond: bool,
    area_m2: Option<f64>,
    is_clear: bool,
}

/// Areas are registered in hundredths of a square metre: what rounds to nothing is no area.
const MIN_AREA_M2: f64 = 0.005;

/// Keys of the rows accepted so far, as 128-bit hashes: with a random key of their own a collision
/// needs about 10¹⁹ rows.
struct SeenKeys {
    hashers: (RandomState, RandomState),
    rows: HashMap<(u64, u64), u64>,
    /// The last number given to a key that occurs again.
    numbers: HashMap<String, u64>,
}

impl std::fmt::Debug for SeenKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SeenKeys({})", self.rows.len())
    }
}

impl SeenKeys {
    fn new() -> SeenKeys {
        SeenKeys {
            hashers: (RandomState::new(), RandomState::new()),
            rows: HashMap::new(),
            numbers: HashMap::new(),
        }
    }

    fn claim(&mut self, key: &str, row: u64) -> Result<(), u64> {
        let hash = (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key));
        match self.rows.entry(hash) {
            Entry::Occupied(entry) => Err(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(row);
                Ok(())
            }
        }
    }
}

/// Whether a row of the layer is worth nothing without a shape.
pub(crate) fn needs_geometry(layer: Layer) -> bool {
    matches!(layer, Layer::Parcels | Layer::Buildings)
}

/// Whether the layer takes that kind of shape.
fn takes(layer: Layer, shape: &Geometry<f64>) -> bool {
    match shape {
        Geometry::Polygon(_) | Geometry::MultiPolygon(_) => true,
        Geometry::Point(_) => matches!(layer, Layer::Sites | Layer::Units | Layer::Rooms),
        _ => false,
    }
}

/// What a row of the layer can't do without.
pub(crate) fn needed_fields(layer: Layer) -> &'static [Target] {
    match layer {
        Layer::Regions => &[Target::Code, Target::Name],
        Layer::Units => &[Target::Name],
        _ => &[],
    }
}

fn missing_field(layer: Layer, fields: &Map<String, Value>) -> Option<Target> {
    needed_fields(layer)
        .iter()
        .copied()
        .find(|target| !fields.contains_key(target.as_str()))
}

fn kind_name(shape: &Geometry<f64>) -> &'static str {
    match shape {
        Geometry::Point(_) => "Point",
        Geometry::Line(_) | Geometry::LineString(_) => "LineString",
        Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "Polygon",
        Geometry::MultiPoint(_) => "MultiPoint",
        Geometry::MultiLineString(_) => "MultiLineString",
        Geometry::MultiPolygon(_) => "MultiPolygon",
        Geometry::GeometryCollection(_) => "GeometryCollection",
    }
}

fn reason_of(unreadable: Unreadable) -> Reason {
    match unreadable {
        Unreadable::Record { detail } => Reason::MalformedRecord { detail },
        Unreadable::Geometry { detail } => Reason::MalformedGeometry { detail },
        Unreadable::NotFinite => Reason::NotFinite,
        Unreadable::Kind { kind } => Reason::UnsupportedGeometry { kind },
        Unreadable::TooManyVertices { count, limit } => Reason::TooManyVertices { count, limit },
    }
}

/// Warnings about what the reader had to do.
fn note_reading(
    warnings: &mut Vec<Warning>,
    (dropped_z, dropped_m, closed_rings, reassigned_rings, not_a_number): (bool, bool, u32, bool, bool),
    undecodable_fields: &[String],
) {
    if dropped_z {
        warnings.push(Warning::new(
            WarningCode::ZDropped,
            "忽略了高程（Z）",
            "heights (Z) were left out",
        ));
    }
    if dropped_m {
        warnings.push(Warning::new(
            WarningCode::MDropped,
            "忽略了测量值（M）",
            "measures (M) were left out",
        ));
    }
    if closed_rings > 0 {
        warnings.push(Warning::new(
            WarningCode::RingClosed,
            format!("{closed_rings} 个环未闭合，已闭合"),
            format!("{closed_rings} rings were open and have been closed"),
        ));
    }
    if reassigned_rings {
        warnings.push(Warning::new(
            WarningCode::RingsReassigned,
            "内外环方向与位置不符，已按位置重新判定",
            "the direction of rings contradicts their position; shells and holes were told apart by position",
        ));
    }
    if not_a_number {
        warnings.push(Warning::new(
            WarningCode::NotANumber,
            "属性中有 NaN 或无穷大，按空值处理",
            "NaN or infinity among the attributes, taken as empty",
        ));
    }
    if !undecodable_fields.is_empty() {
        let names = undecodable_fields.join(", ");
        warnings.push(Warning::new(
            WarningCode::UndecodableText,
            format!("有无法解码的文字：{names}"),
            format!("text that can't be decoded in: {names}"),
        ));
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A scalar as text without surrounding space; nothing for empty values and for lists.
fn plain_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => match number.as_f64() {
            // Shapefiles store whole numbers as 12.0: the key is 12 all the same.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The typed value, and whether it says all that the source's value says.
fn typed(rule: ValueRule, value: &Value) -> Option<(Value, bool)> {
    match rule {
        ValueRule::Text => {
            let text = plain_text(value)?;
            let is_verbatim = matches!(value, Value::String(original) if *original == text);
            Some((Value::from(text), is_verbatim))
        }
        ValueRule::Number(factor) => {
            let number = number_of(value)?;
            let is_verbatim = factor == 1.0 && value.is_number();
            Some((Value::from(number * factor), is_verbatim))
        }
        ValueRule::Integer => {
            let number = number_of(value)?;
            let is_whole = number.fract() == 0.0 && number.abs() < 1e9;
            is_whole.then(|| (Value::from(number as i64), value.is_number()))
        }
        ValueRule::Closed(list) => {
            let text = plain_text(value)?;
            let code = closed_code(list, &text)?;
            Some((Value::from(code), text == code))
        }
        ValueRule::Date => {
            let text = plain_text(value)?;
            let date = iso_date(&text)?;
            let is_verbatim = date == text;
            Some((Value::from(date), is_verbatim))
        }
    }
}

/// A finite number, also from text with thousands separators.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_in(text),
        _ => None,
    }
}

/// `2013-01-05` from that, `2013/1/5`, `20130105`, `2013年1月5日`, `1/5/2013` (month first) or a
/// time stamp that starts with a date.
fn iso_date(text: &str) -> Option<String> {
    let date = text.split(['T', ' ']).next()?;
    let parts: Vec<&str> = date
        .split(['-', '/', '.', '年', '月', '日'])
        .filter(|part| !part.is_empty())
        .collect();
    let (year, month, day) = match parts.as_slice() {
        [whole] if whole.len() == 8 => (whole.get(0..4)?, whole.get(4..6)?, whole.get(6..8)?),
        [year, month, day] if year.len() == 4 => (*year, *month, *day),
        [month, day, year] if year.len() == 4 => (*year, *month, *day),
        _ => return None,
    };
    let (year, month, day): (u32, u32, u32) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let is_date = (1..=days).contains(&day) && year >= 1000;
    is_date.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// By the alphabet at every level: serde_json's maps keep the order of the file where any crate of a program asks it to.
fn put_in_order(properties: &mut Map<String, Value>) {
    properties.sort_keys();
    for value in properties.values_mut() {
        value.sort_all_objects();
    }
}

/// A key from what the row is: stable as long as the shape (to 10⁻⁷ degrees, about a centimetre)
/// stays, or for rows without one, the attributes.
fn content_key(shape: Option<&Geometry<f64>>, properties: &Map<String, Value>) -> String {
    use geo::CoordsIter;
    let mut hash = Sha256::new();
    let prefix = match shape {
        Some(shape) => {
            for coord in shape.coords_iter() {
                hash.update(((coord.x * 1e7).round() as i64).to_le_bytes());
                hash.update(((coord.y * 1e7).round() as i64).to_le_bytes());
            }
            "geom"
        }
        None => {
            // In one order, whatever the order of the file's columns is.
            let mut properties = properties.clone();
            put_in_order(&mut properties);
            hash.update(Value::Object(properties).to_string());
            "row"
        }
    };
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}:{hex}")
}

/// Vertices a quarantined shape may have to be kept for showing.
const MAX_SHOWN_VERTICES: usize = 100_000;

fn shown_geometry(geometry: &Geometry<f64>) -> Option<String> {
    use geo::CoordsIter;
    (geometry.coords_count() <= MAX_SHOWN_VERTICES).then(|| crate::formats::geojson::geometry_text(geometry))
}
