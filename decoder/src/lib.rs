#![doc = include_str!("../README.md")]

mod clock;
mod dump;
mod error;
pub mod escape;
mod filter;
mod info;
pub mod json;
mod limits;
mod model;
mod read;
mod record_text;
mod render;
mod report;
mod rings;
pub mod text;
mod verify;
mod write;

#[cfg(test)]
#[path = "../testing/mod.rs"]
mod testing;

pub use dump::source::survive_shrinking_files;
pub use dump::{Block, BlockIter, Blocks, Dump, FrameCounts, Refresh};
pub use error::OpenError;
pub use filter::{FieldMatch, FieldMatchError, Filter, Levels};
pub use info::{Info, info, info_with};
pub use limits::{Limit, Limits, MAX_METADATA_BYTES};
pub use model::damage::{Damage, DamageCause, MetadataError, RingDamage};
pub use model::entry::Entry;
pub use model::loss::{LossCause, LossEntry, LossKind};
pub use model::owned::OwnedEntry;
pub use model::record::Record;
pub use model::site::CompiledSite;
pub use model::span::Span;
pub use model::span_event::SpanEntry;
pub use model::state::{DumpState, Tail};
pub use read::{Decoder, Entries, IntoDumps, Losses, Order, Records, Summary};
pub use render::{
    Format, Precision, RenderOptions, Renderer, UnknownFormatError, Zone, ZoneError, type_name,
};
pub use rings::{
    LeftRings, LeftState, Recovery, RefusalReason, RefusedDir, RingDir, RingSearch, RingsError,
    UnreadRing,
};
#[expect(deprecated, reason = "the former names are kept for one version")]
pub use rings::{RingShare, Why};
pub use verify::{RingVerification, Verification, verify, verify_with};
pub use write::compact::{RepackOptions, RepackProgress, RepackReport, repack, repack_with};
pub use write::recover::{RecoverReport, recover};

/// The former name of [`CompiledSite`].
#[deprecated(note = "use `CompiledSite`")]
pub type Site = CompiledSite;
/// The former name of [`RecoverReport`].
#[deprecated(note = "use `RecoverReport`")]
pub type Recovered = RecoverReport;
/// The former name of [`RepackReport`].
#[deprecated(note = "use `RepackReport`")]
pub type Repacked = RepackReport;

/// The expressions that [`Filter::with_grep`] takes.
pub use regex;
/// The dump format itself.
pub use stenolog_format as format;
pub use stenolog_format::clock::ClockPair;
pub use stenolog_format::dictionary::{CallSite, Level, Thread};
pub use stenolog_format::frame::FileHeader;
pub use stenolog_format::span::SpanEvent;
pub use stenolog_format::value::Value;
