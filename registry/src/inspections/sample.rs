//! Drawing a sample (抽样): pure, and the same again from the same seed and stock.
//!
//! Each building has a number that follows from the seed and its id alone (SHA-256). Plain: the buildings with the smallest
//! numbers are drawn. By area: with u in (0, 1) from that number, those with the smallest −ln(u)/area (Efraimidis and
//! Spirakis 2006), so that a building of twice the area is twice as likely to be the first.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::period::day;

/// How likely each building is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// 等概率: one as likely as another.
    #[default]
    Plain,
    /// 按面积: by its area; one without an area counts like the smallest.
    Area,
}

/// A building that was chosen by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenBuilding {
    /// Which.
    pub asset_id: Uuid,
    /// Why.
    pub reason: String,
}

/// A sample, with everything that it takes to draw it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionSample)]
pub struct Sample {
    /// What the numbers follow from.
    pub seed: String,
    /// How likely each building was.
    pub weighting: Weighting,
    /// The share that was asked for, per cent; null where a number was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub share: Option<Decimal>,
    /// So many were drawn,
    pub number: u32,
    /// of so many buildings,
    pub stock: u32,
    /// whose ids, sorted and with a line each, have this SHA-256,
    pub stock_sha256: String,
    /// as they stood on this day
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// and were known at this instant.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub known_at: OffsetDateTime,
    /// Those that were drawn, in the order of their numbers.
    pub drawn: Vec<Uuid>,
    /// Those that were chosen by hand beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<ChosenBuilding>,
    /// Who drew it.
    pub by: String,
}

impl Sample {
    /// The buildings, each once.
    #[must_use]
    pub fn buildings(&self) -> Vec<Uuid> {
        let mut buildings = self.drawn.clone();
        for chosen in &self.chosen {
            if !buildings.contains(&chosen.asset_id) {
                buildings.push(chosen.asset_id);
            }
        }
        buildings
    }
}

/// A building that can be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drawable {
    /// Which.
    pub id: Uuid,
    /// Its area, where it is known, m².
    pub area_m2: Option<f64>,
}

fn number_of(seed: &str, id: Uuid) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.as_bytes());
    hash.update([0]);
    hash.update(id.as_bytes());
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// So many of the stock, all of it where it holds fewer.
pub(super) fn draw(seed: &str, stock: &[Drawable], number: usize, weighting: Weighting) -> Vec<Uuid> {
    let least = stock
        .iter()
        .filter_map(|building| building.area_m2.filter(|area| *area > 0.0))
        .fold(f64::INFINITY, f64::min);
    let mut keyed: Vec<(f64, u64, Uuid)> = stock
        .iter()
        .map(|building| {
            let number = number_of(seed, building.id);
            let key = match weighting {
                Weighting::Plain => 0.0,
                Weighting::Area => {
                    let area = building.area_m2.filter(|area| *area > 0.0).unwrap_or(least);
                    // The upper 53 bits, and a half: never 0 and never 1.
                    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept exactly")]
                    let uniform = ((number >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
                    if area.is_finite() { -uniform.ln() / area } else { 0.0 }
                }
            };
            (key, number, building.id)
        })
        .collect();
    keyed.sort_by(|one, other| {
        one.0
            .total_cmp(&other.0)
            .then(one.1.cmp(&other.1))
            .then(one.2.cmp(&other.2))
    });
    keyed.truncate(number);
    keyed.into_iter().map(|(_, _, id)| id).collect()
}

/// What a stock is told by: the SHA-256 of its ids, sorted, a line each.
pub(super) fn stock_digest(stock: &[Drawable]) -> String {
    let mut ids: Vec<Uuid> = stock.iter().map(|building| building.id).collect();
    ids.sort_unstable();
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.to_string().as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn stock() -> impl Strategy<Value = Vec<Drawable>> {
        prop::collection::btree_map(any::<u128>(), prop::option::of(0.0..5e4), 0..60).prop_map(|stock| {
            stock
                .into_iter()
                .map(|(id, area_m2)| Drawable {
                    id: Uuid::from_u128(id),
                    area_m2,
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn the_same_seed_draws_the_same_whatever_the_order(
            stock in stock(), seed in "[a-z0-9]{1,12}", number in 0_usize..70, by_area in any::<bool>(), turn in 0_usize..60
        ) {
            let weighting = if by_area { Weighting::Area } else { Weighting::Plain };
            let drawn = draw(&seed, &stock, number, weighting);
            prop_assert_eq!(drawn.len(), number.min(stock.len()));
            let ids: BTreeSet<Uuid> = stock.iter().map(|building| building.id).collect();
            let once: BTreeSet<Uuid> = drawn.iter().copied().collect();
            prop_assert_eq!(once.len(), drawn.len());
            prop_assert!(once.is_subset(&ids));
            let mut turned = stock.clone();
            turned.rotate_left(turn % stock.len().max(1));
            prop_assert_eq!(&draw(&seed, &turned, number, weighting), &drawn);
            prop_assert_eq!(stock_digest(&turned), stock_digest(&stock));
            // A larger sample goes on from a smaller one.
            prop_assert_eq!(&draw(&seed, &stock, number + 1, weighting)[..drawn.len()], &drawn[..]);
        }
    }

    #[test]
    fn a_large_building_is_drawn_first_as_often_as_its_area_says() {
        let stock = [
            Drawable {
                id: Uuid::from_u128(1),
                area_m2: Some(3_000.0),
            },
            Drawable {
                id: Uuid::from_u128(2),
                area_m2: Some(1_000.0),
            },
        ];
        let first = |weighting| {
            (0..4_000)
                .filter(|seed| draw(&seed.to_string(), &stock, 1, weighting) == [stock[0].id])
                .count()
        };
        // Three of four, and one of two; 4 000 draws stray by some 30.
        assert!(
            (2_850..3_150).contains(&first(Weighting::Area)),
            "{}",
            first(Weighting::Area)
        );
        assert!(
            (1_850..2_150).contains(&first(Weighting::Plain)),
            "{}",
            first(Weighting::Plain)
        );
    }
}
