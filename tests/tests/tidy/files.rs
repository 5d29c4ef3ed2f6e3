//! The files of the tree, as the rules see them.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file; its path is relative to the repository's root, with `/`.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    /// Whether the file is part of what users build, rather than a test, a bench or their tools.
    pub(crate) fn is_product(&self) -> bool {
        let test =
            ["/tests/", "/testing/", "/examples/"].iter().any(|part| self.path.contains(part));
        let apart = ["tests/", "testkit/", "benches/", "fuzz/"];
        !test
            && !self.path.ends_with("/tests.rs")
            && !apart.iter().any(|folder| self.path.starts_with(folder))
    }

    /// Whether the file is there to be refused by the compiler.
    pub(crate) fn is_mistake(&self) -> bool {
        self.path.contains("/tests/ui/")
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files whose names end with `extension`, in order.
pub(crate) fn files(extension: &str) -> Vec<SourceFile> {
    let mut found = Vec::new();
    walk(&root(), String::new(), extension, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends with {extension}");
    found
}

fn walk(folder: &Path, prefix: String, extension: &str, found: &mut Vec<SourceFile>) {
    const PASSED_OVER: [&str; 5] = ["target", "corpus", "artifacts", ".git", "snapshots"];
    for entry in fs::read_dir(folder).expect("a folder is read") {
        let entry = entry.expect("a folder is read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("an entry has a type").is_dir() {
            if !PASSED_OVER.contains(&&*name) {
                walk(&entry.path(), format!("{path}/"), extension, found);
            }
        } else if name.ends_with(extension) {
            let text = fs::read_to_string(entry.path()).expect("a source file is UTF-8");
            found.push(SourceFile { path, text });
        }
    }
}
