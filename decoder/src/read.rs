//! Reading: from any number of dumps to one stream of entries.
//!
//! ```text
//!   ring 1  ▭▭▭▭ ▭▭▭▭┐
//!   ring 2     ▭▭▭▭▭▭┼─▶ heap by (time, counter, ring) ─▶ filter ─▶ values ─▶ visitor, cursor
//!   ring 3  ▭▭▭      ┘   one entry of each ring,          (call site, time: before the heap)
//!                        and all that come before the next ring's
//! ```
//!
//! A decoder refers to dumps, blocks and call sites by index and borrows nothing: it can be kept beside its
//! dumps, stopped, resumed, and continued after a file has grown.
//!
//! | file | what it is |
//! |---|---|
//! | `decoder` | the merge of the rings, and the visitor |
//! | `cursor` | one entry at a time, lent or owned |
//! | `growth` | dumps that have grown, or are added |
//! | `ending` | what the last records need, and what can be passed over |
//! | `plan`, `selection` | what is read: dumps, sessions, call sites with their predicates |
//! | `seek` | search in the columns and pools of a group |
//! | `session` | files of one run of a logger, and the items of their rings |
//! | `ring` | one ring: blocks in order, and what is missing between them |
//! | `block_reader`, `columns`, `group_walk`, `block_body` | an open block |
//! | `spans` | the spans that records are in |
//! | `batch` | consecutive records of a block, undecoded |
//! | `statement` | losses on their way to the output |
//! | `tally`, `state`, `summary` | counters |
//! | `order`, `pools`, `values` | merge keys, reused buffers, decoding of values |

mod batch;
mod block_body;
mod block_reader;
mod columns;
mod cursor;
mod decoder;
mod ending;
mod group_walk;
mod growth;
mod inputs;
mod order;
mod plan;
mod pools;
mod ring;
mod seek;
mod selection;
mod session;
mod spans;
mod state;
mod statement;
mod summary;
mod tally;
mod values;

pub(crate) use batch::{RecordBatch, RecordRun, UndecodedRecord};
pub(crate) use block_body::BlockBody;
pub use cursor::{Entries, Records};
pub use decoder::Decoder;
pub use inputs::IntoDumps;
pub use order::Order;
pub(crate) use plan::CallSites;
pub(crate) use ring::Turn;
pub(crate) use seek::SoughtGroups;
pub(crate) use session::time_map;
pub use statement::Losses;
pub(crate) use statement::{PendingLosses, Statement};
pub use summary::Summary;
pub(crate) use tally::BlockPlace;
pub(crate) use values::ValueBuffers;

#[cfg(test)]
mod tests;
