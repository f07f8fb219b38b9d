//! What the registry's book says of the city's land and houses, and what the bureau filed because it can't be registered.

use std::collections::BTreeSet;

use super::estate::{Estate, district};
use super::faults::{Faults, building_key, parcel_key};
use super::{DemoAsset, DemoUnit, Hundredths};
use crate::mapping::Layer;

/// A title (不动产权利) of the demo city, as its certificate says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoTitle {
    /// The parcels it covers.
    pub parcels: Vec<usize>,
    /// The buildings it covers.
    pub buildings: Vec<usize>,
    /// 不动产单元号
    pub unit_code: String,
    /// 不动产权证号
    pub cert_no: String,
    /// 权利人
    pub holder: String,
    /// Its kind, as the registry's list has it.
    pub holder_kind: &'static str,
    /// The unit it is: an index into the units.
    pub holder_unit: Option<usize>,
    /// 坐落
    pub location: String,
    /// 权利类型
    pub right_type: &'static str,
    /// 权利性质 of the land.
    pub right_nature: &'static str,
    /// What it was before, and the first day on which it was no more, ISO.
    pub nature_before: Option<(&'static str, &'static str)>,
    /// GB/T 21010-2017
    pub land_use: Option<&'static str>,
    /// 土地使用权面积
    pub land_area: Option<Hundredths>,
    /// 房屋所有权面积
    pub house_area: Option<Hundredths>,
    /// 使用期限, ISO.
    pub term: Option<(&'static str, &'static str)>,
    /// 受理, 登簿 and 发证, ISO.
    pub dates: [String; 3],
}

/// A filing (权属备案) or a keeping (保留登记) of the demo city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoFiling {
    /// The parcel or building.
    pub asset: (Layer, usize),
    /// `filed` or `kept`.
    pub state: &'static str,
    /// Why it can't be registered, as the registry's list has it; none for a keeping.
    pub reason: Option<&'static str>,
    /// The document that approves a keeping.
    pub approval: Option<String>,
}

const REASONS: [&str; 6] = [
    "papers_lost",
    "no_planning",
    "no_completion",
    "land_formalities",
    "unclear",
    "collective_land",
];
const TERM: (&str, &str) = ("2012-06-01", "2062-05-31");
const GOVERNMENT: &str = "常州市人民政府";

/// One title for each parcel that is registered to the bureau, unless another fault lies on it, and those that are at
/// fault themselves.
pub(super) fn titles(
    estate: &Estate,
    parcels: &[DemoAsset],
    buildings: &[DemoAsset],
    units: &[DemoUnit],
    faults: &mut Faults,
) -> Vec<DemoTitle> {
    let mut titles = Vec::new();
    let is_plain = |parcel: usize| {
        parcels[parcel].title_status == Some("unified")
            && estate.parcels[parcel]
                .buildings
                .iter()
                .all(|building| is_registered(&buildings[*building]) && !estate.buildings[*building].is_gatehouse)
    };
    let next = |faults: &mut Faults, houses: std::ops::RangeInclusive<usize>| {
        faults
            .next_site(estate, |site| {
                is_plain(site.parcels[0]) && houses.contains(&site.buildings.len())
            })
            .map(|site| estate.sites[site].parcels[0])
    };
    let plain = |parcel: usize| title(estate, parcel, parcels, buildings, units);
    let mut wrong = Vec::new();
    for _ in 0..3 {
        let Some(parcel) = next(faults, 1..=1) else { break };
        let building = estate.parcels[parcel].buildings[0];
        let (mut land, mut house) = (plain(parcel), plain(parcel));
        land.buildings.clear();
        land.right_type = "3";
        land.house_area = None;
        land.unit_code = format!("{}W00000000", &land.unit_code[..19]);
        house.parcels.clear();
        house.land_area = None;
        house.cert_no = numbered(parcel, 5_000_000, "常州市");
        GOVERNMENT.clone_into(&mut house.holder);
        house.holder_kind = "government";
        house.holder_unit = None;
        wrong.extend([land, house]);
        faults.plant(
            "TTL-06",
            "buildings",
            building_key(building),
            parcel_key(parcel),
            "土地登记在机关事务管理局名下, 房屋登记在市政府名下",
            "the land is held by the bureau, the house by the government",
        );
    }
    for times in [1.052, 0.944, 1.038] {
        let Some(parcel) = next(faults, 1..=9) else { break };
        let mut one = plain(parcel);
        one.land_area = one.land_area.map(|area| area.times(times));
        wrong.push(one);
        for (rule, zh, en) in [
            (
                "TTL-07",
                "证载土地面积与实测不符",
                "the certificate's area is not the survey's",
            ),
            (
                "TTL-08",
                "台账面积与证书不符",
                "the ledger's area is not the certificate's",
            ),
        ] {
            faults.plant(rule, "parcels", parcel_key(parcel), String::new(), zh, en);
        }
    }
    for _ in 0..3 {
        let Some(parcel) = next(faults, 1..=9) else { break };
        let mut one = plain(parcel);
        one.land_use = Some(if one.land_use == Some("0801") { "0803" } else { "0801" });
        wrong.push(one);
        faults.plant(
            "TTL-08",
            "parcels",
            parcel_key(parcel),
            String::new(),
            "台账地类与证书不符",
            "the ledger's land use is not the certificate's",
        );
    }
    for _ in 0..3 {
        let Some(parcel) = next(faults, 1..=1) else { break };
        let mut one = plain(parcel);
        one.nature_before = Some(("101", "2025-07-01"));
        one.right_nature = "102";
        one.term = Some(TERM);
        let building = one.buildings[0];
        wrong.push(one);
        for (layer, key) in [("parcels", parcel_key(parcel)), ("buildings", building_key(building))] {
            faults.plant(
                "TTL-10",
                layer,
                key,
                String::new(),
                "划拨变为出让, 没有批准文件",
                "allocated land became granted land without approval",
            );
        }
    }
    for _ in 0..3 {
        let Some(parcel) = next(faults, 1..=1) else { break };
        let mut one = plain(parcel);
        let building = one.buildings[0];
        one.cert_no = numbered(parcel, 0, "无锡市");
        wrong.push(one);
        for (layer, key) in [("parcels", parcel_key(parcel)), ("buildings", building_key(building))] {
            faults.plant(
                "COD-12",
                layer,
                key,
                String::new(),
                "证号所载为无锡市",
                "the certificate number names another city",
            );
        }
    }
    for _ in 0..3 {
        let Some(parcel) = next(faults, 1..=1) else { break };
        let mut one = plain(parcel);
        let building = one.buildings[0];
        one.buildings.clear();
        one.right_type = "3";
        one.house_area = None;
        one.unit_code = format!("{}W00000000", &one.unit_code[..19]);
        wrong.push(one);
        faults.plant(
            "TTL-17",
            "buildings",
            building_key(building),
            String::new(),
            "土地已登记, 竣工的楼栋没有登记",
            "the land is registered, the building that was completed is not",
        );
    }
    for _ in 0..2 {
        let Some(parcel) = next(faults, 1..=1) else { break };
        let mut one = plain(parcel);
        let building = one.buildings[0];
        "2039-05-12".clone_into(&mut one.dates[2]);
        wrong.push(one);
        for (layer, key) in [("parcels", parcel_key(parcel)), ("buildings", building_key(building))] {
            faults.plant(
                "TTL-20",
                layer,
                key,
                String::new(),
                "发证日期在将来",
                "the certificate was issued in the future",
            );
        }
    }
    let free = parcels
        .iter()
        .enumerate()
        .filter(|(index, parcel)| parcel.title_status == Some("unified") && faults.is_free(*index));
    titles.extend(free.map(|(index, _)| plain(index)));
    titles.extend(wrong);
    titles
}

fn is_registered(building: &DemoAsset) -> bool {
    !matches!(building.title_status, Some("none_handed" | "none_not_handed"))
}

/// 苏(2019)常州市不动产权第0012345号
fn numbered(parcel: usize, from: usize, place: &str) -> String {
    let year = 2016 + parcel % 7;
    format!("苏({year}){place}不动产权第{:07}号", from + 12_001 + parcel * 37)
}

fn title(
    estate: &Estate,
    index: usize,
    parcels: &[DemoAsset],
    buildings: &[DemoAsset],
    units: &[DemoUnit],
) -> DemoTitle {
    let parcel = &parcels[index];
    let region = district(&estate.plan.blocks[estate.parcels[index].block]);
    let holder_unit = units
        .iter()
        .position(|unit| unit.kind == "bureau" && (unit.level == "city" || unit.region == region));
    let covered: Vec<usize> = estate.parcels[index]
        .buildings
        .iter()
        .copied()
        .filter(|building| is_registered(&buildings[*building]))
        .collect();
    let house_area = covered
        .iter()
        .filter_map(|building| buildings[*building].registered_area)
        .map(|area| area.0)
        .sum();
    let is_granted = parcel.usage == "commercial";
    let (year, month) = (2016 + index % 7, 1 + index % 12);
    DemoTitle {
        parcels: vec![index],
        unit_code: parcel.unit_code.clone().unwrap_or_default(),
        cert_no: numbered(index, 0, "常州市"),
        holder: holder_unit.map_or_else(String::new, |unit| units[unit].name.clone()),
        holder_kind: "bureau",
        holder_unit,
        location: parcel.address.clone(),
        right_type: if covered.is_empty() { "3" } else { "4" },
        right_nature: if is_granted { "102" } else { "101" },
        nature_before: None,
        land_use: parcel.land_use,
        land_area: parcel.registered_area,
        house_area: (!covered.is_empty()).then_some(Hundredths(house_area)),
        term: is_granted.then_some(TERM),
        dates: [3, 19, 22].map(|day| format!("{year}-{month:02}-{day:02}")),
        buildings: covered,
    }
}

/// A filing for all that is not registered, but for some land that was forgotten; and what is kept in a unit's name.
pub(super) fn filings(
    estate: &Estate,
    parcels: &[DemoAsset],
    buildings: &[DemoAsset],
    faults: &mut Faults,
) -> Vec<DemoFiling> {
    let mut filings = Vec::new();
    let mut forgotten = BTreeSet::new();
    for _ in 0..5 {
        let found = faults.next_site(estate, |site| !is_registered(&parcels[site.parcels[0]]));
        let Some(site) = found else { break };
        let parcel = estate.sites[site].parcels[0];
        forgotten.insert(parcel);
        faults.plant(
            "TTL-03",
            "parcels",
            parcel_key(parcel),
            String::new(),
            "未登记, 也没有备案",
            "it is neither registered nor filed",
        );
    }
    for count in 0..4 {
        let found = faults.next_site(estate, |site| {
            parcels[site.parcels[0]].title_status == Some("other_handed")
        });
        let Some(site) = found else { break };
        let parcel = estate.sites[site].parcels[0];
        // Every other one has its approval.
        let approval = (count % 2 == 0).then(|| format!("常机管〔2021〕{}号", count + 11));
        if approval.is_none() {
            faults.plant(
                "TTL-19",
                "parcels",
                parcel_key(parcel),
                String::new(),
                "保留登记没有核准文件",
                "it is kept in the unit's name without approval",
            );
        }
        filings.push(DemoFiling {
            asset: (Layer::Parcels, parcel),
            state: "kept",
            reason: None,
            approval,
        });
    }
    let mut file = |asset: (Layer, usize)| {
        filings.push(DemoFiling {
            asset,
            state: "filed",
            reason: Some(REASONS[asset.1 % REASONS.len()]),
            approval: None,
        });
    };
    for (index, parcel) in parcels.iter().enumerate() {
        if !is_registered(parcel) && !forgotten.contains(&index) {
            file((Layer::Parcels, index));
        }
    }
    for (index, building) in buildings.iter().enumerate() {
        let is_with_its_land = estate.buildings[index]
            .parcels
            .iter()
            .any(|parcel| !is_registered(&parcels[*parcel]));
        if !is_registered(building) && !is_with_its_land {
            file((Layer::Buildings, index));
        }
    }
    filings
}
