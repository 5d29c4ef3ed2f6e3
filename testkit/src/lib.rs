//! Fixtures that the tests of several packages share.
//!
//! | item | what it is for |
//! |---|---|
//! | [`DumpBuilder`] | builds the bytes of a dump frame by frame |
//! | [`sample`] | a small dump for examples in documentation |
//! | [`GroupModel`] | writes groups by the words of the specification |
//! | [`SpanProgram`] | a program with spans: its dump, and the spans that each record was in |
//! | [`TempDirFixture`] | a temporary folder with files in it |
//! | [`wait_until`] | waits for a condition, with a generous limit |
//!
//! This package depends on `stenolog-format` and on no reader or writer: what it builds is a second
//! opinion on both. Fixtures that run a logger or a decoder are in `tests/src` (`LogFixture`,
//! `scenario!`), helpers for the decoder's unit tests in `decoder/testing`.

mod dump;
mod folder;
mod group;
mod spans;
mod wait;

pub use self::dump::{DumpBuilder, Rec, START, compress, loss, n, sample, site, str_bytes};
pub use self::folder::TempDirFixture;
pub use self::group::{CellType, Dice, GroupModel, KindModel, PartModel};
pub use self::spans::{SpanBlocks, SpanLine, SpanProgram, sites};
pub use self::wait::wait_until;
