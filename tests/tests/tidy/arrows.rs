//! Arrows between the folders of each crate, which point down only.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::check;
use crate::files::{SourceFile, files};

/// The modules of each crate, floor by floor from the top: a module may use those to its right. Modules
/// of one floor do not know each other, except for those joined by `+`.
const FLOORS: &str = "
ringbuf:     memory channel > queue+claim+batch+consumer+file > ring > storage > positions header
             > error sync > cpu
format:      recovery > span index > block > summary > value > dictionary volatile > loss template > types
             > frame > clock shape > bytes
session:     leftover unread+tail > writer spans > frames > dir > positioned codec lock layout failpoint
macros:      call derive instrument test > errors respan
logger:      testing > macros > private > bridge+handle > drain > console span > call > thread > registry > core > ring_dir > value
             > config > process > event > error > filter stats > clock > sync truncate
decoder:     report > write > info > verify > render > read > filter > rings > dump > record_text
             > model > json > text > clock escape limits error
decoder-cli: commands > input > output > cli
";

#[test]
fn arrows_between_folders_point_down() {
    let sources = files(".rs");
    let mut upward = BTreeSet::new();
    for (name, floors) in houses() {
        let prefix = format!("{name}/src/");
        let source = |file: &&SourceFile| file.path.starts_with(&prefix) && file.is_product();
        let sources: Vec<&SourceFile> = sources.iter().filter(source).collect();
        let root = sources.iter().find(|file| module_path(&file.path[prefix.len()..]).is_empty());
        let exports = root.map(|root| exports(&tokens(root))).unwrap_or_default();
        for file in &sources {
            let path = module_path(&file.path[prefix.len()..]);
            let Some(module) = path.first() else { continue };
            let Some(from) = floors.iter().find(|place| place.module == *module) else {
                upward.insert(format!("{} has no floor", file.path));
                continue;
            };
            let mut used = BTreeSet::new();
            collect(&tokens(file), &path, &mut used);
            for target in &used {
                let place = |name: &String| floors.iter().find(|place| place.module == *name);
                let to = place(target).or_else(|| exports.get(target).and_then(place));
                if to.is_some_and(|to| to.floor <= from.floor && to.room != from.room) {
                    upward.insert(format!("{} -> {target}", file.path));
                }
            }
        }
    }
    check("arrow up", upward);
}

/// Where a module is.
struct Place {
    module: String,
    floor: usize,
    /// Modules that know each other have one.
    room: String,
}

/// The packages, and the places of their modules.
fn houses() -> Vec<(String, Vec<Place>)> {
    let mut houses: Vec<(String, String)> = Vec::new();
    for line in FLOORS.lines().filter(|line| !line.is_empty()) {
        match (line.split_once(':'), houses.last_mut()) {
            (Some((package, floors)), _) => houses.push((package.to_owned(), floors.to_owned())),
            (None, Some((_, floors))) => floors.push_str(line),
            (None, None) => panic!("a line before the first package"),
        }
    }
    let places = |floors: &str| {
        let floors = floors.split('>').enumerate();
        let rooms = floors
            .flat_map(|(floor, rooms)| rooms.split_whitespace().map(move |room| (floor, room)));
        rooms
            .flat_map(|(floor, room)| {
                let place =
                    move |module: &str| Place { module: module.into(), floor, room: room.into() };
                room.split('+').map(place)
            })
            .collect()
    };
    houses.iter().map(|(package, floors)| (package.clone(), places(floors))).collect()
}

fn tokens(file: &SourceFile) -> TokenStream {
    file.text.parse().unwrap_or_else(|e| panic!("{}: {e}", file.path))
}

/// The path of a file's module; that of `a.rs` and `a/mod.rs` is `a`, that of the root is empty.
fn module_path(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let is_root = path == "lib" || path == "main";
    if is_root { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// The module that each name comes from which the root exports.
fn exports(root: &TokenStream) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut tokens = root.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        if !is_ident(&token, "use") {
            continue;
        }
        let mut statement = Vec::new();
        for token in tokens.by_ref() {
            if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';') {
                break;
            }
            statement.push(token);
        }
        let mut names = Vec::new();
        idents(statement.into_iter().collect(), &mut names);
        let mut names = names.into_iter().skip_while(|name| name == "self" || name == "crate");
        if let Some(module) = names.next() {
            found.extend(names.map(|name| (name, module.clone())));
        }
    }
    found
}

fn idents(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push(ident.to_string()),
            TokenTree::Group(group) => idents(group.stream(), found),
            _ => {}
        }
    }
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

/// The modules of the crate's root that the tokens of a module name: by `crate::`, or by as many
/// `super::` as lead to the root. Those of `mod tests` do not count.
fn collect(tokens: &TokenStream, module: &[String], found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(ident) if ident == "mod" => {
                if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                    (tokens.get(at + 1), tokens.get(at + 2))
                {
                    if name != "tests" {
                        let inner = [module, &[name.to_string()]].concat();
                        collect(&body.stream(), &inner, found);
                    }
                    at += 2;
                }
            }
            TokenTree::Ident(ident) if ident == "crate" || ident == "super" => {
                let mut depth = if ident == "crate" { 0 } else { module.len() - 1 };
                while follows_colons(&tokens, at).is_some_and(|next| is_ident(next, "super")) {
                    depth = depth.saturating_sub(1);
                    at += 3;
                }
                if depth == 0 {
                    match follows_colons(&tokens, at) {
                        Some(TokenTree::Ident(name)) => drop(found.insert(name.to_string())),
                        Some(TokenTree::Group(group)) => first_names(group, found),
                        _ => {}
                    }
                }
            }
            TokenTree::Group(group) => collect(&group.stream(), module, found),
            _ => {}
        }
        at += 1;
    }
}

/// The token after `::` after a place.
fn follows_colons(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    let is_colon = |at| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    if is_colon(at + 1) && is_colon(at + 2) { tokens.get(at + 3) } else { None }
}

/// The first name of each path in `{a::b, c}`.
fn first_names(group: &Group, found: &mut BTreeSet<String>) {
    if group.delimiter() != Delimiter::Brace {
        return;
    }
    let mut is_first = true;
    for token in group.stream() {
        match token {
            TokenTree::Ident(name) if is_first => {
                found.insert(name.to_string());
                is_first = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => is_first = true,
            _ => {}
        }
    }
}
