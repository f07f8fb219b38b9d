//! From plots and footprints to what the registry holds: coordinates, codes, areas, statuses, names.

use std::collections::BTreeMap;

use geo_types::Geometry;

use super::block::Block;
use super::estate::{Building, Counter, Estate, Site, TITLE_STATUSES, district, status_weights};
use super::faults::{building_key, parcel_key};
use super::footprints::Style;
use super::plan::QuarterKind;
use super::sequence::Sequence;
use super::units::DISTRICTS;
use super::{DemoAsset, DemoCityFailed, DemoRelation, FLOOR_AREA, Hundredths, Projector};
use crate::area::plane_area_m2;
use crate::mapping::Layer;

pub(super) struct Assets {
    pub parcels: Vec<DemoAsset>,
    pub sites: Vec<DemoAsset>,
    pub buildings: Vec<DemoAsset>,
    pub relations: Vec<DemoRelation>,
}

/// Towns and streets (街道、镇) of each district that the city reaches, with the numbers of the extract.
const TOWNS: [(&str, &[&str]); 4] = [
    (
        "320402",
        &["天宁街道", "兰陵街道", "红梅街道", "茶山街道", "青龙街道", "雕庄街道"],
    ),
    (
        "320404",
        &[
            "南大街街道",
            "荷花池街道",
            "五星街道",
            "永红街道",
            "西林街道",
            "新闸街道",
        ],
    ),
    ("320411", &["三井街道", "龙虎塘街道", "新桥街道", "薛家镇"]),
    ("320412", &["湖塘镇", "牛塘镇", "遥观镇"]),
];

const IDLE_REASONS: [&str; 7] = [
    "总量有余",
    "位置环境结构不适合",
    "规划拆迁",
    "危房无加固价值",
    "重新配置后腾空",
    "机构撤并",
    "权属不清",
];
const ACQUISITIONS: [&str; 6] = ["划拨建设", "购置", "调拨/划转", "置换", "接收接管", "捐赠"];

/// How what is there is used, with weights.
fn occupancies(usage: &str) -> &'static [(&'static str, f64)] {
    match usage {
        "administrative_office" => &[
            ("in_use", 0.80),
            ("idle", 0.06),
            ("under_repair", 0.03),
            ("vacating", 0.03),
            ("lent", 0.03),
            ("borrowed_in", 0.02),
            ("rented_in", 0.02),
            ("dangerous", 0.01),
        ],
        "public_service" => &[
            ("in_use", 0.93),
            ("idle", 0.025),
            ("under_repair", 0.03),
            ("dangerous", 0.015),
        ],
        "technical" => &[
            ("in_use", 0.88),
            ("idle", 0.05),
            ("under_repair", 0.04),
            ("vacating", 0.03),
        ],
        "housing_security" => &[("in_use", 0.72), ("let", 0.18), ("idle", 0.07), ("dangerous", 0.03)],
        "commercial" => &[
            ("let", 0.60),
            ("in_use", 0.14),
            ("idle", 0.16),
            ("lent", 0.06),
            ("under_repair", 0.04),
        ],
        "idle_land" => &[("idle", 1.0)],
        _ => &[
            ("in_use", 0.55),
            ("idle", 0.22),
            ("let", 0.12),
            ("under_repair", 0.06),
            ("dangerous", 0.05),
        ],
    }
}

fn occupancy(usage: &str, sequence: &mut Sequence) -> &'static str {
    let words = occupancies(usage);
    let weights: Vec<f64> = words.iter().map(|(_, weight)| *weight).collect();
    words[sequence.weighted(&weights)].0
}

/// A day on which something fell idle; more of them of late.
fn idle_day(sequence: &mut Sequence) -> String {
    let months = (128.0 * (1.0 - sequence.share().powf(1.6))) as usize;
    let ago = 128 - months.min(127);
    // Counted back from September 2026.
    let month = 2026 * 12 + 8 - ago;
    format!("{:04}-{:02}-{:02}", month / 12, month % 12 + 1, 1 + sequence.below(28))
}

fn land_use(usage: &str, style: Style) -> &'static str {
    match (usage, style) {
        ("public_service", Style::School) => "0803",
        ("public_service", Style::Hospital) => "0805",
        ("public_service", _) => "0807",
        ("technical", _) => "0804",
        ("housing_security", _) => "0701",
        ("commercial", _) => "0501",
        ("idle_land", _) => "1201",
        ("other", _) => "0604",
        _ => "0801",
    }
}

fn completed(block: &Block, sequence: &mut Sequence) -> i16 {
    let (from, to) = match block.quarter {
        QuarterKind::Old => (1976.0, 2013.0),
        QuarterKind::North => (2003.0, 2023.0),
        QuarterKind::South => (1992.0, 2021.0),
        QuarterKind::East => (1996.0, 2019.0),
        QuarterKind::West => (1984.0, 2010.0),
    };
    sequence.between(from, to) as i16
}

/// Where things lie, in words and codes.
struct Places {
    numbers: Counter,
    serials: Counter,
}

impl Places {
    fn town(block: &Block) -> (usize, &'static str) {
        let district = district(block);
        let towns = TOWNS
            .iter()
            .find(|(code, _)| *code == district)
            .map_or(&[][..], |(_, towns)| towns);
        let across = usize::from(block.place.1 > 0.0);
        let along = ((block.place.0 + 1.0) / 2.0 * towns.len() as f64) as usize;
        let index = (along + across * 2) % towns.len().max(1);
        (index, towns.get(index).copied().unwrap_or_default())
    }

    fn address(&mut self, block: &Block, sequence: &mut Sequence) -> String {
        let name = DISTRICTS
            .iter()
            .find(|(code, _)| *code == district(block))
            .map_or("", |(_, name)| name);
        let number = self.numbers.next(&block.street, 1 + sequence.below(7) as u32);
        format!("{name}{}{}{number}号", Self::town(block).1, block.street)
    }

    fn parcel_code(&mut self, block: &Block, index: usize, sequence: &mut Sequence) -> String {
        let area = format!("{}{:03}{:03}", district(block), Self::town(block).0 + 1, index % 12 + 1);
        let serial = self.serials.next(&area, 1 + sequence.below(4) as u32);
        format!("{area}GB{serial:05}")
    }
}

/// Storeys that give the floor area of the census, nearly; above and below ground.
fn storeys(estate: &Estate, footprints: &[f64]) -> Vec<(i16, i16)> {
    let at = |times: f64| -> Vec<(i16, i16)> {
        estate
            .buildings
            .iter()
            .map(|building| {
                let above = (building.footprint.storeys * times).round().clamp(1.0, 33.0) as i16;
                if building.is_gatehouse {
                    (1, 0)
                } else {
                    (above, building.footprint.storeys_below)
                }
            })
            .collect()
    };
    let floor_area = |storeys: &[(i16, i16)]| -> f64 {
        storeys
            .iter()
            .zip(footprints)
            .map(|((above, below), area)| f64::from(above + below) * area)
            .sum()
    };
    let (mut low, mut high) = (0.2, 5.0);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if floor_area(&at(middle)) < FLOOR_AREA.square_metres() {
            low = middle;
        } else {
            high = middle;
        }
    }
    at(high)
}

/// Registered areas near storeys × outline that add up to the census, exactly.
fn registered_areas(storeys: &[(i16, i16)], footprints: &[f64], sequence: &mut Sequence) -> Vec<Hundredths> {
    let measured: Vec<f64> = storeys
        .iter()
        .zip(footprints)
        .map(|((above, below), area)| f64::from(above + below) * area * sequence.between(0.975, 1.025))
        .collect();
    let scale = FLOOR_AREA.square_metres() / measured.iter().sum::<f64>();
    let mut areas: Vec<Hundredths> = measured.iter().map(|area| Hundredths::of(area * scale)).collect();
    let rest = FLOOR_AREA.0 - areas.iter().map(|area| area.0).sum::<i64>();
    if let Some(largest) = areas.iter_mut().max() {
        largest.0 += rest;
    }
    areas
}

fn site_name(estate: &Estate, site: &Site) -> String {
    let unit = &estate.units[site.unit].name;
    let street = &estate.plan.blocks[site.block].street;
    match (site.usage, site.style) {
        ("administrative_office", _) => format!("{unit}{street}办公院"),
        ("public_service", Style::School) => format!("{unit}{street}校区"),
        ("public_service", Style::Hospital) => format!("{unit}{street}院区"),
        ("public_service", _) => format!("{unit}（{street}）"),
        ("technical", _) => format!("{unit}技术业务用房（{street}）"),
        ("housing_security", _) => format!("{street}周转住房"),
        ("commercial", _) => format!("{street}经营性用房"),
        ("idle_land", _) => format!("{street}闲置地块"),
        _ => format!("{street}仓库院"),
    }
}

pub(super) fn assets(
    estate: &Estate,
    projector: &Projector,
    sequence: &mut Sequence,
) -> Result<Assets, DemoCityFailed> {
    let mut places = Places {
        numbers: Counter::default(),
        serials: Counter::default(),
    };
    let site_occupancies: Vec<&'static str> = estate
        .sites
        .iter()
        .map(|site| occupancy(site.usage, sequence))
        .collect();
    let addresses: Vec<String> = estate
        .sites
        .iter()
        .map(|site| places.address(&estate.plan.blocks[site.block], sequence))
        .collect();
    let mut parcels = Vec::with_capacity(estate.parcels.len());
    for index in 0..estate.parcels.len() {
        parcels.push(parcel(estate, index, &addresses, projector, &mut places, sequence)?);
    }
    let mut shapes = Vec::with_capacity(estate.buildings.len());
    for building in &estate.buildings {
        let block = &estate.plan.blocks[estate.sites[building.site].block];
        shapes.push(Geometry::Polygon(projector.polygon(&block.ring(&building.ring))?));
    }
    let footprints: Vec<f64> = shapes.iter().map(plane_area_m2).collect();
    let storeys = storeys(estate, &footprints);
    let areas = registered_areas(&storeys, &footprints, sequence);
    let mut buildings = Vec::with_capacity(estate.buildings.len());
    for (index, shape) in shapes.into_iter().enumerate() {
        let mut asset = building(estate, index, &parcels, &site_occupancies, sequence);
        asset.address.clone_from(&addresses[estate.buildings[index].site]);
        asset.geometry = Some(shape);
        asset.registered_area = Some(areas[index]);
        asset.storeys_above = Some(storeys[index].0);
        asset.storeys_below = Some(storeys[index].1);
        buildings.push(asset);
    }
    let mut sites = Vec::with_capacity(estate.sites.len());
    for (index, site) in estate.sites.iter().enumerate() {
        let main: Vec<&DemoAsset> = site
            .buildings
            .iter()
            .filter(|building| !estate.buildings[**building].is_gatehouse)
            .map(|building| &buildings[*building])
            .collect();
        let common = main
            .first()
            .map(|first| first.occupancy)
            .filter(|first| main.iter().all(|building| building.occupancy == *first));
        let block = &estate.plan.blocks[site.block];
        let ground = match &site.plots[..] {
            [one, other] => one.joined(other).unwrap_or(*one),
            plots => plots[0],
        };
        // The wall stands a little inside the line, where the map shows both.
        let wall = projector.polygon(&block.polygon(&ground.inset(1.2)))?;
        sites.push(DemoAsset {
            layer: Layer::Sites,
            key: format!("S{:04}", index + 1),
            code: Some(format!("YL{}-{:04}", district(block), index + 1)),
            name: Some(site_name(estate, site)),
            address: addresses[index].clone(),
            region: district(block),
            unit: Some(site.unit),
            title_status: parcels[site.parcels[0]].title_status,
            usage: site.usage,
            occupancy: if site.usage == "idle_land" {
                "idle"
            } else {
                common.unwrap_or("in_use")
            },
            idle_since: if site.usage == "idle_land" {
                parcels[site.parcels[0]].idle_since.clone()
            } else if common == Some("idle") {
                main.iter().filter_map(|building| building.idle_since.clone()).max()
            } else {
                None
            },
            registered_area: None,
            geometry: Some(Geometry::Polygon(wall)),
            unit_code: None,
            land_use: None,
            storeys_above: None,
            storeys_below: None,
            structure: None,
            completed: None,
            attributes: BTreeMap::new(),
        });
    }
    let relations = relations(estate);
    Ok(Assets {
        parcels,
        sites,
        buildings,
        relations,
    })
}

fn parcel(
    estate: &Estate,
    index: usize,
    addresses: &[String],
    projector: &Projector,
    places: &mut Places,
    sequence: &mut Sequence,
) -> Result<DemoAsset, DemoCityFailed> {
    let parcel = &estate.parcels[index];
    let block = &estate.plan.blocks[parcel.block];
    let site = parcel.sites.first().map(|site| &estate.sites[*site]);
    let usage = site.map_or("idle_land", |site| site.usage);
    let region = district(block);
    let shape = Geometry::Polygon(projector.polygon(&block.polygon(&parcel.plot))?);
    let code = places.parcel_code(block, parcel.block, sequence);
    let fixture = match parcel.buildings.len() {
        0 => "W00000000",
        1 => "F00010001",
        _ => "F99990001",
    };
    let bureau = estate
        .units
        .iter()
        .position(|unit| unit.kind == "bureau" && (unit.level == "city" || unit.region == region));
    let mut attributes = BTreeMap::new();
    let right = if usage == "commercial" {
        "102 出让"
    } else {
        "101 划拨"
    };
    attributes.insert("权利性质", right.to_owned());
    let holder = match parcel.title_status {
        "unified" => bureau,
        // Companies hold rights only where that is a planted fault.
        "other_handed" | "other_not_handed" => site
            .map(|site| site.unit)
            .filter(|unit| estate.units[*unit].kind != "platform_company")
            .or(bureau),
        _ => None,
    };
    if let Some(holder) = holder {
        attributes.insert("权利人", estate.units[holder].name.clone());
    }
    let is_idle = usage == "idle_land";
    if is_idle {
        attributes.insert("闲置原因", (*sequence.pick(&IDLE_REASONS)).to_owned());
    }
    Ok(DemoAsset {
        layer: Layer::Parcels,
        key: parcel_key(index),
        unit_code: Some(format!("{code}{fixture}")),
        code: Some(code),
        name: None,
        address: parcel
            .sites
            .first()
            .map_or_else(|| places.address(block, sequence), |site| addresses[*site].clone()),
        region,
        unit: site.map(|site| site.unit).or(bureau),
        title_status: Some(parcel.title_status),
        usage,
        occupancy: if is_idle { "idle" } else { "in_use" },
        idle_since: is_idle.then(|| idle_day(sequence)),
        registered_area: Some(Hundredths::of(plane_area_m2(&shape))),
        geometry: Some(shape),
        land_use: Some(site.map_or("1201", |site| land_use(usage, site.style))),
        storeys_above: None,
        storeys_below: None,
        structure: None,
        completed: None,
        attributes,
    })
}

fn building(
    estate: &Estate,
    index: usize,
    parcels: &[DemoAsset],
    site_occupancies: &[&'static str],
    sequence: &mut Sequence,
) -> DemoAsset {
    let building: &Building = &estate.buildings[index];
    let site = &estate.sites[building.site];
    let block = &estate.plan.blocks[site.block];
    let parcel = &parcels[building.parcels[0]];
    let order = estate.parcels[building.parcels[0]]
        .buildings
        .iter()
        .position(|other| *other == index)
        .unwrap_or(0)
        + 1;
    let alike: Vec<usize> = site
        .buildings
        .iter()
        .copied()
        .filter(|other| estate.buildings[*other].footprint.name == building.footprint.name)
        .collect();
    let name = match alike.iter().position(|other| *other == index) {
        Some(place) if alike.len() > 1 => format!("{}号{}", place + 1, building.footprint.name),
        _ => building.footprint.name.to_owned(),
    };
    let occupancy = if building.is_gatehouse {
        "in_use"
    } else if sequence.chance(0.72) {
        site_occupancies[building.site]
    } else {
        occupancy(site.usage, sequence)
    };
    let title_status = if sequence.chance(0.9) {
        parcel.title_status
    } else {
        Some(TITLE_STATUSES[sequence.weighted(&status_weights(block, site.usage))])
    };
    let mut attributes = BTreeMap::new();
    attributes.insert("取得方式", (*sequence.pick(&ACQUISITIONS)).to_owned());
    let is_idle = occupancy == "idle";
    if is_idle {
        attributes.insert("闲置原因", (*sequence.pick(&IDLE_REASONS)).to_owned());
    }
    DemoAsset {
        layer: Layer::Buildings,
        key: building_key(index),
        code: parcel.code.as_ref().map(|code| format!("{code}F{order:04}")),
        name: Some(name),
        address: String::new(),
        region: parcel.region,
        unit: Some(site.unit),
        title_status,
        usage: site.usage,
        occupancy,
        idle_since: is_idle.then(|| idle_day(sequence)),
        registered_area: None,
        geometry: None,
        unit_code: None,
        land_use: None,
        storeys_above: None,
        storeys_below: None,
        structure: Some(building.footprint.structure),
        completed: Some(completed(block, sequence)),
        attributes,
    }
}

fn relations(estate: &Estate) -> Vec<DemoRelation> {
    let mut relations = Vec::new();
    for (index, site) in estate.sites.iter().enumerate() {
        let upper = (Layer::Sites, index);
        let parcels = site.parcels.iter().map(|parcel| (Layer::Parcels, *parcel));
        let buildings = site.buildings.iter().map(|building| (Layer::Buildings, *building));
        relations.extend(parcels.chain(buildings).map(|lower| DemoRelation { upper, lower }));
    }
    for (index, parcel) in estate.parcels.iter().enumerate() {
        let upper = (Layer::Parcels, index);
        relations.extend(parcel.buildings.iter().map(|building| DemoRelation {
            upper,
            lower: (Layer::Buildings, *building),
        }));
    }
    relations
}
