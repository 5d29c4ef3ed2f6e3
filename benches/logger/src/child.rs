//! A child's command line: what it measures.

use std::error::Error;
use std::path::Path;

use crate::load::Load;
use crate::{
    bridges, bytes, calls, decode, end_to_end, first, growth, peers, rates, search, single, threads,
};

/// Measures what the words ask for.
pub fn main(words: &[String]) -> Result<(), Box<dyn Error>> {
    let (what, words) = words.split_first().ok_or("a child of what?")?;
    let number = |n: usize| -> Result<u32, Box<dyn Error>> {
        Ok(words.get(n).ok_or("a number is missing")?.parse()?)
    };
    let word = |n: usize| words.get(n).ok_or("a word is missing");
    let load = |n: usize| Load::of_word(word(n)?);
    let path = |n: usize| Ok::<_, &str>(Path::new(word(n)?));
    let peer = || peers::named(words.first().map_or("", String::as_str));
    match what.as_str() {
        "calls" => calls::child(peer()?, number(1)?),
        "single" => single::child(peer()?, load(1)?, number(2)?),
        "bridges" => bridges::child(word(0)?, number(1)?),
        "first" => first::child(peer()?),
        "end-to-end" => end_to_end::child(peer()?, load(1)?, number(2)?, number(3)?),
        "threads" => threads::child(peer()?, load(1)?, number(2)?, number(3)?),
        "cpu" => rates::child(peer()?, load(1)?, number(2)?, number(3)?),
        "decode" => decode::child(load(0)?, number(1)?),
        "at-rate" => bytes::child(number(0)?, number(1)?, path(2)?),
        "read" => decode::child_read(path(0)?),
        "growth-threads" => growth::child_threads(number(0)?),
        "growth-sites" => growth::child_sites(number(0)?),
        "growth-sizes" => growth::child_sizes(number(0)?),
        "growth-files" => growth::child_files(number(0)?, path(1)?),
        "search-log" => search::child(word(0)?, number(1)?, number(2)?, path(3)?),
        _ => Err(format!("no child does {what}").into()),
    }
}
