//! `steno recover`: one sealed dump from an unfinished one and the rings of its writer.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_decoder::{Dump, DumpState, RecoverReport, recover};

use super::Run;
use crate::cli::args::RingArgs;
use crate::cli::env::Environment;
use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted};
use crate::input::rings::{FoundRings, ReadRings, RingsPlan};
use crate::input::{self, Input, Inputs};
use crate::output::atomic_write::write_new;
use crate::output::messages::warn;
use crate::output::report::push_line;
use crate::output::{Output, completeness};

const EXAMPLES: &str = "\
Examples:
  steno recover app.steno --to whole.steno                   the dump and what its rings still hold
  steno recover app.steno --to whole.steno --remove-rings    and free the memory of the rings
  steno recover stenolog-01234567.rings --to rest.steno      rings whose dump is gone

The dump is not changed. OUT is sealed unless records are missing.
Exit codes: 0 OUT is complete; 1 something could not be read or written; 2 wrong usage; 3 OUT is
written, but records are damaged or missing.";

/// Combine an unfinished dump and the rings of its writer into one sealed dump
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Args {
    /// The dump, or a ring directory whose dump is gone
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    input: OsString,
    /// Write the sealed dump to OUT, readable by you only
    #[arg(long, value_name = "OUT", required = true, value_hint = clap::ValueHint::FilePath)]
    to: PathBuf,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
    /// Remove the rings and the tail once OUT is on disk and holds all their records
    #[arg(long, conflicts_with = "no_rings")]
    remove_rings: bool,
    #[command(flatten)]
    rings: RingArgs,
}

/// What to recover, and where to.
pub(super) struct Plan {
    input: Input,
    to: PathBuf,
    /// Replace an existing file.
    force: bool,
    remove_rings: bool,
    rings: RingsPlan,
}

impl Plan {
    pub(super) fn new(args: Args, _: &Environment) -> Result<Self, Infallible> {
        let Args { input, to, force, remove_rings, rings } = args;
        Ok(Self { input: Input::from(&*input), to, force, remove_rings, rings: rings.into() })
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum RecoveryFailure {
    #[error(
        "{0}: its writer is still running; close it, or read the dump as it is with `steno {0}`"
    )]
    Alive(String),
    #[error("{0}: is not a single dump; name a file, or the ring directory of a dump that is gone")]
    NotOne(String),
    #[error("{}: exists; name another file, or replace it with --force", .0.display())]
    Exists(PathBuf),
    #[error("{}: is the file to recover; name another file", .0.display())]
    Itself(PathBuf),
    #[error("{}: cannot be written: {source}; the dump and its rings are unchanged", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl RecoveryFailure {
    fn alive(dump: &Dump) -> Self {
        Self::Alive(dump.name().display().to_string())
    }
}

impl Run for Plan {
    fn run(self: Box<Self>) -> anyhow::Result<Outcome> {
        let limits = &self.rings.limits;
        let mut inputs = input::open(std::slice::from_ref(&self.input), limits, false)?;
        let failed = Outcome { unreadable: true, ..Outcome::default() };
        if inputs.unreadable {
            return Ok(failed);
        }
        match self.write(&mut inputs) {
            Ok((recovered, rings)) => self.report(&inputs, &recovered, rings),
            Err(error) => {
                if let Some(error) = error {
                    warn(error);
                }
                Ok(failed)
            }
        }
    }
}

impl Plan {
    /// Writes the new dump. `Err(None)` if what is wrong was reported already.
    fn write(
        &self,
        inputs: &mut Inputs,
    ) -> Result<(RecoverReport, FoundRings), Option<RecoveryFailure>> {
        if let Some(dump) = inputs.dumps.iter().find(|dump| dump.state() == DumpState::Growing) {
            return Err(Some(RecoveryFailure::alive(dump)));
        }
        let not_one = |path: &Path| Some(RecoveryFailure::NotOne(path.display().to_string()));
        let path = match (inputs.dumps.as_slice(), inputs.ring_dirs.as_slice()) {
            ([dump], []) => dump.path(),
            ([], [path]) => path,
            ([], []) => return Err(None),
            ([first, ..], _) => return Err(not_one(first.name())),
            (_, [first, ..]) => return Err(not_one(first)),
        };
        if let (Ok(from), Ok(to)) = (path.canonicalize(), self.to.canonicalize())
            && from == to
        {
            return Err(Some(RecoveryFailure::Itself(self.to.clone())));
        }
        // Also a link that leads nowhere. Checked again when the file gets its name.
        if !self.force && fs::symlink_metadata(&self.to).is_ok() {
            return Err(Some(RecoveryFailure::Exists(self.to.clone())));
        }
        let rings = FoundRings::merge(inputs, &self.rings);
        if inputs.unreadable {
            return Err(None);
        }
        if let Some(dump) = inputs.dumps.first().filter(|dump| rings.is_running(dump)) {
            return Err(Some(RecoveryFailure::alive(dump)));
        }
        Ok((self.write_to(inputs)?, rings))
    }

    fn write_to(&self, inputs: &Inputs) -> Result<RecoverReport, RecoveryFailure> {
        let path = &self.to;
        let recovered = write_new(path, self.force, |mut out| recover(&inputs.dumps, &mut out));
        recovered.map_err(|source| {
            let path = path.clone();
            if source.kind() == io::ErrorKind::AlreadyExists {
                RecoveryFailure::Exists(path)
            } else {
                RecoveryFailure::Write { path, source }
            }
        })
    }

    fn report(
        &self,
        inputs: &Inputs,
        recovered: &RecoverReport,
        rings: FoundRings,
    ) -> anyhow::Result<Outcome> {
        let mut output = Output::new();
        let state = if recovered.is_sealed { "sealed" } else { "left without an end mark" };
        let line = format!(
            "{}: {}, {}; {state}",
            self.to.display(),
            counted(recovered.records, "record"),
            bytes(recovered.bytes)
        );
        output.append(|out| push_line(out, &line))?;
        output.flush()?;
        rings.print_notes();
        completeness::report(&inputs.dumps, &recovered.summary, |dump| rings.absence(dump));
        let is_complete = recovered.summary.is_complete() && !rings.lacks_dump();
        let mut outcome =
            Outcome { incomplete: inputs.incomplete || !is_complete, ..Outcome::default() };
        if self.remove_rings {
            outcome.unreadable = !(remove(rings) && remove_tails(&inputs.dumps));
        }
        Ok(outcome)
    }
}

/// Removes the tails, whose records are in the new file too. `false` if one is left.
fn remove_tails(dumps: &[Dump]) -> bool {
    let mut all = true;
    for dump in dumps.iter().filter(|dump| !dump.is_from_rings()) {
        if let Err(error) = dump.remove_tail() {
            warn(format_args!("{}: its tail cannot be removed: {error}", dump.name().display()));
            all = false;
        }
    }
    all
}

/// Removes the rings that were read. `false` if some are left.
fn remove(rings: FoundRings) -> bool {
    if rings.read.is_empty() {
        warn("there are no rings to remove");
    }
    let mut all = true;
    for ReadRings { dir, is_whole, .. } in rings.read {
        let path = dir.path().to_owned();
        if !is_whole {
            warn(format_args!("{}: is kept: not everything in it could be read", path.display()));
            all = false;
        } else if let Err(error) = dir.remove() {
            warn(format_args!("{error}; the rest of the rings is kept"));
            all = false;
        }
    }
    all
}
