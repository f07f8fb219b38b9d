//! The spatial operators, and the geometries that a client writes: in the order of their axes, within the world, sound.

use cql2::Expr;
use geo::{CoordsIter, MapCoordsInPlace, Validation};
use geo_types::{Geometry, MultiPolygon, Polygon, Rect};
use geozero::{CoordDimensions, ToWkb};

use super::super::crs::Box2;
use super::super::properties::GEOMETRY;
use super::read::{Reader, unsupported};
use super::{Condition, Place, Relation};
use crate::request::Problem;

/// The relation that an operator (`s_within` …) names.
pub(super) fn relation(operator: &str) -> Option<Relation> {
    Some(match operator {
        "s_intersects" => Relation::Intersects,
        "s_disjoint" => Relation::Disjoint,
        "s_within" => Relation::Within,
        "s_contains" => Relation::Contains,
        "s_equals" => Relation::Equals,
        "s_touches" => Relation::Touches,
        "s_overlaps" => Relation::Overlaps,
        "s_crosses" => Relation::Crosses,
        _ => return None,
    })
}

impl Reader {
    /// The condition that two geometries lie so.
    pub fn spatial(
        &mut self,
        operator: &str,
        relation: Relation,
        left: &Expr,
        right: &Expr,
    ) -> Result<Condition, Problem> {
        let (left, right) = (self.place(operator, left)?, self.place(operator, right)?);
        Ok(Condition::Spatial(relation, left, right))
    }

    fn place(&mut self, operator: &str, expression: &Expr) -> Result<Place, Problem> {
        self.step(0)?;
        match expression {
            Expr::Property { property } if property == GEOMETRY => Ok(Place::Geometry),
            Expr::Property { property } => Err(Problem::bad(
                "filter",
                format!("{property:?} is no geometry of {}", self.kind.layer()),
            )
            .remedy("the property is called geometry")),
            Expr::Geometry(_) | Expr::BBox { .. } => self.drawn(operator, expression),
            _ => Err(Problem::bad("filter", format!("{operator} is for geometries"))),
        }
    }

    fn drawn(&self, operator: &str, expression: &Expr) -> Result<Place, Problem> {
        let refuse =
            |detail: String| Problem::bad("filter", format!("a geometry of the filter can't be used: {detail}"));
        let mut shape = match expression {
            Expr::BBox { bbox } => return self.drawn_box(bbox),
            // By way of plain coordinates: the crate's own geometry types are of other versions than ours.
            other => Geometry::<f64>::try_from(other.clone()).map_err(|error| refuse(error.to_string()))?,
        };
        if matches!(shape, Geometry::GeometryCollection(_)) && !["s_intersects", "s_disjoint"].contains(&operator) {
            return Err(unsupported(&format!("a GEOMETRYCOLLECTION in {operator}")));
        }
        if self.crs.is_northing_first() {
            shape.map_coords_in_place(|coord| geo_types::coord! { x: coord.y, y: coord.x });
        }
        if shape.coords_count() == 0 {
            return Err(refuse("it is empty".to_owned()));
        }
        let is_plane = self.crs.is_plane();
        let (widest, highest) = if is_plane { (1e8, 1e8) } else { (180.0, 90.0) };
        if let Some(outside) = shape
            .coords_iter()
            .find(|coord| !(coord.x.abs() <= widest && coord.y.abs() <= highest))
        {
            return Err(refuse(format!(
                "{} {} lies outside of {}",
                outside.x,
                outside.y,
                self.crs.uri()
            ))
            .remedy("write longitude and latitude, or name another system as filter-crs, in the order of its axes"));
        }
        if let Err(error) = shape.check_validation() {
            return Err(refuse(error.to_string()));
        }
        self.place_of_shape(&shape)
    }

    /// A box, in two parts where it goes over the antimeridian.
    fn drawn_box(&self, numbers: &[Box<Expr>]) -> Result<Place, Problem> {
        let refuse = |detail: &str| Problem::bad("filter", format!("a BBOX of the filter can't be used: {detail}"));
        let numbers: Option<Vec<String>> = numbers
            .iter()
            .map(|number| match number.as_ref() {
                Expr::Float(number) => Some(number.to_string()),
                _ => None,
            })
            .collect();
        let numbers = numbers.ok_or_else(|| refuse("it takes numbers"))?;
        let sides = Box2::parse(&numbers.join(","), self.crs).map_err(|problem| refuse(&problem.detail))?;
        let rectangles: Vec<Polygon<f64>> = sides
            .parts()
            .into_iter()
            .map(|[west, south, east, north]| Rect::new((west, south), (east, north)).to_polygon())
            .collect();
        if rectangles.iter().any(|rectangle| rectangle.check_validation().is_err()) {
            return Err(refuse("it has no extent"));
        }
        self.place_of_shape(&match <[Polygon<f64>; 1]>::try_from(rectangles) {
            Ok([rectangle]) => Geometry::Polygon(rectangle),
            Err(rectangles) => Geometry::MultiPolygon(MultiPolygon(rectangles)),
        })
    }

    fn place_of_shape(&self, shape: &Geometry<f64>) -> Result<Place, Problem> {
        let ewkb = shape
            .to_ewkb(CoordDimensions::xy(), Some(self.crs.srid()))
            .map_err(|error| Problem::bad("filter", format!("a geometry of the filter can't be used: {error}")))?;
        Ok(Place::Drawn {
            ewkb,
            is_plane: self.crs.is_plane(),
        })
    }
}
