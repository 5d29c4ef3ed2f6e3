//! `steno export`: a dump in another format. So far the only one is a smaller dump.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use stenolog_decoder::{Dump, DumpState, RepackOptions, RepackReport, repack_with, verify};

use super::Run;
use crate::cli::args::LimitArgs;
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted};
use crate::input::{self, Input, InputLimits};
use crate::output::Output;
use crate::output::atomic_write::write_new;
use crate::output::messages::warn;
use crate::output::progress::Progress;
use crate::output::report::push_line;

const EXAMPLES: &str = "\
Examples:
  steno export --to steno app.steno -o small.steno            the same records in fewer bytes
  steno export --to steno app.steno -o small.steno --zstd 3   faster, and a little larger
  steno export --to steno app.steno -o small.steno --zstd 22  as small as it gets, and much slower
  steno export --to steno - -o - < app.steno | ssh host 'cat > app.steno'

The new dump can be read and searched like any other. All cores are used, with about 64 MiB of memory each.
Exit codes: 0 done; 1 something could not be read or written; 2 wrong usage; 3 the dump is damaged
or incomplete: nothing was written, or with --allow-damage everything readable.";

/// Rewrite a dump in another format, such as a smaller dump
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// The dump, or - for standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    input: OsString,
    /// Output format
    #[arg(long, value_name = "FORMAT", required = true)]
    to: ExportForm,
    /// Write to OUT, readable by you only; - for standard output
    #[arg(short, long, value_name = "OUT", required = true, value_hint = clap::ValueHint::FilePath)]
    output: OsString,
    /// Highest Zstandard level to try: higher ones are used where they pay, from 20 on everywhere, whatever time
    /// they take (1 to 22) [default: 19]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(i32).range(1..=22))]
    zstd: Option<i32>,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
    /// Also export a damaged or incomplete dump, leaving out what cannot be read
    #[arg(long)]
    allow_damage: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

/// The formats that `steno export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportForm {
    /// A dump with the same records in fewer bytes
    Steno,
}

/// The default level: the output is written once and kept.
const ZSTD_LEVEL: i32 = 19;

/// What to export, and where to.
pub(super) struct Plan {
    input: Input,
    out: Destination,
    /// The Zstandard level.
    zstd: i32,
    /// Replace an existing file.
    force: bool,
    allow_damage: bool,
    limits: InputLimits,
}

enum Destination {
    Stdout,
    File(PathBuf),
}

impl Plan {
    pub(super) fn new(args: Args, _: &Environment) -> Result<Self, Infallible> {
        let Args { input, to: ExportForm::Steno, output, zstd, force, allow_damage, limits } = args;
        Ok(Self {
            input: Input::from(&*input),
            out: if output == "-" { Destination::Stdout } else { Destination::File(output.into()) },
            zstd: zstd.unwrap_or(ZSTD_LEVEL),
            force,
            allow_damage,
            limits: limits.into(),
        })
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("{0}: is not a single dump; name a file")]
    NotOne(String),
    #[error(
        "{0}: its writer is still running; close it, or export what was written so far with --allow-damage"
    )]
    Alive(String),
    #[error(
        "{0}: is damaged or incomplete: see `steno verify {0}`; after a crash run `steno recover`, or leave out what cannot be read with --allow-damage"
    )]
    Damaged(String),
    #[error("{}: exists; name another file, or replace it with --force", .0.display())]
    Exists(PathBuf),
    #[error("{}: is the file to export; name another file", .0.display())]
    Itself(PathBuf),
    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let inputs = input::open(std::slice::from_ref(&self.input), &self.limits, false)?;
        let failed = Outcome { unreadable: true, ..Outcome::default() };
        if inputs.unreadable {
            return Ok(failed);
        }
        let ([dump], []) = (inputs.dumps.as_slice(), inputs.ring_dirs.as_slice()) else {
            let first = inputs.dumps.first().map(Dump::name);
            let first = first.or(inputs.ring_dirs.first().map(PathBuf::as_path));
            let name = first.map(|path| path.display().to_string()).unwrap_or_default();
            warn(ExportError::NotOne(name));
            return Ok(failed);
        };
        let is_intact = verify(dump).is_intact() && dump.state() == DumpState::Sealed;
        let incomplete = Outcome { incomplete: true, ..Outcome::default() };
        if !is_intact && !self.allow_damage {
            let name = dump.name().display().to_string();
            let is_growing = dump.state() == DumpState::Growing;
            warn(if is_growing { ExportError::Alive(name) } else { ExportError::Damaged(name) });
            return Ok(incomplete);
        }
        match self.write(dump) {
            Ok(repacked) => {
                if let Destination::File(path) = &self.out {
                    report(path, &repacked)?;
                }
                Ok(if is_intact && !inputs.incomplete { Outcome::default() } else { incomplete })
            }
            Err(error) => {
                warn(error);
                Ok(failed)
            }
        }
    }
}

impl Plan {
    fn repack(&self, dump: &Dump, out: &mut impl Write) -> io::Result<RepackReport> {
        let progress = Progress::new(dump.len_bytes());
        let options = RepackOptions::new(self.zstd);
        repack_with(dump, &options, |done| progress.show(done.bytes_done), out)
    }

    fn write(&self, dump: &Dump) -> Result<RepackReport, ExportError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ExportError::Write { path, source }
        };
        let path = match &self.out {
            Destination::Stdout => {
                let mut out = io::BufWriter::new(io::stdout().lock());
                let written = self.repack(dump, &mut out);
                return written
                    .and_then(|repacked| out.flush().map(|()| repacked))
                    .map_err(failed(Path::new("<stdout>")));
            }
            Destination::File(path) => path,
        };
        if let (Ok(from), Ok(to)) = (dump.path().canonicalize(), path.canonicalize())
            && from == to
        {
            return Err(ExportError::Itself(path.clone()));
        }
        // Also a link that leads nowhere. Checked again when the file gets its name.
        if !self.force && fs::symlink_metadata(path).is_ok() {
            return Err(ExportError::Exists(path.clone()));
        }
        write_new(path, self.force, |mut out| self.repack(dump, &mut out)).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                ExportError::Exists(path.clone())
            } else {
                failed(path)(error)
            }
        })
    }
}

fn report(path: &Path, repacked: &RepackReport) -> anyhow::Result<()> {
    let mut output = Output::new();
    let share = 100.0 * repacked.bytes as f64 / repacked.bytes_before.max(1) as f64;
    let line = format!(
        "{}: {} in {}, {}: {share:.1} % of {}",
        path.display(),
        counted(repacked.records, "record"),
        counted(repacked.blocks, "block"),
        bytes(repacked.bytes),
        bytes(repacked.bytes_before),
    );
    output.append(|out| push_line(out, &line))?;
    output.flush()
}
