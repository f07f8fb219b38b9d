//! Where streets, water, blocks and lots lie: five quarters, each a net of streets along a curved axis, cut into blocks
//! and these into lots. All in metres of the plane of EPSG:4549, from the city's middle.

use geo::{BoundingRect, Intersects};
use geo_types::{Coord, Polygon, Rect, coord};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use super::block::{Block, Plot};
use super::names;
use super::sequence::Sequence;
use super::water::{CANAL, NORTH_RIVER, RIVER, SOUTH_RIVER, blob, quays_and_bridges, waters};

/// A quarter: streets run along and across a wavy axis, so that corners stay square where the streets bend.
#[derive(Debug, Clone)]
pub(super) struct Quarter {
    pub centre: Coord<f64>,
    angle: f64,
    /// Height, length (over 2π) and phase of each wave of the axis.
    waves: [(f64, f64, f64); 2],
    pub half_length: f64,
    pub half_depth: f64,
    /// Blocks are cut until they are smaller than this, m².
    block_m2: f64,
    /// Likewise lots: the least and the most.
    lot_m2: (f64, f64),
    pub kind: QuarterKind,
}

/// What a quarter is like; districts follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuarterKind {
    Old,
    North,
    South,
    East,
    West,
}

impl Quarter {
    pub fn at(&self, u: f64, v: f64) -> Coord<f64> {
        let (mut offset, mut slope) = (0.0, 0.0);
        for (height, length, phase) in self.waves {
            offset += height * (u / length + phase).sin();
            slope += height / length * (u / length + phase).cos();
        }
        let norm = 1.0_f64.hypot(slope);
        let (x, y) = (u - v * slope / norm, offset + v / norm);
        let (sin, cos) = self.angle.to_radians().sin_cos();
        coord! { x: self.centre.x + x * cos - y * sin, y: self.centre.y + x * sin + y * cos }
    }
}

fn quarters() -> Vec<Quarter> {
    let quarter = |kind, x, y, angle, waves, half_length, half_depth, block_m2, lot_m2| Quarter {
        centre: coord! { x: x, y: y },
        angle,
        waves,
        half_length,
        half_depth,
        block_m2,
        lot_m2,
        kind,
    };
    vec![
        quarter(
            QuarterKind::Old,
            0.0,
            0.0,
            4.0,
            [(170.0, 950.0, 0.4), (25.0, 560.0, 1.0)],
            2700.0,
            1200.0,
            21_000.0,
            (3_400.0, 9_500.0),
        ),
        quarter(
            QuarterKind::North,
            -300.0,
            2750.0,
            -17.0,
            [(45.0, 900.0, 0.0), (0.0, 1.0, 0.0)],
            2100.0,
            950.0,
            44_000.0,
            (5_500.0, 16_000.0),
        ),
        quarter(
            QuarterKind::South,
            450.0,
            -2700.0,
            11.0,
            [(60.0, 1000.0, 1.0), (0.0, 1.0, 0.0)],
            2150.0,
            900.0,
            34_000.0,
            (4_000.0, 13_000.0),
        ),
        quarter(
            QuarterKind::East,
            4050.0,
            350.0,
            33.0,
            [(20.0, 800.0, 0.0), (0.0, 1.0, 0.0)],
            950.0,
            1200.0,
            40_000.0,
            (5_000.0, 14_000.0),
        ),
        quarter(
            QuarterKind::West,
            -3950.0,
            -150.0,
            -28.0,
            [(20.0, 800.0, 1.0), (0.0, 1.0, 0.0)],
            900.0,
            950.0,
            30_000.0,
            (4_000.0, 11_000.0),
        ),
    ]
}

/// A street's middle line.
#[derive(Debug, Clone)]
pub(super) struct Street {
    pub name: String,
    pub line: Vec<Coord<f64>>,
    /// 1 the widest, 3 the narrowest.
    pub class: u8,
    pub width_m: f64,
}

/// The city's ground.
#[derive(Debug)]
pub(super) struct Plan {
    pub blocks: Vec<Block>,
    pub streets: Vec<Street>,
    pub water: Vec<(String, String, Polygon<f64>)>,
    pub parks: Vec<(String, String, Polygon<f64>)>,
}

/// A stretch of ground during the cutting: along and across the axis.
#[derive(Debug, Clone)]
struct Cell {
    u: (f64, f64),
    v: (f64, f64),
    /// Half the width of the street on each side, and its name: south, east, north, west.
    sides: [(f64, String); 4],
}

struct Cutting<'a> {
    quarter: &'a Quarter,
    sequence: Sequence,
    names: names::StreetNames,
    streets: Vec<Street>,
    cells: Vec<Cell>,
}

impl Cutting<'_> {
    /// Cuts a cell in two along a street.
    fn cut(&mut self, cell: &Cell, across: bool, at: f64, width: f64) -> [Cell; 2] {
        let class = match width {
            width if width >= 38.0 => 1,
            width if width >= 20.0 => 2,
            _ => 3,
        };
        let name = self.names.next(across, class);
        let [south, east, north, west] = &cell.sides;
        let (from, to) = if across {
            (cell.v.0 - south.0, cell.v.1 + north.0)
        } else {
            (cell.u.0 - west.0, cell.u.1 + east.0)
        };
        let steps = ((to - from) / 60.0).ceil().max(1.0) as usize;
        let line = (0..=steps)
            .map(|step| from + (to - from) * step as f64 / steps as f64)
            .map(|along| {
                if across {
                    self.quarter.at(at, along)
                } else {
                    self.quarter.at(along, at)
                }
            })
            .collect();
        self.streets.push(Street {
            name: name.clone(),
            line,
            class,
            width_m: width,
        });
        let (mut low, mut high) = (cell.clone(), cell.clone());
        let half = width / 2.0;
        if across {
            low.u.1 = at - half;
            high.u.0 = at + half;
            low.sides[1] = (half, name.clone());
            high.sides[3] = (half, name);
        } else {
            low.v.1 = at - half;
            high.v.0 = at + half;
            low.sides[2] = (half, name.clone());
            high.sides[0] = (half, name);
        }
        [low, high]
    }

    fn cut_on(&mut self, cell: Cell) {
        let (length, depth) = (cell.u.1 - cell.u.0, cell.v.1 - cell.v.0);
        if length * depth < self.quarter.block_m2 * self.sequence.between(0.7, 1.3) && length.max(depth) < 420.0 {
            self.cells.push(cell);
            return;
        }
        let longest = length.max(depth);
        let width = match longest {
            longest if longest > 900.0 => 44.0,
            longest if longest > 420.0 => 26.0,
            _ => *self.sequence.pick(&[11.0, 14.0, 17.0]),
        };
        let across = length > depth * self.sequence.between(0.85, 1.15);
        let part = self.sequence.between(0.38, 0.62);
        let at = if across {
            cell.u.0 + length * part
        } else {
            cell.v.0 + depth * part
        };
        for half in self.cut(&cell, across, at.round(), width) {
            self.cut_on(half);
        }
    }
}

impl Plan {
    pub fn draw(seed: u64) -> Self {
        let quarters = quarters();
        let old = &quarters[0];
        let mut sequence = Sequence::new(seed);
        let water = waters(old, &mut sequence);
        let mut plan = Self {
            blocks: Vec::new(),
            streets: Vec::new(),
            water,
            parks: Vec::new(),
        };
        for (polygon, zh, en) in [
            (
                blob(coord! { x: -2750.0, y: -2350.0 }, 860.0, 640.0, 0.2),
                "月湖公园",
                "Yuehu Park",
            ),
            (
                blob(coord! { x: 2900.0, y: 2500.0 }, 760.0, 900.0, 1.3),
                "北塘湿地",
                "Beitang Wetland",
            ),
        ] {
            plan.parks.push((zh.to_owned(), en.to_owned(), polygon));
        }
        let mut names = names::StreetNames::new(Sequence::new(seed ^ 0x57ee));
        for quarter in &quarters {
            let mut cutting = Cutting {
                quarter,
                sequence: Sequence::new(sequence.next()),
                names,
                streets: Vec::new(),
                cells: Vec::new(),
            };
            cut_quarter(&mut cutting);
            let Cutting {
                names: left,
                streets,
                cells,
                sequence: mut own,
                ..
            } = cutting;
            names = left;
            plan.take(quarter, &cells, streets, &mut own);
        }
        plan
    }

    /// Takes over the blocks that lie within the city and clear of water, parks and the quarters before.
    fn take(&mut self, quarter: &Quarter, cells: &[Cell], streets: Vec<Street>, sequence: &mut Sequence) {
        let standing = RTree::bulk_load(
            self.blocks
                .iter()
                .map(|block| boxed(&block.polygon(&block.whole().inset(-22.0))))
                .enumerate()
                .map(|(index, area)| GeomWithData::new(area, index))
                .collect::<Vec<_>>(),
        );
        let mut taken = Vec::new();
        for cell in cells {
            let place = (
                (cell.u.0 + cell.u.1) / 2.0 / quarter.half_length,
                (cell.v.0 + cell.v.1) / 2.0 / quarter.half_depth,
            );
            let edge = place.0.powi(4) + place.1.powi(4) + sequence.between(-0.12, 0.12);
            let (width, depth) = (cell.u.1 - cell.u.0, cell.v.1 - cell.v.0);
            let corners = [
                quarter.at(cell.u.0, cell.v.0),
                quarter.at(cell.u.1, cell.v.0),
                quarter.at(cell.u.1, cell.v.1),
                quarter.at(cell.u.0, cell.v.1),
            ];
            // The axis bends: what is said in metres of the block must be metres on the ground.
            let real = |one: Coord<f64>, other: Coord<f64>| (one.x - other.x).hypot(one.y - other.y);
            let width_m = (real(corners[0], corners[1]) + real(corners[3], corners[2])) / 2.0;
            let depth_m = (real(corners[0], corners[3]) + real(corners[1], corners[2])) / 2.0;
            let mut block = Block {
                quarter: quarter.kind,
                corners,
                width: width_m,
                depth: depth_m,
                street: cell.sides[sequence.below(4)].1.clone(),
                place,
                is_park: false,
                lots: Vec::new(),
            };
            let near = block.polygon(&block.whole().inset(-8.0));
            let is_clear = edge < 1.0
                && width.min(depth) > 30.0
                && !self
                    .water
                    .iter()
                    .chain(&self.parks)
                    .any(|(_, _, area)| area.intersects(&near))
                && !standing
                    .locate_in_envelope_intersecting(boxed_envelope(&near))
                    .any(|found| {
                        let other = &self.blocks[found.data];
                        other.polygon(&other.whole().inset(-22.0)).intersects(&near)
                    });
            if !is_clear {
                continue;
            }
            block.is_park = sequence.chance(0.035);
            if block.is_park {
                let name = names::park(sequence);
                self.parks.push((
                    format!("{}公园", name.0),
                    format!("{} Park", name.1),
                    block.polygon(&block.whole()),
                ));
            } else {
                let target = sequence.between(quarter.lot_m2.0, quarter.lot_m2.1);
                cut_lots(block.whole(), target, sequence, &mut block.lots);
            }
            taken.push(block);
        }
        self.streets.extend(along_blocks(streets, &taken));
        self.blocks.extend(taken);
    }
}

fn cut_quarter(cutting: &mut Cutting<'_>) {
    let (length, depth) = (cutting.quarter.half_length, cutting.quarter.half_depth);
    let whole = Cell {
        u: (-length, length),
        v: (-depth, depth),
        sides: std::array::from_fn(|_| (0.0, cutting.names.next(false, 2))),
    };
    if cutting.quarter.kind != QuarterKind::Old {
        cutting.cut_on(whole);
        return;
    }
    // The canal and the rivers come before the streets; the quays along them are streets of their own.
    quays_and_bridges(cutting.quarter, &mut cutting.streets);
    let (mut south, mut north) = (whole.clone(), whole);
    south.v.1 = -CANAL.1;
    south.sides[2] = (10.0, "运河南路".to_owned());
    north.v.0 = CANAL.1;
    north.sides[0] = (10.0, "运河北路".to_owned());
    for (cell, river, name) in [(south, SOUTH_RIVER, "白荡河"), (north, NORTH_RIVER, "关山河")] {
        let (mut west, mut east) = (cell.clone(), cell);
        west.u.1 = river - RIVER.1;
        west.sides[1] = (8.0, format!("{name}西路"));
        east.u.0 = river + RIVER.1;
        east.sides[3] = (8.0, format!("{name}东路"));
        cutting.cut_on(west);
        cutting.cut_on(east);
    }
}

fn cut_lots(plot: Plot, target: f64, sequence: &mut Sequence, lots: &mut Vec<Plot>) {
    let (width, depth) = (plot.width(), plot.depth());
    let slim = width.max(depth) / width.min(depth);
    if (plot.area() < target * sequence.between(0.8, 1.7) && slim < 2.4) || width.max(depth) < 56.0 {
        lots.push(plot);
        return;
    }
    let part = sequence.between(0.4, 0.6);
    let (mut low, mut high) = (plot, plot);
    if width > depth {
        low.s1 = (plot.s0 + width * part).round();
        high.s0 = low.s1;
    } else {
        low.t1 = (plot.t0 + depth * part).round();
        high.t0 = low.t1;
    }
    cut_lots(low, target, sequence, lots);
    cut_lots(high, target, sequence, lots);
}

fn bounds(polygon: &Polygon<f64>) -> Rect<f64> {
    polygon
        .bounding_rect()
        .unwrap_or_else(|| Rect::new(coord! { x: 0.0, y: 0.0 }, coord! { x: 0.0, y: 0.0 }))
}

fn boxed(polygon: &Polygon<f64>) -> Rectangle<[f64; 2]> {
    let bounds = bounds(polygon);
    Rectangle::from_corners([bounds.min().x, bounds.min().y], [bounds.max().x, bounds.max().y])
}

fn boxed_envelope(polygon: &Polygon<f64>) -> AABB<[f64; 2]> {
    let bounds = bounds(polygon);
    AABB::from_corners([bounds.min().x, bounds.min().y], [bounds.max().x, bounds.max().y])
}

/// The stretches of streets that have blocks beside them.
fn along_blocks(streets: Vec<Street>, blocks: &[Block]) -> Vec<Street> {
    let beside = RTree::bulk_load(
        blocks
            .iter()
            .map(|block| boxed(&block.polygon(&block.whole().inset(-30.0))))
            .collect::<Vec<_>>(),
    );
    let mut kept = Vec::new();
    for street in streets {
        let mut run: Vec<Coord<f64>> = Vec::new();
        let mut end = |run: &mut Vec<Coord<f64>>| {
            if run.len() > 1 {
                kept.push(Street {
                    line: std::mem::take(run),
                    ..street.clone()
                });
            }
            run.clear();
        };
        for point in &street.line {
            if beside.locate_at_point([point.x, point.y]).is_some() {
                run.push(*point);
            } else {
                end(&mut run);
            }
        }
        end(&mut run);
    }
    kept
}
