//! Rings that outlive their process: files in a directory that a reader finds by the session.
//!
//! ```text
//!   stenolog-<session>.rings/
//!     meta.steno     a dump without blocks: call sites, threads, a clock pair
//!     progress       up to where the dump consists of whole frames, and where each ring is
//!     ring-<n>       a ring, with what a reader must know of it in its user words
//!     dump           which dump it belongs to
//! ```
//!
//! - **D1 (explain first).** The dictionary entry of a call site, and the thread of a ring, stand
//!   in `meta.steno` before a record that needs them can be committed, and as long as the dump does not
//!   have all such records.
//! - **D2 (numbers).** The number of the record at a ring's `consumed` position is in a pair of
//!   user words that was stored before that position.
//! - **D3 (progress).** What the dump has beyond `progress` is still in the rings, as these are
//!   freed later (S1 in the drain's scanner).
//! - **D5 (volatile).** A ring that is in no file is listed in `progress` before a record of it can be
//!   committed, until the dump has all of it. So is one in a file, which readers then look for.
//! - **D4 (removal).** The directory is removed only when the dump has been sealed: by its own
//!   logger, or by one that starts after it was killed. What was killed under another path is judged
//!   by W1 to W4 in `sweep`.
//!
//! There may be a second directory beside the dump, for what the first has no room for.
//!
//! `FORMAT.md` says what readers may rely on.

use std::io;
use std::path::PathBuf;

use stenolog_format::loss::Loss;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc::Producer;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::word;
pub(crate) use stenolog_session::unread::NotRecovered;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod origin;
#[cfg(unix)]
mod page;
mod recover;
#[cfg(unix)]
mod slots;
#[cfg(unix)]
mod sweep;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use self::elsewhere::{Listing, Missed, RingDir, RingFile, sweep};
#[cfg(unix)]
pub(crate) use self::page::Listing;
pub(crate) use self::recover::UnreadDir;
#[cfg(unix)]
pub(crate) use self::sweep::sweep;
#[cfg(unix)]
pub(crate) use self::unix::{Missed, RingDir, RingFile};

/// Rings that were removed.
#[cfg_attr(not(unix), expect(dead_code, reason = "there are no rings in files to be removed"))]
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) rings: PathBuf,
    /// Their dump, if there is one.
    pub(crate) dump: Option<PathBuf>,
    /// There may have been records that it does not have.
    pub(crate) were_unread: bool,
    pub(crate) why: &'static str,
}

/// Why no ring directory could be made.
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

/// A ring is no smaller than this.
pub(crate) const LEAST_RING_BYTES: usize = 4096;

/// No ring gets so far.
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

/// Says which number the record at `position` has, before everything up to there is freed (D2).
/// Calls for one ring take turns with `odd`; the first one is odd.
pub(crate) fn state_number(consumer: &Consumer, odd: bool, position: u64, number: u64) {
    let pair = word::NUMBERS[usize::from(odd)];
    // Another position means nothing to a reader who looks for this one.
    consumer.set_user_word(pair + 1, number);
    failpoint::after(Step::HalfNumbered);
    consumer.set_user_word(pair, position);
    failpoint::after(Step::Numbered);
}

/// States what was lost so far, for a reader who finds the ring before the drain does.
pub(crate) fn state_loss(producer: &Producer, loss: &Loss) {
    for (level, (&full, &too_large)) in loss.full.iter().zip(&loss.too_large).enumerate() {
        producer.set_user_word(word::LOST[0] + level, full);
        producer.set_user_word(word::LOST[1] + level, too_large);
    }
    producer.set_user_word(word::LOST_AT, loss.counter);
}
