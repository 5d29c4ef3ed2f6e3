//! State that the parts share: the options, and figures that more than one part shows.

use std::cell::OnceCell;
use std::error::Error;

use crate::options::Options;
use crate::peers::{self, Peer};
use crate::protocol::{self, Figures};

/// A logger and its figures.
pub type Run = (&'static Peer, Figures);

/// A run of the program.
pub struct Bench {
    pub options: Options,
    pub calls: OnceCell<Vec<Run>>,
    pub ends: [OnceCell<Vec<Run>>; 3],
    pub rates: OnceCell<Vec<crate::bytes::AtRate>>,
}

impl Bench {
    pub const fn new(options: Options) -> Self {
        Self {
            options,
            calls: OnceCell::new(),
            ends: [const { OnceCell::new() }; 3],
            rates: OnceCell::new(),
        }
    }

    /// Runs the loggers in turn, `rounds` times, each in a process of its own.
    pub fn alternate(
        &self,
        what: &str,
        rounds: u32,
        takes_part: impl Fn(&Peer) -> bool,
        words: impl Fn(&Peer) -> Vec<String>,
    ) -> Result<Vec<Run>, Box<dyn Error>> {
        let peers = peers::ALL.into_iter().filter(|peer| self.options.wants_peer(peer.name));
        let mut runs: Vec<_> =
            peers.filter(|peer| takes_part(peer)).map(|peer| (peer, Figures::default())).collect();
        for round in 0..rounds {
            for (peer, figures) in &mut runs {
                eprintln!("{what}: {} ({} of {rounds})", peer.name, round + 1);
                let mut all = vec![peer.name.to_owned()];
                all.extend(words(peer));
                figures.extend(protocol::run(what, &all)?);
            }
        }
        Ok(runs)
    }

    /// Runs Stenolog alone, `rounds` times.
    pub fn own(&self, what: &str, rounds: u32, words: &[&str]) -> Result<Figures, Box<dyn Error>> {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        let mut figures = Figures::default();
        for round in 0..rounds {
            eprintln!("{what}: {} ({} of {rounds})", words.join(" "), round + 1);
            figures.extend(protocol::run(what, &words)?);
        }
        Ok(figures)
    }
}

/// How far apart the cores were.
pub fn line_of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> String {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for (_, figures) in runs {
        let range = figures.range("line");
        (low, high) = (low.min(range.0), high.max(range.1));
    }
    format!("a cache line there and back took {low:.0} to {high:.0} ns")
}
