//! The tail: records that wait in the rings to be packed together are seen in time, once, and outlive the rings.

mod dedupe;
mod left;
mod live;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use stenolog::Builder;
use stenolog_decoder::{Decoder, Dump, Entry, Summary};

/// A logger whose records wait: the pace is that of a program that logs little.
fn patient(path: &Path) -> Builder {
    Builder::new(path).filter("trace").deliver_within(std::time::Duration::from_millis(1))
}

/// The numbers in the messages of all entries of a dump, in order, and the summary.
fn numbers(dump: &Dump) -> (Vec<u64>, Summary) {
    let mut decoder = Decoder::new(dump);
    let mut numbers = Vec::new();
    let _ = decoder.for_each(|entry| {
        numbers.push(number(entry));
        ControlFlow::Continue(())
    });
    (numbers, decoder.summary())
}

/// The number in the message of a record.
fn number(entry: &Entry<'_>) -> u64 {
    let mut message = String::new();
    match entry {
        Entry::Record(record) => record.write_message(&mut message),
        other => panic!("not a record: {other:?}"),
    }
    message.parse().unwrap_or_else(|_| panic!("no number: {message}"))
}

/// The tails in a folder.
fn tails_in(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "tail")).collect()
}
