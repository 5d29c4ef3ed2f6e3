//! What a dump needs of a ring.

use std::collections::BTreeSet;
use std::ffi::OsString;

use stenolog_format::dictionary::CallSite;
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::recovery::RingSpan;
use stenolog_ringbuf::file::Recovered;
use stenolog_session::layout::RingWords;

use super::explained::Explained;
use super::odd;
use super::walk::Walked;
use crate::ring_dir::NotRecovered;

/// What the dump needs of a ring.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) name: OsString,
    pub(super) span: RingSpan,
    /// How many of the ring's records the dump has.
    pub(super) skip: usize,
    pub(super) records: usize,
    /// The call sites of the others.
    pub(super) sites: Vec<u32>,
    /// What neither the dump states nor one of the records.
    pub(super) loss: Option<LossFrame>,
    /// How many records the ring's thread lost.
    pub(super) lost: u64,
}

impl Share {
    /// `None` if the ring waits for a thread.
    pub(super) fn new(
        name: OsString,
        ring: &Recovered,
        walked: &Walked,
        explained: &Explained,
        sequence: u32,
    ) -> Result<Option<Self>, NotRecovered> {
        let words = RingWords::decode(&ring.user_words());
        let id = u32::try_from(words.ring).map_err(|_| odd(&name))?;
        if id == 0 {
            return Ok(None);
        }
        // D2: one pair has the position, or both have and agree.
        let first = words.number_at(ring.start()).ok_or_else(|| odd(&name))?;
        let state = walked.rings.get(&id);
        // The dump goes on where its last block ended. Without one, the first file of a session must
        // have the ring from its first record on.
        let next = match state.and_then(|state| state.next) {
            Some(next) => next,
            None if sequence == 0 && first != 0 => {
                return Err(NotRecovered::Gap { ring: id, number: first });
            }
            None => (first, ring.start()),
        };
        let (number, position) = next;
        let skip = number.checked_sub(first).and_then(|skip| usize::try_from(skip).ok());
        let gap = || NotRecovered::Gap { ring: id, number: first };
        let skip = skip.filter(|&skip| skip <= ring.records().len()).ok_or_else(gap)?;
        let mut records = ring.records();
        let known = (&mut records)
            .take(skip)
            .last()
            .map_or(0, |record| record.position().saturating_add(1));
        let found = records.clone().next().map_or(ring.end(), |record| record.position());
        if known > position || found < position {
            return Err(gap());
        }
        let mut lost = state.map_or(0, |state| state.lost);
        let mut sites = BTreeSet::new();
        let count = records.len();
        for record in records {
            if record.tag() == CallSite::LOSS_ID {
                let loss = Loss::decode(record.payload()).ok_or_else(|| odd(&name))?;
                lost = lost.max(loss.total());
            } else if record.payload().len() >= 8 && explained.sites.contains_key(&record.tag()) {
                sites.insert(record.tag());
            } else {
                return Err(odd(&name));
            }
        }
        let loss = words.loss;
        let frame = LossFrame { ring: id, position: ring.end(), loss, gone: None };
        Ok(Some(Self {
            name,
            span: RingSpan { ring: id, position, end_position: ring.end(), first_record: number },
            skip,
            records: count,
            sites: sites.into_iter().collect(),
            loss: (loss.total() > lost).then_some(frame),
            lost: lost.max(loss.total()),
        }))
    }
}
