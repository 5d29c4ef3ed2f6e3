//! Rings of dead writers: searched, read, and added to the dumps that they complete.

use std::path::{Path, PathBuf};

use stenolog_decoder::{Dump, DumpState, Recovery, RingDir, RingSearch, RingsError};

use super::{InputLimits, Inputs};
use crate::cli::args::RingArgs;
use crate::cli::units::counted;
use crate::output::messages::warn;

/// Which rings are read.
#[derive(Clone, Debug)]
pub(crate) struct RingsPlan {
    /// Whether rings are searched at all.
    pub(crate) wanted: bool,
    /// More directories to search.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) limits: InputLimits,
}

impl From<RingArgs> for RingsPlan {
    fn from(args: RingArgs) -> Self {
        let RingArgs { rings, no_rings, limits } = args;
        Self { wanted: !no_rings, folders: rings, limits: limits.into() }
    }
}

/// The outcome of the search for rings.
#[derive(Debug, Default)]
pub(crate) struct FoundRings {
    /// The rings that were read.
    pub(crate) read: Vec<ReadRings>,
    /// Sessions of unfinished dumps without rings, and why they have none.
    absent: Vec<([u8; 16], String)>,
    /// Sessions whose rings are in use.
    running: Vec<[u8; 16]>,
}

/// Rings that were read.
#[derive(Debug)]
pub(crate) struct ReadRings {
    pub(crate) dir: RingDir,
    /// How many records only the rings have.
    pub(crate) records: u64,
    /// Whether everything in them could be read.
    pub(crate) is_whole: bool,
    /// The name of the dump that they complete; `None` if only the rings were named.
    dump: Option<PathBuf>,
}

impl FoundRings {
    /// Searches the rings of each unfinished dump, and adds their records to the dumps.
    pub(crate) fn merge(inputs: &mut Inputs, plan: &RingsPlan) -> Self {
        let mut rings = Self::default();
        if plan.wanted {
            let mut found = Vec::new();
            let folders = [&plan.folders[..], &inputs.ring_dirs].concat();
            for dump in inputs.dumps.iter().filter(|it| it.state() == DumpState::Unfinished) {
                found.extend(rings.of_dump(dump, &folders, &plan.limits));
            }
            inputs.dumps.extend(found);
        }
        rings.take_named(inputs, &plan.limits);
        rings
    }

    fn of_dump(&mut self, dump: &Dump, folders: &[PathBuf], limits: &InputLimits) -> Option<Dump> {
        let search = RingDir::find(dump, folders);
        let session = dump.header().session;
        let Some(dir) = search.found else {
            let why = match dump.is_in_memory() {
                Some("") => "; its rings were in memory, and their records are lost".to_owned(),
                Some(why) => {
                    format!("; its rings were in memory, and their records are lost ({why})")
                }
                None => not_found(&search),
            };
            self.absent.push((session, why));
            return None;
        };
        match dir.read(Some(dump), &limits.dump) {
            Ok(recovery) => Some(self.note(dir, recovery, Some(dump))),
            Err(error) => {
                let why = match error {
                    RingsError::Alive { .. } => {
                        self.running.push(session);
                        "; its writer is still running: read the file that it writes".to_owned()
                    }
                    error => format!("; its rings cannot be read: {error}"),
                };
                self.absent.push((session, why));
                None
            }
        }
    }

    fn note(&mut self, dir: RingDir, recovery: Recovery, dump: Option<&Dump>) -> Dump {
        self.read.push(ReadRings {
            dir,
            records: recovery.records,
            is_whole: recovery.is_all_read(),
            dump: dump.map(|dump| dump.name().to_owned()),
        });
        recovery.dump
    }

    /// Reads the ring directories among the inputs that do not belong to any of the dumps.
    fn take_named(&mut self, inputs: &mut Inputs, limits: &InputLimits) {
        for path in inputs.ring_dirs.clone() {
            if self.read.iter().any(|rings| is_same(rings.dir.path(), &path)) {
                continue;
            }
            let dir = RingDir::open(path).map_err(RingsError::from);
            let read = dir.and_then(|dir| {
                let recovery = dir.read(None, &limits.dump)?;
                Ok((dir, recovery))
            });
            match read {
                Ok((dir, recovery)) => {
                    let dump = self.note(dir, recovery, None);
                    inputs.dumps.push(dump);
                }
                Err(error) => inputs.fail(error),
            }
        }
    }

    /// Whether there are rings whose dump is not among the inputs.
    pub(crate) fn lacks_dump(&self) -> bool {
        self.read.iter().any(|rings| rings.dump.is_none())
    }

    /// The dumps to report on, each with the rings that complete it. FoundRings count as a dump only if one of
    /// them has none.
    pub(crate) fn pairs<'d>(
        &self,
        dumps: &'d [Dump],
    ) -> impl Iterator<Item = (&'d Dump, Option<&'d Dump>)> {
        let lacks_dump = self.lacks_dump();
        dumps.iter().filter(move |dump| !dump.is_from_rings() || lacks_dump).map(|dump| {
            let session = dump.header().session;
            let of_session = |it: &&Dump| it.is_from_rings() && it.header().session == session;
            let rings = dumps.iter().find(of_session);
            (dump, rings.filter(|_| dump.state() == DumpState::Unfinished))
        })
    }

    /// Whether the dump's writer is running although this file is not locked: the file is a copy.
    pub(crate) fn is_running(&self, dump: &Dump) -> bool {
        self.running.contains(&dump.header().session)
    }

    /// Prints a line for each ring directory that was read.
    pub(crate) fn print_notes(&self) {
        for ReadRings { dir, records, dump, .. } in &self.read {
            let path = dir.path().display();
            let records = counted(*records, "record");
            match dump {
                Some(dump) => warn(format_args!(
                    "{}: it is not sealed: its writer was killed or did not close it; \
                     {records} came from its rings ({path})",
                    dump.display()
                )),
                None => warn(format_args!(
                    "{path}: the rings of a dump that is not among the inputs; they hold {records}"
                )),
            }
        }
    }

    /// Why the dump has no rings, to append to a description of its end; empty if it has some.
    pub(crate) fn absence(&self, dump: &Dump) -> &str {
        let of_session = self.absent.iter().find(|(session, _)| *session == dump.header().session);
        of_session.map_or("", |(_, why)| why)
    }
}

/// The places where no rings were found.
fn not_found(search: &RingSearch) -> String {
    let places = search.looked_in.iter().map(|path| path.display().to_string());
    let places = places.collect::<Vec<_>>().join(", ");
    let mut text = format!("; its rings are not in {places} (--rings DIR looks elsewhere)");
    for refused in &search.refused {
        text.push_str(&format!("; {refused}"));
    }
    text
}

fn is_same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().ok().is_some_and(|a| b.canonicalize().ok() == Some(a))
}
