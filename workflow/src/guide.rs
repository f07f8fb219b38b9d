//! The guide of a procedure (办事指南): its materials and its steps, out of the steps that the procedure has.

use std::fmt::Write as _;

use crate::definition::{Count, Deadline, Definition, Label, Transition, Word};

/// A document of the guide (申请材料).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Material<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// What it is called.
    pub label: &'a Label,
    /// Does a step of the straight way need it (必须)? Else it may be brought (可选).
    pub required: bool,
}

/// A step of the guide (审批程序).
#[derive(Debug, Clone, Copy)]
pub struct GuideStep<'a, G, E> {
    /// The transition.
    pub transition: &'a Transition<G, E>,
    /// How long the case may wait for it.
    pub deadline: Option<&'a Deadline>,
}

impl<G: Word, E: Word> Definition<G, E> {
    /// Does a transition lead along the straight way? What is aside, as a refusal, is no part of a guide.
    fn is_straight(&self, transition: &Transition<G, E>) -> bool {
        let is_aside = |state: &str| self.state(state).is_some_and(|state| state.aside);
        let place = |state: &str| self.states.iter().position(|one| one.id == state);
        !is_aside(&transition.to)
            && transition
                .from
                .iter()
                .any(|from| !is_aside(from) && place(from) < place(&transition.to))
    }

    /// The documents of the straight way in the order of its steps, then those that may be brought.
    pub fn materials(&self) -> impl Iterator<Item = Material<'_>> {
        let mut required: Vec<&str> = Vec::new();
        for step in self.guide_steps() {
            for kind in &step.transition.documents {
                if !required.contains(&kind.as_str()) {
                    required.push(kind);
                }
            }
        }
        let optional: Vec<&str> = self
            .document_kinds
            .keys()
            .map(String::as_str)
            .filter(|kind| !required.contains(kind))
            .collect();
        let optional = optional.into_iter().map(|kind| (kind, false));
        let all: Vec<(&str, bool)> = required.into_iter().map(|kind| (kind, true)).chain(optional).collect();
        all.into_iter().filter_map(|(kind, required)| {
            let (kind, label) = self.document_kinds.get_key_value(kind)?;
            Some(Material { kind, label, required })
        })
    }

    /// The steps of the straight way, in its order.
    pub fn guide_steps(&self) -> impl Iterator<Item = GuideStep<'_, G, E>> {
        self.transitions
            .iter()
            .filter(|transition| self.is_straight(transition))
            .map(|transition| GuideStep {
                transition,
                deadline: transition
                    .from
                    .iter()
                    .filter_map(|from| self.state(from))
                    .find_map(|state| state.deadline.as_ref()),
            })
    }

    /// The five parts of the guide, in Chinese with English beside.
    pub(crate) fn write_guide(&self, page: &mut String) {
        let Some(guide) = &self.guide else {
            return;
        };
        let both = |label: &Label| format!("{} / {}", label.zh, label.en);
        let _ = write!(
            page,
            "\n## 办事指南 Guide\n\n**适用范围 Scope**: {}\n",
            both(&guide.scope)
        );
        for (title, labels) in [
            ("办理依据 Basis", &guide.basis),
            ("申请条件 Conditions", &guide.conditions),
        ] {
            let _ = write!(page, "\n**{title}**\n\n");
            for label in labels {
                let _ = writeln!(page, "- {}", both(label));
            }
        }
        page.push_str("\n**申请材料 Materials**\n\n");
        for material in self.materials() {
            let must = if material.required {
                "必须 required"
            } else {
                "可选 optional"
            };
            let _ = writeln!(page, "- {} ({must})", both(material.label));
        }
        page.push_str("\n**审批程序 Procedure**\n\n");
        for (at, step) in self.guide_steps().enumerate() {
            let days = step.deadline.map(|deadline| match deadline.count {
                Count::Working => format!(", {} 个工作日 working days", deadline.days),
                Count::Calendar => format!(", {} 天 days", deadline.days),
            });
            let _ = writeln!(
                page,
                "{}. {} / {} ({}{})",
                at + 1,
                step.transition.zh,
                step.transition.en,
                step.transition.roles.join(", "),
                days.unwrap_or_default()
            );
        }
    }
}
