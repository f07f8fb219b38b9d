//! What stands on a plot: outlines of buildings in the plot's own metres, from its south-western corner.

use super::sequence::Sequence;

/// A building to be.
#[derive(Debug, Clone)]
pub(super) struct Footprint {
    /// Corners, counter-clockwise, not closed.
    pub ring: Vec<(f64, f64)>,
    /// Storeys before the city's floor area is settled.
    pub storeys: f64,
    pub storeys_below: i16,
    pub name: &'static str,
    pub structure: &'static str,
}

/// What is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Office,
    School,
    Hospital,
    Housing,
    Shops,
    Laboratory,
    Store,
}

const CONCRETE: &str = "钢筋混凝土结构";
const BRICK: &str = "砖混结构";
const STEEL: &str = "钢结构";

fn rectangle(x0: f64, y0: f64, x1: f64, y1: f64) -> Vec<(f64, f64)> {
    vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
}

/// A U that is open to the south.
fn horseshoe(x0: f64, y0: f64, x1: f64, y1: f64, arm: f64) -> Vec<(f64, f64)> {
    vec![
        (x0, y0),
        (x0 + arm, y0),
        (x0 + arm, y1 - arm),
        (x1 - arm, y1 - arm),
        (x1 - arm, y0),
        (x1, y0),
        (x1, y1),
        (x0, y1),
    ]
}

/// An L with its corner in the north-west.
fn angle(x0: f64, y0: f64, x1: f64, y1: f64, arm: f64) -> Vec<(f64, f64)> {
    vec![
        (x0, y0),
        (x0 + arm, y0),
        (x0 + arm, y1 - arm),
        (x1, y1 - arm),
        (x1, y1),
        (x0, y1),
    ]
}

/// A T: a bar in the north with a stem.
fn stem(x0: f64, y0: f64, x1: f64, y1: f64, arm: f64) -> Vec<(f64, f64)> {
    let middle = (x0 + x1) / 2.0;
    vec![
        (x0, y1 - arm),
        (middle - arm * 0.6, y1 - arm),
        (middle - arm * 0.6, y0),
        (middle + arm * 0.6, y0),
        (middle + arm * 0.6, y1 - arm),
        (x1, y1 - arm),
        (x1, y1),
        (x0, y1),
    ]
}

/// The size of the ground that may be built on, after setbacks.
struct Ground {
    x0: f64,
    y0: f64,
    x1: f64,
    y1: f64,
}

impl Ground {
    fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    fn depth(&self) -> f64 {
        self.y1 - self.y0
    }
}

struct Builder<'a> {
    sequence: &'a mut Sequence,
    built: Vec<Footprint>,
}

impl Builder<'_> {
    fn build(&mut self, ring: Vec<(f64, f64)>, storeys: (f64, f64), name: &'static str, structure: &'static str) {
        let storeys = self.sequence.between(storeys.0, storeys.1);
        let storeys_below = if storeys > 9.0 {
            1 + i16::from(self.sequence.chance(0.5))
        } else {
            i16::from(storeys > 3.0 && self.sequence.chance(0.3))
        };
        self.built.push(Footprint {
            ring,
            storeys,
            storeys_below,
            name,
            structure,
        });
    }

    /// Slabs one behind another, facing south.
    fn rows(&mut self, ground: &Ground, slab: f64, gap: f64, storeys: (f64, f64), name: &'static str) {
        let columns = (ground.width() / 74.0).ceil().max(1.0);
        let width = ground.width() / columns;
        let mut y = ground.y1;
        while y - slab >= ground.y0 {
            for column in 0..columns as usize {
                let x = ground.x0 + width * column as f64;
                let right = x + width - if columns > 1.0 { 8.0 } else { 0.0 };
                let shy = self.sequence.between(0.0, 0.12) * (right - x);
                self.build(rectangle(x, y - slab, right - shy, y), storeys, name, CONCRETE);
            }
            y -= slab + gap;
        }
    }
}

/// Builds on a plot of that size. `height` is what the quarter makes of the number of storeys. Nothing stands closer
/// than five metres to the plot's sides; the gatehouse does, see [`gatehouse`].
pub(super) fn build(style: Style, width: f64, depth: f64, height: f64, sequence: &mut Sequence) -> Vec<Footprint> {
    let setback = sequence.between(5.0, 9.0).min((width.min(depth) - 12.0) / 2.0).max(5.0);
    let ground = Ground {
        x0: setback,
        y0: setback,
        x1: width - setback,
        y1: depth - setback,
    };
    let (w, d) = (ground.width(), ground.depth());
    let Ground { x0, y0, x1, y1 } = ground;
    let mut builder = Builder {
        sequence,
        built: Vec::new(),
    };
    let tall = |least: f64, most: f64| (least * height, most * height);
    match style {
        _ if w < 26.0 || d < 26.0 => {
            let (name, storeys) = match style {
                Style::Housing => ("1幢", tall(3.5, 6.5)),
                Style::Shops => ("临街商铺", tall(1.6, 3.5)),
                Style::Store => ("库房", (1.0, 2.2)),
                _ => ("办公楼", tall(2.6, 6.0)),
            };
            let used = (d * 0.8).clamp(10.0, 24.0);
            builder.build(rectangle(x0, y1 - used.min(d), x1, y1), storeys, name, BRICK);
        }
        Style::Office => offices(&mut builder, &ground, height),
        Style::School => {
            let yard = (d * 0.42).max(12.0);
            let teaching = Ground {
                x0,
                y0: y0 + yard,
                x1: x0 + w * 0.72,
                y1,
            };
            if teaching.depth() < 30.0 {
                builder.build(angle(x0, y0 + yard, x1, y1, 13.0), (3.4, 5.2), "教学楼", CONCRETE);
            } else {
                builder.rows(&teaching, 13.0, 14.0, (3.4, 5.2), "教学楼");
                if w * 0.28 - 8.0 > 12.0 {
                    builder.build(
                        rectangle(x0 + w * 0.72 + 8.0, y1 - 30.0_f64.min(d - yard), x1, y1),
                        (1.6, 2.6),
                        "体育馆",
                        STEEL,
                    );
                }
            }
            if w > 60.0 && yard > 22.0 {
                builder.build(rectangle(x1 - 26.0, y0, x1, y0 + 15.0), (1.6, 3.4), "食堂", BRICK);
            }
        }
        Style::Hospital => {
            let block = (d * 0.4).min(46.0);
            builder.build(
                rectangle(x0, y0 + 8.0, x0 + w * 0.62, y0 + 8.0 + block),
                tall(2.6, 4.4),
                "门诊楼",
                CONCRETE,
            );
            let left = d - block - 8.0 - 12.0;
            if left > 13.0 {
                let deep = left.min(22.0);
                builder.build(rectangle(x0, y1 - deep, x1, y1), tall(7.0, 13.0), "住院楼", CONCRETE);
            }
            if w * 0.38 > 22.0 {
                builder.build(
                    rectangle(x0 + w * 0.62 + 10.0, y0 + 8.0, x1, y0 + 8.0 + block.min(28.0)),
                    tall(2.5, 4.5),
                    "医技楼",
                    CONCRETE,
                );
            }
        }
        Style::Housing => builder.rows(&ground, 13.0, 17.0, tall(5.0, 8.5), "住宅楼"),
        Style::Shops => {
            if builder.sequence.chance(0.55) {
                let arm = (w.min(d) * 0.34).min(22.0);
                builder.build(angle(x0, y0, x1, y1, arm), tall(2.0, 4.2), "商业楼", CONCRETE);
            } else {
                let deep = (d * 0.6).min(48.0);
                builder.build(rectangle(x0, y0, x1, y0 + deep), tall(2.2, 5.0), "市场大楼", CONCRETE);
                if d - deep > 24.0 {
                    builder.build(rectangle(x0, y1 - 14.0, x1, y1), tall(2.0, 4.0), "附属商铺", BRICK);
                }
            }
        }
        Style::Laboratory => {
            let arm = (w.min(d) * 0.3).clamp(12.0, 18.0);
            builder.build(
                stem(x0, y0 + d * 0.25, x1, y1, arm),
                tall(3.2, 6.5),
                "业务技术楼",
                CONCRETE,
            );
            if w > 66.0 && d > 60.0 {
                let half = (x1 - x0) * 0.5 - arm * 0.6 - 8.0;
                builder.build(
                    rectangle(x0, y0, x0 + half.min(26.0), y0 + (d * 0.25 - 7.0).clamp(9.0, 16.0)),
                    (1.0, 2.6),
                    "设备楼",
                    BRICK,
                );
            }
        }
        Style::Store => {
            let columns = if w > 56.0 { 2.0 } else { 1.0 };
            for column in 0..columns as usize {
                let x = x0 + w / columns * column as f64;
                let right = x + w / columns - if columns > 1.0 { 10.0 } else { 0.0 };
                builder.build(rectangle(x, y0 + d * 0.3, right, y1), (1.0, 2.8), "仓库", STEEL);
            }
        }
    }
    builder.built
}

fn offices(builder: &mut Builder<'_>, ground: &Ground, height: f64) {
    let (w, d) = (ground.width(), ground.depth());
    let Ground { x0, y0, x1, y1 } = *ground;
    let tall = |least: f64, most: f64| (least * height, most * height);
    let arm = (w.min(d) * 0.26).clamp(12.0, 17.0);
    match builder.sequence.weighted(&[
        3.0,
        2.0,
        if w > 60.0 && d > 62.0 { 3.0 } else { 0.0 },
        if d > 52.0 && height > 1.0 { 2.4 } else { 0.3 },
        if w > 66.0 && d > 66.0 { 1.6 } else { 0.0 },
    ]) {
        0 => {
            let deep = (d * 0.58).min(58.0).max(arm * 2.0);
            builder.build(
                horseshoe(x0, y1 - deep, x1, y1, arm.min(w * 0.36)),
                tall(3.2, 6.0),
                "办公楼",
                CONCRETE,
            );
            if d - deep > 17.0 && w > 44.0 {
                builder.build(rectangle(x0, y0, x0 + w * 0.3, y0 + 12.0), (1.2, 3.0), "食堂", BRICK);
            }
        }
        1 => {
            builder.build(angle(x0, y0 + d * 0.2, x1, y1, arm), tall(3.0, 5.6), "办公楼", CONCRETE);
            let inner = (x1 - x0 - arm - 9.0, d * 0.8 - arm - 9.0);
            if inner.0 > 15.0 && inner.1 > 15.0 {
                builder.build(
                    rectangle(
                        x1 - inner.0 * 0.6,
                        y0 + d * 0.2,
                        x1,
                        y0 + d * 0.2 + (inner.1 * 0.5).min(18.0),
                    ),
                    (1.6, 3.4),
                    "附楼",
                    BRICK,
                );
            }
        }
        2 => {
            // A court between four buildings.
            builder.build(
                rectangle(x0 + arm + 7.0, y1 - arm, x1 - arm - 7.0, y1),
                tall(3.6, 6.4),
                "主楼",
                CONCRETE,
            );
            builder.build(
                rectangle(x0, y0 + 22.0, x0 + arm, y1 - 6.0),
                tall(2.4, 4.4),
                "西楼",
                BRICK,
            );
            builder.build(
                rectangle(x1 - arm, y0 + 22.0, x1, y1 - 6.0),
                tall(2.4, 4.4),
                "东楼",
                BRICK,
            );
            if builder.sequence.chance(0.6) {
                builder.build(rectangle(x0, y0, x0 + w * 0.36, y0 + 13.0), (1.6, 3.2), "前楼", BRICK);
            }
        }
        3 => {
            // A tower with a lower hall before it.
            let side = (w * 0.5).clamp(22.0, 36.0);
            let middle = (x0 + x1) / 2.0;
            builder.build(
                rectangle(middle - side / 2.0, y1 - 24.0, middle + side / 2.0, y1),
                tall(8.0, 16.0),
                "主楼",
                CONCRETE,
            );
            if d - 24.0 > 26.0 {
                let deep = (d - 24.0 - 10.0).min(24.0);
                builder.build(
                    rectangle(x0 + w * 0.1, y1 - 32.0 - deep, x1 - w * 0.1, y1 - 32.0),
                    tall(1.8, 3.2),
                    "会议中心",
                    CONCRETE,
                );
            }
        }
        _ => {
            builder.rows(
                &Ground {
                    x0,
                    y0: y0 + d * 0.15,
                    x1,
                    y1,
                },
                15.0,
                16.0,
                tall(3.4, 6.4),
                "办公楼",
            );
        }
    }
}

/// A gatehouse beside the gate in the south, in the strip that other buildings leave free.
pub(super) fn gatehouse(width: f64) -> Footprint {
    let x = width * 0.5 + 5.0;
    Footprint {
        ring: rectangle(x, 0.6, x + 5.5, 4.4),
        storeys: 1.0,
        storeys_below: 0,
        name: "门卫室",
        structure: BRICK,
    }
}
