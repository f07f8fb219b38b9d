//! What a caller may see of the map: how far their grants reach, as the set of scopes that the engine lets through.
//!
//! A scope of the engine is a region together with a unit: of all features that share both, either all are seen or none.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tiles::{ScopeFilter, ScopeId, Word};
use uuid::Uuid;

use crate::ids::UnitId;
use crate::request::{Caller, Permission, Scope};

/// Filters kept: one for each different set of rights that is in use.
const FILTERS_KEPT: u64 = 10_000;

/// A part of the registry that may be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Part {
    /// What the codes of its regions begin with; none is every region, and what has none.
    region: Option<String>,
    /// The one unit; none is every unit, and what has none.
    unit: Option<UnitId>,
}

impl Part {
    fn lets_through(&self, region: Option<&str>, unit: Option<UnitId>) -> bool {
        let in_region = match &self.region {
            None => true,
            Some(first) => region.is_some_and(|region| region.starts_with(first.as_str())),
        };
        in_region && (self.unit.is_none() || self.unit == unit)
    }

    /// Is all of another part in this one?
    fn holds(&self, other: &Self) -> bool {
        self.lets_through(other.region.as_deref(), other.unit)
    }
}

/// What somebody may read. The same rights are the same value, however they were granted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Visible {
    /// The whole registry.
    Everything,
    /// These parts, none of which lies in another; may be none at all.
    Parts(Arc<[Part]>),
}

impl Visible {
    /// What a caller may read.
    pub fn to(caller: &Caller) -> Self {
        Self::by(&caller.scope)
    }

    /// Levels do not narrow what is read.
    fn by(scope: &Scope) -> Self {
        if scope.holds_everywhere(Permission::ReadRegistry) {
            return Self::Everything;
        }
        let mut parts: Vec<Part> = scope
            .reaches(Permission::ReadRegistry)
            .map(|reach| Part {
                region: reach.region.clone(),
                unit: reach.unit,
            })
            .collect();
        parts.sort_unstable();
        parts.dedup();
        let all = parts.clone();
        parts.retain(|part| !all.iter().any(|other| other != part && other.holds(part)));
        Self::Parts(parts.into())
    }

    /// What tells these rights from others in the tag of an answer; nothing for the whole registry.
    pub fn tag(&self) -> String {
        let Self::Parts(parts) = self else {
            return String::new();
        };
        let mut bytes = Sha256::new();
        for part in &**parts {
            let region = part.region.as_deref().unwrap_or_default();
            let unit = part.unit.map(|unit| unit.to_string()).unwrap_or_default();
            // Neither a code nor an id holds a blank.
            bytes.update(format!("{region} {unit} "));
        }
        format!("-s{}", hex::encode(&bytes.finalize()[..8]))
    }
}

/// The scopes of features, numbered as they come, and the filters made of them.
#[derive(Debug)]
pub(super) struct Scopes {
    known: RwLock<Known>,
    /// With how many scopes were known when it was made.
    filters: Cache<Visible, (usize, ScopeFilter)>,
}

#[derive(Debug, Default)]
struct Known {
    /// By the region's word in the features' dictionary, which is quicker to compare than its text.
    numbers: HashMap<(Word, Option<Uuid>), ScopeId>,
    /// The region's code and the unit of each.
    places: Vec<(Option<Arc<str>>, Option<UnitId>)>,
}

impl Default for Scopes {
    fn default() -> Self {
        Self {
            known: RwLock::default(),
            filters: Cache::new(FILTERS_KEPT),
        }
    }
}

impl Scopes {
    /// The scope of a feature; `word` is the region's in the one dictionary of all features that are asked about here.
    pub fn of(&self, region: Option<&str>, word: Word, unit: Option<Uuid>) -> ScopeId {
        let key = (word, unit);
        if let Some(number) = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .numbers
            .get(&key)
        {
            return *number;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(&key) {
            return *number;
        }
        // There are no four billion pairs of a region and a unit in any memory.
        let number = ScopeId(u32::try_from(known.places.len()).unwrap_or(u32::MAX));
        known.places.push((region.map(Arc::from), unit.map(UnitId)));
        known.numbers.insert(key, number);
        number
    }

    /// What the engine lets through for somebody, of all scopes known by now.
    pub fn filter(&self, visible: &Visible) -> ScopeFilter {
        let Visible::Parts(parts) = visible else {
            return ScopeFilter::All;
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, filter)) = self.filters.get(visible)
            && count == known.places.len()
        {
            return filter;
        }
        let filter = ScopeFilter::only((0..).zip(&known.places).filter_map(|(number, (region, unit))| {
            parts
                .iter()
                .any(|part| part.lets_through(region.as_deref(), *unit))
                .then_some(ScopeId(number))
        }));
        self.filters
            .insert(visible.clone(), (known.places.len(), filter.clone()));
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Reach;

    fn reach(region: &str, level: Option<&str>, unit: Option<u128>) -> (Permission, Reach) {
        (
            Permission::ReadRegistry,
            Reach {
                region: (region != "all").then(|| region.to_owned()),
                level: level.map(str::to_owned),
                unit: unit.map(|unit| UnitId(Uuid::from_u128(unit))),
            },
        )
    }

    fn visible(held: &[(Permission, Reach)]) -> Visible {
        Visible::by(&Scope::new(held.to_vec()))
    }

    #[test]
    fn the_same_rights_are_one_however_they_were_granted() {
        let county = visible(&[reach("320412", None, None)]);
        for same in [
            vec![reach("320412", Some("county"), None)],
            vec![reach("320412", None, None), reach("320412", Some("city"), None)],
            vec![reach("320412", None, None), reach("320412001", None, None)],
            vec![reach("320412", None, Some(1)), reach("320412", None, None)],
        ] {
            assert_eq!(visible(&same), county, "{same:?}");
            assert_eq!(visible(&same).tag(), county.tag());
        }
        for other in [
            vec![],
            vec![reach("320411", None, None)],
            vec![reach("3204", None, None)],
            vec![reach("320412", None, Some(1))],
            vec![reach("320412", None, None), reach("all", None, Some(1))],
            vec![(Permission::ExportRegistry, reach("320412", None, None).1)],
        ] {
            assert_ne!(visible(&other), county, "{other:?}");
            assert_ne!(visible(&other).tag(), county.tag(), "{other:?}");
        }
        // A level narrows what is edited and not what is read.
        assert_eq!(visible(&[reach("all", Some("county"), None)]), Visible::Everything);
        assert_eq!(Visible::Everything.tag(), "");
    }

    #[test]
    fn a_scope_is_let_through_by_its_region_and_its_unit() {
        let dictionary = tiles::Dictionary::new();
        let scopes = Scopes::default();
        let number = |region: &str, unit: Option<u128>| {
            let unit = unit.map(Uuid::from_u128);
            scopes.of((!region.is_empty()).then_some(region), dictionary.intern(region), unit)
        };
        let [nowhere, contact, east, west, west_contact] = [
            number("", None),
            number("", Some(1)),
            number("320412001", Some(2)),
            number("320411", None),
            number("320411", Some(1)),
        ];
        assert_eq!(number("320411", Some(1)), west_contact);
        let all = [nowhere, contact, east, west, west_contact];
        let check = |held: &[(Permission, Reach)], wanted: &[ScopeId]| {
            let filter = scopes.filter(&visible(held));
            let seen: Vec<ScopeId> = all.iter().copied().filter(|scope| filter.allows(*scope)).collect();
            assert_eq!(seen, wanted, "{held:?}");
        };
        check(&[], &[]);
        check(&[reach("all", None, None)], &all);
        check(&[reach("3204", None, None)], &[east, west, west_contact]);
        check(&[reach("320412", None, None)], &[east]);
        check(&[reach("all", None, Some(1))], &[contact, west_contact]);
        check(&[reach("320411", None, Some(1))], &[west_contact]);
        check(&[reach("320412", None, Some(1))], &[]);
        check(
            &[reach("320412", None, None), reach("all", None, Some(1))],
            &[contact, east, west_contact],
        );
        // A scope that comes later is known to filters asked for later.
        let later = scopes.of(Some("320412002"), dictionary.intern("320412002"), None);
        assert!(scopes.filter(&visible(&[reach("320412", None, None)])).allows(later));
        assert!(!scopes.filter(&visible(&[reach("320411", None, None)])).allows(later));
    }
}
