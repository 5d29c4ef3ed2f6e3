//! The judgement of one ring of a dead writer against its dump.
//!
//! ```text
//!   dump:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┐               blocks, each with a number and a position at both ends
//!   ring:            ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭     records from `start`, the first of which has a stated number
//!                    ├ skip ┤─── share ───┤
//! ```
//!
//! A reader reports the damage that is found and shows the rest; a logger that starts on the path of the
//! dump leaves everything as it is if there is any.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::CallSite;
use stenolog_format::loss::Loss;
use stenolog_format::recovery::{RingRecord, RingSpan};
use stenolog_ringbuf::file::{Damage as RingEnd, Kind, RecoverError, Recovered};

use crate::dir::read_at_most;
use crate::layout::{MAX_RING_FILE_BYTES, RingWords};

/// The reason why a file is not a ring of a session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotARing {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is longer than any ring, or than may be read.
    #[error("has {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: u64,
        /// The number of bytes that may be read.
        limit: u64,
    },
    /// Its header or its positions are damaged.
    #[error(transparent)]
    Damaged(#[from] RecoverError),
    /// It is a ring of another run.
    #[error("is of another session")]
    OtherSession,
    /// It is a ring with many producers, which loggers do not use.
    #[error("is a ring of a kind that loggers do not use")]
    Kind,
    /// Its ring id does not fit.
    #[error("its ring id is {id}")]
    Id {
        /// The user word.
        id: u64,
    },
}

/// Reads a ring file that is no longer than `left` bytes, and takes its length off `left`.
///
/// # Errors
/// If the file is too long, cannot be read, or is not a ring.
pub fn read_ring(file: &File, left: &mut u64) -> Result<Recovered, NotARing> {
    let bytes = file.metadata()?.len();
    let limit = MAX_RING_FILE_BYTES.min(*left);
    if bytes > limit {
        return Err(NotARing::TooLong { bytes, limit });
    }
    *left -= bytes;
    Ok(Recovered::from_bytes(&read_at_most(file, bytes)?)?)
}

/// The id and the words of a ring of the session; `None` if the ring waits for a thread, and holds nothing.
///
/// # Errors
/// If it is not a ring that a logger of the session has made.
pub fn identify(
    ring: &Recovered,
    session: &[u8; 16],
) -> Result<Option<(u32, RingWords)>, NotARing> {
    let words = RingWords::decode(&ring.user_words());
    if words.session != *session {
        return Err(NotARing::OtherSession);
    }
    if ring.kind() != Kind::OneProducer {
        return Err(NotARing::Kind);
    }
    let id = u32::try_from(words.ring).map_err(|_| NotARing::Id { id: words.ring })?;
    Ok((id != 0).then_some((id, words)))
}

/// The dump of a session, as far as a ring needs it.
pub trait DumpSide {
    /// The headers of the ring's blocks in the order of their numbers, without blocks that are cut. Blocks
    /// that end before the ring's first record may be left out.
    fn blocks(&self, ring: u32) -> impl Iterator<Item = &BlockHeader>;

    /// Whether the payload of the block at this index of [`blocks`](Self::blocks) is intact.
    fn is_whole(&self, ring: u32, block: usize) -> bool;

    /// The number of the record after the ring's last block; `None` if it has no blocks.
    fn end(&self, ring: u32) -> Option<u64>;

    /// Whether the dump is the first file of its session, and so has the ring from its first record on.
    fn is_first(&self) -> bool;

    /// Whether a call site is explained, by the dump or by `meta.steno`.
    fn has_site(&self, id: u32) -> bool;
}

/// The part of a ring that its dump lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The ring, and the part of it that the dump lacks.
    pub span: RingSpan,
    /// The number of the ring's records that the dump has.
    pub skip: usize,
    /// The number of the other records, loss statements included.
    pub records: usize,
    /// The explained call sites of these records.
    pub sites: BTreeSet<u32>,
    /// The losses that the ring's words state.
    pub loss: Loss,
    /// The greatest number of lost records that a statement among these records tells.
    pub lost_by_records: u64,
    /// Everything that is wrong.
    pub damage: Vec<ShareDamage>,
}

/// What is wrong with a ring, or with the dump where it meets the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareDamage {
    /// The ring does not state the number of its first record.
    Number {
        /// The position of that record.
        position: u64,
        /// The number that the dump's blocks tell, or 0.
        number: u64,
    },
    /// Records before the ring's first one are in neither.
    Gap {
        /// The number of that record.
        number: u64,
    },
    /// The ring has a record before the position where the dump's records end, though the dump lacks it.
    Disagrees {
        /// The record's number.
        number: u64,
        /// The position where the dump's records end.
        expected: u64,
        /// The position of the record in the ring.
        found: u64,
    },
    /// The ring has a record after the position where the dump's records end, though the dump has it.
    Misplaced {
        /// The record's number.
        number: u64,
        /// The position where the dump's records end.
        expected: u64,
        /// The position of the record in the ring.
        found: u64,
    },
    /// The dump continues after records that it lacks, or whose block is damaged.
    Overtaken {
        /// The number of the first record that the dump lacks.
        number: u64,
    },
    /// The ring ends early.
    Torn(RingEnd),
    /// Records are too short to have a time.
    Short {
        /// Their number.
        records: u64,
    },
    /// Loss statements cannot be read.
    Statement,
    /// The call sites of records are not explained.
    Unexplained {
        /// The id of the first of them.
        site: u32,
    },
}

/// Judges a ring against its dump: which part of it the dump lacks, and what is wrong.
///
/// Changes nothing, and costs a pass over the ring's records. Only blocks whose records the ring may still
/// have are asked whether they are whole.
#[must_use]
pub fn judge(ring: &Recovered, id: u32, words: &RingWords, dump: &impl DumpSide) -> Share {
    let mut damage = Vec::new();
    let start = ring.start();
    let first = words.number_at(start).unwrap_or_else(|| {
        let number = number_by_dump(ring, id, dump).unwrap_or_default();
        damage.push(ShareDamage::Number { position: start, number });
        number
    });
    // How far the dump continues without a gap from where the ring begins.
    let (mut next, mut position) = (first, start);
    for (at, block) in dump.blocks(id).enumerate() {
        let end = end_number(block);
        if block.first_record <= next && end >= next && dump.is_whole(id, at) {
            (next, position) = (end, block.end_position);
        }
    }
    match dump.end(id) {
        Some(end) if end < first => damage.push(ShareDamage::Gap { number: first }),
        Some(end) if end > next => damage.push(ShareDamage::Overtaken { number: next }),
        None if first > 0 && dump.is_first() => damage.push(ShareDamage::Gap { number: first }),
        _ => {}
    }

    let held = ring.records().len();
    let skipped = usize::try_from(next - first).unwrap_or(usize::MAX);
    let mut skip = skipped.min(held);
    let position_of = |at: usize| ring.records().nth(at).map(|record| record.position());
    let found = position_of(skip).unwrap_or(ring.end());
    let last_skipped = skip.checked_sub(1).and_then(position_of);
    if found < position || skipped > held {
        damage.push(ShareDamage::Disagrees { number: next, expected: position, found });
        position = found;
    } else if let Some(found) = last_skipped.filter(|&last| last >= position) {
        let number = next.saturating_sub(1);
        damage.push(ShareDamage::Misplaced { number, expected: position, found });
        // The dump has a checksum, and the ring's number has none: no record that the dump lacks is skipped.
        skip = ring.records().take_while(|record| record.position() < position).count();
    }

    let (sites, lost_by_records) = survey(ring, skip, dump, &mut damage);
    damage.extend(ring.damage().map(ShareDamage::Torn));
    let end_position = ring.end().max(position);
    let records = held - skip;
    let span = RingSpan { ring: id, position, end_position, first_record: next };
    Share { span, skip, records, sites, loss: words.loss, lost_by_records, damage }
}

/// The call sites of the records after the first `skip` ones, and the most losses that one of them states.
fn survey(
    ring: &Recovered,
    skip: usize,
    dump: &impl DumpSide,
    damage: &mut Vec<ShareDamage>,
) -> (BTreeSet<u32>, u64) {
    let mut lost_by_records = 0;
    let mut sites = BTreeSet::new();
    let (mut short, mut has_bad_statement, mut unexplained) = (0, false, None);
    for record in ring.records().skip(skip) {
        if record.tag() == CallSite::LOSS_ID {
            match Loss::decode(record.payload()) {
                Some(loss) => lost_by_records = loss.total().max(lost_by_records),
                None => has_bad_statement = true,
            }
        } else if record.payload().len() < 8 {
            short += 1;
        } else if !sites.contains(&record.tag()) {
            // Once for each call site: a reader has to search several dictionaries for it.
            if dump.has_site(record.tag()) {
                sites.insert(record.tag());
            } else {
                unexplained.get_or_insert(record.tag());
            }
        }
    }
    damage.extend((short > 0).then_some(ShareDamage::Short { records: short }));
    damage.extend(has_bad_statement.then_some(ShareDamage::Statement));
    damage.extend(unexplained.map(|site| ShareDamage::Unexplained { site }));
    (sites, lost_by_records)
}

/// The records of a share, as blocks take them.
pub fn share_records<'r>(
    ring: &'r Recovered,
    share: &Share,
) -> impl Iterator<Item = RingRecord<'r>> {
    ring.records().skip(share.skip).map(|record| RingRecord {
        position: record.position(),
        tag: record.tag(),
        payload: record.payload(),
    })
}

/// The number of the record after a block.
#[must_use]
pub fn end_number(block: &BlockHeader) -> u64 {
    block.first_record.saturating_add(block.count.into())
}

/// The number of the ring's first record by an intact block of the dump that begins or ends in the ring;
/// else the end of the latest block before it.
fn number_by_dump(ring: &Recovered, id: u32, dump: &impl DumpSide) -> Option<u64> {
    let mut before = None;
    for (at, block) in dump.blocks(id).enumerate() {
        let begin = (block.position, block.first_record);
        for (position, number) in [begin, (block.end_position, end_number(block))] {
            if position > ring.end() || !dump.is_whole(id, at) {
                continue;
            }
            if position < ring.start() {
                before = before.max(Some(number));
                continue;
            }
            let records = ring.records().take_while(|record| record.position() < position);
            return Some(number.saturating_sub(records.count() as u64));
        }
    }
    before
}

#[cfg(test)]
mod tests;
