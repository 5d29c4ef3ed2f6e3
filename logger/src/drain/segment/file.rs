//! File of a segment: how much was written to it, and how much of that is safe.

use std::io::{self, ErrorKind::UnexpectedEof, ErrorKind::WriteZero};
use std::path::Path;

use stenolog_format::frame::{ALIGNMENT, FileHeader, FrameHeader};
use stenolog_session::failpoint::{self, Step};
use stenolog_session::writer::DumpWriter;

use crate::drain::storage::tail::TailStorage;
use crate::drain::storage::{Standing, Storage};
use crate::error::FileEvent;

/// A file that a drain writes.
///
/// - **O1 (resume).** A write that fails part of the way is resumed where it stopped, so only a crash
///   leaves a torn frame.
/// - **O2 (no false promise).** When a sync fails, the operating system may drop what it could not write,
///   and report that the next sync succeeded. So after a failed sync, everything since the last successful
///   one is read back, checked and written again before a sync counts.
/// - **O3 (no hole).** If a file is truncated after it was examined, the next write makes it as long as
///   before, with zeros from the cut to where that write begins. So the bytes right before a write are
///   read after it: if they are unchanged, so is everything before them.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    storage: Box<dyn Storage>,
    written_bytes: u64,
    /// The last bytes written, and the last ones synced, that are not only zeros: a hole would change
    /// them.
    witness: Witness,
    synced_witness: Witness,
    /// A hole was found, which the length of the file does not show.
    has_hole: bool,
    /// The last write was given up, perhaps within a frame.
    is_torn: bool,
    /// How much is on the disk for sure.
    synced_bytes: u64,
    /// A sync failed, and what follows `synced_bytes` was not written again (O2).
    is_doubtful: bool,
    /// The disk has the name of the file.
    is_folder_synced: bool,
}

/// Why a segment cannot be written.
#[derive(Debug)]
pub(crate) enum WriteFailure {
    /// The operating system refused.
    Write(io::Error),
    /// Something was done to the file.
    Taken(FileEvent),
    /// Something was done to the file, and no new one can be created.
    Replace(FileEvent, io::Error),
}

impl From<io::Error> for WriteFailure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Why a segment is not on the disk.
#[derive(Debug)]
pub(crate) struct SyncFailure {
    pub(crate) source: io::Error,
    /// The operating system has lost data: a retry does not help.
    pub(crate) is_lost: bool,
}

impl From<io::Error> for SyncFailure {
    fn from(source: io::Error) -> Self {
        Self { source, is_lost: false }
    }
}

/// How much is read and written again at once.
const CHUNK_BYTES: usize = 1 << 18;

/// A few bytes of a file, the last of which is not zero. Empty if the file has only zeros.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    at: u64,
    bytes: [u8; Self::BYTES],
    length: usize,
}

impl Witness {
    const BYTES: usize = 8;

    /// Notes that `bytes` were written at `at`, after all others.
    fn note(&mut self, at: u64, bytes: &[u8]) {
        let Some(last) = bytes.iter().rposition(|&byte| byte != 0) else { return };
        let first = (last + 1).saturating_sub(Self::BYTES);
        self.at = at + first as u64;
        self.length = last + 1 - first;
        self.bytes[..self.length].copy_from_slice(&bytes[first..=last]);
    }

    /// Whether the bytes are unchanged. `true` if they cannot be read: a process that may not read a file
    /// may still write it.
    fn is_there(&self, storage: &mut dyn Storage) -> bool {
        let mut found = [0; Self::BYTES];
        let mut filled = 0;
        while filled < self.length {
            let at = self.at + filled as u64;
            match storage.read_at(at, &mut found[filled..self.length]) {
                Ok(0) => return false,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
        found[..filled] == self.bytes[..filled]
    }
}

impl SegmentFile {
    /// A file of which nothing is written yet.
    pub(crate) fn new(storage: Box<dyn Storage>) -> Self {
        Self {
            storage,
            written_bytes: 0,
            witness: Witness::default(),
            synced_witness: Witness::default(),
            has_hole: false,
            is_torn: false,
            synced_bytes: 0,
            is_doubtful: false,
            is_folder_synced: false,
        }
    }

    /// Where the file is, as far as the logger knows.
    pub(crate) fn path(&self) -> &Path {
        self.storage.path()
    }

    /// Writes what is pending. After an error the rest stays pending (O1).
    ///
    /// Nothing is written to a file that something was done to. If that happens during the write, it is
    /// reported as well (O3).
    pub(crate) fn write(&mut self, writer: &mut DumpWriter) -> Result<(), WriteFailure> {
        // A process that may not look at the file may still write it.
        if (self.has_hole || !writer.pending().is_empty())
            && let Ok(Standing::Taken(fate)) = self.check()
        {
            return Err(WriteFailure::Taken(fate));
        }
        while !writer.pending().is_empty() {
            self.is_torn = true;
            if failpoint::is_due(Step::HalfWritten) {
                let rest = writer.pending();
                let _ = self.storage.write_at(self.written_bytes, &rest[..rest.len() / 2]);
                failpoint::die();
            }
            let at = self.written_bytes;
            let n = self.write_some(writer.pending())?;
            failpoint::after(Step::Written);
            if self.find_hole() {
                writer.advance(n);
                return Err(WriteFailure::Taken(FileEvent::Truncated));
            }
            self.witness.note(at, &writer.pending()[..n]);
            writer.advance(n);
        }
        self.is_torn = false;
        Ok(())
    }

    /// Writes pending bytes, regardless of changes to the file.
    pub(crate) fn write_anyway(&mut self, writer: &mut DumpWriter) -> io::Result<()> {
        while !writer.pending().is_empty() {
            let n = self.write_some(writer.pending())?;
            writer.advance(n);
        }
        Ok(())
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = insist(WriteZero, || self.storage.write_at(self.written_bytes, bytes))?;
        self.written_bytes += n as u64;
        Ok(n)
    }

    /// Whether the file has a hole that its length does not show (O3).
    pub(crate) const fn has_hole(&self) -> bool {
        self.has_hole
    }

    /// Syncs the file, and at first its folder, to disk.
    pub(crate) fn sync(&mut self) -> Result<(), SyncFailure> {
        if self.is_doubtful {
            self.write_again()?;
        }
        // It may end within a frame, whose rest follows later.
        let written = self.written_bytes;
        self.is_doubtful = self.synced_bytes < written;
        self.storage.sync()?;
        self.is_doubtful = false;
        self.synced_bytes = written;
        self.synced_witness = self.witness;
        failpoint::after(Step::Synced);
        if !self.is_folder_synced {
            self.storage.sync_folder()?;
            self.is_folder_synced = true;
        }
        Ok(())
    }

    /// How much is on the disk for sure.
    pub(crate) const fn synced_bytes(&self) -> u64 {
        self.synced_bytes
    }

    /// Whether the disk has all that was written.
    pub(crate) const fn is_synced(&self) -> bool {
        self.is_folder_synced && self.synced_bytes == self.written_bytes
    }

    /// Whether the last sync failed.
    pub(crate) const fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// The change to the file that another program made, if any.
    pub(crate) fn look(&mut self) -> io::Result<Standing> {
        let standing = self.storage.look(self.written_bytes)?;
        Ok(self.unless_hole(standing))
    }

    /// As [`look`](Self::look), without a look at its name.
    fn check(&mut self) -> io::Result<Standing> {
        let standing = self.storage.check(self.written_bytes)?;
        Ok(if self.has_hole { self.unless_hole(standing) } else { standing })
    }

    /// The standing, unless the file has a hole that its length does not show (O3).
    fn unless_hole(&mut self, standing: Standing) -> Standing {
        let is_removed = standing == Standing::Taken(FileEvent::Removed);
        if !is_removed && self.find_hole() {
            Standing::Taken(FileEvent::Truncated)
        } else {
            standing
        }
    }

    /// Whether the file has a hole (O3).
    fn find_hole(&mut self) -> bool {
        // Bytes that were not synced may be gone because the disk failed: the next sync finds that out.
        let witness = if self.is_doubtful { &self.synced_witness } else { &self.witness };
        self.has_hole |= !witness.is_there(&mut *self.storage);
        self.has_hole
    }

    /// Creates a file that takes the place of this one.
    pub(crate) fn successor(&mut self) -> io::Result<Box<dyn Storage>> {
        self.storage.successor()
    }

    /// The file is whole: gives back what it does not use.
    pub(crate) fn end(&mut self) {
        self.storage.end();
    }

    /// Creates an empty file for the tail of a session's dump.
    pub(crate) fn create_tail(&self, session: &[u8; 16]) -> io::Result<Box<dyn TailStorage>> {
        self.storage.create_tail(session)
    }

    /// How many bytes have been written.
    pub(crate) const fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Writes unsafe bytes again, so the operating system treats them as new (O2).
    fn write_again(&mut self) -> Result<(), SyncFailure> {
        let lost = |source| SyncFailure { source, is_lost: true };
        let mut check = ReadBackCheck { at: self.synced_bytes, window: Vec::new(), sequence: None };
        let mut at = self.synced_bytes;
        let mut before = self.synced_witness;
        let mut chunk = vec![0; CHUNK_BYTES];
        while at < self.written_bytes {
            let length = CHUNK_BYTES.min((self.written_bytes - at) as usize);
            let n = insist(UnexpectedEof, || self.storage.read_at(at, &mut chunk[..length]))
                .map_err(lost)?;
            check.take(&chunk[..n]).map_err(lost)?;
            let mut done = 0;
            while done < n {
                let place = at + done as u64;
                let rest = &chunk[done..n];
                let more = insist(WriteZero, || self.storage.write_at(place, rest))?;
                if !before.is_there(&mut *self.storage) {
                    self.has_hole = true;
                    return Err(lost(io::Error::other("the file was truncated meanwhile")));
                }
                before.note(place, &rest[..more]);
                done += more;
            }
            at += n as u64;
        }
        // Only a write that was given up leaves a torn frame.
        if self.is_torn { Ok(()) } else { check.end().map_err(lost) }
    }
}

/// Repeats an operation that a signal interrupts. Without progress of at least one byte the error is `stuck`.
fn insist(stuck: io::ErrorKind, mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match act() {
            Ok(0) => return Err(stuck.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A check that what is read back are whole frames, in order and with their checksums.
struct ReadBackCheck {
    /// Where the window begins in the file.
    at: u64,
    window: Vec<u8>,
    /// The number of the last frame.
    sequence: Option<u32>,
}

impl ReadBackCheck {
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.window.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(length) = self.whole(&self.window[start..], self.at + start as u64)? {
            if self.at + start as u64 > 0 {
                self.sequence = FrameHeader::decode(&self.window[start..]).map(|h| h.sequence);
            }
            start += length;
        }
        self.window.drain(..start);
        self.at += start as u64;
        Ok(())
    }

    fn end(&self) -> io::Result<()> {
        if self.window.is_empty() { Ok(()) } else { Err(UnexpectedEof.into()) }
    }

    /// The length of the frame or file header that `bytes` begin with; `None` if they are too few.
    fn whole(&self, bytes: &[u8], at: u64) -> io::Result<Option<usize>> {
        let damaged = || {
            let why = format!("what was written at byte {at} is not what is read back");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        };
        let shortest = if at == 0 { FileHeader::BYTES } else { FrameHeader::BYTES };
        if bytes.len() < shortest {
            return Ok(None);
        }
        if at == 0 {
            return if FileHeader::decode(bytes).is_ok() { Ok(Some(shortest)) } else { damaged() };
        }
        let Some(header) = FrameHeader::decode(bytes) else { return damaged() };
        let is_next = self.sequence.is_none_or(|last| header.sequence == last.wrapping_add(1));
        let length = header.frame_bytes() as usize;
        debug_assert_eq!(length % ALIGNMENT, 0, "frames are padded");
        if bytes.len() < length {
            return if is_next { Ok(None) } else { damaged() };
        }
        let payload = &bytes[FrameHeader::BYTES..][..header.payload_bytes as usize];
        if is_next && header.matches(payload) { Ok(Some(length)) } else { damaged() }
    }
}
