//! Leases of what is let and of what is rented in.

use std::fmt::Write as _;

use super::estate::Estate;
use super::faults::{Faults, building_key, quoted};
use super::sequence::Sequence;
use super::{DemoAsset, Hundredths};

/// A lease of the demo city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoLease {
    /// Its number.
    pub code: String,
    /// Is it rented in? Let out otherwise.
    pub is_in: bool,
    /// The building, by its key and its index.
    pub building: String,
    /// The same.
    pub index: usize,
    /// The unit that lets or that rents; the bureau lets where there is none.
    pub unit: Option<usize>,
    /// The invented other party: who rents of what is let, who lets of what is rented in.
    pub other: String,
    /// What is let, m².
    pub area: Hundredths,
    /// Yuan a month.
    pub rent_yuan: u32,
    /// The first day, ISO.
    pub from: String,
    /// The last day, ISO.
    pub to: String,
    /// What fell due until this day is paid, ISO; all of it where nothing is said.
    pub paid_until: Option<String>,
    /// What was paid until this day never went to the treasury, ISO.
    pub kept_until: Option<String>,
    /// Months of rent that were waived.
    pub relief_months: u8,
    /// Were they by the policy?
    pub has_policy: bool,
    /// Was it let in public?
    pub is_public: bool,
    /// Is it said how the land income goes to the state?
    pub has_land_income: bool,
    /// 批准文号
    pub approval: Option<String>,
    /// Of what is rented in: how much was approved.
    pub approved_area: Option<Hundredths>,
}

pub(super) fn leases(
    estate: &Estate,
    parcels: &[DemoAsset],
    buildings: &[DemoAsset],
    faults: &mut Faults,
    sequence: &mut Sequence,
) -> Vec<DemoLease> {
    let mut leases = let_out(estate, parcels, buildings, faults, sequence);
    leases.extend(rented_in(buildings, faults));
    leases
}

fn let_out(
    estate: &Estate,
    parcels: &[DemoAsset],
    buildings: &[DemoAsset],
    faults: &mut Faults,
    sequence: &mut Sequence,
) -> Vec<DemoLease> {
    let mut leases: Vec<DemoLease> = Vec::new();
    let mut wants_land_income = true;
    for (index, building) in buildings.iter().enumerate() {
        if building.occupancy != "let" || estate.buildings[index].is_gatehouse {
            continue;
        }
        let number = leases.len() + 1;
        let area = building.registered_area.unwrap_or_default();
        let rate = sequence.between(11.0, 46.0);
        let year = 2024 + sequence.below(2);
        let month = 1 + sequence.below(12);
        let years = 4 + sequence.below(2);
        let last = |year: usize| before_the_first(year, month);
        let mut lease = DemoLease {
            code: format!("ZL-{number:04}"),
            is_in: false,
            building: building_key(index),
            index,
            unit: None,
            other: format!("虚构承租人{number:03}"),
            area,
            rent_yuan: (area.square_metres() * rate).round() as u32,
            from: format!("{year}-{month:02}-01"),
            to: last(year + years),
            paid_until: None,
            kept_until: None,
            relief_months: if sequence.chance(0.2) { 3 } else { 0 },
            has_policy: true,
            is_public: true,
            has_land_income: true,
            approval: Some(format!("常机管租〔2024〕{number}号")),
            approved_area: None,
        };
        let wrong = match number {
            2 => {
                "2026-12-31".clone_into(&mut lease.to);
                Some(("DSP-14W", "租约即将到期", "the lease is about to end"))
            }
            4 | 11 | 18 | 25 => {
                lease.from = format!("2022-{month:02}-01");
                "2026-03-31".clone_into(&mut lease.to);
                Some(("DSP-14", "租约已到期而未续", "the lease has ended and was not renewed"))
            }
            6 | 14 | 22 => {
                lease.paid_until = Some("2026-02-28".to_owned());
                Some(("DSP-16", "租金欠缴", "the rent is unpaid"))
            }
            8 | 20 => {
                lease.to = last(year + 12);
                Some(("DSP-18", "租期过长", "the lease is too long"))
            }
            10 => {
                lease.is_public = false;
                Some((
                    "DSP-15",
                    "没有公开招租也没有评估",
                    "it was neither let in public nor appraised",
                ))
            }
            16 => {
                lease.kept_until = Some("2026-08-31".to_owned());
                Some(("DSP-09", "租金未缴库", "the rent never went to the treasury"))
            }
            24 => {
                (lease.relief_months, lease.has_policy) = (3, false);
                Some(("DSP-17", "减免租金没有政策依据", "rent was waived without a policy"))
            }
            28 => {
                lease.unit = building.unit.or(Some(0));
                Some(("USE-05", "使用单位擅自出租", "the unit that uses it lets it"))
            }
            // The first after them on allocated land that is in the book.
            29.. if wants_land_income
                // Granted land is that of commerce.
                && estate.buildings[index].parcels.iter().all(|parcel| {
                    parcels[*parcel].usage != "commercial"
                        && parcels[*parcel].title_status == Some("unified")
                }) =>
            {
                wants_land_income = false;
                lease.has_land_income = false;
                Some((
                    "DSP-12",
                    "划拨地出租没有土地收益记录",
                    "nothing says how the land income goes to the state",
                ))
            }
            _ => None,
        };
        if let Some((rule, zh, en)) = wrong {
            faults.plant(rule, "leases", lease.code.clone(), building_key(index), zh, en);
        }
        leases.push(lease);
    }
    leases
}

/// What others' houses are rented for, each with its approval but for some.
fn rented_in(buildings: &[DemoAsset], faults: &mut Faults) -> Vec<DemoLease> {
    let mut leases: Vec<DemoLease> = Vec::new();
    let rented = buildings
        .iter()
        .enumerate()
        .filter(|(_, building)| building.occupancy == "rented_in");
    for (index, building) in rented {
        let number = leases.len() + 1;
        let area = building.registered_area.unwrap_or_default();
        let mut lease = DemoLease {
            code: format!("ZR-{number:04}"),
            is_in: true,
            building: building_key(index),
            index,
            unit: building.unit.or(Some(0)),
            other: format!("虚构出租人{number:03}"),
            area,
            rent_yuan: (area.square_metres() * 28.0).round() as u32,
            from: "2025-01-01".to_owned(),
            to: "2027-12-31".to_owned(),
            paid_until: None,
            kept_until: None,
            relief_months: 0,
            has_policy: false,
            is_public: false,
            has_land_income: false,
            approval: Some(format!("常机管核〔2024〕{number}号")),
            approved_area: Some(area),
        };
        let wrong = match number {
            1 => {
                lease.approval = None;
                Some(("ALC-02", "未经批准租用", "it is rented in without approval"))
            }
            2 => {
                "2026-06-30".clone_into(&mut lease.to);
                Some((
                    "ALC-03",
                    "租用期满未续未退",
                    "the term ended, and it was not given back",
                ))
            }
            3 => {
                lease.approved_area = Some(Hundredths(area.0 * 4 / 5));
                Some(("ALC-05", "租用面积超核定", "more is rented in than was approved"))
            }
            _ => None,
        };
        if let Some((rule, zh, en)) = wrong {
            faults.plant(rule, "leases", lease.code.clone(), building_key(index), zh, en);
        }
        leases.push(lease);
    }
    leases
}

/// The last day before a month, ISO.
fn before_the_first(year: usize, month: usize) -> String {
    let (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
    let day = match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    format!("{year}-{month:02}-{day:02}")
}

/// The list as CSV.
pub(super) fn csv(leases: &[DemoLease]) -> String {
    let mut text =
        "code,direction,building_key,other_party,area_m2,rent_yuan_per_month,from,to,paid_until,relief_months\n"
            .to_owned();
    for lease in leases {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{}",
            lease.code,
            if lease.is_in { "in" } else { "out" },
            lease.building,
            quoted(&lease.other),
            lease.area,
            lease.rent_yuan,
            lease.from,
            lease.to,
            lease.paid_until.as_deref().unwrap_or_default(),
            lease.relief_months
        );
    }
    text
}
