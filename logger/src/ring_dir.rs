//! Rings that outlive their process: files in a directory that a reader finds by the session.
//!
//! `stenolog_session::layout` shows the directory, and `FORMAT.md` says what readers may rely on. There may
//! be a second directory beside the dump, for rings and explanations that the first has no room for.
//!
//! - **D1 (explain first).** The dictionary entry of a call site, and the thread of a ring, are in
//!   `meta.steno` before a record that needs them can be committed, and as long as the dump lacks such a
//!   record.
//! - **D2 (numbers).** The number of the record at a ring's `consumed` position is in a pair of
//!   user words that was stored before that position.
//! - **D3 (progress).** Everything that the dump has beyond `progress` is still in the rings, which are
//!   freed later (S1 in the drain).
//! - **D4 (removal).** The directory is removed only when the dump is sealed: by its own logger, or by one
//!   that starts after that was killed. W1 to W4 in `sweep` apply to directories of other dumps.
//! - **D5 (volatile).** A ring that is not in a file is listed in `progress` before a record of it can be
//!   committed, until the dump has everything of it. A ring in a file is listed too, and readers look for it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use stenolog_format::dictionary::CallSite;
use stenolog_format::loss::Loss;
use stenolog_format::span::SpanEvent;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc::Producer;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::word;
pub(crate) use stenolog_session::unread::NotRecovered;

#[cfg(unix)]
mod directories;
#[cfg(unix)]
mod directory;
#[cfg(unix)]
mod meta;
#[cfg(unix)]
mod page;
mod recover;
#[cfg(unix)]
mod slots;
#[cfg(unix)]
mod sweep;
#[cfg(not(unix))]
mod unsupported;

#[cfg(unix)]
pub(crate) use self::directories::{Missed, RingDir, RingFile};
#[cfg(unix)]
pub(crate) use self::page::Listing;
pub(crate) use self::recover::UnreadDir;
#[cfg(unix)]
pub(crate) use self::sweep::sweep;
#[cfg(not(unix))]
pub(crate) use self::unsupported::{Listing, Missed, RingDir, RingFile, sweep};

/// A call site, as dumps and ring directories state it.
#[derive(Clone, Debug)]
pub(crate) struct SiteEntry {
    pub(crate) site: Arc<CallSite>,
    /// What its records are, if they are events of spans.
    pub(crate) event: Option<SpanEvent>,
}

/// A ring directory that was removed.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) rings: PathBuf,
    /// Their dump, if there is one.
    pub(crate) dump: Option<PathBuf>,
    /// Whether the dump may lack some of their records.
    pub(crate) were_unread: bool,
    pub(crate) why: &'static str,
}

/// The reason why no ring directory could be created.
#[derive(Debug, thiserror::Error)]
#[error("{}", describe(tried))]
pub(crate) struct NoRingDir {
    pub(crate) tried: Vec<(PathBuf, io::Error)>,
}

fn describe(tried: &[(PathBuf, io::Error)]) -> String {
    if tried.is_empty() {
        return "this platform keeps no rings in files".to_owned();
    }
    let each = |(folder, error): &(PathBuf, io::Error)| format!("in {}: {error}", folder.display());
    tried.iter().map(each).collect::<Vec<_>>().join("; ")
}

/// The smallest capacity of a ring.
pub(crate) const LEAST_RING_BYTES: usize = 4096;

/// A position that no ring reaches.
const NO_POSITION: u64 = u64::MAX;

/// Gives a ring to a thread, under a new ring id.
pub(crate) fn begin_ring(consumer: &Consumer, ring: u32) {
    // Only one pair may fit: the other's number changes before its position does.
    for (pair, position) in word::NUMBERS.into_iter().zip([consumer.position(), NO_POSITION]) {
        consumer.set_user_word(pair, position);
        consumer.set_user_word(pair + 1, 0);
    }
    for index in word::LOST[0]..=word::LOST_AT {
        consumer.set_user_word(index, 0);
    }
    failpoint::after(Step::RingWorded);
    consumer.set_user_word(word::RING, ring.into());
    failpoint::after(Step::RingBegun);
}

/// Takes a ring that is empty, and whose losses the dump states, from its thread.
pub(crate) fn end_ring(consumer: &Consumer) {
    consumer.set_user_word(word::RING, 0);
    failpoint::after(Step::RingEnded);
}

/// States the number of the record at `position`, before everything up to there is freed (D2). Calls for
/// one ring alternate `odd`, beginning with `true`.
pub(crate) fn state_number(consumer: &Consumer, odd: bool, position: u64, number: u64) {
    let pair = word::NUMBERS[usize::from(odd)];
    // Until the position is stored, the pair does not fit any that a reader looks for.
    consumer.set_user_word(pair + 1, number);
    failpoint::after(Step::HalfNumbered);
    consumer.set_user_word(pair, position);
    failpoint::after(Step::Numbered);
}

/// States the losses so far, for a reader that finds the ring before the drain does.
pub(crate) fn state_loss(producer: &Producer, loss: &Loss) {
    for (level, (&full, &too_large)) in loss.full.iter().zip(&loss.too_large).enumerate() {
        producer.set_user_word(word::LOST[0] + level, full);
        producer.set_user_word(word::LOST[1] + level, too_large);
    }
    producer.set_user_word(word::LOST_AT, loss.counter);
}
