//! One layer's part of a tile: which features, which geometry, which attributes.

use std::{cell::RefCell, collections::HashMap};

use crate::{
    clip::{INSIDE, Place, Point, Ring, clip, grouped, place, rings_are_simple},
    encode::{GeometryType, LayerWriter, ValueIndex},
    feature::{LayerName, ScopeFilter, Word, Words},
    grid::{EXTENT, TileId, WorldBox},
    mend::mended,
    shape::{Kind, RingView, ShapeView},
    simplify::{Snapping, area, island},
    store::{Slot, Store},
    summary::{Dimension, TallyKey},
};

/// A tile between the first feature zoom and the feature zoom holds features up to this many.
const FEW_FEATURES: u64 = 20_000;

/// Shapes of more vertices are first looked at from the tile, see [`Snapping::ring_nearby`]. They may
/// be one long ring or, like the streets of a city, a thousand holes.
const LONG_SHAPE: usize = 128;

/// Attribute names of features; the constants below are positions in it.
const KEYS: [&str; 12] = [
    "id",
    "code",
    "name",
    "title_status",
    "usage",
    "occupancy",
    "idle",
    "unit",
    "region",
    "area_m2",
    "case_stage",
    "case_phase",
];
const ID: u32 = 0;
const CODE: u32 = 1;
const NAME: u32 = 2;
const TITLE_STATUS: u32 = 3;
const USAGE: u32 = 4;
const OCCUPANCY: u32 = 5;
const IDLE: u32 = 6;
const UNIT: u32 = 7;
const REGION: u32 = 8;
const AREA: u32 = 9;
const CASE_STAGE: u32 = 10;
const CASE_PHASE: u32 = 11;

/// Buffers of one thread, kept between tiles.
#[derive(Default)]
struct Scratch {
    writer: LayerWriter,
    /// Value of each word in the layer being written.
    words: Vec<Option<ValueIndex>>,
    used_words: Vec<u32>,
    slots: Vec<u32>,
    rings: Rings,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Appends the layer's features or totals to a tile.
pub(crate) fn draw(
    name: LayerName,
    store: &Store,
    words: &Words,
    tile: TileId,
    scope: &ScopeFilter,
    out: &mut Vec<u8>,
) {
    SCRATCH.with_borrow_mut(|scratch| {
        if shows_features(name, store, tile, scope) {
            draw_features(name, store, words, tile, scope, scratch, out);
        } else {
            draw_totals(name, store, words, tile, scope, &mut scratch.writer, out);
        }
    });
}

/// Decided per tile, by what the caller may see of the features counted in the tile: the totals of
/// the neighbours, which count by the same places, stay true either way.
fn shows_features(name: LayerName, store: &Store, tile: TileId, scope: &ScopeFilter) -> bool {
    tile.z() >= name.feature_zoom()
        || (tile.z() >= name.first_feature_zoom() && store.summary().count_in(tile, scope) <= FEW_FEATURES)
}

fn draw_features(
    name: LayerName,
    store: &Store,
    words: &Words,
    tile: TileId,
    scope: &ScopeFilter,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    let Scratch {
        writer,
        words: values,
        used_words,
        slots,
        rings,
    } = scratch;
    slots.clear();
    let near = tile.reach();
    slots.extend(store.index().meeting(&near));
    // The tree answers in its own order; slots are in the order of the curve, so sorted they are
    // read from memory in one sweep.
    slots.sort_unstable();
    slots.retain(|&number| {
        let slot = store.slot(number);
        !slot.is_dead() && scope.allows(slot.scope)
    });

    // Shared values first: they are used most and get the shortest numbers.
    values.resize(words.len() + 1, None);
    for &number in &*slots {
        for (_, word) in words_of(store.slot(number)) {
            if let Some(value @ None) = values.get_mut(word.0 as usize)
                && word != Word::NONE
            {
                *value = Some(writer.string(words.text(word.0)));
                used_words.push(word.0);
            }
        }
    }
    let truth = [writer.truth(false), writer.truth(true)];

    let snapping = Snapping {
        z: tile.z(),
        origin: tile.origin(),
    };
    for &number in &*slots {
        let shape = store.shape(number);
        let kind = match shape.kind {
            Kind::Points => draw_points(shape, snapping, writer),
            Kind::Polygons => rings.draw(shape, snapping, near, writer),
        };
        if !writer.has_geometry() {
            continue;
        }
        let slot = store.slot(number);
        let value = writer.uuid(&slot.uuid);
        writer.tag(ID, value);
        let (code, name) = store.text(number);
        for (key, text) in [(CODE, code), (NAME, name)] {
            if !text.is_empty() {
                let value = writer.string(text);
                writer.tag(key, value);
            }
        }
        for (key, word) in words_of(slot) {
            if let Some(&Some(value)) = values.get(word.0 as usize) {
                writer.tag(key, value);
            }
        }
        if let Some(idle) = slot.idle() {
            writer.tag(IDLE, truth[usize::from(idle)]);
        }
        if slot.area_m2.is_finite() {
            // A square centimetre is finer than any survey.
            let value = writer.number((slot.area_m2 * 10_000.0).round() / 10_000.0);
            writer.tag(AREA, value);
        }
        writer.end_feature(slot.id.0, kind);
    }
    writer.finish(name.as_str(), KEYS, out);
    for word in used_words.drain(..) {
        values[word as usize] = None;
    }
}

fn words_of(slot: &Slot) -> [(u32, Word); 7] {
    [
        (TITLE_STATUS, slot.title_status),
        (USAGE, slot.usage),
        (OCCUPANCY, slot.occupancy),
        (UNIT, slot.unit),
        (REGION, slot.region),
        (CASE_STAGE, slot.case_stage),
        (CASE_PHASE, slot.case_phase),
    ]
}

fn draw_points(shape: ShapeView<'_>, snapping: Snapping, writer: &mut LayerWriter) -> GeometryType {
    let within = |point: &Point| point.iter().all(|axis| (INSIDE.0 - 1..=INSIDE.1 + 1).contains(axis));
    let mut points: Vec<Point> = shape
        .vertices
        .iter()
        .map(|&vertex| snapping.snap(vertex))
        .filter(within)
        .collect();
    points.dedup();
    if !points.is_empty() {
        writer.points(&points);
    }
    GeometryType::Point
}

/// The rings of the feature being drawn. The buffers are reused, so an ordinary feature that lies
/// within its tile costs no allocation.
#[derive(Default)]
struct Rings {
    buffers: Vec<Ring>,
    exterior: Vec<bool>,
    used: usize,
}

impl Rings {
    fn draw(
        &mut self,
        shape: ShapeView<'_>,
        snapping: Snapping,
        near: WorldBox,
        writer: &mut LayerWriter,
    ) -> GeometryType {
        let mend = shape.needs_mending(snapping.z);
        self.snap(shape, snapping, near, mend);
        match place(self.buffers[..self.used].iter().flatten()) {
            Place::Outside => {}
            Place::Inside if !mend => {
                for (ring, &exterior) in self.buffers[..self.used].iter_mut().zip(&self.exterior) {
                    // Snapping may turn a sliver inside out.
                    if (area(ring) > 0) != exterior {
                        ring.reverse();
                    }
                    writer.ring(ring);
                }
            }
            across => {
                let mut parts = Vec::new();
                for polygon in self.polygons() {
                    match across {
                        Place::Across => parts.extend(clip(polygon)),
                        _ => parts.extend_from_slice(polygon),
                    }
                }
                // A cut moves the ends of the edges it cuts to whole coordinates; now and then that
                // takes an edge across a corner beside it.
                let parts = if !mend && rings_are_simple(&parts) {
                    grouped(parts)
                } else {
                    mended(parts)
                };
                for ring in &parts {
                    writer.ring(ring);
                }
            }
        }
        GeometryType::Polygon
    }

    /// Fills the buffers with the rings of a zoom. Collapsed outer rings become islands, collapsed
    /// holes disappear.
    fn snap(&mut self, shape: ShapeView<'_>, snapping: Snapping, near: WorldBox, mend: bool) {
        self.used = 0;
        self.exterior.clear();
        let mut last_exterior_collapsed = false;
        let mut last_exterior_unseen = false;
        for ring in shape.rings() {
            if !ring.exterior && last_exterior_collapsed {
                continue;
            }
            if self.buffers.len() == self.used {
                self.buffers.push(Ring::new());
            }
            let buffer = &mut self.buffers[self.used];
            let mut turn = 0;
            if shape.vertices.len() > LONG_SHAPE {
                turn = snapping.ring_nearby(ring, near, buffer);
                if place(&*buffer) == Place::Outside {
                    // Nothing of this ring can be seen, so its holes cannot either, unless they stick
                    // out of it.
                    if ring.exterior {
                        last_exterior_collapsed = !mend;
                        last_exterior_unseen = true;
                    }
                    continue;
                }
            }
            if turn == 0 {
                turn = snapping.ring(ring, buffer);
            }
            if ring.exterior {
                last_exterior_collapsed = turn == 0;
                last_exterior_unseen = false;
            }
            if turn == 0 && !(ring.exterior && self.add_island(ring, snapping)) {
                continue;
            }
            // Mending asks for no ring's kind.
            self.exterior.push(ring.exterior || last_exterior_unseen);
            self.used += 1;
        }
    }

    /// Puts an island into the next buffer, unless the feature already has the same one.
    fn add_island(&mut self, ring: RingView<'_>, snapping: Snapping) -> bool {
        let island = island(ring, snapping);
        let known = self.buffers[..self.used].contains(&island);
        if !known {
            self.buffers[self.used] = island;
        }
        !known
    }

    /// Each outer ring with its holes.
    fn polygons(&self) -> impl Iterator<Item = &[Ring]> {
        let starts = (0..self.used).filter(|&index| self.exterior[index]);
        starts.map(|start| {
            let holes = self.exterior[start + 1..]
                .iter()
                .take_while(|&&exterior| !exterior)
                .count();
            &self.buffers[start..=start + holes]
        })
    }
}

fn draw_totals(
    name: LayerName,
    store: &Store,
    words: &Words,
    tile: TileId,
    scope: &ScopeFilter,
    writer: &mut LayerWriter,
    out: &mut Vec<u8>,
) {
    let totals = store.summary().in_tile(tile, scope);
    let mut keys: Vec<String> = ["kind", "region", "count", "area_m2"].map(String::from).into();
    let mut tally_keys: HashMap<TallyKey, u32> = HashMap::new();
    let kinds = [writer.string("cell"), writer.string("region")];
    let snapping = Snapping {
        z: tile.z(),
        origin: tile.origin(),
    };
    for total in totals {
        let mean = total.totals.place();
        // The mean lies in the tile; rounding must not push it onto the neighbour's edge.
        let point = snapping
            .snap([mean.x, mean.y])
            .map(|axis| axis.clamp(0, i64::from(EXTENT) - 1));
        writer.points(&[point]);
        let is_region = total.region != Word::NONE;
        writer.tag(0, kinds[usize::from(is_region)]);
        if is_region {
            let value = writer.string(words.text(total.region.0));
            writer.tag(1, value);
        }
        let value = writer.count(total.totals.count);
        writer.tag(2, value);
        let value = writer.number(total.totals.area_m2());
        writer.tag(3, value);
        for &(key, count) in &total.totals.tallies {
            let index = *tally_keys.entry(key).or_insert_with(|| {
                keys.push(tally_name(key, words));
                // Values of four closed vocabularies: never near the limit.
                u32::try_from(keys.len() - 1).unwrap_or(0)
            });
            let value = writer.count(u64::from(count));
            writer.tag(index, value);
        }
        let id = point_id(point);
        writer.end_feature(id, GeometryType::Point);
    }
    writer.finish(name.totals_name(), keys.iter().map(String::as_str), out);
}

/// Totals have no id of their own; their place in the tile tells them apart.
fn point_id(point: Point) -> u64 {
    (point[1] * i64::from(EXTENT) + point[0]).unsigned_abs() + 1
}

fn tally_name(key: TallyKey, words: &Words) -> String {
    let dimension: Dimension = key.dimension();
    format!("{}:{}", dimension.as_str(), words.text(key.word().0))
}
