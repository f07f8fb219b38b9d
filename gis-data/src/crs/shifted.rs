//! A whole layer that lies beside itself: several hundred metres from where the same objects are
//! known to be, all in the same direction. That is what a file in GCJ-02 under another name looks
//! like, and no single coordinate shows it.

use std::collections::HashMap;

use geo_types::Coord;
use rstar::RTree;

use super::Offset;
use super::system::in_chinese;
use crate::report::{Warning, WarningCode};

/// How far a layer lies from where its objects are known to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerShift {
    /// To the east of where they should be, metres.
    pub east_m: f64,
    /// To the north, metres.
    pub north_m: f64,
    /// Objects compared.
    pub compared: usize,
    /// Those of them that agree on this shift.
    pub agreeing: usize,
    /// The offset for public maps that explains it.
    pub looks_like: Option<Offset>,
}

impl LayerShift {
    /// How far, metres.
    pub fn distance_m(&self) -> f64 {
        self.east_m.hypot(self.north_m)
    }

    /// In words, with what to do.
    pub fn warning(&self) -> Warning {
        let (east, north, distance) = (self.east_m, self.north_m, self.distance_m());
        let (agreeing, compared) = (self.agreeing, self.compared);
        let (hint_zh, hint_en) = match self.looks_like {
            Some(offset) => (
                format!(
                    "，与 {} 的加偏一致：请核实，如属实用 --crs {} 重新导入",
                    in_chinese(offset.name()),
                    offset.option()
                ),
                format!(
                    ", just as {} would shift it: make sure, and if so import it again with --crs {}",
                    offset.name(),
                    offset.option()
                ),
            ),
            None => (
                "：请核实坐标系与基准面".to_owned(),
                ": check its coordinate system and datum".to_owned(),
            ),
        };
        Warning::new(
            WarningCode::LayerShifted,
            format!(
                "整个图层偏移约 {distance:.0} m（东 {east:.0} m，北 {north:.0} m；{compared} 个可比对象中 {agreeing} 个一致）{hint_zh}"
            ),
            format!(
                "the whole layer lies about {distance:.0} m off (east {east:.0} m, north {north:.0} m; {agreeing} of {compared} objects compared agree){hint_en}"
            ),
        )
    }
}

/// Fewer pairs could agree by chance.
const MIN_PAIRS: usize = 5;
/// Nearer than this is another survey of the same boundary, not a shift, metres.
const MIN_SHIFT_M: f64 = 50.0;
/// How far one object's shift may be from the layer's: a share of it, and metres at least.
const TOLERANCE: (f64, f64) = (0.1, 15.0);
/// How near an explained place must come to the known one, metres. Centroids of outlines drawn twice
/// differ by more than the formula.
const EXPLAINED_M: f64 = 10.0;
/// Farther away nothing is looked for, metres. BD-09 shifts by up to about 1.3 km.
const SEARCH_M: f64 = 1_500.0;
/// So many places of the new layer tell enough.
const MAX_NEW: usize = 2_000;

/// The shift on which most pairs (place in the new layer, place the same object is known at; degrees)
/// agree. Nothing where they don't, where there are fewer than five, or where they agree that the
/// layer lies within 50 m.
pub fn layer_shift(pairs: &[(Coord<f64>, Coord<f64>)]) -> Option<LayerShift> {
    if pairs.len() < MIN_PAIRS {
        return None;
    }
    let shifts: Vec<Coord<f64>> = pairs.iter().map(|(new, known)| metres_from(*known, *new)).collect();
    // Medians: up to half the pairs may be matched wrongly.
    let east_m = median(shifts.iter().map(|shift| shift.x))?;
    let north_m = median(shifts.iter().map(|shift| shift.y))?;
    let distance_m = east_m.hypot(north_m);
    if distance_m < MIN_SHIFT_M {
        return None;
    }
    let tolerance_m = (TOLERANCE.0 * distance_m).max(TOLERANCE.1);
    let in_one_direction = shifts
        .iter()
        .filter(|shift| (shift.x - east_m).hypot(shift.y - north_m) <= tolerance_m)
        .count();
    // Over many kilometres the formulas' shift turns, so it is tried for itself.
    let explained = |offset: Offset| {
        pairs
            .iter()
            .filter(|(new, known)| length(metres_from(offset.apply(*known), *new)) <= EXPLAINED_M)
            .count()
    };
    let best = [Offset::Gcj02, Offset::Bd09]
        .into_iter()
        .map(|offset| (explained(offset), offset))
        .max_by_key(|(count, _)| *count);
    let is_enough = |count: usize| count >= MIN_PAIRS && count * 10 >= pairs.len() * 6;
    let looks_like = best.filter(|(count, _)| is_enough(*count));
    let agreeing = in_one_direction.max(looks_like.map_or(0, |(count, _)| count));
    is_enough(agreeing).then_some(LayerShift {
        east_m,
        north_m,
        compared: pairs.len(),
        agreeing,
        looks_like: looks_like.map(|(_, offset)| offset),
    })
}

/// As [`layer_shift`] where no key tells which object is which: the shift that brings at least half
/// of the new layer's places onto known ones. Nothing where the places lie so close together that
/// any shift would.
pub fn layer_shift_by_nearest(new: &[Coord<f64>], known: &[Coord<f64>]) -> Option<LayerShift> {
    let new: Vec<Coord<f64>> = sampled(new, MAX_NEW).collect();
    let middle = *known.first()?;
    if new.len() < MIN_PAIRS {
        return None;
    }
    let plane = |coord: Coord<f64>| {
        let place = metres_from(middle, coord);
        [place.x, place.y]
    };
    let tree = RTree::bulk_load(known.iter().map(|coord| plane(*coord)).collect());
    let degrees = |place: [f64; 2]| {
        let [x, y] = place;
        degrees_from(middle, x, y)
    };
    let onto = |candidate: &dyn Fn(Coord<f64>) -> Option<Coord<f64>>| -> Vec<(Coord<f64>, Coord<f64>)> {
        new.iter()
            .filter_map(|place| {
                let wanted = plane(candidate(*place)?);
                let nearest = tree.nearest_neighbor(wanted)?;
                let [x, y] = wanted;
                let [there_x, there_y] = *nearest;
                ((x - there_x).hypot(y - there_y) <= EXPLAINED_M).then(|| (*place, degrees(*nearest)))
            })
            .collect()
    };
    let is_half = |count: usize| count >= MIN_PAIRS && count * 2 >= new.len();
    // Where it lies well enough as it stands, nothing else is thought of: no shift could explain three times as much.
    let as_it_stands = onto(&Some).len();
    if as_it_stands * 3 > new.len() {
        return None;
    }
    let finish = |pairs: Vec<(Coord<f64>, Coord<f64>)>| {
        let shift = layer_shift(&pairs)?;
        (is_half(pairs.len()) && pairs.len() >= as_it_stands * 3).then_some(LayerShift {
            compared: new.len(),
            ..shift
        })
    };
    for offset in [Offset::Gcj02, Offset::Bd09] {
        if let Some(shift) = finish(onto(&|place| offset.remove(place))) {
            return Some(shift);
        }
    }
    // Every pair of neighbours votes for its own shift.
    let mut votes: HashMap<(i32, i32), u32> = HashMap::new();
    let mut voted = 0_u64;
    for place in &new {
        let here = plane(*place);
        let [x, y] = here;
        for [there_x, there_y] in tree.locate_within_distance(here, SEARCH_M * SEARCH_M) {
            let bin = (
                ((x - there_x) / EXPLAINED_M).floor() as i32,
                ((y - there_y) / EXPLAINED_M).floor() as i32,
            );
            *votes.entry(bin).or_default() += 1;
            voted += 1;
            if voted > MAX_VOTES {
                return None;
            }
        }
    }
    let around = |(east, north): (i32, i32)| -> u32 {
        (-1..=1)
            .flat_map(|step_east| (-1..=1).map(move |step_north| (east + step_east, north + step_north)))
            .filter_map(|bin| votes.get(&bin))
            .sum()
    };
    let (best, count) = votes
        .keys()
        .map(|bin| (*bin, around(*bin)))
        .max_by_key(|(bin, count)| (*count, std::cmp::Reverse(*bin)))?;
    // What the nine bins would get if every shift were as good as the other.
    let by_chance = voted as f64 * 9.0 * EXPLAINED_M * EXPLAINED_M / (std::f64::consts::PI * SEARCH_M * SEARCH_M);
    if f64::from(count) < by_chance * 5.0 {
        return None;
    }
    let (east_m, north_m) = (
        (f64::from(best.0) + 0.5) * EXPLAINED_M,
        (f64::from(best.1) + 0.5) * EXPLAINED_M,
    );
    finish(onto(&|place| Some(degrees_from(place, -east_m, -north_m))))
}

/// So many pairs of neighbours mean places so dense that any shift would fit.
const MAX_VOTES: u64 = 5_000_000;

/// Up to `count` of the places, evenly spread over the list.
fn sampled(places: &[Coord<f64>], count: usize) -> impl Iterator<Item = Coord<f64>> {
    places.iter().step_by(places.len().div_ceil(count).max(1)).copied()
}

const METRES_A_DEGREE: f64 = 111_194.93;

/// East and north of a place, metres; right to a thousandth over some tens of kilometres.
fn metres_from(origin: Coord<f64>, place: Coord<f64>) -> Coord<f64> {
    Coord {
        x: (place.x - origin.x) * METRES_A_DEGREE * origin.y.to_radians().cos(),
        y: (place.y - origin.y) * METRES_A_DEGREE,
    }
}

fn degrees_from(origin: Coord<f64>, east_m: f64, north_m: f64) -> Coord<f64> {
    Coord {
        x: origin.x + east_m / (METRES_A_DEGREE * origin.y.to_radians().cos()),
        y: origin.y + north_m / METRES_A_DEGREE,
    }
}

fn length(vector: Coord<f64>) -> f64 {
    vector.x.hypot(vector.y)
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of a town, without any pattern.
    fn town(count: u64) -> Vec<Coord<f64>> {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..count)
            .map(|_| Coord {
                x: 119.9 + next() * 0.1,
                y: 31.7 + next() * 0.1,
            })
            .collect()
    }

    fn moved(places: &[Coord<f64>], east_m: f64, north_m: f64) -> Vec<Coord<f64>> {
        places
            .iter()
            .map(|place| degrees_from(*place, east_m, north_m))
            .collect()
    }

    #[test]
    fn a_layer_in_gcj02_is_told_by_its_keys_and_without_them() {
        let known = town(400);
        for offset in [Offset::Gcj02, Offset::Bd09] {
            let new: Vec<Coord<f64>> = known.iter().map(|place| offset.apply(*place)).collect();
            let pairs: Vec<_> = new.iter().copied().zip(known.iter().copied()).collect();
            for found in [layer_shift(&pairs), layer_shift_by_nearest(&new, &known)] {
                let found = found.unwrap_or_else(|| panic!("{offset:?} was not noticed"));
                assert_eq!(found.looks_like, Some(offset));
                assert!(
                    found.distance_m() > 300.0 && found.agreeing * 10 >= found.compared * 9,
                    "{found:?}"
                );
                assert!(found.warning().message_zh.contains(offset.option()));
            }
        }
    }

    #[test]
    fn a_plain_shift_is_told_and_a_third_of_wrong_pairs_does_not_hide_it() {
        let known = town(300);
        let new = moved(&known, 420.0, -310.0);
        let mut pairs: Vec<_> = new.iter().copied().zip(known.iter().copied()).collect();
        for index in 0..100 {
            pairs[index * 3].1 = known[(index * 3 + 7) % 300];
        }
        let by_key = layer_shift(&pairs).unwrap_or_else(|| panic!("not noticed"));
        assert!(
            (by_key.east_m - 420.0).abs() < 2.0 && (by_key.north_m + 310.0).abs() < 2.0,
            "{by_key:?}"
        );
        assert_eq!((by_key.looks_like, by_key.compared), (None, 300));
        let by_place = layer_shift_by_nearest(&new, &known).unwrap_or_else(|| panic!("not noticed"));
        assert!(
            (by_place.east_m - 420.0).abs() < 2.0 && (by_place.north_m + 310.0).abs() < 2.0,
            "{by_place:?}"
        );
    }

    #[test]
    fn layers_that_lie_right_or_have_nothing_to_do_with_each_other_are_left_alone() {
        let known = town(400);
        let redrawn = moved(&known, 3.0, -2.0);
        let pairs: Vec<_> = redrawn.iter().copied().zip(known.iter().copied()).collect();
        assert_eq!(layer_shift(&pairs), None);
        assert_eq!(layer_shift_by_nearest(&redrawn, &known), None);
        // Other objects in the same town.
        let others = town(800).split_off(400);
        assert_eq!(layer_shift_by_nearest(&others, &known), None);
        let unrelated: Vec<_> = others.iter().copied().zip(known.iter().copied()).collect();
        assert_eq!(layer_shift(&unrelated), None);
        assert_eq!(layer_shift(&pairs[..4]), None);
        assert_eq!(layer_shift_by_nearest(&[], &[]), None);
        // A part of a chequerboard, moved by whole squares, lies right as far as anybody can tell.
        let board: Vec<Coord<f64>> = (0..900)
            .map(|index| degrees_from(known[0], f64::from(index % 30) * 25.0, f64::from(index / 30) * 25.0))
            .collect();
        let part: Vec<Coord<f64>> = (0..100).map(|index| board[index % 10 + index / 10 * 30]).collect();
        assert_eq!(layer_shift_by_nearest(&moved(&part, 500.0, 0.0), &board), None);
    }
}
