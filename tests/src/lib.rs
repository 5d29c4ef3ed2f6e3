//! Fixtures of the end-to-end tests, and the bodies of the fuzz targets.
//!
//! | item | what it is for |
//! |---|---|
//! | [`LogFixture`] | a logger of one test, and what it wrote |
//! | [`read`], [`render`], [`messages`] | reading a dump |
//! | [`scenario!`] | a process that logs, and what it reports: see `src/scenarios/` |
//! | [`second_reader`] | the reader in Python that knows only `FORMAT.md` |
//! | [`kill`] | what the kill matrix and its processes agree on |
//! | [`fuzz`] | the bodies of the fuzz targets |

mod fixture;
pub mod fuzz;
#[cfg(unix)]
pub mod kill;
mod reading;
pub mod scenario;
pub mod second_reader;

pub use self::fixture::LogFixture;
pub use self::reading::{message, messages, read, render};
