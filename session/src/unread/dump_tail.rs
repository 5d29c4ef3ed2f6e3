//! The records of a tail that neither the dump nor a ring in a file has.
//!
//! After a reboot, or the end of a container or a session, the rings in memory are gone. What the logger had
//! copied to the tail until then is appended to the dump. What it committed after that is unknown: the dump
//! gets no end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use stenolog_format::dictionary::CallSite;
use stenolog_format::frame::{FileHeader, VERSION};
use stenolog_format::loss::Loss;
use stenolog_format::recovery::{RingRecord, RingSpan};

use super::NotRecovered;
use super::complete::{append_tail, copy_beginning};
use super::contents::{DumpContents, goes_on_after};
use super::explanations::Explanations;
use crate::failpoint::{self, Step};
use crate::positioned;
use crate::tail::Tail;

/// The records that a tail has of one ring, and the dump does not.
#[derive(Debug)]
pub(super) struct TailShare<'t> {
    pub(super) ring: u32,
    /// The position where the dump's records end, if it has any.
    position: Option<u64>,
    end_position: u64,
    /// With their numbers.
    records: Vec<(u64, RingRecord<'t>)>,
}

/// What the tail has of each ring, as far as the dump lacks it and no file of the ring was read.
pub(super) fn tail_shares<'t>(
    tail: &'t Tail,
    contents: &DumpContents,
    is_read: impl Fn(u32) -> bool,
) -> Vec<TailShare<'t>> {
    let rings: BTreeSet<u32> = tail.rings().filter(|&ring| !is_read(ring)).collect();
    let share = |ring| {
        let next = contents.rings.get(&ring).and_then(|ring| ring.next);
        let number = next.map_or(0, |(number, _)| number);
        let records: Vec<_> = tail.records(ring, number).collect();
        let end_position = tail.end_position(ring)?;
        let position = next.map(|(_, position)| position);
        (!records.is_empty()).then_some(TailShare { ring, position, end_position, records })
    };
    rings.into_iter().filter_map(share).collect()
}

impl<'t> TailShare<'t> {
    /// The number after the last record.
    pub(super) fn end(&self) -> u64 {
        self.records.last().map_or(0, |(number, _)| number.saturating_add(1))
    }

    /// The call sites of the records.
    pub(super) fn sites(&self) -> impl Iterator<Item = u32> {
        self.records.iter().map(|(_, record)| record.tag)
    }

    /// The greatest number of lost records that one of them states.
    pub(super) fn lost(&self) -> u64 {
        let statements = self.records.iter().filter(|(_, it)| it.tag == CallSite::LOSS_ID);
        let stated = statements.filter_map(|(_, record)| Loss::decode(record.payload));
        stated.map(|loss| loss.total()).max().unwrap_or_default()
    }

    /// The records with consecutive numbers.
    pub(super) fn runs(&self) -> impl Iterator<Item = (RingSpan, Vec<RingRecord<'t>>)> {
        let goes_on = |a: &(u64, RingRecord<'_>), b: &(u64, RingRecord<'_>)| a.0 + 1 == b.0;
        let mut at = 0;
        self.records.chunk_by(goes_on).map(move |run| {
            let (number, first) = run[0];
            // The first run continues the dump; what is missing before another one is unknown.
            let position = self.position.filter(|&position| at == 0 && position <= first.position);
            at += run.len();
            let next = self.records.get(at).map(|(_, record)| record.position);
            let span = RingSpan {
                ring: self.ring,
                position: position.unwrap_or(first.position),
                end_position: next.unwrap_or(self.end_position),
                first_record: number,
            };
            (span, run.iter().map(|&(_, record)| record).collect())
        })
    }
}

/// The result of an attempt to put the records of a tail into its dump.
#[derive(Debug)]
pub enum TailPut {
    /// The dump is sealed: the tail is of no use.
    Sealed,
    /// The dump has all of them.
    Nothing,
    /// They were appended to the dump.
    Appended,
    /// They are in the copy, which must replace the dump.
    Copied,
}

/// Appends the records of a tail that the dump lacks, and syncs it to disk, for a session whose rings are gone.
/// The dump gets no end. If anything follows its last whole frame, this works on a copy, for which `make` creates
/// the file. Reads the whole dump, to check its frames.
///
/// No other process may write to either meanwhile.
///
/// # Errors
/// If there is damage before the end of the dump, or a file cannot be written. The dump is as it was then, or
/// has more of the tail.
pub fn put_tail(
    dump: &File,
    tail: &Tail,
    make: impl FnOnce() -> io::Result<File>,
) -> Result<TailPut, NotRecovered> {
    let (header, begin) = header(dump, &tail.session())?;
    let contents =
        DumpContents::read(dump, header, begin, begin, &std::collections::BTreeMap::new())?;
    let shares = tail_shares(tail, &contents, |_| false);
    if contents.is_sealed {
        return Ok(TailPut::Sealed);
    }
    if shares.is_empty() {
        return Ok(TailPut::Nothing);
    }
    let end = contents.segment.end;
    let mut copy = None;
    if dump.metadata().map_err(NotRecovered::of_dump)?.len() > end {
        if goes_on_after(dump, end).map_err(NotRecovered::of_dump)? {
            return Err(NotRecovered::Dump { offset: end });
        }
        let new = make().map_err(NotRecovered::of_dump)?;
        copy_beginning(dump, &new, end).map_err(NotRecovered::of_dump)?;
        failpoint::after(Step::EarlierCopied);
        copy = Some(new);
    }
    let mut explanations = Explanations::default();
    for site in &contents.sites {
        explanations.sites.insert(site.id, site.clone());
    }
    explanations.marks.extend(contents.marks.iter().map(|mark| (mark.site, *mark)));
    explanations.add_missing(&tail.explanations);
    explanations.clock.clone_from(&tail.explanations.clock);
    let to = copy.as_ref().unwrap_or(dump);
    append_tail(to, contents, &explanations, &shares)?;
    to.sync_all().map_err(NotRecovered::of_dump)?;
    failpoint::after(Step::EarlierSealed);
    Ok(if copy.is_some() { TailPut::Copied } else { TailPut::Appended })
}

/// The header of the dump of a session, and its length.
pub(super) fn header(dump: &File, session: &[u8; 16]) -> Result<(FileHeader, u64), NotRecovered> {
    let mut bytes = [0; FileHeader::BYTES];
    positioned::read_exact_at(dump, &mut bytes, 0).map_err(NotRecovered::of_dump)?;
    // The header of a later version may be longer.
    let begin = u64::from(u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]));
    let odd = NotRecovered::Dump { offset: 0 };
    let Ok((header, _)) = FileHeader::decode(&bytes) else { return Err(odd) };
    if header.version > VERSION {
        return Err(NotRecovered::Version);
    }
    if header.session != *session || begin < FileHeader::BYTES as u64 {
        return Err(odd);
    }
    Ok((header, begin))
}
