//! Every address with every role from inside, above, beside and below a scope, held against an oracle that knows what was
//! registered and filters it by itself: what is answered, counted, exported, found and refused agrees, and nothing else
//! is told.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{app, ask, ask_as};

mod coverage;
mod database;
mod hangs;
mod kept;
mod questions;
mod reads;
mod receiving;
mod silence;
mod world;
mod writes;

/// An id that nothing has.
const NOWHERE: &str = "018f0000-0000-7000-8000-00000000dead";

/// What the oracle knows of an asset: where it lay in which years.
#[derive(Debug, Clone)]
struct Asset {
    layer: &'static str,
    id: String,
    code: String,
    /// First year, region.
    lay: Vec<(i32, &'static str)>,
    level: &'static str,
    unit: Option<usize>,
    /// The first year in which it is no more.
    ends: Option<i32>,
    /// What hangs on it: path and id.
    hangs: Vec<(&'static str, String)>,
    /// What hangs on it and has no address of its own: what it is, and its id.
    told: Vec<(&'static str, String)>,
    /// Words that no answer to somebody may hold who doesn't see it.
    secrets: Vec<String>,
}

/// How far somebody's grants reach, as the oracle understands it.
#[derive(Debug, Clone)]
struct Part {
    name: &'static str,
    region: &'static str,
    level: Option<&'static str>,
    unit: Option<usize>,
}

/// Since when something lies in which region, whose it is, and which unit's.
type Lay = (&'static [(i32, &'static str)], &'static str, Option<usize>);

const PARTS: [Part; 8] = [
    Part {
        name: "whole",
        region: "all",
        level: None,
        unit: None,
    },
    Part {
        name: "above",
        region: "43",
        level: None,
        unit: None,
    },
    Part {
        name: "city",
        region: "431100",
        level: Some("city"),
        unit: None,
    },
    Part {
        name: "inside",
        region: "431102",
        level: Some("county"),
        unit: None,
    },
    Part {
        name: "beside",
        region: "431103",
        level: None,
        unit: None,
    },
    Part {
        name: "below",
        region: "431102001",
        level: None,
        unit: None,
    },
    Part {
        name: "unit",
        region: "all",
        level: None,
        unit: Some(0),
    },
    Part {
        name: "unit-there",
        region: "431103",
        level: None,
        unit: Some(0),
    },
];

impl Part {
    /// Written without a look at the server's rules: a part begins with its digits, the zeros of a city's code left out.
    fn holds(&self, region: &str, unit: Option<usize>) -> bool {
        let begins: &str = match self.region {
            "all" => "",
            "431100" => "4311",
            other => other,
        };
        region.starts_with(begins) && (self.unit.is_none() || self.unit == unit)
    }

    fn reads_in(&self, asset: &Asset, year: i32) -> bool {
        asset
            .lay
            .iter()
            .rfind(|(from, _)| *from <= year && asset.ends.is_none_or(|ends| year < ends))
            .is_some_and(|(_, region)| self.holds(region, asset.unit))
    }

    /// Ever: some version of it lies there.
    fn reads(&self, asset: &Asset) -> bool {
        asset.lay.iter().any(|(_, region)| self.holds(region, asset.unit))
    }

    fn edits(&self, asset: &Asset) -> bool {
        // A moved one is not all in anybody's part but from now on, and one that is no more is nobody's to edit: they are
        // asked about in tests of their own.
        let now = asset.lay.last().unwrap().1;
        self.holds(now, asset.unit) && self.level.is_none_or(|level| level == asset.level)
    }
}

/// In which the registry is asked; today is in the last.
const YEARS: [(&str, i32); 2] = [("2022-06-01", 2022), ("2026-11-21", 2026)];

struct World {
    app: Router,
    state: AppState,
    assets: Vec<Asset>,
    /// What lies in a place or is a unit's without being an asset: inspections, stocktakings, filings.
    others: Vec<Asset>,
    /// The units' and the regions' ids, the latter by their codes.
    units: Vec<String>,
    regions: BTreeMap<&'static str, String>,
    /// The policy by which all leases were applied for.
    relief_policy: String,
    tokens: BTreeMap<String, String>,
}

fn ids(page: &Value, field: &str) -> BTreeSet<String> {
    let items = page["items"]
        .as_array()
        .or_else(|| page["features"].as_array())
        .unwrap();
    items
        .iter()
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

fn of<'a>(assets: impl Iterator<Item = &'a Asset>) -> BTreeSet<String> {
    assets.map(|asset| asset.id.clone()).collect()
}

fn hanging<'a>(assets: impl Iterator<Item = &'a Asset>, path: &str) -> BTreeSet<String> {
    assets
        .flat_map(|asset| {
            asset
                .hangs
                .iter()
                .chain(&asset.told)
                .filter(|(at, _)| *at == path)
                .map(|(_, id)| id.clone())
        })
        .collect()
}
