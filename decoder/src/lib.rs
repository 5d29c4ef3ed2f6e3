#![doc = include_str!("../README.md")]

mod clock;
mod damage;
mod decoder;
mod dump;
mod entry;
mod error;
pub mod escape;
mod filter;
mod info;
pub mod json;
mod limits;
mod recover;
mod render;
mod repack;
mod rings;
mod site;
mod source;
pub mod text;
mod verify;

#[cfg(test)]
mod scene;

pub use damage::{Damage, DamageCause, MetadataError, Tail};
pub use decoder::{Decoder, Losses, Order, Summary};
pub use dump::{Block, Dump, FrameCounts, MAX_METADATA_BYTES};
pub use entry::{Entry, LossCause, LossEntry, LossKind, Record};
pub use error::OpenError;
pub use filter::{FieldMatch, FieldMatchError, Filter, Levels};
pub use info::{Info, info, info_with};
pub use limits::{Limit, Limits};
pub use recover::{Recovered, recover};
pub use render::{Format, Precision, RenderOptions, Renderer, UnknownFormatError, Zone, ZoneError};
pub use repack::{Repacked, repack};
pub use rings::{
    LeftRings, LeftState, Recovery, RefusedDir, RingDamage, RingDir, RingSearch, RingShare,
    RingsError, Why,
};
pub use site::Site;
pub use source::survive_shrinking_files;
pub use verify::{RingVerification, Verification, verify, verify_with};

/// The dump format itself.
pub use stenolog_format as format;
pub use stenolog_format::clock::ClockPair;
pub use stenolog_format::dictionary::{CallSite, Level, Thread};
pub use stenolog_format::frame::FileHeader;
pub use stenolog_format::value::Value;
