//! Parameters from an old datum or a local plane system to CGCS2000, as surveying authorities give
//! them out. They may be classified: what is kept of them is where they come from and how well they
//! fit, never their values.

use serde::Serialize;

use super::control_points::{ControlPoints, Residual};
use super::system::{DatumPath, in_chinese};
use super::zones::{Family, Zone};
use super::{Crs, FourParameters, Offset, ParametersRefused};
use crate::report::{Warning, WarningCode};

/// Seven parameters (七参数, Bursa–Wolf) from geocentric coordinates of the source to CGCS2000, with
/// rotations of the position vector (EPSG method 9606; the coordinate-frame convention, 9607, has
/// them with the opposite sign).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SevenParameters {
    /// Shift, metres: X, Y, Z.
    pub shift_m: [f64; 3],
    /// Rotation of the position vector, arc-seconds: around X, Y, Z.
    pub rotation_s: [f64; 3],
    /// Change of scale, parts per million.
    pub scale_ppm: f64,
}

/// How a datum is left.
#[derive(Debug, Clone, PartialEq)]
pub enum ShiftMethod {
    /// From plane to plane.
    Four(FourParameters),
    /// From geocentric to geocentric coordinates.
    Seven(SevenParameters),
    /// By plane parameters that are found from points known in both systems.
    ControlPoints(ControlPoints),
}

/// A way to CGCS2000 and who vouches for it.
#[derive(Debug, Clone, PartialEq)]
pub struct DatumShift {
    pub(super) method: ShiftMethod,
    reference: String,
    pub(super) target: Option<Zone>,
}

impl DatumShift {
    /// Parameters as they are written in an option: `four:north=…,east=…,rotation=…,scale=…` or
    /// `seven:dx=…,dy=…,dz=…,rx=…,ry=…,rz=…,scale=…,convention=position_vector`, with `to=EPSG:4549`
    /// where the zone they lead to isn't that of the source. Four parameters are for eastings without
    /// the zone's number, unless they lead to numbered ones (`to=EPSG:4528`). `reference` says who gave them.
    ///
    /// # Errors
    /// [`ParametersRefused`] where they are incomplete, or nobody is named.
    pub fn parse(text: &str, reference: &str) -> Result<DatumShift, ParametersRefused> {
        let unreadable = |detail: String| ParametersRefused::Unreadable { detail };
        let (kind, list) = text
            .split_once(':')
            .ok_or_else(|| unreadable(text.chars().take(60).collect()))?;
        let mut given: Vec<(&str, &str)> = Vec::new();
        for part in list.split(',').filter(|part| !part.trim().is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| unreadable(part.trim().to_owned()))?;
            let key = key.trim();
            if given.iter().any(|(known, _)| *known == key) {
                return Err(unreadable(format!("{key} is given twice")));
            }
            given.push((key, value.trim()));
        }
        let mut take = |key: &str| {
            let at = given.iter().position(|(known, _)| *known == key)?;
            Some(given.swap_remove(at).1)
        };
        let target = take("to").map(target_zone).transpose()?;
        let mut number = |key: &str| {
            let text = take(key).ok_or_else(|| unreadable(format!("{key} is missing")))?;
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| unreadable(format!("{key}={text}")))
        };
        let method = match kind.trim() {
            "four" => ShiftMethod::Four(FourParameters {
                north_m: number("north")?,
                east_m: number("east")?,
                rotation_s: number("rotation")?,
                scale_ppm: number("scale")?,
            }),
            "seven" => {
                let shift_m = [number("dx")?, number("dy")?, number("dz")?];
                let [x, y, z] = [number("rx")?, number("ry")?, number("rz")?];
                let scale_ppm = number("scale")?;
                // The two conventions differ in sign, and papers seldom say which is theirs.
                let sign = match take("convention") {
                    Some("position_vector") => 1.0,
                    Some("coordinate_frame") => -1.0,
                    Some(other) => return Err(unreadable(format!("convention={other}"))),
                    None => {
                        return Err(unreadable(
                            "convention is missing (position_vector or coordinate_frame)".to_owned(),
                        ));
                    }
                };
                ShiftMethod::Seven(SevenParameters {
                    shift_m,
                    rotation_s: [x * sign, y * sign, z * sign],
                    scale_ppm,
                })
            }
            other => return Err(unreadable(format!("{other} is neither four nor seven"))),
        };
        if let Some((key, _)) = given.first() {
            return Err(unreadable(format!("{key} is not known")));
        }
        DatumShift::new(method, reference, target)
    }

    /// Parameters to be found from control points: the text of a CSV or GeoJSON file, as
    /// [`ControlPoints::parse`] reads it. `target` is the CGCS2000 zone the target's plane
    /// coordinates are in, where they don't tell by themselves.
    ///
    /// # Errors
    /// [`ParametersRefused`] where the file can't be read or nobody is named.
    pub fn by_control_points(
        file: &str,
        reference: &str,
        target: Option<&str>,
    ) -> Result<DatumShift, ParametersRefused> {
        let points = ControlPoints::parse(file)?;
        let target = target.map(target_zone).transpose()?;
        DatumShift::new(ShiftMethod::ControlPoints(points), reference, target)
    }

    fn new(method: ShiftMethod, reference: &str, target: Option<Zone>) -> Result<DatumShift, ParametersRefused> {
        let reference = reference.trim();
        if reference.is_empty() {
            return Err(ParametersRefused::ReferenceMissing);
        }
        Ok(DatumShift {
            method,
            reference: reference.to_owned(),
            target,
        })
    }

    /// For seven parameters: the system with them in its definition.
    pub(super) fn as_seven(&self, crs: &Crs) -> Result<Option<(Crs, ShiftRecord)>, ParametersRefused> {
        let ShiftMethod::Seven(seven) = &self.method else {
            return Ok(None);
        };
        if crs.projection() == "local" {
            return Err(ParametersRefused::PlaneOnly);
        }
        let mut shifted = crs.clone();
        let values = seven
            .shift_m
            .iter()
            .chain(&seven.rotation_s)
            .chain(std::iter::once(&seven.scale_ppm))
            .map(f64::to_string)
            .collect::<Vec<_>>();
        shifted.parameters.insert("towgs84".to_owned(), values.join(","));
        shifted.path = DatumPath::Published;
        Ok(Some((shifted, self.record(crs, "seven_parameters", None, Vec::new()))))
    }

    pub(super) fn record(
        &self,
        crs: &Crs,
        method: &'static str,
        target: Option<&Crs>,
        residuals: Vec<Residual>,
    ) -> ShiftRecord {
        ShiftRecord {
            method,
            system: crs.name().to_owned(),
            target: target.map(|target| target.name().to_owned()),
            reference: Some(self.reference.clone()),
            rms_m: rms_m(&residuals),
            residuals,
        }
    }
}

fn target_zone(text: &str) -> Result<Zone, ParametersRefused> {
    let unsuitable = || ParametersRefused::TargetUnsuitable { name: text.to_owned() };
    let crs = Crs::parse(text).map_err(|_| unsuitable())?;
    let zone = Zone::of(&crs).ok_or_else(unsuitable)?;
    // Other datums have zones of the same shape.
    let is_cgcs2000 = zone.code_in(Family::Cgcs2000) == crs.epsg();
    is_cgcs2000.then_some(zone).ok_or_else(unsuitable)
}

/// Root mean square of the distances; nothing without points.
fn rms_m(residuals: &[Residual]) -> Option<f64> {
    let squares: f64 = residuals.iter().map(|residual| residual.distance_m().powi(2)).sum();
    (!residuals.is_empty()).then(|| (squares / residuals.len() as f64).sqrt())
}

/// How a datum or an offset was left: what is kept with the import. The values of the parameters are
/// not in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShiftRecord {
    /// `four_parameters`, `seven_parameters`, `control_points`, `gcj02_formula` or `bd09_formula`.
    pub method: &'static str,
    /// The system left.
    pub system: String,
    /// The zone arrived at, where plane coordinates were shifted.
    pub target: Option<String>,
    /// Who gave the parameters, as the caller says.
    pub reference: Option<String>,
    /// Root mean square of the control points' distances after fitting, metres.
    pub rms_m: Option<f64>,
    /// What is left at each control point.
    pub residuals: Vec<Residual>,
}

impl ShiftRecord {
    pub(super) fn of_offset(offset: Offset) -> ShiftRecord {
        ShiftRecord {
            method: match offset {
                Offset::Gcj02 => "gcj02_formula",
                Offset::Bd09 => "bd09_formula",
            },
            system: offset.name().to_owned(),
            target: None,
            reference: None,
            rms_m: None,
            residuals: Vec::new(),
        }
    }

    /// What is left at each control point, the farthest first; once for the file. Nothing without control points.
    pub fn residual_warning(&self) -> Option<Warning> {
        let rms = self.rms_m?;
        let mut residuals: Vec<&Residual> = self.residuals.iter().collect();
        residuals.sort_by(|left, right| right.distance_m().total_cmp(&left.distance_m()));
        let listed = |north: &str, east: &str, between: &str| {
            let listed: Vec<String> = residuals
                .iter()
                .take(MAX_LISTED)
                .map(|left| format!("{} {north} {:.3} {east} {:.3}", left.name, left.north_m, left.east_m))
                .collect();
            listed.join(between)
        };
        Some(Warning::new(
            WarningCode::ControlPointResiduals,
            format!("控制点残差（m）：{}；中误差 {rms:.3}", listed("北", "东", "；")),
            format!(
                "residuals at the control points (m): {}; root mean square {rms:.3}",
                listed("north", "east", "; ")
            ),
        ))
    }

    /// The warning that goes with every shape taken over so.
    pub fn warning(&self) -> Warning {
        let system = &self.system;
        let system_zh = in_chinese(system);
        let Some(reference) = &self.reference else {
            return Warning::new(
                WarningCode::OffsetTakenBack,
                format!("由 {system_zh} 按公开公式反算，精度为米级，不能作为测绘成果"),
                format!("taken back from {system} by the public formula: accurate to metres, not to survey quality"),
            );
        };
        let (zh, en) = match self.method {
            "seven_parameters" => ("七参数", "seven parameters"),
            "control_points" => ("控制点拟合的四参数", "four parameters fitted to control points"),
            _ => ("四参数", "four parameters"),
        };
        let fit = self.rms_m.map(|rms| {
            let points = self.residuals.len();
            (
                format!("；控制点 {points} 个，中误差 {rms:.3} m"),
                format!("; {points} control points, root mean square {rms:.3} m"),
            )
        });
        let (fit_zh, fit_en) = fit.unwrap_or_default();
        Warning::new(
            WarningCode::DatumShifted,
            format!("由 {system_zh} 用{zh}转换，参数来源：{reference}{fit_zh}"),
            format!("converted from {system} by {en}, given by: {reference}{fit_en}"),
        )
    }
}

/// More control points than this are not listed one by one.
const MAX_LISTED: usize = 50;
