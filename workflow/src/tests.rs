//! Definitions that don't fit together, the search through them, and clocks.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use time::macros::date;
use time::{Date, Duration};

use crate::model::{self, ModelFault, Place};
use crate::step::{Asked, Standing, StepRefused, may_withdraw, step};
use crate::{Clock, ClockRefused, Count, Due, Vocabulary, days_after};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Guard {
    ReasonGiven,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    NoteIt,
}

fn weekend(day: Date) -> bool {
    matches!(day.weekday(), time::Weekday::Saturday | time::Weekday::Sunday)
}

type Definition = crate::Definition<Guard, Effect>;

fn read(text: &str) -> Result<Definition, crate::DefinitionRefused> {
    let known = Vocabulary {
        roles: &["r", "second"],
        records: &["note"],
    };
    Definition::read("x", text, known)
}

fn state(id: &str, rest: &str) -> String {
    format!("{{ id = \"{id}\", zh = \"{id}\", en = \"{id}\"{rest} }},")
}

fn step_of(id: &str, from: &str, to: &str, rest: &str) -> String {
    format!(
        "[[transitions]]\nid = \"{id}\"\nfrom = [\"{from}\"]\nto = \"{to}\"\nzh = \"x\"\nen = \"x\"\nroles = [\"r\"]\n{rest}\n"
    )
}

fn whole(states: &str, rest: &str) -> String {
    format!("id = \"x\"\nzh = \"x\"\nen = \"x\"\ninitial = \"a\"\nstates = [{states}]\n{rest}")
}

#[test]
fn a_definition_that_does_not_fit_together_is_refused() {
    let (a, b) = (state("a", ""), state("b", ", end = true"));
    let ab = format!("{a}{b}");
    let t = step_of("t", "a", "b", "");
    assert!(read(&whole(&ab, &t)).is_ok());
    let route = |id: &str| format!("[[routes]]\nid = \"{id}\"\nzh = \"x\"\nen = \"x\"\n");
    for (text, words) in [
        (whole(&format!("{a}{a}"), ""), "the state a is there twice"),
        (whole(&a, &step_of("t", "a", "c", "")), "names the state c"),
        (whole(&ab, &format!("{t}{t}")), "transition t is there twice"),
        (
            whole(&ab, &format!("{t}{}", step_of("u", "b", "a", ""))),
            "which is an end",
        ),
        (whole(&ab, &step_of("t", "a", "a", "")), "nothing leads to the state b"),
        (
            whole(&format!("{a}{}", state("c", "")), &step_of("t", "a", "c", "")),
            "to an end",
        ),
        (
            whole(&ab, &step_of("t", "a", "b", "guards = [\"be_lucky\"]")),
            "unknown variant",
        ),
        (
            whole(&ab, &step_of("t", "a", "b", "effects = [\"delete\"]")),
            "unknown variant",
        ),
        (whole(&ab, &step_of("t", "a", "b", "luck = true")), "unknown field"),
        (whole(&ab, &t.replace("\"r\"", "\"king\"")), "the role king"),
        (
            whole(&ab, &step_of("t", "a", "b", "documents = [\"letter\"]")),
            "the document letter has no name",
        ),
        (
            whole(&ab, &step_of("t", "a", "b", "routes = [\"north\"]")),
            "names the route north",
        ),
        (
            whole(&ab, &step_of("t", "a", "b", "chooses_route = true")),
            "chooses a route, and there is none",
        ),
        (
            whole(&ab, &step_of("t", "a", "b", "voids = [\"u\"]")),
            "names the transition u",
        ),
        (
            whole(&format!("{}{b}", state("a", ", records = [\"gold\"]")), &t),
            "the record gold",
        ),
        (
            whole(
                &format!("{}{b}", state("a", ", deadline = { days = 0, count = \"working\" }")),
                &t,
            ),
            "has no days",
        ),
        (
            whole(
                &format!(
                    "{}{b}",
                    state(
                        "a",
                        ", deadline = { days = 3, count = \"working\", escalate = [{ role = \"king\", days = 1 }] }"
                    )
                ),
                &t,
            ),
            "the role king",
        ),
        // A branch that can't end, though the states can.
        (
            whole(
                &format!("{a}{}{b}", state("c", "")),
                &format!(
                    "{}{}{}{}",
                    route("north"),
                    route("south"),
                    step_of("choose", "a", "c", "chooses_route = true"),
                    step_of("go", "c", "b", "routes = [\"north\"]")
                ),
            ),
            "no way leads from the state c to an end on the route south",
        ),
        // A step that nobody can ever take: it is for a route, and none is chosen before it.
        (
            whole(
                &ab,
                &format!(
                    "{}{t}{}",
                    route("north"),
                    step_of("go", "a", "b", "routes = [\"north\"]")
                ),
            ),
            "the transition go can never be taken",
        ),
    ] {
        let refused = read(&text).map(|_| ()).unwrap_err();
        assert!(refused.reason.contains(words), "{words}: {refused}");
    }
}

/// Proposed, approved, done; sent back from approved, with or without the approval being void.
fn with_approval(voids: &str) -> String {
    whole(
        &format!(
            "{}{}{}{}",
            state("a", ""),
            state("approved", ""),
            state("done", ", end = true"),
            state("back", "")
        ),
        &format!(
            "{}{}{}{}{}\n[[forbidden]]\nstate = \"done\"\nwithout = [\"approve\"]\nsource = \"art. 19\"\n",
            step_of("approve", "a", "approved", ""),
            step_of("send_back", "approved", "back", voids),
            step_of("again", "back", "a", ""),
            step_of("hurry", "back", "done", ""),
            step_of("finish", "approved", "done", ""),
        ),
    )
}

#[test]
fn the_search_finds_the_way_round_an_approval_and_names_its_steps() {
    assert!(
        read(&with_approval("")).is_ok(),
        "an approval that stands lets it be done"
    );
    let refused = read(&with_approval("voids = [\"approve\"]")).map(|_| ()).unwrap_err();
    assert_eq!(
        refused.reason,
        "approve → send_back → hurry leads to done without approve (art. 19)"
    );
}

#[test]
fn the_search_goes_everywhere_a_case_can_go() {
    let definition = read(&with_approval("")).unwrap();
    let places: BTreeSet<&str> = model::ways(&definition).into_iter().map(|place| place.state).collect();
    assert_eq!(places, BTreeSet::from(["a", "approved", "back", "done"]));
    assert!(model::search(&definition).unwrap().situations > 10);
    let standing = Place {
        state: "a",
        route: None,
    };
    assert_eq!(
        model::try_step(&definition, standing, "finish"),
        Err(StepRefused::NotFromHere {
            transition: "finish".to_owned(),
            from: vec!["approved".to_owned()],
            state: "a".to_owned()
        })
    );
}

#[test]
fn too_much_to_search_is_said_and_not_skipped() {
    let steps: Vec<String> = (0..61).map(|n| step_of(&format!("t{n}"), "a", "b", "")).collect();
    let names: Vec<String> = (0..61).map(|n| format!("\"t{n}\"")).collect();
    let text = whole(
        &format!("{}{}", state("a", ""), state("b", ", end = true")),
        &format!(
            "{}\n[[forbidden]]\nstate = \"b\"\nwithout = [{}]\nsource = \"x\"\n",
            steps.concat(),
            names.join(",")
        ),
    );
    let refused = read(&text).map(|_| ()).unwrap_err();
    assert!(
        refused.reason.contains(&ModelFault::TooMuch { count: 61 }.to_string()),
        "{refused}"
    );
}

const FULL: &str = r#"
id = "x"
zh = "程序"
en = "procedure"
initial = "a"
states = [
    { id = "a", zh = "甲", en = "a", deadline = { days = 5, count = "working", escalate = [{ role = "second", days = 3 }] } },
    { id = "north_only", zh = "乙", en = "b", routes = ["north"] },
    { id = "stopped", zh = "止", en = "stopped", aside = true, end = true },
    { id = "done", zh = "丙", en = "c", end = true },
]
[[routes]]
id = "north"
zh = "北"
en = "north"
documents = ["map"]
[[routes]]
id = "south"
zh = "南"
en = "south"
[[transitions]]
id = "choose"
from = ["a"]
to = "a"
zh = "选"
en = "choose"
roles = ["r"]
chooses_route = true
[[transitions]]
id = "go"
from = ["a"]
to = "north_only"
zh = "行"
en = "go"
roles = ["second"]
routes = ["north"]
four_eyes = true
decision = true
documents = ["letter"]
route_documents = true
guards = ["reason_given"]
effects = ["note_it"]
[[transitions]]
id = "stop"
from = ["a", "north_only"]
to = "stopped"
zh = "停"
en = "stop"
roles = ["r"]
[[transitions]]
id = "end"
from = ["north_only"]
to = "done"
zh = "完"
en = "end"
roles = ["r"]
[document_kinds]
letter = { zh = "函", en = "letter" }
map = { zh = "图", en = "map" }
"#;

#[test]
fn a_step_needs_its_place_its_route_its_person_its_papers_and_its_number() {
    let definition = read(FULL).unwrap();
    let papers: BTreeSet<String> = ["letter", "map"].map(ToOwned::to_owned).into();
    let standing = Standing {
        state: "a",
        route: Some("north"),
        documents: &papers,
        put_forward_by: Some("first"),
    };
    let asked = Asked {
        transition: "go",
        route: None,
        actor: "other",
        has_role: &|role| role == "second",
        decision: true,
    };
    let (transition, route) = step(&definition, standing, asked).unwrap();
    assert_eq!((transition.to.as_str(), route), ("north_only", Some("north")));
    let refused = |standing, asked| step(&definition, standing, asked).map(|_| ()).unwrap_err();
    let none = BTreeSet::new();
    assert!(matches!(
        refused(
            standing,
            Asked {
                transition: "fly",
                ..asked
            }
        ),
        StepRefused::Unknown { .. }
    ));
    assert!(matches!(
        refused(
            Standing {
                state: "north_only",
                ..standing
            },
            asked
        ),
        StepRefused::NotFromHere { .. }
    ));
    for route in [None, Some("south")] {
        assert!(matches!(
            refused(Standing { route, ..standing }, asked),
            StepRefused::NotOnThisRoute { .. }
        ));
    }
    assert!(matches!(
        refused(
            standing,
            Asked {
                has_role: &|role| role == "r",
                ..asked
            }
        ),
        StepRefused::NotTheirs { .. }
    ));
    assert_eq!(
        refused(
            standing,
            Asked {
                actor: "first",
                ..asked
            }
        ),
        StepRefused::FourEyes {
            put_forward_by: "first".to_owned()
        }
    );
    assert_eq!(
        refused(
            Standing {
                documents: &none,
                ..standing
            },
            asked
        ),
        StepRefused::DocumentsMissing {
            kinds: vec!["letter".to_owned(), "map".to_owned()]
        }
    );
    assert_eq!(
        refused(
            standing,
            Asked {
                decision: false,
                ..asked
            }
        ),
        StepRefused::DecisionMissing
    );
    let choosing = Asked {
        transition: "choose",
        has_role: &|_| true,
        ..asked
    };
    for route in [None, Some("west")] {
        assert!(matches!(
            refused(standing, Asked { route, ..choosing }),
            StepRefused::RouteUnknown { .. }
        ));
    }
    assert_eq!(
        step(
            &definition,
            standing,
            Asked {
                route: Some("south"),
                ..choosing
            }
        )
        .unwrap()
        .1,
        Some("south")
    );
    // What a step rested on stays.
    assert!(!may_withdraw(&definition, [("go", Some("north"))], "map"));
    assert!(may_withdraw(&definition, [("choose", Some("north"))], "map"));
}

#[test]
fn the_straight_way_the_diagram_and_the_digest_follow_the_file() {
    let definition = read(FULL).unwrap();
    let track = |route| {
        definition
            .track(route)
            .map(|state| state.id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(track(Some("north")), ["a", "north_only", "done"]);
    assert_eq!(track(Some("south")), ["a", "done"]);
    let diagram = definition.diagram();
    for line in [
        "[*] --> a",
        "a --> north_only: 行",
        "north_only --> stopped: 停",
        "stopped --> [*]",
        "state \"甲\" as a",
    ] {
        assert!(diagram.contains(line), "{line}: {diagram}");
    }
    assert!(definition.diagram_in_english().contains("a --> north_only: go"));
    let page = definition.markdown();
    for words in [
        "5 working days",
        "second after 3",
        "函 · those of the route · 文号",
        "reason_given",
        "a second person; only north",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(definition.text(), FULL);
    assert_eq!(definition.digest().len(), 64);
    assert_ne!(
        read(&FULL.replace("程序", "新程序")).unwrap().sha256(),
        definition.sha256()
    );
}

/// The Spring Festival of 2026: 15 to 23 February off, Saturday the 14th and Saturday the 28th worked.
fn is_working(day: Date) -> Option<bool> {
    if day.year() != 2026 {
        return None;
    }
    let is_off = (date!(2026 - 02 - 15)..=date!(2026 - 02 - 23)).contains(&day);
    let is_worked = [date!(2026 - 02 - 14), date!(2026 - 02 - 28)].contains(&day);
    Some(is_worked || !(weekend(day) || is_off))
}

#[test]
fn a_deadline_goes_round_the_spring_festival() {
    let due = |days, count| days_after(date!(2026 - 02 - 12), days, count, &is_working);
    // Friday 13, worked Saturday 14, then Tuesday 24.
    assert_eq!(due(3, Count::Working), Due::On(date!(2026 - 02 - 24)));
    // Calendar days that end on a day off end on the next working day (民法典 art. 203).
    assert_eq!(due(5, Count::Calendar), Due::On(date!(2026 - 02 - 24)));
    assert_eq!(due(2, Count::Calendar), Due::On(date!(2026 - 02 - 14)));
    assert_eq!(
        days_after(date!(2026 - 12 - 30), 3, Count::Working, &is_working),
        Due::NotPublished {
            year: 2027,
            not_before: date!(2027 - 01 - 04)
        }
    );
}

#[test]
fn a_clock_that_rests_keeps_its_days() {
    let mut clock = Clock {
        started_on: date!(2026 - 03 - 02),
        days: 5,
        count: Count::Working,
        pauses: Vec::new(),
    };
    assert_eq!(clock.due(&is_working), Due::On(date!(2026 - 03 - 09)));
    assert_eq!(clock.resume(date!(2026 - 03 - 03)), Err(ClockRefused::Runs));
    assert_eq!(clock.pause(date!(2026 - 03 - 01), "x"), Err(ClockRefused::TooEarly));
    clock.pause(date!(2026 - 03 - 04), "低于底价").unwrap();
    assert_eq!(clock.pause(date!(2026 - 03 - 05), "x"), Err(ClockRefused::Rests));
    assert_eq!(clock.due(&is_working), Due::Resting { left: 4 });
    assert_eq!(clock.resume(date!(2026 - 03 - 03)), Err(ClockRefused::TooEarly));
    clock.resume(date!(2026 - 03 - 18)).unwrap();
    assert!(!clock.rests());
    // One day was over; four are left from Wednesday 18 on, which counts.
    assert_eq!(clock.due(&is_working), Due::On(date!(2026 - 03 - 23)));
}

proptest! {
    /// A pause delays the end by the working days in it, no more and no less.
    #[test]
    fn a_pause_costs_its_own_working_days(start in 0_i64..200, days in 1_u32..30, after in 0_i64..40, length in 0_i64..40) {
        let first = date!(2026 - 01 - 05) + Duration::days(start);
        let always = |day: Date| Some(!weekend(day));
        let plain = Clock { started_on: first, days, count: Count::Working, pauses: Vec::new() };
        let (from, to) = (first + Duration::days(after), first + Duration::days(after + length));
        let mut paused = plain.clone();
        paused.pause(from, "x").unwrap();
        paused.resume(to).unwrap();
        let (Due::On(plain_due), Due::On(due)) = (plain.due(&always), paused.due(&always)) else { panic!("both have a day") };
        prop_assert!(due >= plain_due);
        let counted = |until: Date| {
            let mut day = first;
            let mut count = 0;
            while day < until {
                day += Duration::DAY;
                count += u32::from(always(day) == Some(true) && !(from <= day && day < to));
            }
            count
        };
        prop_assert_eq!(counted(due), days);
        if after > 0 && due < from { prop_assert_eq!(due, plain_due); }
    }
}

#[test]
fn a_guide_is_made_of_what_the_steps_say() {
    let states = format!(
        "{}{}{}{}",
        state("a", ", deadline = { days = 7, count = \"working\" }"),
        state("b", ""),
        state("c", ", end = true"),
        state("no", ", end = true, aside = true")
    );
    let steps = [
        step_of("ask", "a", "b", "documents = [\"letter\"]"),
        step_of("end", "b", "c", ""),
        step_of("again", "b", "a", ""),
        step_of("refuse", "a", "no", "documents = [\"reasons\"]"),
    ]
    .concat();
    let kinds =
        "[document_kinds]\nletter = { zh = \"信\", en = \"letter\" }\nreasons = { zh = \"理由\", en = \"reasons\" }\n";
    let guide = "[guide]\nscope = { zh = \"范围\", en = \"scope\" }\nbasis = [{ zh = \"法\", en = \"law\" }]\nconditions = [{ zh = \"须\", en = \"must\" }]\n";
    let text = whole(&states, &format!("subject = \"unit\"\n{steps}{guide}{kinds}"));
    let definition = read(&text).unwrap();
    assert_eq!(definition.subject, crate::Subject::Unit);
    // A step back and a refusal are no part of the way that applicants are told.
    let way: Vec<&str> = definition
        .guide_steps()
        .map(|step| step.transition.id.as_str())
        .collect();
    assert_eq!(way, ["ask", "end"]);
    assert_eq!(definition.guide_steps().next().unwrap().deadline.unwrap().days, 7);
    let materials: Vec<(&str, bool)> = definition.materials().map(|one| (one.kind, one.required)).collect();
    assert_eq!(materials, [("letter", true), ("reasons", false)]);
    let page = definition.markdown();
    for part in [
        "适用范围",
        "办理依据",
        "申请条件",
        "申请材料",
        "审批程序",
        "信 / letter (必须 required)",
        "7 个工作日",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // One without its basis is refused, one without any guide is none.
    let refused = read(&text.replace("basis = [{ zh = \"法\", en = \"law\" }]", "basis = []")).unwrap_err();
    assert!(refused.reason.contains("the guide says nothing"), "{refused}");
    assert!(!read(&text.replace(guide, "")).unwrap().markdown().contains("办事指南"));
}
