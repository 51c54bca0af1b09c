//! The house rules that a compiler can't enforce, read from the sources.

#![allow(clippy::unwrap_used)] // a test that can't go on fails

use std::fs;
use std::path::{Path, PathBuf};

/// Who may import whom, within the crate. Everyone may use `limits`.
const MATRIX: [(&str, &[&str]); 13] = [
    ("limits", &[]),
    ("clock", &["domain"]),
    ("domain", &[]),
    ("wal", &[]),
    ("journal", &["domain", "wal"]),
    ("actors", &["journal", "domain", "wal"]),
    ("engine", &["actors", "journal", "domain", "wal", "clock"]),
    ("ingest", &["engine", "actors", "journal", "domain", "wal"]),
    ("load", &["engine", "actors", "journal", "domain", "wal", "clock"]),
    ("notify", &["engine", "domain", "clock"]),
    ("server", &["engine", "actors", "journal", "domain", "wal"]),
    ("cli", &["server", "load", "ingest", "notify", "engine", "actors", "journal", "domain", "wal", "clock"]),
    ("main", &["cli", "load"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every source file, relative to the project, with its text.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort();
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The code without comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The code without comments and without its unit tests.
fn shipped(text: &str) -> String {
    code(text).split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// The top-level module that a file belongs to.
fn module(path: &str) -> &str {
    let path = path.strip_prefix("src/").unwrap();
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// How deep the file's module lies below the crate's root.
fn depth(path: &str) -> usize {
    let depth = path.matches('/').count();
    if path.ends_with("/mod.rs") { depth - 1 } else { depth }
}

/// The names that follow `prefix`, also of a group in braces.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let first = |text: &str| text.trim_start().chars().take_while(|character| is_name(*character)).collect();
    let mut names = Vec::new();
    for (place, _) in code.match_indices(prefix) {
        if code[..place].ends_with(is_name) {
            continue;
        }
        let rest = &code[place + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first(rest));
            continue;
        };
        let mut open = 1;
        let mut start = 0;
        for (at, character) in group.char_indices() {
            match character {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            if open == 0 || open == 1 && character == ',' {
                names.push(first(&group[start..at]));
                start = at + 1;
            }
            if open == 0 {
                break;
            }
        }
    }
    names
}

/// What a file imports against the matrix.
fn breaches(path: &str, text: &str) -> Vec<String> {
    let module = module(path);
    if module == "lib" {
        return Vec::new();
    }
    let code = code(text);
    let Some((_, allowed)) = MATRIX.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: `{module}` is not in the matrix")];
    };
    let mut imported = names_after(&code, "crate::");
    imported.extend(names_after(&code, "exchequer::"));
    // A unit test lies one deeper.
    for above in [depth(path), depth(path) + 1] {
        let prefix = "super::".repeat(above);
        let modules = MATRIX.map(|(name, _)| name);
        imported.extend(
            names_after(&code, &prefix)
                .into_iter()
                .filter(|name| above > 0 && modules.contains(&name.as_str())),
        );
    }
    let mut breaches: Vec<_> = imported
        .iter()
        .filter(|name| **name != module && *name != "limits" && !allowed.contains(&name.as_str()))
        .filter(|name| MATRIX.iter().any(|(known, _)| known == name))
        .map(|name| format!("{path}: `{module}` may not import `{name}`"))
        .collect();
    let inner = ["domain", "journal", "actors", "wal"].contains(&module);
    let shipped = shipped(text);
    let names = |what: &str| !names_after(&shipped, what).is_empty();
    let files = names("fs::") || names("File::") || names("std::fs");
    if (inner || module == "engine") && path != "src/wal/storage/os.rs" && files {
        breaches.push(format!("{path}: only `wal/storage/os.rs` touches files"));
    }
    if !["actors", "engine"].contains(&module) && names("actix") {
        breaches.push(format!("{path}: only `actors` and `engine` name actix"));
    }
    if inner
        && shipped
            .split(|character: char| !character.is_alphanumeric())
            .any(|word| word == "f32" || word == "f64")
    {
        breaches.push(format!("{path}: no float in `{module}`"));
    }
    breaches
}

#[test]
fn every_import_is_in_the_matrix() {
    let breaches: Vec<_> = sources().iter().flat_map(|(path, text)| breaches(path, text)).collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn a_breach_of_the_matrix_is_found() {
    let check = |path: &str, text: &str, expect: &[&str]| assert_eq!(breaches(path, text), expect, "{text}");
    check("src/domain/money.rs", "use crate::limits::X;\n// use crate::wal::Lsn;", &[]);
    check(
        "src/domain/money.rs",
        "use crate::wal::Lsn;",
        &["src/domain/money.rs: `domain` may not import `wal`"],
    );
    check(
        "src/wal/storage/sim.rs",
        "use crate::{limits::X, domain::{a, b}};",
        &["src/wal/storage/sim.rs: `wal` may not import `domain`"],
    );
    check(
        "src/journal/mod.rs",
        "use super::actors;",
        &["src/journal/mod.rs: `journal` may not import `actors`"],
    );
    check(
        "src/journal/a.rs",
        "use super::super::actors;",
        &["src/journal/a.rs: `journal` may not import `actors`"],
    );
    check("src/journal/a.rs", "use super::wal;", &[]);
    check(
        "src/ingest/a.rs",
        "use crate::clock::Clock;",
        &["src/ingest/a.rs: `ingest` may not import `clock`"],
    );
    check(
        "src/engine/a.rs",
        "let x = crate::cli::run();",
        &["src/engine/a.rs: `engine` may not import `cli`"],
    );
    check(
        "src/journal/a.rs",
        "use std::fs;\nfs::read(p)",
        &["src/journal/a.rs: only `wal/storage/os.rs` touches files"],
    );
    check(
        "src/ingest/a.rs",
        "use actix::Actor;",
        &["src/ingest/a.rs: only `actors` and `engine` name actix"],
    );
    check(
        "src/domain/a.rs",
        "fn x(y: f64) {}\n#[cfg(test)]\nmod tests { type A = f32; }",
        &["src/domain/a.rs: no float in `domain`"],
    );
    check("src/helpers.rs", "", &["src/helpers.rs: `helpers` is not in the matrix"]);
    assert_eq!(
        MATRIX
            .iter()
            .filter(|(name, _)| !["load", "server"].contains(name))
            .filter(|(name, _)| sources().iter().all(|(path, _)| module(path) != *name))
            .count(),
        0
    );
}

#[test]
fn main_is_short() {
    assert!(read("src/main.rs").lines().count() <= 20);
}

/// The fenced blocks of shell in the section of the README that says how to build and test.
fn readme_commands() -> Vec<String> {
    let readme = read("README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Two commands")).unwrap();
    section
        .split("```")
        .skip(1)
        .step_by(2)
        .flat_map(|block| block.lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_readme_and_the_checks_run_the_same_commands() {
    // The first one's arguments are what `tests/cli/ingest.rs` runs on the same sample.
    let commands = readme_commands();
    assert_eq!(commands, ["cargo run --release -- ingest --open-accounts data/focus-1.2.csv", "cargo test"]);
    let checks = read(".ci/run");
    assert!(checks.starts_with("#!/usr/bin/env bash\n"));
    let steps: Vec<_> = checks.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(
        steps,
        [
            "set -euo pipefail",
            "cd \"$(dirname \"$0\")/..\"",
            "command -v hledger > /dev/null || (export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -qq hledger) > /dev/null",
            "cargo fmt --check",
            "cargo clippy --all-targets --all-features -- -D warnings",
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps",
            &commands[1],
        ]
    );
}
