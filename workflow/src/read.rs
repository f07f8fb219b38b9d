//! Reading a definition: whatever doesn't fit together is refused by name.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::definition::{Definition, DefinitionRefused, Vocabulary, Word};
use crate::model;

impl<G: Word, E: Word> Definition<G, E> {
    /// Reads and checks a definition: its words, its ways, and by exhaustive search what it forbids.
    ///
    /// # Errors
    /// The first thing that doesn't fit together.
    pub fn read(name: &str, text: &str, known: Vocabulary<'_>) -> Result<Self, DefinitionRefused> {
        let wrong = |reason: String| DefinitionRefused {
            workflow: name.to_owned(),
            reason,
        };
        let mut definition: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        text.clone_into(&mut definition.text);
        definition.sha256 = Sha256::digest(text.as_bytes()).into();
        definition.check_words(known).map_err(wrong)?;
        definition.check_ways().map_err(wrong)?;
        model::search(&definition).map_err(|fault| wrong(fault.to_string()))?;
        Ok(definition)
    }

    fn check_words(&self, known: Vocabulary<'_>) -> Result<(), String> {
        let states = once(self.states.iter().map(|state| &state.id), "the state")?;
        let routes = once(self.routes.iter().map(|route| &route.id), "the route")?;
        let transitions = once(
            self.transitions.iter().map(|transition| &transition.id),
            "the transition",
        )?;
        let state = |state: &str, whose: &str| is_there(&states, state, "state", whose);
        let on =
            |named: &[String], whose: &str| named.iter().try_for_each(|one| is_there(&routes, one, "route", whose));
        let role = |role: &str, whose: &str| match known.roles.contains(&role) {
            true => Ok(()),
            false => Err(format!("{whose} names the role {role}, which there is not")),
        };
        let papers = |named: &[String]| match named.iter().find(|paper| !self.document_kinds.contains_key(*paper)) {
            None => Ok(()),
            Some(document) => Err(format!("the document {document} has no name")),
        };
        state(&self.initial, "the beginning")?;
        if let Some(guide) = &self.guide
            && (guide.basis.is_empty() || guide.conditions.is_empty())
        {
            return Err("the guide says nothing of its basis or its conditions".to_owned());
        }
        for one in &self.states {
            on(&one.routes, &one.id)?;
            if let Some(record) = one
                .records
                .iter()
                .find(|record| !known.records.contains(&record.as_str()))
            {
                return Err(format!("{} takes the record {record}, which there is not", one.id));
            }
            if let Some(deadline) = &one.deadline {
                if deadline.days == 0 {
                    return Err(format!("the deadline of {} has no days", one.id));
                }
                deadline.escalate.iter().try_for_each(|to| role(&to.role, &one.id))?;
            }
        }
        for route in &self.routes {
            papers(&route.documents)?;
        }
        for one in &self.transitions {
            if one.from.is_empty() || one.roles.is_empty() {
                return Err(format!(
                    "the transition {} has no state it leaves, or nobody who may",
                    one.id
                ));
            }
            state(&one.to, &one.id)?;
            for from in &one.from {
                state(from, &one.id)?;
                if self.is_end(from) {
                    return Err(format!("the transition {} leaves {from}, which is an end", one.id));
                }
            }
            on(&one.routes, &one.id)?;
            one.roles.iter().try_for_each(|name| role(name, &one.id))?;
            papers(&one.documents)?;
            one.voids
                .iter()
                .try_for_each(|void| is_there(&transitions, void, "transition", &one.id))?;
            if one.chooses_route && self.routes.is_empty() {
                return Err(format!("{} chooses a route, and there is none", one.id));
            }
        }
        for list in &self.documents {
            papers(&list.required)?;
            papers(&list.with_building)?;
            papers(&list.allocated)?;
            papers(&list.with_split)?;
        }
        for one in &self.forbidden {
            state(&one.state, "what is forbidden")?;
            on(&one.routes, "what is forbidden")?;
            one.without
                .iter()
                .try_for_each(|without| is_there(&transitions, without, "transition", "what is forbidden"))?;
        }
        Ok(())
    }

    /// Every state is reached, every transition and route is of use, and from wherever a case can stand, on whichever
    /// route, a way leads to an end.
    fn check_ways(&self) -> Result<(), String> {
        let ways = model::ways(self);
        let reached: BTreeSet<&str> = ways.iter().map(|place| place.state).collect();
        if let Some(lost) = self.states.iter().find(|state| !reached.contains(state.id.as_str())) {
            return Err(format!("nothing leads to the state {}", lost.id));
        }
        if let Some(idle) = self.transitions.iter().find(|transition| {
            !ways
                .iter()
                .any(|place| transition.from.iter().any(|from| from == place.state) && transition.is_for(place.route))
        }) {
            return Err(format!("the transition {} can never be taken", idle.id));
        }
        let ending = model::ending(self, &ways);
        if let Some(trap) = ways.iter().find(|place| !ending.contains(*place)) {
            let on = trap
                .route
                .map(|route| format!(" on the route {route}"))
                .unwrap_or_default();
            return Err(format!("no way leads from the state {} to an end{on}", trap.state));
        }
        Ok(())
    }
}

fn once<'a>(names: impl Iterator<Item = &'a String>, what: &str) -> Result<BTreeSet<&'a str>, String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.as_str()) {
            return Err(format!("{what} {name} is there twice"));
        }
    }
    Ok(seen)
}

fn is_there(names: &BTreeSet<&str>, name: &str, what: &str, whose: &str) -> Result<(), String> {
    match names.contains(name) {
        true => Ok(()),
        false => Err(format!("{whose} names the {what} {name}, which there is not")),
    }
}
