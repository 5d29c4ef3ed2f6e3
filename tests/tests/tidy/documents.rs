//! Documents: their links lead somewhere, guarantees name the tests that hold them, and the map of the
//! code is complete.

use std::collections::{BTreeSet, HashMap};

use regex::Regex;

use crate::check;
use crate::files::{files, root};

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let documents = files(".md");
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let anchors: HashMap<&str, Vec<String>> =
        documents.iter().map(|file| (&*file.path, anchors(&file.text))).collect();
    let mut dead = Vec::new();
    for file in &documents {
        let text = without_code(&file.text);
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = match path {
                "" => file.path.clone(),
                path => resolve(&file.path, path),
            };
            let exists = root().join(&path).exists();
            let has_anchor = anchor.is_empty()
                || anchors.get(&*path).is_some_and(|all| all.iter().any(|one| one == anchor));
            if !exists || !has_anchor {
                dead.push(format!("{}: {target}", file.path));
            }
        }
    }
    check("dead link", dead);
}

#[test]
fn every_guarantee_names_tests() {
    let text = std::fs::read_to_string(root().join("docs/guarantees.md")).unwrap();
    let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    assert!(sections.len() > 10);
    for section in sections {
        let tests = section.lines().rfind(|line| line.starts_with("Tests: ")).unwrap_or_default();
        assert!(tests.contains(".rs)"), "no test holds this guarantee:\n{section}");
    }
}

#[test]
fn the_map_names_every_module_and_nothing_else() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let quoted = Regex::new("`([^`]+)`").unwrap();
    let quoted = |text: &str| -> Vec<String> {
        quoted.captures_iter(text).map(|found| found[1].to_owned()).collect()
    };
    let paths = quoted(&without_code(&map)).into_iter().filter(|path| path.ends_with(".rs"));
    let mut wrong: Vec<String> = paths.filter(|path| !root().join(path).exists()).collect();
    let sources = files(".rs");
    for section in map.split("\n### `").skip(1) {
        let package = section.split('`').next().unwrap().trim_end_matches('/');
        let prefix = format!("{package}/src/");
        let modules: BTreeSet<&str> = sources
            .iter()
            .filter_map(|file| file.path.strip_prefix(&prefix))
            .map(|path| path.split('/').next().unwrap().trim_end_matches(".rs"))
            .filter(|module| !["lib", "main"].contains(module))
            .collect();
        let rows = section.lines().take_while(|line| !line.starts_with("##"));
        let rows: Vec<&str> = rows.filter(|line| line.starts_with("| `")).collect();
        let first_cells = rows.iter().filter_map(|row| row.split('|').nth(1));
        let named: BTreeSet<String> = first_cells.flat_map(quoted).collect();
        let said = rows.iter().flat_map(|row| quoted(row)).collect::<BTreeSet<_>>();
        let missing = modules.iter().filter(|module| !said.contains(**module));
        wrong.extend(missing.map(|module| format!("no row for {prefix}{module}")));
        let gone = named.iter().filter(|name| !modules.contains(name.as_str()));
        wrong.extend(gone.map(|name| format!("no module {prefix}{name}")));
    }
    check("map", wrong);
}

/// A path of a link, from the root.
fn resolve(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn without_code(text: &str) -> String {
    let mut is_code = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The anchors that GitHub gives to a document's headings.
fn anchors(text: &str) -> Vec<String> {
    let text = without_code(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept =
                title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
