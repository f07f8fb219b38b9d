//! Whether the new ones cover the old ones' ground, no less and no more (GEO-14).

use serde::Serialize;
use sqlx::PgConnection;

use super::SPLIT_TOLERANCE;
use crate::geometry;
use crate::request::{DoorRule, Fault, Problem, ProblemKind};

/// Two coverings of the same ground, compared: plane areas in the shapes' own 3-degree zone, m².
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = SuccessionMeasure)]
pub struct Measure {
    /// The old ones together.
    pub area_before_m2: f64,
    /// The new ones together.
    pub area_after_m2: f64,
    /// Ground of the old ones in none of the new ones.
    pub missing_m2: f64,
    /// Ground of the new ones in none of the old ones.
    pub outside_m2: f64,
    /// Ground in more than one of the new ones.
    pub overlap_m2: f64,
    /// The most that any of them, and the difference of the two areas, may be.
    pub tolerance_m2: f64,
}

impl Measure {
    /// Is everything that was there still there, once?
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        [
            (self.area_after_m2 - self.area_before_m2).abs(),
            self.missing_m2,
            self.outside_m2,
            self.overlap_m2,
        ]
        .into_iter()
        .all(|difference| difference <= self.tolerance_m2)
    }

    /// Refuses what isn't conserved.
    ///
    /// # Errors
    /// A problem with the areas as its evidence.
    pub fn require_conserved(&self) -> Result<(), Problem> {
        if self.is_conserved() {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::InvalidField,
            format!(
                "分割合并前后面积不守恒：前 {} m²，后 {} m²，缺 {} m²，超出 {} m²，重叠 {} m²（容差 {} m²） / the new ones don't cover what was there: {} m² before, {} m² after, {} m² missing, {} m² outside, {} m² twice; {} m² is tolerated (GEO-14)",
                self.area_before_m2,
                self.area_after_m2,
                self.missing_m2,
                self.outside_m2,
                self.overlap_m2,
                self.tolerance_m2,
                self.area_before_m2,
                self.area_after_m2,
                self.missing_m2,
                self.outside_m2,
                self.overlap_m2,
                self.tolerance_m2,
            ),
        )
        .field("pieces")
        .code("area_not_conserved")
        .remedy("correct the shapes by the survey, so that together they cover what was there")
        .breaks(DoorRule::AreaConserved, serde_json::json!(self)))
    }
}

/// Hundredths of a square metre: what a survey tells.
fn hundredths(area: f64) -> f64 {
    (area * 100.0).round() / 100.0
}

fn area_of(ewkb: Option<Vec<u8>>) -> Result<f64, Fault> {
    let Some(ewkb) = ewkb else { return Ok(0.0) };
    Ok(gis_data::area::plane_area_m2(&geometry::from_ewkb(&ewkb)?))
}

/// Compares the old ones with the new ones; all are EWKB in longitude and latitude.
///
/// # Errors
/// A problem for a shape that is none, or the database's.
pub async fn measure(connection: &mut PgConnection, old: &[Vec<u8>], new: &[Vec<u8>]) -> Result<Measure, Problem> {
    let unsound = sqlx::query_scalar!(
        r#"select ordinal as "ordinal!"
             from unnest($1::bytea[]) with ordinality as piece (shape, ordinal)
            where not st_isvalid(st_geomfromewkb(shape)) or st_dimension(st_geomfromewkb(shape)) <> 2
               or st_area(st_geomfromewkb(shape)) = 0
            order by ordinal
            limit 1"#,
        new,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(ordinal) = unsound {
        return Err(Problem::invalid(
            &format!("pieces[{}].geometry", ordinal - 1),
            "its outline crosses itself, or it has no area (GEO-01)",
        )
        .code("shape_unsound")
        .remedy("correct the outline")
        .breaks(DoorRule::SoundShape, serde_json::json!({"piece": ordinal})));
    }
    let found = sqlx::query!(
        r#"select st_asewkb(st_difference(o.shape, n.shape)) as missing, st_asewkb(st_difference(n.shape, o.shape)) as outside,
                  st_asewkb(n.shape) as covered
             from (select st_unaryunion(st_collect(st_geomfromewkb(shape))) as shape from unnest($1::bytea[]) shape) o,
                  (select st_unaryunion(st_collect(st_geomfromewkb(shape))) as shape from unnest($2::bytea[]) shape) n"#,
        old,
        new,
    )
    .fetch_one(connection)
    .await?;
    let sum = |shapes: &[Vec<u8>]| {
        shapes
            .iter()
            .map(|shape| area_of(Some(shape.clone())))
            .sum::<Result<f64, Fault>>()
    };
    let (before, after) = (sum(old)?, sum(new)?);
    Ok(Measure {
        area_before_m2: hundredths(before),
        area_after_m2: hundredths(after),
        missing_m2: hundredths(area_of(found.missing)?),
        outside_m2: hundredths(area_of(found.outside)?),
        overlap_m2: hundredths((after - area_of(found.covered)?).max(0.0)),
        tolerance_m2: hundredths(before * SPLIT_TOLERANCE),
    })
}
