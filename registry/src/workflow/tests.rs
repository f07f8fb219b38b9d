//! The definition that the program carries, and definitions that don't fit together.

use super::{Definition, markdown, title_case};

#[test]
fn the_documentation_says_what_the_definition_says() {
    let page = markdown(title_case().unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/user/title-cases.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &page).unwrap();
    }
    let held = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        held == page,
        "docs/user/title-cases.md is out of date: run this test with INSTA_UPDATE=always"
    );
}

#[test]
fn every_step_of_the_procedure_is_there() {
    let definition = title_case().unwrap();
    for (from, to) in [
        ("surveyed", "classified"),
        ("classified", "collecting"),
        ("classified", "return_talks"),
        ("classified", "kept"),
        ("collecting", "ready"),
        ("collecting", "filing_draft"),
        ("return_talks", "clearing"),
        ("return_talks", "return_approved"),
        ("return_talks", "filing_draft"),
        ("clearing", "return_approved"),
        ("return_approved", "ready"),
        ("ready", "submitted"),
        ("submitted", "accepted"),
        ("submitted", "supplement"),
        ("submitted", "refused_intake"),
        ("supplement", "submitted"),
        ("accepted", "reviewing"),
        ("reviewing", "recorded"),
        ("reviewing", "rejected"),
        ("reviewing", "supplement"),
        ("rejected", "collecting"),
        ("rejected", "filing_draft"),
        ("withdrawn", "collecting"),
        ("recorded", "certified"),
        ("certified", "archived"),
        ("filing_draft", "filing_review"),
        ("filing_review", "filed"),
        ("filing_review", "collecting"),
        ("filed", "collecting"),
        ("kept", "archived"),
    ] {
        let there = definition
            .transitions
            .iter()
            .any(|transition| transition.to == to && transition.from.iter().any(|state| state == from));
        assert!(there, "{from} → {to}");
    }
    // Once recorded, nothing is withdrawn.
    assert!(
        definition
            .leaving("recorded", None)
            .all(|transition| transition.to != "withdrawn")
    );
}

#[test]
fn a_definition_that_does_not_fit_together_is_refused() {
    let whole = |states: &str, transitions: &str| {
        format!("id = \"x\"\nzh = \"x\"\nen = \"x\"\ninitial = \"a\"\nstates = [{states}]\n{transitions}")
    };
    let state = |id: &str, end: bool| format!("{{ id = \"{id}\", zh = \"x\", en = \"x\", end = {end} }},");
    let step = |id: &str, from: &str, to: &str, rest: &str| {
        format!(
            "[[transitions]]\nid = \"{id}\"\nfrom = [\"{from}\"]\nto = \"{to}\"\nzh = \"x\"\nen = \"x\"\nroles = [\"r\"]\n{rest}\n"
        )
    };
    let (a, b) = (state("a", false), state("b", true));
    assert!(Definition::read("x", &whole(&format!("{a}{b}"), &step("t", "a", "b", ""))).is_ok());
    for (text, words) in [
        (whole(&format!("{a}{a}"), ""), "twice"),
        (whole(&a, &step("t", "a", "c", "")), "names the state c"),
        (
            whole(
                &format!("{a}{b}"),
                &format!("{}{}", step("t", "a", "b", ""), step("t", "a", "b", "")),
            ),
            "transition t is there twice",
        ),
        (
            whole(
                &format!("{a}{b}"),
                &format!("{}{}", step("t", "a", "b", ""), step("u", "b", "a", "")),
            ),
            "which is an end",
        ),
        (
            whole(&format!("{a}{b}"), &step("t", "a", "a", "")),
            "nothing leads to the state b",
        ),
        (
            whole(&format!("{a}{}", state("c", false)), &step("t", "a", "c", "")),
            "to an end",
        ),
        (
            whole(&format!("{a}{b}"), &step("t", "a", "b", "guards = [\"be_lucky\"]")),
            "unknown variant",
        ),
        (
            whole(&format!("{a}{b}"), &step("t", "a", "b", "effects = [\"delete\"]")),
            "unknown variant",
        ),
        (
            whole(
                &format!("{a}{b}"),
                &format!(
                    "{}\n[[documents]]\nregistration_type = \"100\"\nrequired = [\"x\"]",
                    step("t", "a", "b", "")
                ),
            ),
            "has no name",
        ),
    ] {
        let refused = Definition::read("x", &text).unwrap_err();
        assert!(refused.reason.contains(words), "{words}: {refused}");
    }
}
