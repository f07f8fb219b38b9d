//! Buildings that are being vacated since the city began and were never handed over, and buildings that are borrowed
//! without anybody's approval: in a registry that has just been filled, all of them.

use super::DemoAsset;
use super::faults::{Faults, building_key};

pub(super) fn plant(buildings: &[DemoAsset], faults: &mut Faults) {
    for (index, building) in buildings.iter().enumerate() {
        let (rule, zh, en) = match building.occupancy {
            "vacating" => ("USE-09", "腾退后一直未移交", "vacated and never handed over"),
            "borrowed_in" => ("ALC-06", "借用而没有批准", "borrowed without an approval"),
            _ => continue,
        };
        faults.plant(rule, "buildings", building_key(index), String::new(), zh, en);
    }
}
