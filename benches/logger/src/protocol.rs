//! The protocol between this program and its children, one process for each logger and run.
//!
//! A child prints lines of a name and a number. The parent gathers them, by name, over several
//! children.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, Stdio};

use crate::machine;

/// The first word of a child's command line.
pub const WORD: &str = "child";

/// Figures by name.
#[derive(Default)]
pub struct Figures(BTreeMap<String, Vec<f64>>);

impl Figures {
    /// The median of a figure over the children; NaN without any.
    pub fn median(&self, name: &str) -> f64 {
        machine::median(&mut self.0.get(name).cloned().unwrap_or_default())
    }

    /// The mean of a figure over the children; NaN without any.
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
