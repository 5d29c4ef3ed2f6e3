//! Reading of dumps as JSON values or text.

use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer, Summary};

/// The message of a record that was read as JSON.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn message(record: &Value) -> &str {
    record["message"].as_str().expect("each record has a message")
}

/// The messages of a dump that is complete, in order.
///
/// # Panics
/// If it is not.
#[must_use]
#[track_caller]
pub fn messages(path: &Path) -> Vec<String> {
    let (records, summary) = read(path);
    assert!(summary.is_complete(), "{summary:?}");
    records.iter().map(|record| message(record).to_owned()).collect()
}

/// Reads a dump as JSON objects, and what the reader says of it.
///
/// # Panics
/// If the file cannot be opened, or if the decoder writes a line that is no JSON.
#[must_use]
pub fn read(path: &Path) -> (Vec<Value>, Summary) {
    let (text, summary) = render(path, Format::Json);
    if let Some(values) = count_by_jq(&text) {
        assert_eq!(values, text.lines().count(), "jq takes every line");
    }
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    (text.lines().map(parse).collect(), summary)
}

/// How many JSON values `jq` finds: a second opinion. `None` if there is no jq, but in CI.
fn count_by_jq(text: &str) -> Option<usize> {
    let started = Command::new("jq")
        .args(["-n", "reduce inputs as $each (0; . + 1)"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut jq = match started {
        Err(e) if e.kind() == ErrorKind::NotFound && std::env::var_os("CI").is_none() => {
            return None;
        }
        jq => jq.expect("jq starts: install it with the system's package manager"),
    };
    // It says nothing before it has read all, so neither waits for the other.
    let mut input = jq.stdin.take().expect("a pipe was asked for");
    let written = input.write_all(text.as_bytes());
    drop(input);
    let output = jq.wait_with_output().expect("jq ends");
    assert!(written.is_ok() && output.status.success(), "jq refuses a line");
    Some(String::from_utf8_lossy(&output.stdout).trim().parse().expect("jq prints a number"))
}

/// Reads a dump in any format, and what the reader says of it.
///
/// # Panics
/// If the file cannot be opened.
#[must_use]
pub fn render(path: &Path, format: Format) -> (String, Summary) {
    let dumps = [Dump::open(path).expect("the dump opens")];
    let mut decoder = Decoder::new(&dumps);
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut text = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut text);
        ControlFlow::Continue(())
    });
    (text, decoder.summary())
}
