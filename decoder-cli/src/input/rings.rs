//! The rings of writers that died: found, read, and put beside their dumps.

use std::path::{Path, PathBuf};

use stenolog_decoder::{Dump, Recovery, RingDir, RingSearch, RingsError, Tail};

use crate::cli::units::counted;
use crate::commands::plan::RingsPlan;
use crate::input::Opened;
use crate::output::complain;

/// What became of the search for rings.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    /// The rings that were read.
    pub(crate) read: Vec<ReadRings>,
    /// Sessions of dumps that break off and have no rings, and why not.
    absent: Vec<([u8; 16], String)>,
    /// Sessions whose rings are in use.
    running: Vec<[u8; 16]>,
}

/// Rings that were read.
#[derive(Debug)]
pub(crate) struct ReadRings {
    pub(crate) dir: RingDir,
    /// How many records they have that the dump has not.
    pub(crate) records: u64,
    /// Whether all that they hold could be read.
    pub(crate) is_whole: bool,
    /// The dump that they complete; `None` if only the rings were named.
    dump: Option<PathBuf>,
}

impl Rings {
    /// Looks for the rings of each dump that breaks off and has no writer, and puts what they hold
    /// among the dumps.
    pub(crate) fn merge(opened: &mut Opened, plan: &RingsPlan) -> Self {
        let mut rings = Self::default();
        if plan.wanted {
            let mut found = Vec::new();
            for dump in opened.dumps.iter().filter(|dump| breaks_off(dump)) {
                found.extend(rings.of_dump(dump, opened, plan));
            }
            opened.dumps.extend(found);
        }
        rings.take_named(opened, plan);
        rings
    }

    fn of_dump(&mut self, dump: &Dump, opened: &Opened, plan: &RingsPlan) -> Option<Dump> {
        let mut folders = plan.folders.clone();
        folders.extend_from_slice(&opened.ring_dirs);
        let search = RingDir::find(dump, &folders);
        let session = dump.header().session;
        let Some(dir) = search.found else {
            let why = match dump.is_in_memory() {
                Some("") => "; its rings were in memory, and what they held is lost".to_owned(),
                Some(why) => {
                    format!("; its rings were in memory, and what they held is lost ({why})")
                }
                None => nowhere(&search),
            };
            self.absent.push((session, why));
            return None;
        };
        match dir.read(Some(dump), &plan.limits.dump) {
            Ok(recovery) => Some(self.note(dir, recovery, Some(dump))),
            Err(error) => {
                let why = match error {
                    RingsError::Alive { .. } => {
                        self.running.push(session);
                        "; its writer still runs: read the file that it writes".to_owned()
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

    /// Reads the directories that were named among the inputs, and belong to none of the dumps.
    fn take_named(&mut self, opened: &mut Opened, plan: &RingsPlan) {
        for path in opened.ring_dirs.clone() {
            if self.read.iter().any(|rings| is_same(rings.dir.path(), &path)) {
                continue;
            }
            let dir = RingDir::open(path).map_err(RingsError::from);
            let read = dir.and_then(|dir| {
                let recovery = dir.read(None, &plan.limits.dump)?;
                Ok((dir, recovery))
            });
            match read {
                Ok((dir, recovery)) => {
                    let dump = self.note(dir, recovery, None);
                    opened.dumps.push(dump);
                }
                Err(error) => opened.cannot(error),
            }
        }
    }

    /// Whether there are rings whose dump is not among the inputs.
    pub(crate) fn lacks_dump(&self) -> bool {
        self.read.iter().any(|rings| rings.dump.is_none())
    }

    /// Whether the dump's writer is running although this file is not locked: it is a copy.
    pub(crate) fn is_running(&self, dump: &Dump) -> bool {
        self.running.contains(&dump.header().session)
    }

    /// A line for each directory of rings that was read.
    pub(crate) fn tell(&self, opened: &Opened) {
        for ReadRings { dir, records, dump, .. } in &self.read {
            let path = dir.path().display();
            let held = match records {
                0 => "its rings held nothing more".to_owned(),
                _ => format!("{} came from its rings", counted(*records, "record")),
            };
            match dump {
                Some(dump) => {
                    complain(format_args!(
                        "{}: it is not sealed: its writer was killed or did not close it; {held} ({path})",
                        opened.name(dump)
                    ));
                }
                None => complain(format_args!(
                    "{path}: the rings of a dump that is not among the inputs; {} in them",
                    counted(*records, "record")
                )),
            }
        }
    }

    /// Why the dump has no rings, to be put behind what is said of its end.
    pub(crate) fn absence(&self, dump: &Dump) -> &str {
        let of_session = self.absent.iter().find(|(session, _)| *session == dump.header().session);
        of_session.map_or("", |(_, why)| why)
    }
}

/// Whether the dump ends early and has no writer any more.
pub(crate) fn breaks_off(dump: &Dump) -> bool {
    dump.tail() != Tail::Sealed && dump.writer_is_alive() != Some(true)
}

/// Where no rings are.
fn nowhere(search: &RingSearch) -> String {
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
