//! The three kinds of spatial unit.

use serde::{Deserialize, Serialize};

use crate::ledger::ObjectKind;
use crate::request::Problem;

/// A kind of spatial unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 宗地: a closed piece of land with one right.
    Parcel,
    /// 楼栋: a physical building.
    Building,
    /// 院落: a managed compound.
    Site,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parcel, Self::Building, Self::Site];

    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Parcel => "parcel",
            Self::Building => "building",
            Self::Site => "site",
        }
    }

    /// The word for many of them: the layer's name in addresses, tiles and imports.
    #[must_use]
    pub fn layer(self) -> &'static str {
        match self {
            Self::Parcel => "parcels",
            Self::Building => "buildings",
            Self::Site => "sites",
        }
    }

    /// What the ledger calls it.
    #[must_use]
    pub fn object_kind(self) -> ObjectKind {
        match self {
            Self::Parcel => ObjectKind::Parcel,
            Self::Building => ObjectKind::Building,
            Self::Site => ObjectKind::Site,
        }
    }

    /// Reads the database's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Reads a layer's name.
    #[must_use]
    pub fn from_layer(layer: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.layer() == layer)
    }

    /// Reads a layer's name out of an address.
    ///
    /// # Errors
    /// Not found, where there is no such layer.
    pub fn of_path(layer: &str) -> Result<Self, Problem> {
        Self::from_layer(layer).ok_or_else(|| Problem::not_found(&format!("the layer {layer:?}")))
    }
}
