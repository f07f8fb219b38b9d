//! What is to become of what.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::geometry;
use crate::request::Problem;
use crate::request::fields::plain_text;
use crate::titles::Holder;
use crate::unit_code::UnitCode;

/// The most that one becomes, or that become one.
const MOST: usize = 50;

/// One of the new ones: drawn here, or registered already.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SuccessionPiece)]
#[serde(deny_unknown_fields, default)]
pub struct Piece {
    /// One that is registered already (imported or drawn before); nothing else of it is said then but its holders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// GeoJSON, longitude and latitude.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub geometry: Option<Value>,
    /// Its business code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 不动产单元号: a new one; that of the old one becomes historic and is never used again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
    /// Area by the survey, m².
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_area_m2: Option<f64>,
    /// Who holds it, where rights move (转移登记); else who held the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holders: Option<Vec<Holder>>,
}

/// Where a room of a building goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SuccessionRoom)]
#[serde(deny_unknown_fields)]
pub struct RoomGoes {
    /// The room.
    pub room_id: Uuid,
    /// Into which of the new ones: its place in the list, the first is 0.
    pub piece: usize,
}

/// One into several, or several into one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SuccessionPlan)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The old ones.
    pub from_ids: Vec<Uuid>,
    /// The new ones.
    pub pieces: Vec<Piece>,
    /// Of buildings: into which of the new ones each room goes. Where several become one, all rooms go into that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomGoes>,
}

impl Plan {
    /// `split` or `merge`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.from_ids.len() == 1 { "split" } else { "merge" }
    }

    /// Everything that can be said of a plan without looking at what is registered; texts come out trimmed.
    ///
    /// # Errors
    /// A problem naming the field.
    pub fn settled(mut self) -> Result<Self, Problem> {
        self.from_ids.sort_unstable();
        self.from_ids.dedup();
        let (old, new) = (self.from_ids.len(), self.pieces.len());
        if !((old == 1 && new > 1) || (old > 1 && new == 1)) || old + new > MOST + 1 {
            return Err(Problem::invalid(
                "pieces",
                format!("{old} become {new}: one becomes two to {MOST}, or two to {MOST} become one"),
            )
            .code("neither_split_nor_merge")
            .remedy("split or merge step by step"));
        }
        for (index, piece) in self.pieces.iter_mut().enumerate() {
            let field = |name: &str| format!("pieces[{index}].{name}");
            if piece.id.is_some() == piece.geometry.is_some() {
                return Err(Problem::invalid(
                    &field("geometry"),
                    "a new one is drawn here or is registered already, one of the two",
                )
                .remedy("send its shape or its id"));
            }
            if piece.id.is_some()
                && (piece.code.is_some()
                    || piece.name.is_some()
                    || piece.unit_code.is_some()
                    || piece.registered_area_m2.is_some())
            {
                return Err(
                    Problem::invalid(&field("id"), "what is registered already says this by itself")
                        .remedy("leave it out, or change what is registered"),
                );
            }
            for (name, text, longest) in [("code", &mut piece.code, 64), ("name", &mut piece.name, 200)] {
                if let Some(said) = text.take() {
                    *text = Some(plain_text(&field(name), &said, longest)?).filter(|said| !said.is_empty());
                }
            }
            if let Some(said) = piece.unit_code.take().filter(|said| !said.trim().is_empty()) {
                let said = plain_text(&field("unit_code"), &said, 80)?;
                let code =
                    UnitCode::parse(&said).map_err(|refused| refused.unit_code_problem(&field("unit_code"), &said))?;
                piece.unit_code = Some(code.as_str().to_owned());
            }
            if piece
                .registered_area_m2
                .is_some_and(|area| !(0.0..1e11).contains(&area))
            {
                return Err(Problem::invalid(&field("registered_area_m2"), "it is no area")
                    .remedy("send square metres, 0 or more"));
            }
            if let Some(shape) = &piece.geometry {
                geometry::from_geojson(shape).map_err(|problem| Problem {
                    field: Some(field("geometry")),
                    ..problem
                })?;
            }
        }
        self.require_plain_rooms()?;
        Ok(self)
    }

    /// Each room is named once, and goes into one of the new ones.
    fn require_plain_rooms(&self) -> Result<(), Problem> {
        let mut known = HashSet::new();
        for (index, said) in self.rooms.iter().enumerate() {
            if said.piece >= self.pieces.len() {
                return Err(Problem::invalid(
                    &format!("rooms[{index}].piece"),
                    format!("there is no new one number {}; the first is 0", said.piece),
                )
                .code("no_such_piece")
                .remedy("name one of the new ones by its place in the list"));
            }
            if !known.insert(said.room_id) {
                return Err(
                    Problem::invalid(&format!("rooms[{index}].room_id"), "this room is named twice")
                        .code("room_twice")
                        .remedy("name each room once"),
                );
            }
        }
        Ok(())
    }
}
