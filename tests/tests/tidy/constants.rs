//! Constants of the dump format and of ring directories, which are each written down once.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

use crate::check;
use crate::files::{SourceFile, files};

/// Names that writer and reader must agree on.
const NAMES: [&str; 7] =
    ["meta.steno", "progress", "ring-", ".new-ring-", ".rings", "/dev/shm", "stenolog-"];

/// Constants that are alike by chance, or that must be written where they are, with the reason.
const APART: [(&str, &str); 7] = [
    ("KEPT_BYTES", "two buffers"),
    ("MAX_BLOCK_BYTES", "the drain and the recovery choose the size of their blocks themselves"),
    ("NANOS_PER_SECOND", "of the world"),
    ("PAGE_BYTES", "of the machine"),
    ("SKIP", "rings know nothing of the format: the raw layout is where the stores are, too"),
    ("TIME_BYTES", "as `SKIP`"),
    ("WRITE_AT_BYTES", "two buffers"),
];

#[test]
fn no_name_of_the_format_is_in_two_files() {
    let mut places: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for file in files(".rs").iter().filter(|file| file.is_product()) {
        let mut literals = Vec::new();
        collect_literals(tokens(file), &mut literals);
        for name in NAMES {
            if literals.iter().any(|literal| literal == name) {
                places.entry(name).or_default().insert(file.path.clone());
            }
        }
    }
    let again = places.iter().filter(|(_, files)| files.len() > 1);
    let lines = again.flat_map(|(name, files)| files.iter().map(move |f| format!("{name} in {f}")));
    check("name of the format", lines);
}

#[test]
fn no_constant_is_defined_twice() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(".rs").iter().filter(|file| file.is_product()) {
        let syntax = syn::parse_file(&file.text).unwrap_or_else(|e| panic!("{}: {e}", file.path));
        let mut items: Vec<&syn::Item> = syntax.items.iter().collect();
        while let Some(item) = items.pop() {
            match item {
                syn::Item::Mod(module) if !is_test(&module.attrs) => {
                    items.extend(module.content.iter().flat_map(|(_, items)| items));
                }
                syn::Item::Const(constant) if constant.ident != "_" => {
                    let value = constant.expr.to_token_stream();
                    let definition = format!("{} = {value}", constant.ident);
                    places.entry(definition).or_default().insert(file.path.clone());
                }
                _ => {}
            }
        }
    }
    let is_apart =
        |definition: &str| APART.iter().any(|(name, _)| definition.split(' ').next() == Some(name));
    let again = places.iter().filter(|(name, files)| files.len() > 1 && !is_apart(name));
    let lines = again.map(|(constant, files)| {
        format!("{constant} in {}", files.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    });
    check("constant", lines);
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    })
}

/// A file without its tests, attributes and documentation.
fn tokens(file: &SourceFile) -> TokenStream {
    let mut syntax = syn::parse_file(&file.text).unwrap_or_else(|e| panic!("{}: {e}", file.path));
    syntax.attrs.clear();
    syntax.items.retain(|item| match item {
        syn::Item::Mod(module) => !is_test(&module.attrs),
        _ => true,
    });
    syntax.into_token_stream()
}

/// The strings of a file, but for those in attributes.
fn collect_literals(tokens: TokenStream, found: &mut Vec<String>) {
    let mut after_hash = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if !after_hash => collect_literals(group.stream(), found),
            TokenTree::Literal(literal) => {
                let string = syn::parse_str::<syn::Lit>(&literal.to_string());
                found.extend(match string {
                    Ok(syn::Lit::Str(text)) => Some(text.value()),
                    Ok(syn::Lit::ByteStr(bytes)) => String::from_utf8(bytes.value()).ok(),
                    Ok(syn::Lit::CStr(text)) => text.value().into_string().ok(),
                    _ => None,
                });
                after_hash = false;
            }
            TokenTree::Punct(punct) => {
                after_hash = punct.as_char() == '#' || after_hash && punct.as_char() == '!'
            }
            _ => after_hash = false,
        }
    }
}
