//! A child's command line: what it measures.

use std::error::Error;
use std::path::Path;

use crate::{calls, decode, end_to_end, first, growth, peers, rates, single};

/// The first word of a child's command line.
pub const WORD: &str = "child";

/// Figures by name.
#[derive(Default)]
pub struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    /// The median of a figure over the children; NaN if there is none.
    pub fn median(&self, name: &str) -> f64 {
        machine::median(&mut self.0.get(name).cloned().unwrap_or_default())
    }

    /// The mean of a figure over the children; NaN if there is none.
    pub fn mean(&self, name: &str) -> f64 {
        let figures = self.0.get(name).map_or(&[][..], Vec::as_slice);
        figures.iter().sum::<f64>() / figures.len() as f64
    }

    /// The smallest and the largest of a figure.
    pub fn range(&self, name: &str) -> (f64, f64) {
        let figures = self.0.get(name).map_or(&[][..], Vec::as_slice).iter().copied();
        figures.fold((f64::INFINITY, 0.0), |(low, high), x| (x.min(low), x.max(high)))
    }

    /// Takes over what others have.
    pub fn extend(&mut self, other: Self) {
        for (name, figures) in other.0 {
            self.0.entry(name).or_default().extend(figures);
        }
    }
}

/// Runs a child and reads its figures.
pub fn run(what: &str, words: &[String]) -> Result<Figures, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(WORD).arg(what).args(words).stderr(Stdio::inherit()).env_remove("RUST_LOG");
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{what} {} ended with {}", words.join(" "), output.status).into());
    }
    let mut figures = Figures::default();
    for line in String::from_utf8(output.stdout)?.lines() {
        let (name, value) = line.split_once(' ').ok_or_else(|| format!("no figure: {line}"))?;
        figures.0.entry(name.to_owned()).or_default().push(value.parse()?);
    }
    Ok(figures)
}

/// Prints a figure for the parent.
pub fn tell(name: &str, value: f64) {
    println!("{name} {value}");
}

/// What a child does.
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
