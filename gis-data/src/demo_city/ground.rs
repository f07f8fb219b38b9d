//! The ground under the registered assets: what the page draws beneath them, as GeoJSON.

use std::fmt::Write as _;

use geo_types::{Coord, LineString, Polygon};

use super::estate::Estate;
use super::footprints::{self, Style};
use super::sequence::Sequence;
use super::{DemoCityFailed, Projector, names};

/// Six decimals are a tenth of a metre.
fn number(text: &mut String, coord: &Coord<f64>) {
    let short = |value: f64| {
        let written = format!("{value:.6}");
        written.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let _ = write!(text, "[{},{}]", short(coord.x), short(coord.y));
}

fn line(text: &mut String, line: &LineString<f64>) {
    text.push('[');
    for (index, coord) in line.0.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        number(text, coord);
    }
    text.push(']');
}

struct Collection<'a> {
    text: String,
    projector: &'a Projector,
}

impl Collection<'_> {
    fn begin(&mut self, properties: &serde_json::Value, kind: &str) {
        // By the alphabet, whatever order the maps of the program keep.
        let mut properties = properties.clone();
        properties.sort_all_objects();
        if !self.text.ends_with('[') {
            self.text.push_str(",\n");
        }
        let _ = write!(
            self.text,
            r#"{{"type":"Feature","properties":{properties},"geometry":{{"type":"{kind}","coordinates":["#
        );
    }

    fn end(&mut self) {
        self.text.push_str("]}}");
    }

    fn polygons(&mut self, properties: &serde_json::Value, polygons: &[Polygon<f64>]) -> Result<(), DemoCityFailed> {
        self.begin(properties, "MultiPolygon");
        for (index, polygon) in polygons.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.text.push('[');
            let placed = self.projector.polygon(polygon)?;
            line(&mut self.text, placed.exterior());
            self.text.push(']');
        }
        self.end();
        Ok(())
    }

    fn lines(&mut self, properties: &serde_json::Value, lines: &[Vec<Coord<f64>>]) -> Result<(), DemoCityFailed> {
        self.begin(properties, "MultiLineString");
        for (index, coords) in lines.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            let placed = self.projector.line(coords)?;
            line(&mut self.text, &placed);
        }
        self.end();
        Ok(())
    }
}

/// Streets, water, parks, blocks, and the houses of everybody else.
pub(super) fn geojson(estate: &Estate, projector: &Projector, seed: u64) -> Result<String, DemoCityFailed> {
    let mut collection = Collection {
        text: r#"{"type":"FeatureCollection","made_up":true,"features":["#.to_owned(),
        projector,
    };
    let plan = &estate.plan;
    let blocks: Vec<_> = plan
        .blocks
        .iter()
        .filter(|block| !block.is_park)
        .map(|block| block.polygon(&block.whole()))
        .collect();
    collection.polygons(&serde_json::json!({"kind": "block"}), &blocks)?;
    for (zh, en, polygon) in &plan.parks {
        // The two around the lakes are named from afar, those the size of a block from near.
        let rank = if polygon.exterior().0.len() > 5 { 1 } else { 2 };
        let properties = serde_json::json!({"kind": "green", "rank": rank, "name_zh": zh, "name_en": en});
        collection.polygons(&properties, std::slice::from_ref(polygon))?;
    }
    for (zh, en, polygon) in &plan.water {
        let properties = serde_json::json!({"kind": "water", "rank": 1, "name_zh": zh, "name_en": en});
        collection.polygons(&properties, std::slice::from_ref(polygon))?;
    }
    let mut streets: Vec<_> = plan.streets.iter().collect();
    streets.sort_by(|one, other| (one.class, &one.name).cmp(&(other.class, &other.name)));
    for pieces in streets.chunk_by(|one, other| (one.class, &one.name) == (other.class, &other.name)) {
        let Some(street) = pieces.first() else { continue };
        let properties = serde_json::json!({
            "kind": "street", "class": street.class, "width_m": street.width_m,
            "name_zh": street.name, "name_en": names::english(&street.name),
        });
        let lines: Vec<_> = pieces.iter().map(|piece| piece.line.clone()).collect();
        collection.lines(&properties, &lines)?;
    }
    let mut sequence = Sequence::new(seed ^ 0x0717);
    let mut houses = Vec::new();
    for (block, lot) in &estate.others {
        let block = &plan.blocks[*block];
        let lot = block.lots[*lot];
        if lot.width().min(lot.depth()) < 22.0 {
            continue;
        }
        let style =
            [Style::Housing, Style::Shops, Style::Office, Style::Store][sequence.weighted(&[6.0, 2.0, 1.0, 0.7])];
        for house in footprints::build(style, lot.width(), lot.depth(), 1.0, &mut sequence) {
            let ring: Vec<_> = house.ring.iter().map(|(x, y)| (lot.s0 + x, lot.t0 + y)).collect();
            houses.push(block.ring(&ring));
        }
    }
    collection.polygons(&serde_json::json!({"kind": "house"}), &houses)?;
    collection.text.push_str("]}\n");
    Ok(collection.text)
}
