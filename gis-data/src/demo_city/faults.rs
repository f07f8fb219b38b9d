//! Faults that are planted for the rules to find. Each is known by its rule and by what it was done to. Nothing bears two,
//! but for papers that were never handed over (TTL-05), which say nothing about the rest, and for a certificate whose area
//! is neither the survey's nor the ledger's (TTL-07, TTL-08). Nothing else in the city breaks one of these rules.

use std::collections::HashSet;
use std::fmt::Write as _;

use geo::{Area, BooleanOps};
use geo_types::{Coord, LineString, Polygon};

use super::block::Plot;
use super::estate::{Estate, Site};

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlantedFault {
    /// The rule that finds it.
    pub rule: &'static str,
    /// The layer of what bears it: `parcels`, `buildings`, `sites`, `units`, `rooms` or `leases`.
    pub layer: &'static str,
    /// Its key in the data set (a unit's and a lease's code).
    pub key: String,
    /// The key of the other one, where two are at odds.
    pub other_key: String,
    /// What is wrong, in Chinese.
    pub zh: String,
    /// What is wrong, in English.
    pub en: String,
}

/// The faults so far, and what is spoken for.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub planted: Vec<PlantedFault>,
    parcels: HashSet<usize>,
    sites: HashSet<usize>,
}

/// Rings in a block's own metres, for tests of overlap.
fn ring(corners: &[(f64, f64)]) -> Polygon<f64> {
    let mut coords: Vec<Coord<f64>> = corners.iter().map(|(x, y)| Coord { x: *x, y: *y }).collect();
    coords.extend(coords.first().copied());
    Polygon::new(LineString(coords), Vec::new())
}

fn bounds(corners: &[(f64, f64)]) -> Plot {
    corners.iter().fold(
        Plot {
            s0: f64::MAX,
            t0: f64::MAX,
            s1: f64::MIN,
            t1: f64::MIN,
        },
        |seen, (x, y)| Plot {
            s0: seen.s0.min(*x),
            t0: seen.t0.min(*y),
            s1: seen.s1.max(*x),
            t1: seen.t1.max(*y),
        },
    )
}

pub(super) fn parcel_key(index: usize) -> String {
    format!("P{:04}", index + 1)
}

pub(super) fn building_key(index: usize) -> String {
    format!("B{:04}", index + 1)
}

impl Faults {
    pub fn plant(
        &mut self,
        rule: &'static str,
        layer: &'static str,
        key: String,
        other_key: String,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.planted.push(PlantedFault {
            rule,
            layer,
            key,
            other_key,
            zh: zh.into(),
            en: en.into(),
        });
    }

    /// Speaks for a site and its parcels, where nobody has before.
    fn claim(&mut self, index: usize, site: &Site) -> bool {
        let is_free = !self.sites.contains(&index) && site.parcels.iter().all(|parcel| !self.parcels.contains(parcel));
        if is_free {
            self.sites.insert(index);
            self.parcels.extend(&site.parcels);
        }
        is_free
    }

    /// Has nobody spoken for this parcel?
    pub fn is_free(&self, parcel: usize) -> bool {
        !self.parcels.contains(&parcel)
    }

    /// The next plain site (one parcel of its own, with buildings) that nobody has spoken for.
    pub fn next_site(&mut self, estate: &Estate, mut fits: impl FnMut(&Site) -> bool) -> Option<usize> {
        // From the middle on, so that faults are spread over the quarters.
        let count = estate.sites.len();
        (0..count).map(|step| (step * 37 + 11) % count).find(|index| {
            let site = &estate.sites[*index];
            site.parcels.len() == 1
                && estate.parcels[site.parcels[0]].sites.len() == 1
                && !site.buildings.is_empty()
                && fits(site)
                && self.claim(*index, site)
        })
    }

    /// Faults of shapes, before there are coordinates.
    pub fn bend_shapes(&mut self, estate: &mut Estate) {
        for building in estate.crossing.clone() {
            let site = &estate.sites[estate.buildings[building].site];
            self.sites.insert(estate.buildings[building].site);
            self.parcels.extend(&site.parcels);
            let parcels: Vec<String> = estate.buildings[building]
                .parcels
                .iter()
                .map(|parcel| parcel_key(*parcel))
                .collect();
            self.plant(
                "GEO-05",
                "buildings",
                building_key(building),
                parcels.join(" "),
                "楼栋跨两宗地",
                "the building stands on two parcels",
            );
        }
        self.overlap_parcels(estate, 6);
        self.push_out(estate, 5);
        self.overlap_buildings(estate, 4);
        self.part_parcels(estate, 3);
    }

    /// GEO-03: a parcel ends a little before its eastern neighbour's line.
    fn part_parcels(&mut self, estate: &mut Estate, mut wanted: usize) {
        const APART_M: f64 = 0.12;
        for one in (0..estate.parcels.len()).rev() {
            if wanted == 0 {
                return;
            }
            let plot = estate.parcels[one].plot;
            let block = estate.parcels[one].block;
            let met: Vec<usize> = (0..estate.parcels.len())
                .filter(|other| *other != one && estate.parcels[*other].block == block)
                .filter(|other| {
                    let beside = estate.parcels[*other].plot;
                    beside.s0 == plot.s1 && plot.t1.min(beside.t1) - plot.t0.max(beside.t0) > 0.0
                })
                .collect();
            let [other] = met[..] else { continue };
            let beside = estate.parcels[other].plot;
            let (ours, theirs) = (estate.parcels[one].sites.clone(), estate.parcels[other].sites.clone());
            let ([our_site], [their_site]) = (&ours[..], &theirs[..]) else {
                continue;
            };
            let is_plain = [our_site, their_site]
                .iter()
                .all(|site| estate.sites[**site].parcels.len() == 1 && !self.sites.contains(*site));
            if plot.t1.min(beside.t1) - plot.t0.max(beside.t0) < 20.0 || !is_plain {
                continue;
            }
            for site in [*our_site, *their_site] {
                self.claim(site, &estate.sites[site]);
            }
            estate.parcels[one].plot.s1 -= APART_M;
            self.plant(
                "GEO-03",
                "parcels",
                parcel_key(one),
                parcel_key(other),
                format!("与东侧邻宗之间有 {APART_M} 米宽的缝隙"),
                format!("between the parcel and its eastern neighbour lies a strip of {APART_M} m"),
            );
            wanted -= 1;
        }
    }

    /// GEO-02: a parcel reaches over its eastern neighbour's line.
    fn overlap_parcels(&mut self, estate: &mut Estate, mut wanted: usize) {
        const REACH_M: f64 = 2.2;
        for one in 0..estate.parcels.len() {
            if wanted == 0 {
                return;
            }
            let plot = estate.parcels[one].plot;
            let strip = Plot {
                s0: plot.s1,
                s1: plot.s1 + REACH_M,
                ..plot
            };
            let block = estate.parcels[one].block;
            let met: Vec<usize> = (0..estate.parcels.len())
                .filter(|other| *other != one && estate.parcels[*other].block == block)
                .filter(|other| strip.touches(&estate.parcels[*other].plot))
                .collect();
            let [other] = met[..] else { continue };
            let beside = estate.parcels[other].plot;
            let (ours, theirs) = (estate.parcels[one].sites.clone(), estate.parcels[other].sites.clone());
            let ([our_site], [their_site]) = (&ours[..], &theirs[..]) else {
                continue;
            };
            let common = plot.t1.min(beside.t1) - plot.t0.max(beside.t0);
            let is_plain = [our_site, their_site]
                .iter()
                .all(|site| estate.sites[**site].parcels.len() == 1 && !self.sites.contains(*site));
            if beside.s0 != plot.s1 || common < 20.0 || beside.width() < 30.0 || !is_plain {
                continue;
            }
            for site in [*our_site, *their_site] {
                self.claim(site, &estate.sites[site]);
            }
            estate.parcels[one].plot.s1 += REACH_M;
            self.plant(
                "GEO-02",
                "parcels",
                parcel_key(one),
                parcel_key(other),
                format!("宗地向东侵入邻宗 {REACH_M} 米"),
                format!("the parcel reaches {REACH_M} m into its eastern neighbour"),
            );
            wanted -= 1;
        }
    }

    /// GEO-04: a building stands with a strip outside its parcel, on nobody's land.
    fn push_out(&mut self, estate: &mut Estate, wanted: usize) {
        const OUT_M: f64 = 2.5;
        for _ in 0..wanted {
            let found = self.next_site(estate, |site| {
                let plot = estate.parcels[site.parcels[0]].plot;
                let below = Plot {
                    t0: plot.t0 - OUT_M - 1.0,
                    t1: plot.t0,
                    ..plot
                };
                let is_alone = !estate.parcels.iter().enumerate().any(|(index, parcel)| {
                    index != site.parcels[0] && parcel.block == site.block && below.touches(&parcel.plot)
                });
                // A second building could come to stand in the way.
                is_alone && site.buildings.len() == 1 && !estate.buildings[site.buildings[0]].is_gatehouse
            });
            let Some(site) = found else { return };
            let plot = estate.sites[site].plots[0];
            let building = estate.sites[site].buildings[0];
            let shift = bounds(&estate.buildings[building].ring).t0 - plot.t0 + OUT_M;
            for corner in &mut estate.buildings[building].ring {
                corner.1 -= shift;
            }
            self.plant(
                "GEO-04",
                "buildings",
                building_key(building),
                parcel_key(estate.sites[site].parcels[0]),
                format!("楼栋南侧超出宗地 {OUT_M} 米"),
                format!("the building stands {OUT_M} m outside its parcel in the south"),
            );
        }
    }

    /// GEO-06: two buildings of a site stand in each other.
    fn overlap_buildings(&mut self, estate: &mut Estate, wanted: usize) {
        const INTO_M: f64 = 2.0;
        for _ in 0..wanted {
            let mut moved = None;
            let found = self.next_site(estate, |site| {
                let [one, other] = site.buildings[..] else {
                    return false;
                };
                let (upper, lower) = {
                    let north = |index: usize| bounds(&estate.buildings[index].ring).t1;
                    if north(one) > north(other) {
                        (one, other)
                    } else {
                        (other, one)
                    }
                };
                if estate.buildings[lower].is_gatehouse || estate.buildings[upper].is_gatehouse {
                    return false;
                }
                let (above, below) = (&estate.buildings[upper].ring, &estate.buildings[lower].ring);
                let gap = bounds(above).t0 - bounds(below).t1;
                let shifted: Vec<_> = below.iter().map(|(x, y)| (*x, y + gap + INTO_M)).collect();
                let overlap = ring(&shifted).intersection(&ring(above)).unsigned_area();
                let is_good = gap > 0.0 && overlap > 20.0;
                if is_good {
                    moved = Some((upper, lower, shifted));
                }
                is_good
            });
            let (Some(_), Some((upper, lower, shifted))) = (found, moved) else {
                return;
            };
            estate.buildings[lower].ring = shifted;
            self.plant(
                "GEO-06",
                "buildings",
                building_key(lower),
                building_key(upper),
                format!("两栋楼图形重叠 {INTO_M} 米"),
                format!("two buildings overlap by {INTO_M} m"),
            );
        }
    }
}

/// The list as CSV.
pub(super) fn csv(faults: &[PlantedFault]) -> String {
    let mut text = "rule,layer,key,other_key,zh,en\n".to_owned();
    for fault in faults {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{}",
            fault.rule,
            fault.layer,
            fault.key,
            fault.other_key,
            quoted(&fault.zh),
            quoted(&fault.en)
        );
    }
    text
}

pub(super) fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
