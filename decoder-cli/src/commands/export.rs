//! `steno export`: a dump in another form. The only one so far is a dump that takes less room.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{Dump, Repacked, Tail, repack, verify};

use crate::cli::exit::Outcome;
use crate::cli::units::{bytes, counted};
use crate::commands::plan::{ExportPlan, ExportTo};
use crate::input;
use crate::output::atomic_write::write_new;
use crate::output::{Output, complain};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("{0}: is not one dump; name a file")]
    NotOne(String),
    #[error(
        "{0}: its writer is still running; close it, or write what is there with --allow-damage"
    )]
    Alive(String),
    #[error(
        "{0}: is damaged or incomplete: see `steno verify {0}`; after a crash run `steno recover`, or leave out what cannot be read with --allow-damage"
    )]
    Damaged(String),
    #[error("{}: exists; name another file, or replace it with --force", .0.display())]
    Exists(PathBuf),
    #[error("{}: is what is to be exported; name another file", .0.display())]
    Itself(PathBuf),
    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

pub(super) fn run(plan: &ExportPlan) -> anyhow::Result<Outcome> {
    let opened = input::open(std::slice::from_ref(&plan.input), &plan.limits, false)?;
    let failed = Outcome { unreadable: true, ..Outcome::default() };
    if opened.unreadable {
        return Ok(failed);
    }
    let ([dump], []) = (opened.dumps.as_slice(), opened.ring_dirs.as_slice()) else {
        let first = opened.dumps.first().map(|dump| opened.name(dump.name()));
        let first = first.or_else(|| Some(opened.ring_dirs.first()?.display().to_string()));
        complain(ExportError::NotOne(first.unwrap_or_default()));
        return Ok(failed);
    };
    let name = opened.name(dump.name());
    let is_intact = verify(dump).is_intact() && dump.tail() == Tail::Sealed;
    let refused = if is_intact || plan.allow_damage {
        None
    } else if dump.writer_is_alive() == Some(true) {
        Some(ExportError::Alive(name))
    } else {
        Some(ExportError::Damaged(name))
    };
    let incomplete = Outcome { incomplete: true, ..Outcome::default() };
    if let Some(error) = refused {
        complain(error);
        return Ok(incomplete);
    }
    match write(plan, dump) {
        Ok(repacked) => {
            if let ExportTo::File(path) = &plan.out {
                report(path, &repacked)?;
            }
            Ok(if is_intact && !opened.incomplete { Outcome::default() } else { incomplete })
        }
        Err(error) => {
            complain(error);
            Ok(failed)
        }
    }
}

fn write(plan: &ExportPlan, dump: &Dump) -> Result<Repacked, ExportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Write { path, source }
    };
    let path = match &plan.out {
        ExportTo::Stdout => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            let written = repack(dump, plan.zstd, &mut out);
            return written
                .and_then(|repacked| out.flush().map(|()| repacked))
                .map_err(failed(Path::new("<stdout>")));
        }
        ExportTo::File(path) => path,
    };
    if let (Ok(from), Ok(to)) = (dump.name().canonicalize(), path.canonicalize())
        && from == to
    {
        return Err(ExportError::Itself(path.clone()));
    }
    // A link counts, wherever it leads. Asked again when the file gets its name.
    if !plan.force && fs::symlink_metadata(path).is_ok() {
        return Err(ExportError::Exists(path.clone()));
    }
    write_new(path, plan.force, |mut out| repack(dump, plan.zstd, &mut out)).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            ExportError::Exists(path.clone())
        } else {
            failed(path)(error)
        }
    })
}

fn report(path: &Path, repacked: &Repacked) -> anyhow::Result<()> {
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
    output.append(|out| {
        push_escaped(out, &line);
        out.push('\n');
    })?;
    output.flush()
}
