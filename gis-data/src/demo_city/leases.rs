//! Leases of what is let. The registry has no table for them yet: they lie beside the data as a list.

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
    /// The building that is let, by its key.
    pub building: String,
    /// An invented tenant.
    pub tenant: String,
    /// What is let, m².
    pub area: Hundredths,
    /// Yuan a month.
    pub rent_yuan: u32,
    /// The first day, ISO.
    pub from: String,
    /// The last day, ISO.
    pub to: String,
    /// Until this day the rent is paid, ISO.
    pub paid_until: String,
    /// Months of rent that were waived.
    pub relief_months: u8,
}

/// The day on which the leases are looked at; what ended before it is over.
const DAY: &str = "2026-09-30";

pub(super) fn leases(
    estate: &Estate,
    buildings: &[DemoAsset],
    faults: &mut Faults,
    sequence: &mut Sequence,
) -> Vec<DemoLease> {
    let mut leases = Vec::new();
    for (index, building) in buildings.iter().enumerate() {
        if building.occupancy != "let" || estate.buildings[index].is_gatehouse {
            continue;
        }
        let number = leases.len() + 1;
        let code = format!("ZL-{number:04}");
        let area = building.registered_area.unwrap_or_default();
        let rate = sequence.between(11.0, 46.0);
        let year = 2023 + sequence.below(3);
        let month = 1 + sequence.below(12);
        let years = 4 + sequence.below(2);
        let (mut from, mut to) = (
            format!("{year}-{month:02}-01"),
            format!("{}-{month:02}-01", year + years),
        );
        let mut paid_until = DAY.to_owned();
        let wrong = match number {
            4 | 11 | 18 | 25 => {
                from = format!("2021-{month:02}-01");
                to = "2026-03-31".to_owned();
                "2026-03-31".clone_into(&mut paid_until);
                Some(("DSP-14", "租约已到期而未续", "the lease has ended and was not renewed"))
            }
            6 | 14 | 22 => {
                "2026-02-28".clone_into(&mut paid_until);
                Some(("DSP-16", "租金欠缴", "the rent is unpaid"))
            }
            8 | 20 => {
                to = format!("{}-{month:02}-01", year + 12);
                Some(("DSP-18", "租期过长", "the lease is too long"))
            }
            _ => None,
        };
        if let Some((rule, zh, en)) = wrong {
            faults.plant(rule, "leases", code.clone(), building_key(index), zh, en);
        }
        leases.push(DemoLease {
            code,
            building: building_key(index),
            tenant: format!("虚构承租人{number:03}"),
            area,
            rent_yuan: (area.square_metres() * rate).round() as u32,
            from,
            to,
            paid_until,
            relief_months: if sequence.chance(0.2) { 3 } else { 0 },
        });
    }
    leases
}

/// The list as CSV.
pub(super) fn csv(leases: &[DemoLease]) -> String {
    let mut text = "code,building_key,tenant,area_m2,rent_yuan_per_month,from,to,paid_until,relief_months\n".to_owned();
    for lease in leases {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{}",
            lease.code,
            lease.building,
            quoted(&lease.tenant),
            lease.area,
            lease.rent_yuan,
            lease.from,
            lease.to,
            lease.paid_until,
            lease.relief_months
        );
    }
    text
}
