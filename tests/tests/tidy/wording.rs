//! Wording of comments and documents: the noun first, and no translated English.

use regex::Regex;

use crate::check;
use crate::files::{SourceFile, files};

/// Words that give away a translation. "If there is none" is English.
const TRANSLATED: &str = r"\b([Ww]hoever|[Ww]hosoever|[Nn]obody|[Ss]omebody|[Aa]new|[Ss]o many|needs not|that have gone|(there )?(is|are) none)\b";

#[test]
fn no_comment_or_document_has_translated_words() {
    let words = Regex::new(TRANSLATED).unwrap();
    let has_words =
        |text: &str| words.find_iter(text).any(|found| !found.as_str().starts_with("there"));
    let texts = [".rs", ".md", ".toml", ".py", "justfile"].into_iter().flat_map(files);
    let mut found = Vec::new();
    for file in texts.filter(|file| !file.path.starts_with("tests/tests/tidy/")) {
        // The data of a test may have any words; what users read may not.
        let is_data = file.path.ends_with(".rs") && !file.is_product();
        for line in file.text.lines() {
            let text = if is_data { line.split_once("//").unwrap_or_default().1 } else { line };
            if has_words(text) {
                found.push(format!("{}: {}", file.path, line.trim()));
            }
        }
    }
    check("words", found);
}

#[test]
fn headers_begin_with_what_the_module_is() {
    let questions = ["What", "Whatever", "How", "Which", "Why", "From", "Where", "Who"];
    let header = |file: &SourceFile| {
        let first = file.text.lines().next()?.strip_prefix("//! ")?;
        first.split_whitespace().next().map(str::to_owned)
    };
    let others = files(".rs").into_iter().filter(|file| !file.is_mistake()).filter(|file| {
        header(file).is_some_and(|first| questions.contains(&first.trim_matches(',')))
    });
    check("header", others.map(|file| file.path));
}
