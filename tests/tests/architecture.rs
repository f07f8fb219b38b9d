//! Who may use whom: what ARCHITECTURE.md says of the code's layers, held against the sources themselves.
//!
//! The files are read as text, not as Rust: `use` lines, and paths that begin with `crate::` or `super::`. What only
//! tests use is no part of the architecture.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `registry/src` from the top down, as in the table of ARCHITECTURE.md. Within a row each may use
/// the others.
const LAYERS: &[&[&str]] = &[
    &["main", "lib", "commands"],
    &["http"],
    &["ogc"],
    &["map_layers"],
    &["demo_city"],
    &["imports"],
    &["tasks"],
    &["calendar_notices"],
    &["inspections"],
    &["policy_cases"],
    &["housing_tenancies"],
    &["idle_space", "leases", "rent_relief", "stocktakings"],
    &["exports"],
    &["utilisation"],
    &["checks"],
    &["search", "totals", "occupancies"],
    &["people"],
    &["space"],
    &["title_cases", "idle_records"],
    &["successions"],
    &[
        "titles",
        "rights",
        "rooms",
        "occupants",
        "use_agreements",
        "meters",
        "use_filings",
        "spatial_units",
        "units",
        "regions",
        "approval_thresholds",
    ],
    &["documents"],
    // What the nouns have in common.
    &["versioned", "tree"],
    &["procedures", "working_days"],
    &["case_stages"],
    &["unit_code"],
    &["ledger"],
    &["request"],
    &["database"],
    &["period", "digest", "geometry", "ids", "clock", "settings", "money"],
];

/// Where an import points up all the same: the file, the module it uses, and why. One that is no longer needed fails.
const EXCEPTIONS: [(&str, &str, &str); 10] = [
    (
        "registry/src/regions/import.rs",
        "imports",
        "regions settle their own import, with the import's tools",
    ),
    ("registry/src/regions/import/", "imports", "parts of that import"),
    (
        "registry/src/units/import.rs",
        "imports",
        "units settle their own import, with the import's tools",
    ),
    (
        "registry/src/rooms/import.rs",
        "imports",
        "rooms settle their own import, with the import's tools",
    ),
    (
        "registry/src/rights/import.rs",
        "imports",
        "rights settle their own import, with the import's tools",
    ),
    (
        "registry/src/database/constraint.rs",
        "request",
        "what a broken constraint means is a problem",
    ),
    ("registry/src/geometry.rs", "request", "GeoJSON is refused as a problem"),
    (
        "registry/src/successions/follow.rs",
        "idle_records",
        "what hangs on rooms goes with them when their building is split",
    ),
    (
        "registry/src/successions/follow.rs",
        "leases",
        "what hangs on rooms goes with them when their building is split",
    ),
    (
        "registry/src/successions/follow.rs",
        "housing_tenancies",
        "what hangs on rooms goes with them when their building is split",
    ),
];

/// Modules that the table does not have yet. One that it has fails.
const NOT_IN_THE_DOCUMENT: [&str; 0] = [];

/// What the crates below may not know, in their sources and among their dependencies.
const UNKNOWN: [(&str, &[&str]); 3] = [
    (
        "workflow",
        &[
            "registry",
            "tiles",
            "gis_data",
            "sqlx",
            "axum",
            "tower",
            "tower_http",
            "hyper",
            "http",
            "tokio",
            "reqwest",
            "utoipa",
        ],
    ),
    (
        "tiles",
        &[
            "registry",
            "gis_data",
            "sqlx",
            "axum",
            "tower",
            "tower_http",
            "hyper",
            "http",
            "tokio",
            "reqwest",
            "utoipa",
        ],
    ),
    (
        "gis-data",
        &[
            "registry",
            "tiles",
            "sqlx",
            "axum",
            "tower",
            "tower_http",
            "hyper",
            "http",
            "tokio",
            "reqwest",
            "utoipa",
        ],
    ),
];

/// A path that a source names: where, its line, and the path's parts.
#[derive(Debug)]
struct Named {
    file: String,
    line: usize,
    text: String,
    parts: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    // A module that is declared for tests alone, whatever it is called, be it a file or a folder.
    let declared = fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
    let is_for_tests = |path: &Path| {
        path.file_stem()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name == "tests" || declared.contains(&format!("#[cfg(test)]\nmod {name};")))
    };
    for path in entries.into_iter().filter(|path| !is_for_tests(path)) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The source with everything blank that is no code of the program: comments, texts and what only tests see. Lines keep
/// their numbers.
fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_text(rest) {
            let (open, close) = (hashes + 2, format!("\"{}", "#".repeat(hashes)));
            rest[open..]
                .find(&close)
                .map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if let Some(letter) = ["'\"'", "'{'", "'}'", "'\\''"]
            .iter()
            .find(|letter| rest.starts_with(**letter))
        {
            letter.len()
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
        code.push(' ');
        rest = &rest[skipped..];
    }
    without_tests(&code)
}

/// How many `#` a raw text begins with, where one begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    while let Some(begin) = kept.find("#[cfg(test)]") {
        let rest = &kept[begin..];
        let end = rest.find([';', '{']).map_or(rest.len(), |end| {
            if rest[end..].starts_with(';') {
                return end + 1;
            }
            let mut depth = 0_usize;
            rest[end..]
                .find(|c| {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                })
                .map_or(rest.len(), |length| end + length + 1)
        });
        let blank: String = rest[..end].chars().filter(|c| *c == '\n').collect();
        kept.replace_range(begin..begin + end, &blank);
    }
    kept
}

/// Every path that begins with one of the words, with groups (`{…}`) taken apart.
fn paths(file: &str, source: &str, first: &[&str]) -> Vec<Named> {
    let code = code_of(source);
    let mut found = Vec::new();
    for word in first {
        let mut from = 0;
        while let Some(at) = code[from..].find(word).map(|at| from + at) {
            from = at + word.len();
            let before = code[..at].chars().next_back().unwrap_or(' ');
            let after = code[from..].trim_start();
            let stands_alone = !(before.is_alphanumeric() || before == '_' || before == ':');
            // `use word;` and `use word as …` name it too.
            let is_use = code[..at].trim_end().ends_with("use") && (after.starts_with(';') || after.starts_with("as "));
            if !stands_alone || !(after.starts_with("::") || is_use) {
                continue;
            }
            let line = code[..at].matches('\n').count() + 1;
            let text = source.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
            let tree = after.strip_prefix("::").unwrap_or_default();
            for parts in branches(tree) {
                found.push(Named {
                    file: file.to_owned(),
                    line,
                    text: text.clone(),
                    parts: std::iter::once((*word).to_owned()).chain(parts).collect(),
                });
            }
        }
    }
    found
}

/// The branches of a path's rest: `a::b` is one, `{a, b::{c, d}}` are three.
fn branches(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim_start();
    if let Some(inside) = tree.strip_prefix('{') {
        let mut depth = 0_usize;
        let mut begin = 0;
        let mut found = Vec::new();
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    if !inside[begin..at].trim().is_empty() {
                        found.extend(branches(&inside[begin..at]));
                    }
                    begin = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
        return found;
    }
    let length = tree
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*'))
        .unwrap_or(tree.len());
    let name = tree[..length].to_owned();
    match tree[length..].strip_prefix("::") {
        // `::<T>` is no part of the path.
        Some(rest) if !rest.trim_start().starts_with('<') => branches(rest)
            .into_iter()
            .map(|rest| std::iter::once(name.clone()).chain(rest).collect())
            .collect(),
        _ => vec![vec![name]],
    }
}

/// The module of the registry's root that a path leads to, from the file that names it.
fn top_module(module: &[String], named: &Named) -> Option<String> {
    let mut at = match named.parts[0].as_str() {
        "crate" => Vec::new(),
        _ => module.to_vec(),
    };
    for part in &named.parts {
        match part.as_str() {
            "crate" => {}
            // Inside a module written within the file this leads one too high, which is the stricter reading.
            "super" => {
                at.pop();
            }
            other => at.push(other.to_owned()),
        }
    }
    at.into_iter().next()
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// What a file of the registry uses of the modules above its own.
fn upward(file: &str, source: &str) -> Vec<(String, Named)> {
    let inner = file.strip_prefix("registry/src/").unwrap().trim_end_matches(".rs");
    let module: Vec<String> = inner
        .trim_end_matches("/mod")
        .split('/')
        .map(ToOwned::to_owned)
        .collect();
    let own = layer_of(&module[0]).unwrap_or_else(|| {
        panic!(
            "{file}: the module {} has no place in the layers; give it one here and in ARCHITECTURE.md",
            module[0]
        )
    });
    paths(file, source, &["crate", "super"])
        .into_iter()
        .filter_map(|named| {
            let used = top_module(&module, &named)?;
            (layer_of(&used)? < own).then_some((used, named))
        })
        .collect()
}

#[test]
fn imports_point_down_or_not_at_all() {
    let mut faults = Vec::new();
    let mut needed = vec![false; EXCEPTIONS.len()];
    let files = sources(&root().join("registry/src"));
    assert!(files.len() > 60, "only {} files were read", files.len());
    for path in files {
        let file = relative(&path);
        for (used, named) in upward(&file, &fs::read_to_string(&path).unwrap()) {
            let exception = EXCEPTIONS.iter().position(|(excepted, module, _)| {
                *module == used && (*excepted == file || excepted.ends_with('/') && file.starts_with(excepted))
            });
            match exception {
                Some(index) => needed[index] = true,
                None => faults.push(format!(
                    "{}:{}: `{used}` stands above it: {}",
                    named.file, named.line, named.text
                )),
            }
        }
    }
    for (needed, (file, module, _)) in needed.iter().zip(EXCEPTIONS) {
        if !needed {
            faults.push(format!("the exception of {file} for `{module}` is no longer needed"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_layers_are_those_of_the_document() {
    let document = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table: Vec<&str> = document
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let row_of = |module: &str| {
        table.iter().position(|row| {
            let cell = row.split('|').nth(1).unwrap();
            cell.split('`')
                .any(|name| name.trim_end_matches('/').trim_end_matches(".rs") == module)
        })
    };
    let mut last = 0;
    for modules in LAYERS {
        for module in *modules {
            // The root of the crate only lists what there is.
            if *module == "lib" {
                continue;
            }
            let row = row_of(module);
            if NOT_IN_THE_DOCUMENT.contains(module) {
                assert_eq!(row, None, "ARCHITECTURE.md has {module}: take it from the list");
                continue;
            }
            assert!(row.is_some(), "ARCHITECTURE.md has no row for {module}");
            assert!(row >= Some(last), "ARCHITECTURE.md has {module} further up");
            last = row.unwrap();
        }
    }
}

#[test]
fn tiles_and_gis_data_know_neither_the_database_nor_each_other_nor_http() {
    let mut faults = Vec::new();
    for (member, unknown) in UNKNOWN {
        for path in sources(&root().join(member).join("src")) {
            let file = relative(&path);
            let source = fs::read_to_string(&path).unwrap();
            for named in paths(&file, &source, unknown) {
                faults.push(format!("{}:{}: {}", named.file, named.line, named.text));
            }
        }
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        for (line, text) in dependencies.lines().enumerate() {
            let name = text.split(['.', '=', ' ']).next().unwrap_or_default().replace('-', "_");
            if unknown.contains(&name.as_str()) {
                faults.push(format!("{member}/Cargo.toml: dependency {}: {text}", line));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn what_reads_the_sources_sees_what_is_there() {
    let source = r##"
//! crate::http is spoken of here.
use std::fmt;
use crate::{
    clock::Clock,
    http::{AppState, router},
};
use super::super::commands;
fn f() { let _ = "crate::map_layers"; crate::imports::overlap::<u8>(); g('"'); crate::totals::x() }
#[cfg(test)]
mod tests { use crate::search; fn g() { {} } }
#[cfg(test)]
use crate::units::tests;
use crate::rooms;
"##;
    let seen: Vec<(String, usize)> = upward("registry/src/ledger/entry.rs", source)
        .into_iter()
        .map(|(used, named)| (used, named.line))
        .collect();
    let expected = [
        ("http", 4),
        ("http", 4),
        ("imports", 9),
        ("totals", 9),
        ("rooms", 14),
        ("commands", 8),
    ];
    assert_eq!(
        seen,
        expected.map(|(used, line)| (used.to_owned(), line)),
        "what stands in comments, texts and tests is no use, everything else is"
    );
}
