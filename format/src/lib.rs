//! The language that the writer and the reader of a Stenolog dump share, specified in `FORMAT.md`:
//! frames, dictionary, record and value encodings, and format templates. No I/O, no `unsafe`.
#![forbid(unsafe_code)]

pub mod block;
mod bytes;
pub mod clock;
pub mod dictionary;
pub mod frame;
pub mod index;
pub mod loss;
pub mod recovery;
pub mod summary;
pub mod template;
pub mod types;
pub mod value;
pub mod volatile;
