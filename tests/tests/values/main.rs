//! A field also records what is no plain value: errors with their sources, options of what is only
//! formatted, types that say themselves what is recorded of them, collections, and nothing at all.

mod errors;
mod options;
mod own_types;
mod recursion;
mod serialised;
mod std_types;

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value;
use stenolog_decoder::{Decoder, Dump, Entry, Filter, Format};
use stenolog_tests::LogFixture;

/// The fields of the only record.
#[track_caller]
fn only_fields(fixture: &mut LogFixture) -> Value {
    let records = fixture.finish();
    let [record] = &records[..] else { panic!("one record, not {records:?}") };
    record["fields"].clone()
}

/// The fields of the only record as text.
#[track_caller]
fn only_text(fixture: &mut LogFixture) -> String {
    let path = fixture.path().to_owned();
    fixture.finish();
    let (text, _) = stenolog_tests::render(&path, Format::Short);
    let (_, fields) = text.trim_end().split_once(": ").expect("a target");
    fields.to_owned()
}

/// How many records of a dump a filter shows.
fn count(path: &Path, filter: Filter) -> usize {
    let mut records = 0;
    let mut decoder = Decoder::new(Dump::open(path).unwrap()).with_filter(filter);
    let _all = decoder.for_each(|entry| {
        records += usize::from(matches!(entry, Entry::Record(_)));
        ControlFlow::Continue(())
    });
    records
}

/// The same for a condition.
fn count_where(path: &Path, condition: &str) -> usize {
    count(path, Filter::default().with_field(condition.parse().unwrap()))
}
