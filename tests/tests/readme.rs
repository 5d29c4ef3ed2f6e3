//! The first page: its program compiles, and its program's log reads as the page shows it.

use std::path::Path;
use std::process::Command;

use regex::Regex;
use stenolog_decoder::Format;

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The first code block of a language.
fn code(page: &str, language: &str) -> String {
    let open = format!("```{language}\n");
    let start = page.find(&open).unwrap_or_else(|| panic!("no block of {language}")) + open.len();
    let length = page[start..].find("```").expect("the block ends");
    page[start..start + length].to_owned()
}

/// A log without what differs from run to run: its times. Places are those of a new package.
fn comparable(log: &str) -> String {
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(\+00:00|Z)").unwrap();
    time.replace_all(log, "TIME").replace("tests/src/app/program.rs", "src/main.rs")
}

#[test]
fn the_program_of_the_first_page_logs_what_the_page_shows() {
    let readme = page("README.md");
    assert_eq!(code(&readme, "rust"), page("tests/src/app/program.rs"), "the program that is run");

    let folder = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_app"))
        .current_dir(&folder)
        .env_remove("STENOLOG")
        .env_remove("RUST_LOG")
        .status();
    assert!(program.unwrap().success());
    for (language, format) in [("text", Format::Short), ("json", Format::Json)] {
        let (log, summary) = stenolog_tests::render(&folder.path().join("app.steno"), format);
        assert!(summary.is_complete(), "{summary:?}");
        // The picture is a block of text too.
        let shown = match language {
            "text" => code(&readme[readme.find("prints text").unwrap()..], language),
            _ => code(&readme, language),
        };
        assert_eq!(comparable(&log), comparable(&shown), "{language}");
    }
}

#[test]
fn the_package_page_shows_the_same_program() {
    assert_eq!(code(&page("logger/README.md"), "rust"), page("tests/src/app/program.rs"));
}

#[test]
fn the_figures_of_the_first_page_are_those_that_were_measured() {
    let (readme, benches) = (page("README.md"), page("benches/README.md"));
    let (start, end) = (readme.find("<!-- figures"), readme.find("<!-- /figures -->"));
    let figures = &readme[start.expect("figures begin")..end.expect("figures end")];
    let number = Regex::new(r"\d+(\.\d+)?").unwrap();
    let mut count = 0;
    for figure in number.find_iter(figures) {
        let whole = format!(r"(^|[^\d.]){}($|[^\d.])", regex::escape(figure.as_str()));
        assert!(
            Regex::new(&whole).unwrap().is_match(&benches),
            "{} is not in benches/README.md",
            figure.as_str()
        );
        count += 1;
    }
    assert!(count >= 3);
}
