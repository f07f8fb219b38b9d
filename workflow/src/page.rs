//! A definition as a page of the documentation, with its diagram.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::definition::{Count, Definition, Label, Word, word};

/// In which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum In {
    Chinese,
    English,
}

impl<G: Word, E: Word> Definition<G, E> {
    /// The diagram, as Mermaid's `stateDiagram-v2`, with Chinese names.
    #[must_use]
    pub fn diagram(&self) -> String {
        self.draw(In::Chinese)
    }

    /// The diagram with English names.
    #[must_use]
    pub fn diagram_in_english(&self) -> String {
        self.draw(In::English)
    }

    fn draw(&self, language: In) -> String {
        let mut text = "stateDiagram-v2\n".to_owned();
        for state in &self.states {
            let name = if language == In::Chinese { &state.zh } else { &state.en };
            let _ = writeln!(text, "    state \"{name}\" as {}", state.id);
        }
        let _ = writeln!(text, "    [*] --> {}", self.initial);
        for transition in &self.transitions {
            let name = if language == In::Chinese {
                &transition.zh
            } else {
                &transition.en
            };
            for from in &transition.from {
                let _ = writeln!(text, "    {from} --> {}: {name}", transition.to);
            }
        }
        for state in self.states.iter().filter(|state| state.end) {
            let _ = writeln!(text, "    {} --> [*]", state.id);
        }
        text
    }

    /// The whole definition as a page.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "# {} {}\n\nMade from `registry/workflows/{}.toml`; a test fails when the two differ.\n",
            self.zh, self.en, self.id
        );
        let _ = write!(page, "\n```mermaid\n{}```\n", self.diagram());
        self.write_guide(&mut page);
        self.write_routes(&mut page);
        self.write_states(&mut page);
        self.write_transitions(&mut page);
        self.write_lists(&mut page);
        self.write_forbidden(&mut page);
        page
    }

    fn names(&self, documents: &[String]) -> String {
        let names: Vec<&str> = documents
            .iter()
            .filter_map(|document| self.document_kinds.get(document))
            .map(|Label { zh, .. }| zh.as_str())
            .collect();
        names.join(" · ")
    }

    fn write_routes(&self, page: &mut String) {
        if self.routes.is_empty() {
            return;
        }
        page.push_str("\n## Routes\n\n| route | 中文 | English | documents | source |\n|---|---|---|---|---|\n");
        for route in &self.routes {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} |",
                route.id,
                route.zh,
                route.en,
                self.names(&route.documents),
                route.source.as_deref().unwrap_or_default()
            );
        }
    }

    fn write_states(&self, page: &mut String) {
        let has_deadlines = self.states.iter().any(|state| state.deadline.is_some());
        let (head, rule) = if has_deadlines {
            (" deadline | then |", "---|---|")
        } else {
            ("", "")
        };
        let _ = write!(
            page,
            "\n## States\n\n| state | 中文 | leaves to |{head}\n|---|---|---|{rule}\n"
        );
        for state in &self.states {
            let to: BTreeSet<&str> = self
                .leaving_any(&state.id)
                .map(|transition| transition.to.as_str())
                .collect();
            let to = if state.end {
                "(end)".to_owned()
            } else {
                to.into_iter().collect::<Vec<_>>().join(" · ")
            };
            let _ = write!(page, "| `{}` | {} | {to} |", state.id, state.zh);
            if has_deadlines {
                let days = state.deadline.as_ref().map(|deadline| {
                    let kind = match deadline.count {
                        Count::Working => "working days",
                        Count::Calendar => "days",
                    };
                    let then: Vec<String> = deadline
                        .escalate
                        .iter()
                        .map(|to| format!("{} after {}", to.role, to.days))
                        .collect();
                    (format!("{} {kind}", deadline.days), then.join(", "))
                });
                let (days, then) = days.unwrap_or_default();
                let _ = write!(page, " {days} | {then} |");
            }
            page.push('\n');
        }
    }

    fn write_transitions(&self, page: &mut String) {
        page.push_str("\n## Transitions\n\n| transition | 中文 | from → to | who | guards | effects | documents | source |\n|---|---|---|---|---|---|---|---|\n");
        for transition in &self.transitions {
            let guards: Vec<String> = transition.guards.iter().map(word).collect();
            let effects: Vec<String> = transition.effects.iter().map(word).collect();
            let mut who = transition.roles.join(", ");
            if transition.four_eyes {
                who.push_str(", a second person");
            }
            if !transition.routes.is_empty() {
                let _ = write!(who, "; only {}", transition.routes.join(", "));
            }
            let mut papers = self.names(&transition.documents);
            for (given, words) in [
                (transition.route_documents, "those of the route"),
                (transition.decision, "文号"),
            ] {
                if given {
                    let between = if papers.is_empty() { "" } else { " · " };
                    let _ = write!(papers, "{between}{words}");
                }
            }
            let _ = writeln!(
                page,
                "| `{}` | {} | {} → {} | {who} | {} | {} | {papers} | {} |",
                transition.id,
                transition.zh,
                transition.from.join(" · "),
                transition.to,
                guards.join(", "),
                effects.join(", "),
                transition.source.as_deref().unwrap_or_default()
            );
        }
    }

    fn write_lists(&self, page: &mut String) {
        if self.documents.is_empty() {
            return;
        }
        page.push_str(
            "\n## Documents\n\n| registration type | always | with a building | on allocated land | to split or merge |\n|---|---|---|---|---|\n",
        );
        for list in &self.documents {
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {} |",
                list.registration_type,
                self.names(&list.required),
                self.names(&list.with_building),
                self.names(&list.allocated),
                self.names(&list.with_split)
            );
        }
    }

    fn write_forbidden(&self, page: &mut String) {
        if self.forbidden.is_empty() {
            return;
        }
        page.push_str(
            "\n## What can't happen\n\nSearched through exhaustively whenever the program starts.\n\n| to stand in | on | without | source |\n|---|---|---|---|\n",
        );
        for one in &self.forbidden {
            let on = if one.routes.is_empty() {
                "any route".to_owned()
            } else {
                one.routes.join(", ")
            };
            let _ = writeln!(
                page,
                "| `{}` | {on} | {} | {} |",
                one.state,
                one.without.join(" or "),
                one.source
            );
        }
    }
}
