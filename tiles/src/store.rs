//! Where a layer's features are kept.
//!
//! All features loaded together lie in one segment, in the order of a space-filling curve, so the
//! features of a tile are neighbours in memory. Edits go to a second, small segment; when it has
//! grown to a quarter of the first, both are packed into one again.

use std::collections::HashMap;

use crate::{
    feature::{Attributes, Feature, FeatureId, ScopeFilter, ScopeId, Word},
    grid::{WorldBox, morton},
    index::Index,
    shape::{Kind, ShapeView, push_varint},
    summary::{Share, Summary},
    versions::Touched,
};

/// Edits kept apart before packing, however small the layer.
const FEW_EDITS: usize = 8_192;

/// A feature's fixed-size part. Sizes matter here: there are millions of these.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub id: FeatureId,
    pub uuid: [u8; 16],
    pub bounds: WorldBox,
    pub area_m2: f64,
    text_start: usize,
    vertex_start: usize,
    vertex_count: u32,
    ring_count: u32,
    ring_start: u32,
    pub scope: ScopeId,
    pub title_status: Word,
    pub usage: Word,
    pub occupancy: Word,
    pub unit: Word,
    pub region: Word,
    pub case_stage: Word,
    pub case_phase: Word,
    mend: u16,
    flags: u8,
}

/// A tile asks for a slot of everything that it shows: one more of eight bytes is eight megabytes in a million.
const _: () = assert!(size_of::<Slot>() <= 112);

const DEAD: u8 = 1;
const POINTS: u8 = 2;
const IDLE_KNOWN: u8 = 4;
const IDLE: u8 = 8;

impl Slot {
    pub fn is_dead(&self) -> bool {
        self.flags & DEAD != 0
    }

    pub fn idle(&self) -> Option<bool> {
        (self.flags & IDLE_KNOWN != 0).then_some(self.flags & IDLE != 0)
    }

    fn share(&self) -> Share {
        Share {
            place: self.bounds.centre(),
            scope: self.scope,
            region: self.region,
            area_m2: self.area_m2,
            title_status: self.title_status,
            usage: self.usage,
            occupancy: self.occupancy,
            case_phase: self.case_phase,
        }
    }
}

/// Slots and what they point into.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    slots: Vec<Slot>,
    vertices: Vec<[u32; 2]>,
    keep: Vec<u8>,
    rings: Vec<u32>,
    /// Code and name of each slot, each behind its length.
    text: Vec<u8>,
}

impl Segment {
    pub fn reserve(&mut self, features: usize) {
        self.slots.reserve(features);
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn push(&mut self, feature: &Feature) {
        let Feature {
            id,
            uuid,
            shape,
            area_m2,
            scope,
            attributes,
        } = feature;
        let Attributes {
            code,
            name,
            title_status,
            usage,
            occupancy,
            idle,
            unit,
            region,
            case_stage,
            case_phase,
        } = attributes;
        let text_start = self.text.len();
        for text in [code, name] {
            let text = text.as_deref().unwrap_or_default().as_bytes();
            push_varint(&mut self.text, text.len() as u64);
            self.text.extend_from_slice(text);
        }
        let mut flags = 0;
        if shape.kind == Kind::Points {
            flags |= POINTS;
        }
        match idle {
            Some(true) => flags |= IDLE_KNOWN | IDLE,
            Some(false) => flags |= IDLE_KNOWN,
            None => {}
        }
        // Counts are bounded by `Shape`, far below what 32 bits hold.
        let count = |length: usize| u32::try_from(length).unwrap_or(0);
        self.slots.push(Slot {
            id: *id,
            uuid: *uuid,
            bounds: shape.world_box(),
            area_m2: *area_m2,
            text_start,
            vertex_start: self.vertices.len(),
            vertex_count: count(shape.vertices.len()),
            ring_count: count(shape.rings.len()),
            ring_start: count(self.rings.len()),
            scope: *scope,
            title_status: *title_status,
            usage: *usage,
            occupancy: *occupancy,
            unit: *unit,
            region: *region,
            case_stage: *case_stage,
            case_phase: *case_phase,
            mend: shape.mend,
            flags,
        });
        self.vertices.extend_from_slice(&shape.vertices);
        self.keep.extend_from_slice(&shape.keep);
        self.rings.extend_from_slice(&shape.rings);
    }

    fn shape(&self, slot: &Slot) -> ShapeView<'_> {
        let vertices = slot.vertex_start..slot.vertex_start + slot.vertex_count as usize;
        let rings = slot.ring_start as usize..(slot.ring_start + slot.ring_count) as usize;
        ShapeView {
            kind: if slot.flags & POINTS != 0 {
                Kind::Points
            } else {
                Kind::Polygons
            },
            vertices: &self.vertices[vertices.clone()],
            keep: &self.keep[vertices],
            rings: &self.rings[rings],
            mend: slot.mend,
        }
    }

    fn text(&self, slot: &Slot) -> (&str, &str) {
        let (code, rest) = split_text(&self.text[slot.text_start..]);
        let (name, _) = split_text(rest);
        (code, name)
    }

    /// Copies a slot of another segment to the end of this one.
    fn copy(&mut self, from: &Self, slot: &Slot) {
        let shape = from.shape(slot);
        let text_start = self.text.len();
        let (code, name) = from.text(slot);
        for text in [code, name] {
            push_varint(&mut self.text, text.len() as u64);
            self.text.extend_from_slice(text.as_bytes());
        }
        self.slots.push(Slot {
            text_start,
            vertex_start: self.vertices.len(),
            ring_start: u32::try_from(self.rings.len()).unwrap_or(0),
            ..slot.clone()
        });
        self.vertices.extend_from_slice(shape.vertices);
        self.keep.extend_from_slice(shape.keep);
        self.rings.extend_from_slice(shape.rings);
    }

    fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
            + self.vertices.capacity() * 8
            + self.keep.capacity()
            + self.rings.capacity() * 4
            + self.text.capacity()
    }
}

fn split_text(bytes: &[u8]) -> (&str, &[u8]) {
    let (mut length, mut shift) = (0_usize, 0_u32);
    for (index, &byte) in bytes.iter().enumerate() {
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            let rest = &bytes[index + 1..];
            let (text, rest) = rest.split_at(length.min(rest.len()));
            return (std::str::from_utf8(text).unwrap_or_default(), rest);
        }
    }
    ("", &[])
}

/// All features of a layer, found by place and by id, and their totals.
#[derive(Debug, Default)]
pub(crate) struct Store {
    packed: Segment,
    edits: Segment,
    /// Packed slots in the order of their ids. A hash map would take nine times the memory and stop
    /// all readers when it grows.
    packed_by_id: Vec<u32>,
    edits_by_id: HashMap<FeatureId, u32>,
    index: Index,
    summary: Summary,
}

impl Store {
    /// Packs features, of which the last with the same id counts.
    pub fn pack(arrived: Segment) -> Self {
        Self::pack_all(&[&arrived])
    }

    /// The same content in one segment.
    pub fn packed(&self) -> Self {
        Self::pack_all(&[&self.packed, &self.edits])
    }

    /// Whether so many edits have gathered that packing pays.
    pub fn wants_packing(&self) -> bool {
        self.edits.len() > FEW_EDITS.max(self.packed.len() / 4)
    }

    fn pack_all(segments: &[&Segment]) -> Self {
        let mut arrivals: Vec<(FeatureId, u32, u32)> = Vec::new();
        for (number, segment) in (0..).zip(segments) {
            let alive = (0..).zip(&segment.slots).filter(|(_, slot)| !slot.is_dead());
            arrivals.extend(alive.map(|(index, slot)| (slot.id, number, index)));
        }
        arrivals.sort_unstable();
        // Keeps the last arrival of each id.
        let mut last_first = arrivals;
        last_first.reverse();
        last_first.dedup_by_key(|arrival| arrival.0);
        let mut order: Vec<(u64, u32, u32)> = last_first
            .iter()
            .map(|&(_, segment, index)| {
                let centre = segments[segment as usize].slots[index as usize].bounds.centre();
                (morton(centre.x, centre.y), segment, index)
            })
            .collect();
        drop(last_first);
        order.sort_unstable();

        let slot_of = |segment: u32, index: u32| &segments[segment as usize].slots[index as usize];
        let (index, (packed, packed_by_id, summary)) = std::thread::scope(|threads| {
            let boxes = threads.spawn(|| {
                Index::bulk_load(
                    (0..)
                        .zip(&order)
                        .map(|(slot, &(_, segment, index))| (slot_of(segment, index).bounds, slot)),
                )
            });
            let mut packed = Segment::default();
            let (mut vertices, mut rings, mut text) = (0, 0, 0);
            for segment in segments {
                vertices += segment.vertices.len();
                rings += segment.rings.len();
                text += segment.text.len();
            }
            packed.slots.reserve_exact(order.len());
            packed.vertices.reserve_exact(vertices);
            packed.keep.reserve_exact(vertices);
            packed.rings.reserve_exact(rings);
            packed.text.reserve_exact(text);
            for &(_, segment, index) in &order {
                packed.copy(segments[segment as usize], slot_of(segment, index));
            }
            let mut ids: Vec<(FeatureId, u32)> = packed
                .slots
                .iter()
                .zip(0..)
                .map(|(slot, number)| (slot.id, number))
                .collect();
            ids.sort_unstable();
            let by_id = ids.into_iter().map(|(_, number)| number).collect();
            let summary = Summary::load(packed.slots.iter().map(Slot::share));
            let rest = (packed, by_id, summary);
            // Joining fails only if the thread panicked, which is this one's panic to carry on.
            match boxes.join() {
                Ok(index) => (index, rest),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        Self {
            packed,
            edits: Segment::default(),
            packed_by_id,
            edits_by_id: HashMap::new(),
            index,
            summary,
        }
    }

    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The box around the features that a filter lets through.
    pub fn bounds_of(&self, scope: &ScopeFilter) -> Option<WorldBox> {
        let mut bounds = WorldBox::EMPTY;
        for slot in self.packed.slots.iter().chain(&self.edits.slots) {
            if !slot.is_dead() && scope.allows(slot.scope) {
                bounds.grow(slot.bounds.min_x, slot.bounds.min_y);
                bounds.grow(slot.bounds.max_x, slot.bounds.max_y);
            }
        }
        (!bounds.is_empty()).then_some(bounds)
    }

    fn locate(&self, number: u32) -> (&Segment, usize) {
        let number = number as usize;
        match number.checked_sub(self.packed.len()) {
            None => (&self.packed, number),
            Some(edit) => (&self.edits, edit),
        }
    }

    pub fn slot(&self, number: u32) -> &Slot {
        let (segment, index) = self.locate(number);
        &segment.slots[index]
    }

    pub fn shape(&self, number: u32) -> ShapeView<'_> {
        let (segment, index) = self.locate(number);
        segment.shape(&segment.slots[index])
    }

    /// Code and name; empty when absent.
    pub fn text(&self, number: u32) -> (&str, &str) {
        let (segment, index) = self.locate(number);
        segment.text(&segment.slots[index])
    }

    pub fn find(&self, id: FeatureId) -> Option<u32> {
        if let Some(&number) = self.edits_by_id.get(&id) {
            return Some(number);
        }
        let position = self
            .packed_by_id
            .binary_search_by_key(&id, |&number| self.packed.slots[number as usize].id)
            .ok()?;
        let number = self.packed_by_id[position];
        (!self.packed.slots[number as usize].is_dead()).then_some(number)
    }

    /// Adds or replaces a feature and notes what its old and new shape touch.
    pub fn put(&mut self, feature: &Feature, touched: &mut Touched) {
        self.remove(feature.id, touched);
        let Ok(number) = u32::try_from(self.packed.len() + self.edits.len()) else {
            // Four billion slots do not fit into memory.
            return;
        };
        self.edits.push(feature);
        let slot = &self.edits.slots[number as usize - self.packed.len()];
        self.edits_by_id.insert(feature.id, number);
        self.index.insert(&slot.bounds, number);
        self.summary.add(&slot.share());
        touched.add(&slot.bounds);
        touched.add_region(slot.region);
    }

    /// Removes a feature, if it is there, and notes what it touched.
    pub fn remove(&mut self, id: FeatureId, touched: &mut Touched) {
        let Some(number) = self.find(id) else {
            return;
        };
        self.edits_by_id.remove(&id);
        let packed = self.packed.len();
        let slot = match (number as usize).checked_sub(packed) {
            None => &mut self.packed.slots[number as usize],
            Some(edit) => &mut self.edits.slots[edit],
        };
        slot.flags |= DEAD;
        let (bounds, share) = (slot.bounds, slot.share());
        self.index.remove(&bounds, number);
        self.summary.remove(&share);
        touched.add(&bounds);
        touched.add_region(share.region);
    }

    pub fn memory_bytes(&self) -> usize {
        self.packed.memory_bytes()
            + self.edits.memory_bytes()
            + self.packed_by_id.capacity() * 4
            + self.edits_by_id.capacity() * 17
            + self.index.memory_bytes()
            + self.summary.memory_bytes()
    }
}
