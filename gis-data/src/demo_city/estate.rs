//! Which lots are the government's, what stands on them, and whose they are.

use std::collections::{HashMap, HashSet};

use super::block::{Block, Plot};
use super::footprints::{self, Footprint, Style};
use super::plan::{Plan, QuarterKind};
use super::sequence::Sequence;
use super::units::{DISTRICTS, DemoUnit};

/// The census.
pub(super) const SITES: usize = 624;
pub(super) const BUILDINGS: usize = 1500;
/// Sites on two parcels, parcels under two sites, and parcels without a site.
const ON_TWO_PARCELS: usize = 45;
const SHARED_PARCELS: usize = 20;
const RESERVES: usize = 12;
/// Sites whose building stands on both of their parcels.
const CROSSING: usize = 6;

pub(super) const USAGES: [&str; 7] = [
    "administrative_office",
    "public_service",
    "technical",
    "housing_security",
    "commercial",
    "idle_land",
    "other",
];
/// How many sites there are of each usage.
const QUOTAS: [usize; 7] = [236, 150, 64, 62, 56, 22, 34];

pub(super) const TITLE_STATUSES: [&str; 6] = [
    "unified",
    "other_handed",
    "other_not_handed",
    "none_handed",
    "none_not_handed",
    "other",
];

/// A parcel to be.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub block: usize,
    pub plot: Plot,
    pub sites: Vec<usize>,
    pub buildings: Vec<usize>,
    pub title_status: &'static str,
}

/// A site to be.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub block: usize,
    /// The ground it stands on; parts of one block.
    pub plots: Vec<Plot>,
    pub parcels: Vec<usize>,
    pub usage: &'static str,
    pub style: Style,
    pub unit: usize,
    pub buildings: Vec<usize>,
}

/// A building to be.
#[derive(Debug, Clone)]
pub(super) struct Building {
    pub site: usize,
    pub parcels: Vec<usize>,
    /// Corners in the block's metres.
    pub ring: Vec<(f64, f64)>,
    pub footprint: Footprint,
    pub is_gatehouse: bool,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Estate {
    pub plan: Plan,
    pub units: Vec<DemoUnit>,
    pub parcels: Vec<Parcel>,
    pub sites: Vec<Site>,
    pub buildings: Vec<Building>,
    /// Lots that are somebody else's: block and lot.
    pub others: Vec<(usize, usize)>,
    /// Buildings that stand on two parcels: a planted fault.
    pub crossing: Vec<usize>,
}

/// The district a block lies in: its code.
pub(super) fn district(block: &Block) -> &'static str {
    let [tianning, zhonglou, xinbei, wujin] = DISTRICTS.map(|(code, _)| code);
    match block.quarter {
        QuarterKind::North => xinbei,
        QuarterKind::South => wujin,
        QuarterKind::East => tianning,
        QuarterKind::West => zhonglou,
        QuarterKind::Old => {
            let river = if block.place.1 > 0.0 { 0.14 } else { -0.33 };
            if block.place.0 < river { zhonglou } else { tianning }
        }
    }
}

fn height(block: &Block) -> f64 {
    let central = 1.0 - block.place.0.hypot(block.place.1).min(1.0);
    match block.quarter {
        QuarterKind::Old => 0.85 + 0.35 * central,
        QuarterKind::North => 1.2 + 0.5 * central,
        QuarterKind::South => 1.0 + 0.4 * central,
        QuarterKind::East => 1.1,
        QuarterKind::West => 0.9,
    }
}

/// What a lot is good for, beside how many sites of a usage are still to be placed.
fn fit(usage: &str, area: f64, block: &Block) -> f64 {
    let large = (area / 6_000.0).clamp(0.2, 2.5);
    let central = 1.0 - block.place.0.hypot(block.place.1).min(1.0);
    match usage {
        "administrative_office" => 0.6 + central,
        "public_service" => large,
        "commercial" => (0.5 + central) / large,
        "housing_security" => large * (1.2 - central),
        "idle_land" | "other" => large * (1.3 - central),
        _ => 1.0,
    }
}

/// Weights of the six statuses; each quarter has its own history.
pub(super) fn status_weights(block: &Block, usage: &str) -> [f64; 6] {
    let mut weights = match block.quarter {
        QuarterKind::Old => [0.50, 0.17, 0.13, 0.09, 0.07, 0.04],
        QuarterKind::West => [0.30, 0.24, 0.18, 0.12, 0.12, 0.04],
        QuarterKind::North => [0.74, 0.10, 0.07, 0.05, 0.02, 0.02],
        QuarterKind::South => [0.28, 0.18, 0.26, 0.10, 0.14, 0.04],
        QuarterKind::East => [0.40, 0.14, 0.12, 0.22, 0.08, 0.04],
    };
    if matches!(usage, "housing_security" | "commercial" | "other") {
        weights[3] *= 2.0;
        weights[4] *= 2.0;
    }
    weights
}

impl Estate {
    pub fn found(plan: Plan, units: Vec<DemoUnit>, sequence: &mut Sequence) -> Self {
        let mut estate = Self {
            plan,
            units,
            parcels: Vec::new(),
            sites: Vec::new(),
            buildings: Vec::new(),
            others: Vec::new(),
            crossing: Vec::new(),
        };
        estate.choose_lots(sequence);
        estate.give_usages(sequence);
        estate.give_units(sequence);
        estate.build(sequence);
        estate
    }

    fn add_parcel(&mut self, block: usize, plot: Plot) -> usize {
        self.parcels.push(Parcel {
            block,
            plot,
            sites: Vec::new(),
            buildings: Vec::new(),
            title_status: TITLE_STATUSES[0],
        });
        self.parcels.len() - 1
    }

    fn add_site(&mut self, block: usize, plots: Vec<Plot>, parcels: Vec<usize>) {
        let index = self.sites.len();
        for parcel in &parcels {
            self.parcels[*parcel].sites.push(index);
        }
        self.sites.push(Site {
            block,
            plots,
            parcels,
            usage: USAGES[0],
            style: Style::Office,
            unit: 0,
            buildings: Vec::new(),
        });
    }

    /// Chooses lots, more of them where a civic centre is, until the census is full.
    fn choose_lots(&mut self, sequence: &mut Sequence) {
        let mut lots: Vec<(f64, usize, usize)> = Vec::new();
        for (block_index, block) in self.plan.blocks.iter().enumerate() {
            let civic = (block.place.0 - 0.1).hypot(block.place.1 * 0.6) < 0.22;
            let weight = if civic { 3.5 } else { 1.0 } * if sequence.chance(0.16) { 4.0 } else { 0.8 };
            for (lot_index, lot) in block.lots.iter().enumerate() {
                let fits = lot.width().min(lot.depth()) >= 27.0 && lot.area() <= 24_000.0;
                // The largest of `share^(1/weight)` are a weighted choice without repetition.
                let rank = if fits {
                    sequence.share().powf(1.0 / weight)
                } else {
                    -1.0
                };
                lots.push((rank, block_index, lot_index));
            }
        }
        lots.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut taken: HashSet<(usize, usize)> = HashSet::new();
        let (mut pairs, mut shared) = (0, 0);
        let mut reserves = 0;
        for (rank, block_index, lot_index) in &lots {
            if *rank < 0.0 || taken.contains(&(*block_index, *lot_index)) {
                continue;
            }
            if self.sites.len() == SITES && reserves == RESERVES {
                break;
            }
            taken.insert((*block_index, *lot_index));
            let lot = self.plan.blocks[*block_index].lots[*lot_index];
            if self.sites.len() == SITES {
                self.add_parcel(*block_index, lot);
                reserves += 1;
                continue;
            }
            let partner = self.plan.blocks[*block_index]
                .lots
                .iter()
                .enumerate()
                .find(|(index, other)| !taken.contains(&(*block_index, *index)) && lot.joined(other).is_some())
                .map(|(index, other)| (index, *other));
            if let Some((index, other)) = partner
                && pairs < ON_TWO_PARCELS
                && lot.area().min(other.area()) > 1_500.0
                && sequence.chance(0.12)
            {
                taken.insert((*block_index, index));
                let parcels = vec![self.add_parcel(*block_index, lot), self.add_parcel(*block_index, other)];
                self.add_site(*block_index, vec![lot, other], parcels);
                pairs += 1;
                continue;
            }
            let parcel = self.add_parcel(*block_index, lot);
            let long = lot.width().max(lot.depth());
            if shared < SHARED_PARCELS && long > 84.0 && self.sites.len() + 2 <= SITES && sequence.chance(0.2) {
                let (mut low, mut high) = (lot, lot);
                if lot.width() >= lot.depth() {
                    low.s1 = (lot.s0 + lot.width() / 2.0).round();
                    high.s0 = low.s1;
                } else {
                    low.t1 = (lot.t0 + lot.depth() / 2.0).round();
                    high.t0 = low.t1;
                }
                self.add_site(*block_index, vec![low], vec![parcel]);
                self.add_site(*block_index, vec![high], vec![parcel]);
                shared += 1;
            } else {
                self.add_site(*block_index, vec![lot], vec![parcel]);
            }
        }
        self.others = lots
            .iter()
            .map(|(_, block, lot)| (*block, *lot))
            .filter(|lot| !taken.contains(lot))
            .collect();
        self.others.sort_unstable();
    }

    fn give_usages(&mut self, sequence: &mut Sequence) {
        let mut left = QUOTAS;
        for index in 0..self.sites.len() {
            let site = &self.sites[index];
            let block = &self.plan.blocks[site.block];
            let area: f64 = site.plots.iter().map(Plot::area).sum();
            let is_plain = site.plots.len() == 1 && self.parcels[site.parcels[0]].sites.len() == 1;
            let weights: Vec<f64> = USAGES
                .iter()
                .zip(left)
                .map(|(usage, left)| {
                    if *usage == "idle_land" && !is_plain {
                        0.0
                    } else {
                        left as f64 * fit(usage, area, block)
                    }
                })
                .collect();
            let chosen = sequence.weighted(&weights);
            left[chosen] = left[chosen].saturating_sub(1);
            self.sites[index].usage = USAGES[chosen];
        }
        for parcel in &mut self.parcels {
            let usage = parcel.sites.first().map_or("idle_land", |site| self.sites[*site].usage);
            let weights = status_weights(&self.plan.blocks[parcel.block], usage);
            parcel.title_status = TITLE_STATUSES[sequence.weighted(&weights)];
        }
    }

    /// Gives each site a unit that could be there, the ones with the fewest sites first; every unit gets one.
    fn give_units(&mut self, sequence: &mut Sequence) {
        let mut held = vec![0_usize; self.units.len()];
        for index in 0..self.sites.len() {
            let candidates = self.candidates(index);
            let unit = candidates
                .iter()
                .copied()
                .min_by(|one, other| {
                    let load = |unit: &usize| held[*unit] as f64 / appetite(&self.units[*unit]);
                    load(one).total_cmp(&load(other))
                })
                .unwrap_or(0);
            // Not always the neediest, or units would come in the order of the list.
            let unit = if sequence.chance(0.35) && !candidates.is_empty() {
                *sequence.pick(&candidates)
            } else {
                unit
            };
            held[unit] += 1;
            self.sites[index].unit = unit;
        }
        for unit in 0..self.units.len() {
            if held[unit] > 0 {
                continue;
            }
            let richest = (0..self.sites.len())
                .filter(|site| held[self.sites[*site].unit] > 1 && self.candidates(*site).contains(&unit))
                .max_by_key(|site| held[self.sites[*site].unit]);
            if let Some(site) = richest {
                held[self.sites[site].unit] -= 1;
                held[unit] += 1;
                self.sites[site].unit = unit;
            }
        }
        for site in &mut self.sites {
            site.style = style(site.usage, &self.units[site.unit].name);
        }
    }

    fn candidates(&self, site: usize) -> Vec<usize> {
        let site = &self.sites[site];
        let here = district(&self.plan.blocks[site.block]);
        let of_here = |unit: &DemoUnit| unit.level == "city" || unit.region == here;
        let wanted = |unit: &DemoUnit| match site.usage {
            "administrative_office" => !matches!(unit.kind, "public_institution" | "platform_company"),
            "public_service" => unit.kind == "public_institution",
            "technical" => {
                matches!(unit.kind, "court" | "procuratorate" | "public_institution")
                    && style("public_service", &unit.name) == Style::Laboratory
                    || unit.name.ends_with("公安局")
                    || unit.name.contains("法院")
                    || unit.name.contains("检察院")
            }
            _ => matches!(unit.kind, "bureau" | "platform_company"),
        };
        (0..self.units.len())
            .filter(|unit| of_here(&self.units[*unit]) && wanted(&self.units[*unit]))
            .collect()
    }

    fn build(&mut self, sequence: &mut Sequence) {
        for index in 0..self.sites.len() {
            let site = &self.sites[index];
            if site.usage == "idle_land" {
                continue;
            }
            let (block, style) = (site.block, site.style);
            let height = height(&self.plan.blocks[block]);
            if let [one, other] = site.plots[..]
                && self.crossing.len() < CROSSING
                && let Some(joined) = one.joined(&other)
            {
                self.build_across(index, &one, &other, &joined, height);
                continue;
            }
            for (plot, parcel) in site.plots.clone().into_iter().zip(site.parcels.clone()) {
                for footprint in footprints::build(style, plot.width(), plot.depth(), height, sequence) {
                    self.add_building(index, parcel, &plot, footprint, false);
                }
            }
        }
        // Gatehouses fill the census up.
        let mut order: Vec<usize> = (0..self.sites.len())
            .filter(|site| !self.sites[*site].buildings.is_empty())
            .collect();
        sequence.shuffle(&mut order);
        for site in order {
            if self.buildings.len() >= BUILDINGS {
                break;
            }
            let (plot, parcel) = (self.sites[site].plots[0], self.sites[site].parcels[0]);
            self.add_building(site, parcel, &plot, footprints::gatehouse(plot.width()), true);
        }
    }

    /// One slab over the line between the two parcels of a site.
    fn build_across(&mut self, site: usize, one: &Plot, other: &Plot, joined: &Plot, height: f64) {
        let (ring, parcels) = if one.t0 == other.t0 && one.t1 == other.t1 {
            let line = one.s0.max(other.s0);
            let (west, east) = ((joined.s0 + 6.0).max(line - 32.0), (joined.s1 - 6.0).min(line + 32.0));
            let north = joined.t1 - 9.0;
            ((west, north - 15.0, east, north), one.s0 < other.s0)
        } else {
            let line = one.t0.max(other.t0);
            let (south, north) = ((joined.t0 + 6.0).max(line - 32.0), (joined.t1 - 6.0).min(line + 32.0));
            let west = joined.s0 + 9.0;
            ((west, south, west + 15.0, north), one.t0 < other.t0)
        };
        let footprint = Footprint {
            ring: vec![(ring.0, ring.1), (ring.2, ring.1), (ring.2, ring.3), (ring.0, ring.3)],
            storeys: 5.0 * height,
            storeys_below: 0,
            name: "办公楼",
            structure: "钢筋混凝土结构",
        };
        let mut ids = self.sites[site].parcels.clone();
        if !parcels {
            ids.reverse();
        }
        let origin = Plot {
            s0: 0.0,
            t0: 0.0,
            ..*joined
        };
        self.add_building(site, ids[0], &origin, footprint, false);
        let index = self.buildings.len() - 1;
        self.buildings[index].parcels = ids.clone();
        self.parcels[ids[1]].buildings.push(index);
        self.crossing.push(index);
    }

    fn add_building(&mut self, site: usize, parcel: usize, plot: &Plot, footprint: Footprint, is_gatehouse: bool) {
        let index = self.buildings.len();
        self.sites[site].buildings.push(index);
        self.parcels[parcel].buildings.push(index);
        self.buildings.push(Building {
            site,
            parcels: vec![parcel],
            ring: footprint.ring.iter().map(|(x, y)| (plot.s0 + x, plot.t0 + y)).collect(),
            footprint,
            is_gatehouse,
        });
    }
}

/// How many sites a unit of that kind takes, against others.
fn appetite(unit: &DemoUnit) -> f64 {
    match unit.kind {
        "bureau" => 6.0,
        "court" | "procuratorate" => 3.0,
        "party_organ" | "democratic_party" | "mass_organisation" => 1.0,
        "government_organ" if unit.name.ends_with("公安局") => 5.0,
        "public_institution" if unit.level == "city" => 2.0,
        _ => 1.6,
    }
}

fn style(usage: &str, unit: &str) -> Style {
    let has = |words: &[&str]| words.iter().any(|word| unit.contains(word));
    match usage {
        "housing_security" => Style::Housing,
        "commercial" => Style::Shops,
        "technical" => Style::Laboratory,
        "other" => Style::Store,
        "public_service" if has(&["中学", "小学", "学校", "幼儿园", "学院"]) => Style::School,
        "public_service" if has(&["医院", "卫生服务", "血站", "急救", "保健"]) => Style::Hospital,
        "public_service" if has(&["馆", "检", "测", "所", "站", "院"]) => Style::Laboratory,
        _ => Style::Office,
    }
}

/// Counts things by a key, from 1.
#[derive(Debug, Default)]
pub(super) struct Counter(HashMap<String, u32>);

impl Counter {
    pub fn next(&mut self, key: &str, step: u32) -> u32 {
        let count = self.0.entry(key.to_owned()).or_default();
        *count += step;
        *count
    }
}
