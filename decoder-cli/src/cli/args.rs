//! Arguments that several commands have.

use std::ffi::OsString;
use std::path::PathBuf;

use stenolog_decoder::{Limits, Zone, ZoneError};

use crate::input::rings::RingsPlan;
use crate::input::{Input, InputLimits};

/// The dumps to report on.
#[derive(Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Dumps (also .gz and .zst), directories, globs, or - for standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::AnyPath)]
    inputs: Vec<OsString>,
}

impl InputArgs {
    pub(crate) fn inputs(&self) -> Vec<Input> {
        self.inputs.iter().map(|word| Input::from(word.as_os_str())).collect()
    }
}

/// The rings of dead writers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rings (records that a dead writer had not written yet)")]
pub(crate) struct RingArgs {
    /// Also look for rings in DIR, or read DIR itself if it is a ring directory (repeatable)
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    rings: Vec<PathBuf>,
    /// Ignore rings: read only the dumps themselves
    #[arg(long, conflicts_with = "rings")]
    no_rings: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

impl From<RingArgs> for RingsPlan {
    fn from(args: RingArgs) -> Self {
        let RingArgs { rings, no_rings, limits } = args;
        Self { wanted: !no_rings, folders: rings, limits: limits.into() }
    }
}

/// Bounds on what is read.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Limits (for untrusted files)")]
pub(crate) struct LimitArgs {
    /// Read at most SIZE of call sites from each file: 512K, 1G [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    max_metadata: Option<u64>,
    /// Read at most N ring files [default: 65536]
    #[arg(long, value_name = "N")]
    max_ring_files: Option<usize>,
    /// Read at most SIZE of ring files in total [default: 4G]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    max_ring_bytes: Option<u64>,
    /// Decompress at most SIZE of a .gz or .zst file [default: 1024 times its size, at least 1G]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    max_unpacked: Option<u64>,
}

impl From<LimitArgs> for InputLimits {
    fn from(args: LimitArgs) -> Self {
        let LimitArgs { max_metadata, max_ring_files, max_ring_bytes, max_unpacked } = args;
        let mut limits = Limits::default();
        if let Some(bytes) = max_metadata {
            let bytes_here = usize::try_from(bytes).unwrap_or(usize::MAX);
            limits = limits.with_metadata_bytes(bytes_here).with_ring_metadata_bytes(bytes);
        }
        if let Some(files) = max_ring_files {
            limits = limits.with_ring_files(files);
        }
        if let Some(bytes) = max_ring_bytes {
            limits = limits.with_ring_bytes(bytes);
        }
        Self { dump: limits, unpacked_bytes: max_unpacked }
    }
}

/// A time zone that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("--time-zone {0}")]
pub(crate) struct TimeZoneError(ZoneError);

/// The zone that `--utc` and `--time-zone` ask for; `None` without either.
///
/// # Errors
/// If there is no zone of this name.
pub(crate) fn zone(utc: bool, name: Option<&str>) -> Result<Option<Zone>, TimeZoneError> {
    match name {
        Some(name) => name.parse().map(Some).map_err(TimeZoneError),
        None => Ok(utc.then_some(Zone::UTC)),
    }
}
