//! True totals for low zooms, kept up to date with every change.
//!
//! Every feature is counted in one place, the middle of its box: in the cell that holds it, at
//! several cell sizes, and in its region. A tile then adds up a contiguous range of cells, never
//! the features themselves, and subtraction undoes addition exactly because areas are kept as
//! whole tenths of a thousandth of a square metre.
//!
//! All of it is kept twice: as a whole, so that who sees everything adds up as few numbers as if
//! there were no scopes, and by scope, so that whoever sees a part is told of that part alone.

use std::collections::{BTreeMap, HashMap};

use crate::{
    feature::{ScopeFilter, ScopeId, Word},
    grid::{TileId, WorldBox, WorldPoint, cell, morton},
    versions::{REGION_ZOOMS, holds},
};

/// A tile is divided into 2³ × 2³ cells.
const CELLS_PER_TILE: u8 = 3;

/// Cell sizes kept, as zooms, for features without a region. A tile adds up at most 64 kept cells
/// for each of its own.
const LEVELS: [u8; 5] = [3, 6, 9, 12, 15];

/// Those needed for features with a region, which are counted by cell from zoom 9 only.
const REGIONAL_LEVELS: [u8; 2] = [12, 15];

/// What is counted by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    TitleStatus = 0,
    Usage = 1,
    Occupancy = 2,
    CasePhase = 3,
}

impl Dimension {
    pub const ALL: [Self; 4] = [Self::TitleStatus, Self::Usage, Self::Occupancy, Self::CasePhase];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TitleStatus => "title_status",
            Self::Usage => "usage",
            Self::Occupancy => "occupancy",
            Self::CasePhase => "case_phase",
        }
    }
}

/// A value of a dimension, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TallyKey(u32);

impl TallyKey {
    fn new(dimension: Dimension, word: Word) -> Self {
        Self(word.0 << 2 | dimension as u32)
    }

    pub fn dimension(self) -> Dimension {
        Dimension::ALL[(self.0 & 3) as usize]
    }

    pub fn word(self) -> Word {
        Word(self.0 >> 2)
    }
}

/// What is known of a set of features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub count: u64,
    /// In 1/10,000 m².
    area: i64,
    x_sum: u64,
    y_sum: u64,
    /// How many have each value; the values present only.
    pub tallies: Vec<(TallyKey, u32)>,
}

impl Totals {
    /// Mean place of the features counted; within any cell that holds all of them.
    pub fn place(&self) -> WorldPoint {
        let mean = |sum: u64| u32::try_from(sum / self.count.max(1)).unwrap_or(u32::MAX);
        WorldPoint {
            x: mean(self.x_sum),
            y: mean(self.y_sum),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "exact up to 900,000 km²")]
    pub fn area_m2(&self) -> f64 {
        self.area as f64 / 10_000.0
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.area = self.area.saturating_add(other.area);
        self.x_sum += other.x_sum;
        self.y_sum += other.y_sum;
        for &(key, count) in &other.tallies {
            self.tally(key, count);
        }
    }

    /// Puts the values in one order, whatever was added first: it must tell nobody what they were
    /// counted from.
    fn settle(&mut self) {
        self.tallies.sort_unstable();
    }

    fn tally(&mut self, key: TallyKey, count: u32) {
        match self.tallies.iter_mut().find(|(other, _)| *other == key) {
            Some((_, total)) => *total += count,
            None => {
                if self.tallies.len() == self.tallies.capacity() {
                    // Most cells see few values: growing by doubling would waste half of it.
                    self.tallies.reserve_exact(4);
                }
                self.tallies.push((key, count));
            }
        }
    }

    fn take(&mut self, other: &Self) {
        self.count = self.count.saturating_sub(other.count);
        self.area = self.area.saturating_sub(other.area);
        self.x_sum = self.x_sum.wrapping_sub(other.x_sum);
        self.y_sum = self.y_sum.wrapping_sub(other.y_sum);
        for &(key, count) in &other.tallies {
            if let Some((_, total)) = self.tallies.iter_mut().find(|(mine, _)| *mine == key) {
                *total = total.saturating_sub(count);
            }
        }
        self.tallies.retain(|&(_, total)| total != 0);
    }

    fn memory_bytes(&self) -> usize {
        self.tallies.capacity() * size_of::<(TallyKey, u32)>()
    }
}

/// What a feature adds to the totals, and where.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub place: WorldPoint,
    pub scope: ScopeId,
    pub region: Word,
    pub area_m2: f64,
    pub title_status: Word,
    pub usage: Word,
    pub occupancy: Word,
    pub case_phase: Word,
}

impl Share {
    fn finest_cell(&self) -> u64 {
        let finest = LEVELS[LEVELS.len() - 1];
        morton(cell(self.place.x, finest), cell(self.place.y, finest))
    }

    fn add_to(&self, totals: &mut Totals) {
        totals.count += 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and what is not a number counts as 0"
        )]
        let area = (self.area_m2 * 10_000.0).round() as i64;
        totals.area = totals.area.saturating_add(area);
        totals.x_sum += u64::from(self.place.x);
        totals.y_sum += u64::from(self.place.y);
        for (dimension, word) in [
            (Dimension::TitleStatus, self.title_status),
            (Dimension::Usage, self.usage),
            (Dimension::Occupancy, self.occupancy),
            (Dimension::CasePhase, self.case_phase),
        ] {
            if word != Word::NONE {
                totals.tally(TallyKey::new(dimension, word), 1);
            }
        }
    }
}

type Cells = BTreeMap<(u64, ScopeId), Totals>;

/// Cells of several sizes; each size counts everything.
#[derive(Debug)]
struct Pyramid {
    levels: Vec<(u8, Cells)>,
}

impl Pyramid {
    fn new(levels: &[u8]) -> Self {
        Self {
            levels: levels.iter().map(|&z| (z, Cells::new())).collect(),
        }
    }

    fn merge(&mut self, finest: u64, scope: ScopeId, totals: &Totals) {
        for (z, cells) in &mut self.levels {
            cells.entry((at_level(finest, *z), scope)).or_default().merge(totals);
        }
    }

    fn take(&mut self, finest: u64, scope: ScopeId, totals: &Totals) {
        for (z, cells) in &mut self.levels {
            let key = (at_level(finest, *z), scope);
            if let Some(cell) = cells.get_mut(&key) {
                cell.take(totals);
                if cell.count == 0 {
                    cells.remove(&key);
                }
            }
        }
    }

    /// Cells of the coarsest size kept that is no coarser than zoom `z`, within the tile.
    fn within(&self, tile: TileId, z: u8) -> impl Iterator<Item = (u64, ScopeId, &Totals)> + use<'_> {
        let level = self.levels.iter().find(|(level, _)| *level >= z);
        level.into_iter().flat_map(move |(level, cells)| {
            let below = 2 * (level - tile.z());
            let first = morton(tile.x(), tile.y()) << below;
            let last = first + ((1 << below) - 1);
            cells
                .range((first, ScopeId(0))..=(last, ScopeId(u32::MAX)))
                .map(move |(&(code, scope), totals)| (code >> (2 * (level - z)), scope, totals))
        })
    }

    fn memory_bytes(&self) -> usize {
        let entry = size_of::<((u64, ScopeId), Totals)>() * 3 / 2;
        self.levels
            .iter()
            .flat_map(|(_, cells)| cells.values())
            .map(|totals| entry + totals.memory_bytes())
            .sum()
    }
}

fn at_level(finest: u64, z: u8) -> u64 {
    finest >> (2 * (LEVELS[LEVELS.len() - 1] - z))
}

/// One total to draw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Total {
    /// The region, or [`Word::NONE`] for a cell.
    pub region: Word,
    pub totals: Totals,
}

/// The scope under which everything is counted as a whole.
const WHOLE: ScopeId = ScopeId(0);

/// Totals by cell and by region, each by scope.
#[derive(Debug)]
struct Counts {
    without_region: Pyramid,
    with_region: Pyramid,
    regions: BTreeMap<(Word, ScopeId), Totals>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            without_region: Pyramid::new(&LEVELS),
            with_region: Pyramid::new(&REGIONAL_LEVELS),
            regions: BTreeMap::new(),
        }
    }
}

impl Counts {
    fn merge(&mut self, finest: u64, region: Word, scope: ScopeId, totals: &Totals) {
        if region == Word::NONE {
            self.without_region.merge(finest, scope, totals);
            return;
        }
        self.with_region.merge(finest, scope, totals);
        self.regions.entry((region, scope)).or_default().merge(totals);
    }

    fn take(&mut self, finest: u64, region: Word, scope: ScopeId, totals: &Totals) {
        if region == Word::NONE {
            self.without_region.take(finest, scope, totals);
            return;
        }
        self.with_region.take(finest, scope, totals);
        if let Some(sum) = self.regions.get_mut(&(region, scope)) {
            sum.take(totals);
            if sum.count == 0 {
                self.regions.remove(&(region, scope));
            }
        }
    }

    fn add_regions(&self, tile: TileId, scope: &ScopeFilter, found: &mut Vec<Total>) {
        let mut keep = |region: Word, totals: Totals| {
            let place = totals.place();
            if totals.count > 0 && holds(tile, place.x, place.y) {
                found.push(Total { region, totals });
            }
        };
        let mut current: Option<(Word, Totals)> = None;
        for (&(region, owner), totals) in &self.regions {
            if !scope.allows(owner) {
                continue;
            }
            match &mut current {
                Some((word, sum)) if *word == region => sum.merge(totals),
                _ => {
                    if let Some((word, sum)) = current.replace((region, totals.clone())) {
                        keep(word, sum);
                    }
                }
            }
        }
        if let Some((word, sum)) = current {
            keep(word, sum);
        }
    }

    fn memory_bytes(&self) -> usize {
        let region = size_of::<((Word, ScopeId), Totals)>() * 3 / 2;
        self.without_region.memory_bytes()
            + self.with_region.memory_bytes()
            + self
                .regions
                .values()
                .map(|totals| region + totals.memory_bytes())
                .sum::<usize>()
    }
}

/// The totals of a layer.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Under [`WHOLE`] alone.
    whole: Counts,
    by_scope: Counts,
    /// Boxes around the counted places of each region; they only grow, which errs on the side of
    /// touching a tile too many.
    extents: HashMap<Word, WorldBox>,
}

/// What the features of one finest cell add, by region and scope.
type Gathered = BTreeMap<(Word, ScopeId), Totals>;

impl Summary {
    /// Counts many features; quickest when neighbours follow each other.
    pub fn load(shares: impl Iterator<Item = Share>) -> Self {
        let mut summary = Self::default();
        let mut gathered = Gathered::new();
        let mut current = None;
        for share in shares {
            summary.stretch(&share);
            let cell = share.finest_cell();
            if let Some(finished) = current.replace(cell)
                && finished != cell
            {
                summary.merge(finished, std::mem::take(&mut gathered));
            }
            share.add_to(gathered.entry((share.region, share.scope)).or_default());
        }
        if let Some(finished) = current {
            summary.merge(finished, gathered);
        }
        summary
    }

    pub fn add(&mut self, share: &Share) {
        self.stretch(share);
        let mut totals = Totals::default();
        share.add_to(&mut totals);
        let cell = share.finest_cell();
        self.whole.merge(cell, share.region, WHOLE, &totals);
        self.by_scope.merge(cell, share.region, share.scope, &totals);
    }

    pub fn remove(&mut self, share: &Share) {
        let mut totals = Totals::default();
        share.add_to(&mut totals);
        let cell = share.finest_cell();
        self.whole.take(cell, share.region, WHOLE, &totals);
        self.by_scope.take(cell, share.region, share.scope, &totals);
    }

    fn stretch(&mut self, share: &Share) {
        if share.region != Word::NONE {
            self.extents
                .entry(share.region)
                .or_insert(WorldBox::EMPTY)
                .grow(share.place.x, share.place.y);
        }
    }

    fn merge(&mut self, cell: u64, gathered: Gathered) {
        let mut of_region: Option<(Word, Totals)> = None;
        for ((region, scope), totals) in gathered {
            self.by_scope.merge(cell, region, scope, &totals);
            match &mut of_region {
                Some((word, sum)) if *word == region => sum.merge(&totals),
                _ => {
                    if let Some((word, sum)) = of_region.replace((region, totals)) {
                        self.whole.merge(cell, word, WHOLE, &sum);
                    }
                }
            }
        }
        if let Some((word, sum)) = of_region {
            self.whole.merge(cell, word, WHOLE, &sum);
        }
    }

    /// The box in which the total of a region stands, whoever looks.
    pub fn extent(&self, region: Word) -> WorldBox {
        self.extents.get(&region).copied().unwrap_or(WorldBox::EMPTY)
    }

    /// Everything counted.
    pub fn everything(&self) -> Totals {
        let mut sum = Totals::default();
        for totals in self.whole.regions.values() {
            sum.merge(totals);
        }
        for totals in self.whole.without_region.levels[0].1.values() {
            sum.merge(totals);
        }
        sum
    }

    /// Where what a filter lets through is counted.
    fn counts(&self, scope: &ScopeFilter) -> &Counts {
        match scope {
            ScopeFilter::All => &self.whole,
            ScopeFilter::Only(_) => &self.by_scope,
        }
    }

    /// How many features are counted in a tile of zoom 12 or lower.
    pub fn count_in(&self, tile: TileId, scope: &ScopeFilter) -> u64 {
        let counts = self.counts(scope);
        [&counts.without_region, &counts.with_region]
            .into_iter()
            .flat_map(|pyramid| pyramid.within(tile, tile.z()))
            .filter(|(_, owner, _)| scope.allows(*owner))
            .map(|(_, _, totals)| totals.count)
            .sum()
    }

    /// The totals to draw in a tile of zoom 12 or lower, each feature counted once.
    pub fn in_tile(&self, tile: TileId, scope: &ScopeFilter) -> Vec<Total> {
        let counts = self.counts(scope);
        let mut found = Vec::new();
        let mut cells: BTreeMap<u64, Totals> = BTreeMap::new();
        let mut add_cells = |pyramid: &Pyramid| {
            for (code, owner, totals) in pyramid.within(tile, tile.z() + CELLS_PER_TILE) {
                if scope.allows(owner) {
                    cells.entry(code).or_default().merge(totals);
                }
            }
        };
        add_cells(&counts.without_region);
        if tile.z() < REGION_ZOOMS {
            counts.add_regions(tile, scope, &mut found);
        } else {
            add_cells(&counts.with_region);
        }
        found.extend(cells.into_values().map(|totals| Total {
            region: Word::NONE,
            totals,
        }));
        for total in &mut found {
            total.totals.settle();
        }
        found
    }

    pub fn memory_bytes(&self) -> usize {
        self.whole.memory_bytes()
            + self.by_scope.memory_bytes()
            + self.extents.capacity() * (size_of::<(Word, WorldBox)>() + 1)
    }
}
