//! The tail of an unfinished dump: a copy of records that are in no block of the dump yet.
//!
//! ```text
//!   dump:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┐
//!   tail:              ▭▭▭▭▭▭▭▭▭▭▭▭┐          raw blocks; those that the dump has since are passed over
//!   rings:             ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭       at most `deliver_within` ahead of the tail
//! ```
//!
//! The writer appends to the tail, and begins it again when the dump has its records. A reader therefore
//! reads the tail **first, then** the dump: what is missing in the tail is in the dump by then.
//!
//! - **T1 (copy).** The rings have all records of the tail until the dump has them. Nothing is wrong if there
//!   is no tail, or if it is cut or damaged: only its whole blocks count.
//! - **T2 (one beginning).** Each time the writer begins the tail again, its header has another time. A
//!   reader that finds another header after reading reads once more, so it never sees the end of one tail
//!   after the beginning of another.
//! - **T3 (plain reads).** The tail becomes shorter in place: it is never mapped.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use stenolog_format::block::{BlockHeader, Records};
use stenolog_format::frame::{FileHeader, FrameKind, VERSION};
use stenolog_format::recovery::RingRecord;

use crate::dir::{Dir, Owners};
use crate::frames::{Position, Walk, WalkStep};
use crate::layout::{MAX_TAIL_BYTES, TAIL_SEQUENCE, folder_of, tail_file};
use crate::positioned::{read_at, read_exact_at};
use crate::unread::end_number;
use crate::unread::explanations::Explanations;
use crate::writer::DumpWriter;

/// How often a tail is read again that its writer begins again meanwhile.
const ATTEMPTS: usize = 8;

/// A tail that was read.
///
/// # Examples
///
/// ```
/// use stenolog_session::dir::Owners;
/// use stenolog_session::tail::Tail;
///
/// let folder = tempfile::tempdir()?;
/// let dump = folder.path().join("app.steno");
/// assert!(Tail::read(&dump, &[1; 16], &Owners::this_user()).is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tail {
    header: FileHeader,
    bytes: Vec<u8>,
    pub(crate) explanations: Explanations,
    /// In the order of the file, and so of each ring.
    blocks: Vec<TailBlock>,
}

#[derive(Debug)]
struct TailBlock {
    header: BlockHeader,
    body: Range<usize>,
}

impl Tail {
    /// Reads the tail beside a dump, or beside the file that a link to it leads to. `None` if there is none of
    /// this session, or none that can be trusted: only a regular file of one of the owners is.
    #[must_use]
    pub fn read(dump: &Path, session: &[u8; 16], owners: &Owners) -> Option<Self> {
        folders(dump).into_iter().find_map(|folder| {
            // A link to the folder is as good as the folder.
            let dir = Dir::open(&folder.canonicalize().ok()?).ok()?;
            let file = dir.open_file(tail_file(session), owners).ok()?;
            Self::of(&file, session)
        })
    }

    fn of(file: &File, session: &[u8; 16]) -> Option<Self> {
        for _ in 0..ATTEMPTS {
            let bytes = read_beginning(file, MAX_TAIL_BYTES).ok()?;
            let mut head = [0; FileHeader::BYTES];
            read_exact_at(file, &mut head, 0).ok()?;
            // T2.
            if bytes.starts_with(&head) {
                return Self::parse(bytes, session);
            }
        }
        None
    }

    fn parse(bytes: Vec<u8>, session: &[u8; 16]) -> Option<Self> {
        let (header, begin) = FileHeader::decode(&bytes).ok()?;
        let is_ours = header.session == *session && header.sequence == TAIL_SEQUENCE;
        // A later version may give the same bytes another meaning.
        if !is_ours || header.version > VERSION {
            return None;
        }
        let mut explanations = Explanations::default();
        let mut blocks = Vec::new();
        let mut walk = Walk::new(&*bytes, Position::first(begin as u64));
        while let Ok(Some(step)) = walk.step() {
            let WalkStep::Frame(frame) = step else { continue };
            let Ok(Some(payload)) = walk.payload(&frame, u32::MAX) else { continue };
            match FrameKind::from_u8(frame.header.kind) {
                Some(
                    FrameKind::Dictionary | FrameKind::Spans | FrameKind::Thread | FrameKind::Clock,
                ) => {
                    explanations.take(frame.header.kind, payload);
                }
                Some(FrameKind::Block) => {
                    let Some(header) = BlockHeader::decode(payload) else { continue };
                    let body = frame.payload_offset() as usize;
                    let body = body + BlockHeader::BYTES..body + payload.len();
                    // Loggers write no others.
                    let is_raw = header.encoding == 0 && header.codec == 0 && body.len() % 8 == 0;
                    let are_sound = |mut records: Records<'_>| records.all(|record| record.is_ok());
                    if is_raw && header.records(&bytes[body.clone()]).is_ok_and(are_sound) {
                        blocks.push(TailBlock { header, body });
                    }
                }
                _ => {}
            }
        }
        Some(Self { header, bytes, explanations, blocks })
    }

    /// The session of its dump.
    #[must_use]
    pub const fn session(&self) -> [u8; 16] {
        self.header.session
    }

    /// The number after the last record of a ring; `None` if the tail has none of it.
    #[must_use]
    pub fn end(&self, ring: u32) -> Option<u64> {
        let of_ring = self.blocks.iter().filter(|block| block.header.ring == ring);
        of_ring.map(|block| end_number(&block.header)).max()
    }

    /// The rings that the tail has records of, with repetitions.
    pub fn rings(&self) -> impl Iterator<Item = u32> {
        self.blocks.iter().map(|block| block.header.ring)
    }

    /// A sealed dump with the records of each ring from the number on that `from` returns and everything that
    /// the tail explains, and how many blocks it has.
    #[must_use]
    pub fn to_dump(&self, from: impl Fn(u32) -> u64) -> (Vec<u8>, usize) {
        let mut writer = DumpWriter::begin_segment(self.header);
        let Explanations { sites, marks, threads, clock } = &self.explanations;
        for payload in clock {
            writer.copy_frame(FrameKind::Clock as u8, payload);
        }
        writer.state_marks(&marks.values().copied().collect::<Vec<_>>());
        writer.state_all_sites(&sites.values().collect::<Vec<_>>());
        threads.values().for_each(|thread| writer.state_thread(thread));
        let mut wanted = 0;
        for TailBlock { header, body } in &self.blocks {
            let body = &self.bytes[body.clone()];
            let Some((header, body)) = records_from(header, body, from(header.ring)) else {
                continue;
            };
            wanted += 1;
            writer.put_block(|out| {
                out.extend_from_slice(&header.encode());
                out.extend_from_slice(body);
                header
            });
        }
        writer.finish_without_index(0);
        (writer.into_bytes(), wanted)
    }

    /// The records of a ring from a number on, each with its number, and the position where each block ends.
    pub(crate) fn records(
        &self,
        ring: u32,
        from: u64,
    ) -> impl Iterator<Item = (u64, RingRecord<'_>)> {
        let mut next = from;
        let of_ring = self.blocks.iter().filter(move |block| block.header.ring == ring);
        let records = of_ring.flat_map(|block| {
            let numbers = block.header.first_record..;
            numbers.zip(raw_records(&block.header, &self.bytes[block.body.clone()]))
        });
        // A tail that was begun again repeats none, but an overlap would do no harm.
        records.filter(move |&(number, _)| {
            let is_new = number >= next;
            next = next.max(number.saturating_add(1));
            is_new
        })
    }

    /// The position after the last record of a ring.
    pub(crate) fn end_position(&self, ring: u32) -> Option<u64> {
        let of_ring = self.blocks.iter().filter(|block| block.header.ring == ring);
        of_ring.map(|block| block.header.end_position).max()
    }
}

/// The length of a record's header in a raw body.
const RECORD_HEADER_BYTES: usize = 8;

/// The records of a raw body that is sound from a number on, and their header; `None` if there are none.
fn records_from<'b>(
    header: &BlockHeader,
    body: &'b [u8],
    number: u64,
) -> Option<(BlockHeader, &'b [u8])> {
    let known = number.saturating_sub(header.first_record);
    if known == 0 {
        return Some((*header, body));
    }
    let known = u32::try_from(known).ok().filter(|&known| known < header.count)?;
    let mut records = header.records(body).ok()?;
    for _ in 0..known {
        records.next()?.ok()?;
    }
    let body = records.rest();
    let rest = BlockHeader {
        // Nothing is left out after the first record.
        position: header.end_position.wrapping_sub(body.len() as u64),
        first_record: number,
        count: header.count - known,
        body_bytes: u32::try_from(body.len()).ok()?,
        ..*header
    };
    Some((rest, body))
}

/// The records of a raw body that is sound, with their positions in the ring.
fn raw_records<'b>(header: &BlockHeader, body: &'b [u8]) -> impl Iterator<Item = RingRecord<'b>> {
    // A raw body may leave out the dead space before its first record, but nothing after that.
    let begin = header.end_position.wrapping_sub(body.len() as u64);
    let mut records = header.records(body).ok();
    std::iter::from_fn(move || {
        let records = records.as_mut()?;
        let record = records.next()?.ok()?;
        let end = body.len() - records.rest().len();
        let bytes = size_of::<u64>() + record.values.len();
        let at = end.checked_sub(RECORD_HEADER_BYTES + bytes.next_multiple_of(8))?;
        let payload = at + RECORD_HEADER_BYTES;
        let payload = body.get(payload..payload + bytes)?;
        Some(RingRecord { position: begin.wrapping_add(at as u64), tag: record.tag, payload })
    })
}

/// Where the tail of a dump may be.
fn folders(dump: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder_of(dump)];
    folders.extend(dump.canonicalize().iter().map(|path| folder_of(path)));
    folders.dedup();
    folders
}

/// Removes the tail of a session beside its dump, if there is one.
///
/// # Errors
/// If it cannot be removed.
pub fn remove(dump: &Path, session: &[u8; 16]) -> io::Result<()> {
    match std::fs::remove_file(folder_of(dump).join(tail_file(session))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes the tail of a session beside its dump if it is too short to have anything: it was emptied, or about
/// to be begun.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_if_empty(dump: &Path, session: &[u8; 16]) -> io::Result<()> {
    let path = folder_of(dump).join(tail_file(session));
    let is_empty = std::fs::symlink_metadata(&path)
        .is_ok_and(|found| found.is_file() && found.len() < FileHeader::BYTES as u64);
    if is_empty { remove(dump, session) } else { Ok(()) }
}

/// Reads the first bytes of a file, whatever its position.
fn read_beginning(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len().min(limit);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let mut filled = 0;
    while filled < bytes.len() {
        match read_at(file, &mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
