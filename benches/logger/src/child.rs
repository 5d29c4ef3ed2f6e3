//! A child's command line: what it measures.

use std::error::Error;
use std::path::Path;

use crate::{calls, decode, end_to_end, first, growth, peers, rates, single};

/// Measures what the words ask for.
pub fn main(words: &[String]) -> Result<(), Box<dyn Error>> {
    let (what, words) = words.split_first().ok_or("a child of what?")?;
    let number = |n: usize| -> Result<u32, Box<dyn Error>> {
        Ok(words.get(n).ok_or("a number is missing")?.parse()?)
    };
    let peer = || peers::named(words.first().map_or("", String::as_str));
    match what.as_str() {
        "calls" => calls::child(peer()?, number(1)?),
        "single" => single::child(peer()?, number(1)?),
        "first" => first::child(peer()?),
        "end-to-end" => end_to_end::child(peer()?, number(1)?, number(2)?),
        "threads" => end_to_end::child_threads(peer()?, number(1)?, number(2)?),
        "cpu" => rates::child(peer()?, number(1)?, number(2)?),
        "decode" => decode::child(number(0)?, number(1)?),
        "read" => decode::child_read(Path::new(words.first().ok_or("no file")?)),
        "growth-threads" => growth::child_threads(number(0)?),
        "growth-sites" => growth::child_sites(number(0)?),
        "growth-sizes" => growth::child_sizes(number(0)?),
        "growth-files" => {
            growth::child_files(number(0)?, Path::new(words.get(1).ok_or("no file")?))
        }
        _ => Err(format!("no child does {what}").into()),
    }
}
