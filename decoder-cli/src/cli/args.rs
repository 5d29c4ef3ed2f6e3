//! Arguments that several commands have.

use std::ffi::OsString;
use std::path::PathBuf;

use stenolog_decoder::{Zone, ZoneError};

/// The dumps to report on.
#[derive(Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Dumps (also .gz and .zst), directories, globs, or - for standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::AnyPath)]
    pub(crate) inputs: Vec<OsString>,
}

/// The rings of dead writers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rings (records that a dead writer had not written yet)")]
pub(crate) struct RingArgs {
    /// Also look for rings in DIR, or read DIR itself if it is a ring directory (repeatable)
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) rings: Vec<PathBuf>,
    /// Ignore rings: read only the dumps themselves
    #[arg(long, conflicts_with = "rings")]
    pub(crate) no_rings: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// Bounds on what is read.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Limits (for untrusted files)")]
pub(crate) struct LimitArgs {
    /// Read at most SIZE of call-site data from each file: 512K, 1G [default: 64M]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    pub(crate) max_metadata: Option<u64>,
    /// Read at most N ring files [default: 65536]
    #[arg(long, value_name = "N")]
    pub(crate) max_ring_files: Option<usize>,
    /// Read at most SIZE of ring files in total [default: 4G]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    pub(crate) max_ring_bytes: Option<u64>,
    /// Decompress at most SIZE of a .gz or .zst file [default: 1024 times its size, at least 1G]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::units::parse_bytes)]
    pub(crate) max_unpacked: Option<u64>,
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
