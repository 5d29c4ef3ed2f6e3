//! `steno recover`: one whole dump out of one that broke off and the rings of its writer.

use std::fs;
use std::io;
use std::path::Path;

use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{Recovered, Tail, recover};

use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted};
use crate::commands::plan::RecoverPlan;
use crate::input::rings::{ReadRings, Rings};
use crate::input::{self, Opened};
use crate::output::atomic_write::write_new;
use crate::output::completeness;
use crate::output::{Output, complain};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum RecoverError {
    #[error(
        "{0}: its writer is still running; close it, or read the dump as it is with `steno {0}`"
    )]
    Alive(String),
    #[error("{0}: is not one dump; name a file, or the ring directory of one whose file is gone")]
    NotOne(String),
    #[error("{}: exists; name another file, or replace it with --force", .0.display())]
    Exists(std::path::PathBuf),
    #[error("{}: is what is to be recovered; name another file", .0.display())]
    Itself(std::path::PathBuf),
    #[error("{}: cannot be written: {source}; the dump and its rings are as they were", path.display())]
    Write { path: std::path::PathBuf, source: io::Error },
}

pub(super) fn run(plan: &RecoverPlan) -> anyhow::Result<Outcome> {
    let mut opened = input::open(std::slice::from_ref(&plan.input), &plan.rings.limits, false)?;
    let failed = Outcome { unreadable: true, ..Outcome::default() };
    if opened.unreadable {
        return Ok(failed);
    }
    match write(plan, &mut opened) {
        Ok((recovered, rings)) => report(plan, &opened, &recovered, rings),
        Err(error) => {
            if let Some(error) = error {
                complain(error);
            }
            Ok(failed)
        }
    }
}

/// `Err(None)` if what is wrong was said already.
fn write(
    plan: &RecoverPlan,
    opened: &mut Opened,
) -> Result<(Recovered, Rings), Option<RecoverError>> {
    let name = |path: &Path| opened.name(path);
    let is_alive = opened
        .dumps
        .iter()
        .find(|dump| dump.tail() != Tail::Sealed && dump.writer_is_alive() == Some(true));
    if let Some(dump) = is_alive {
        return Err(Some(RecoverError::Alive(name(dump.name()))));
    }
    let path = match (opened.dumps.as_slice(), opened.ring_dirs.as_slice()) {
        ([dump], []) => dump.name().to_owned(),
        ([], [path]) => path.clone(),
        ([], []) => return Err(None),
        ([first, ..], _) => return Err(Some(RecoverError::NotOne(name(first.name())))),
        (_, [first, ..]) => return Err(Some(RecoverError::NotOne(first.display().to_string()))),
    };
    if let (Ok(from), Ok(to)) = (path.canonicalize(), plan.to.canonicalize())
        && from == to
    {
        return Err(Some(RecoverError::Itself(plan.to.clone())));
    }
    // A link counts, wherever it leads. Asked again when the file gets its name.
    if !plan.force && fs::symlink_metadata(&plan.to).is_ok() {
        return Err(Some(RecoverError::Exists(plan.to.clone())));
    }
    let rings = Rings::merge(opened, &plan.rings);
    if opened.unreadable {
        return Err(None);
    }
    if let Some(dump) = opened.dumps.first()
        && rings.is_running(dump)
    {
        return Err(Some(RecoverError::Alive(opened.name(dump.name()))));
    }
    let recovered = write_to(plan, opened)?;
    Ok((recovered, rings))
}

fn write_to(plan: &RecoverPlan, opened: &Opened) -> Result<Recovered, RecoverError> {
    let path = &plan.to;
    let recovered = write_new(path, plan.force, |mut out| recover(&opened.dumps, &mut out));
    recovered.map_err(|source| {
        let path = path.clone();
        if source.kind() == io::ErrorKind::AlreadyExists {
            RecoverError::Exists(path)
        } else {
            RecoverError::Write { path, source }
        }
    })
}

fn report(
    plan: &RecoverPlan,
    opened: &Opened,
    recovered: &Recovered,
    rings: Rings,
) -> anyhow::Result<Outcome> {
    let mut output = Output::new();
    let state = if recovered.is_sealed { "sealed" } else { "left without an end mark" };
    let line = format!(
        "{}: {}, {}; {state}",
        plan.to.display(),
        counted(recovered.records, "record"),
        bytes(recovered.bytes)
    );
    output.append(|out| {
        push_escaped(out, &line);
        out.push('\n');
    })?;
    output.flush()?;
    rings.tell(opened);
    completeness::report(opened, &recovered.summary, &rings);
    let mut outcome = Outcome {
        incomplete: opened.incomplete || !recovered.summary.is_complete() || rings.lacks_dump(),
        ..Outcome::default()
    };
    if plan.remove_rings {
        outcome.unreadable = !remove(rings);
    }
    Ok(outcome)
}

/// Removes the rings that were read. `false` if they are still there.
fn remove(rings: Rings) -> bool {
    if rings.read.is_empty() {
        complain("no rings were found that could be removed");
    }
    let mut all = true;
    for ReadRings { dir, is_whole, .. } in rings.read {
        let path = dir.path().to_owned();
        if !is_whole {
            complain(format_args!(
                "{}: is kept: not all that it holds could be read",
                path.display()
            ));
            all = false;
        } else if let Err(error) = dir.remove() {
            complain(format_args!("{error}; what is left of the rings is kept"));
            all = false;
        }
    }
    all
}
