//! Sizes: a file holds one idea, and a function fits a screen.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::check;
use crate::files::files;

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

#[test]
fn no_file_is_longer_than_500_lines() {
    let long = files(".rs").into_iter().filter(|file| file.text.lines().count() > MAX_FILE_LINES);
    check("long file", long.map(|file| file.path));
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut long = Vec::new();
    for file in files(".rs").iter().filter(|file| !file.is_mistake()) {
        let syntax = syn::parse_file(&file.text).unwrap_or_else(|e| panic!("{}: {e}", file.path));
        let mut functions = Functions { path: &file.path, long: &mut long };
        functions.visit_file(&syntax);
    }
    check("long function", long);
}

#[test]
fn the_first_pages_are_short() {
    for (name, most) in [("README.md", 150), ("ARCHITECTURE.md", 200)] {
        let text = std::fs::read_to_string(crate::files::root().join(name)).unwrap();
        let lines = text.lines().count();
        assert!(lines <= most, "{name} has {lines} lines, {most} are enough");
    }
}

struct Functions<'a> {
    path: &'a str,
    long: &'a mut Vec<String>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line - signature.span().start().line + 1;
        if lines > MAX_FUNCTION_LINES {
            self.long.push(format!("{} {}", self.path, signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
