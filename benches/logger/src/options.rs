//! The command line.

use std::error::Error;
use std::path::PathBuf;

use crate::PARTS;

pub const HELP: &str = "\
Measures Stenolog beside other loggers and prints tables in Markdown.

usage: stenolog-bench [PART…] [--quick] [--only LOGGER,…] [--readme FILE]

parts (all of them, if none is named):
  bytes       bytes a record of the workload at ordinary rates, beside zstd and clp-s
  rest        what the background thread costs at rest, and at these rates
  calls       a call in a burst that fits the ring
  single      single calls: percentiles and a histogram
  bridges     events, spans and records of `tracing` and `log`, beside what programs run
  first       the first call on a thread, and at a call site
  threads     1, 2 and 8 threads at once
  end-to-end  from the call to the file, nothing dropped: the workload, high entropy, several threads
  cpu         what the background thread costs at a steady rate
  decode      Stenolog's dumps to text and JSON, their size, and filters
  search      steno with a filter beside ripgrep, its first line and its last ones
  growth      threads, call sites, lengths of records and files
  figure      benches/calls.svg, from calls and end-to-end
  summary     nothing: with --readme, the main page's table is made of the tables that are there

  --quick     fewer and shorter runs: minutes rather than a quarter of an hour
  --only      only these loggers
  --readme    puts the tables into FILE, between <!-- bench:NAME --> and <!-- /bench:NAME -->; may
              be given more than once; <!-- bench:summary --> gets a table of the first file's tables

Bytes and search run `steno`, of $STENO or target/release; search runs rg, of $RG or the path; bytes runs
clp-s, of $CLP_S or the path, if it is there.";

/// What is to be measured, and how long.
#[derive(Default)]
pub struct Options {
    parts: Vec<String>,
    only: Vec<String>,
    pub quick: bool,
    pub readmes: Vec<PathBuf>,
}

impl Options {
    /// Reads the words after the program's name; nothing if they ask for help.
    pub fn from_args(words: impl Iterator<Item = String>) -> Result<Option<Self>, Box<dyn Error>> {
        let mut options = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} takes a value"));
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--quick" => options.quick = true,
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--readme" => options.readmes.push(value()?.into()),
                "all" => {}
                part if PARTS.iter().any(|(name, _)| *name == part) => options.parts.push(word),
                _ => return Err(format!("{word} is not a part\n\n{HELP}").into()),
            }
        }
        Ok(Some(options))
    }

    /// Whether a part is to run.
    pub fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// Whether a logger is to be measured.
    pub fn wants_peer(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    /// One of two numbers.
    pub const fn quick_or<T: Copy>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }
}
