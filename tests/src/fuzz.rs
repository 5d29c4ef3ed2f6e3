//! Fuzz bodies: plain functions of bytes, which panic if a promise is broken.
//!
//! `fuzz/` gives each of them to libFuzzer; `tests/corpus.rs` replays what libFuzzer found worth
//! keeping. A body decides by the first byte of its input whether the rest is taken as it is, or is
//! framed with right checksums, which random bytes never have.
//!
//! | body | what it reads | what it promises |
//! |---|---|---|
//! | [`dump`] | any bytes, or frames, as one dump or several | no panic; output in every format is well-formed, each record once, no more than the bytes can hold |
//! | [`block`] | records of call sites of all types, raw or packed | the same; what is packed reads back as it was |
//! | [`group`] | blocks of several rings, as they are written or changed | the same; all records of whole ones are read |
//! | [`ring_file`] | any bytes, or a ring's positions and memory | no panic; records lie apart, in order, within the ring |
//! | [`template`] | a format string and values, or one spec and a value | the grammar loses nothing; the text is std's |

mod block;
mod dump;
mod group;
mod input;
mod read;
mod ring_file;
mod seeds;
mod template;

pub use block::block;
pub use dump::dump;
pub use group::group;
pub use ring_file::ring_file;
pub use seeds::{Seed, seeds};
pub use template::template;

/// A fuzz body.
pub type Body = fn(&[u8]);

/// All bodies, by the names of their targets.
pub const BODIES: [(&str, Body); 5] = [
    ("block", block),
    ("dump", dump),
    ("group", group),
    ("ring_file", ring_file),
    ("template", template),
];
