//! The dump that a drain writes, as bytes: what has been written, what is to be, what is safe.

use std::io::{self, ErrorKind::UnexpectedEof, ErrorKind::WriteZero};
use std::path::Path;

use stenolog_format::frame::{ALIGNMENT, FileHeader, FrameHeader};
use stenolog_session::failpoint::{self, Step};

use super::storage::{FileFate, Standing, Storage};

/// A dump that is being written, and the bytes that it does not have yet.
///
/// - **O1 (go on).** A write that fails part of the way is gone on with where it stopped, so that no
///   frame is torn but the one that a crash cuts.
/// - **O2 (no claim).** When a sync fails, the operating system may forget what it could not write,
///   and say that the next sync went well. So after a sync that failed, all since the last one
///   that succeeded is read back, checked and written again before another one counts.
/// - **O3 (no hole).** A file that is truncated after it was looked at grows back to its length with
///   the next write, and has zeros from the cut to where that write begins. So the bytes right before
///   it are read after each write: if they are what they were, so is all before them.
#[derive(Debug)]
pub(crate) struct Output {
    storage: Box<dyn Storage>,
    /// What has been written.
    written_bytes: u64,
    /// The last bytes of what has been written, and of what is on the disk for sure, that are not
    /// only zeros: a hole cannot spare them.
    witness: Witness,
    synced_witness: Witness,
    /// A hole was found: it does not show in the length of the file.
    has_hole: bool,
    /// What is to be written next; its first `done` bytes have been.
    buffer: Vec<u8>,
    done: usize,
    /// What is on the disk for sure.
    synced_bytes: u64,
    /// A sync failed, and what is behind `synced_bytes` was not written again (O2).
    is_doubtful: bool,
    /// The disk has the name of the file.
    is_folder_synced: bool,
}

/// Why a dump cannot be written.
#[derive(Debug)]
pub(crate) enum WriteFailure {
    /// The operating system refused.
    Write(io::Error),
    /// The file has met this fate.
    Taken(FileFate),
    /// It has met this fate, and no new one can be begun.
    Replace(FileFate, io::Error),
}

impl From<io::Error> for WriteFailure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Why a dump is not on the disk.
#[derive(Debug)]
pub(crate) struct SyncFailure {
    pub(crate) source: io::Error,
    /// The operating system has lost data: trying again does not help.
    pub(crate) is_lost: bool,
}

impl From<io::Error> for SyncFailure {
    fn from(source: io::Error) -> Self {
        Self { source, is_lost: false }
    }
}

/// How much is read and written again at once.
const CHUNK_BYTES: usize = 1 << 18;

/// A few bytes of a file, the last of which is not zero; none if all is zero.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    at: u64,
    bytes: [u8; Self::BYTES],
    length: usize,
}

impl Witness {
    const BYTES: usize = 8;

    /// Takes in that `bytes` were written at `at`, behind all before.
    fn note(&mut self, at: u64, bytes: &[u8]) {
        let Some(last) = bytes.iter().rposition(|&byte| byte != 0) else { return };
        let first = (last + 1).saturating_sub(Self::BYTES);
        self.at = at + first as u64;
        self.length = last + 1 - first;
        self.bytes[..self.length].copy_from_slice(&bytes[first..=last]);
    }

    /// Whether the bytes are there still, or cannot be looked at: who may not look may still write.
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

impl Output {
    /// The output to a storage that is empty.
    pub(crate) fn new(storage: Box<dyn Storage>) -> Self {
        Self {
            storage,
            written_bytes: 0,
            witness: Witness::default(),
            synced_witness: Witness::default(),
            has_hole: false,
            buffer: Vec::new(),
            done: 0,
            synced_bytes: 0,
            is_doubtful: false,
            is_folder_synced: false,
        }
    }

    /// Where the file is, as far as the logger knows.
    pub(crate) fn path(&self) -> &Path {
        self.storage.path()
    }

    /// Where the next byte of the buffer will stand in the file.
    pub(crate) const fn end(&self) -> u64 {
        self.written_bytes + (self.buffer.len() - self.done) as u64
    }

    /// The bytes to be written next, to be appended to.
    pub(crate) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hands the buffer to the operating system. After an error the rest stays in the buffer (O1).
    ///
    /// Nothing is written to a file that is not what it was; if it ceases to be in the moment of the
    /// write, that is told as well (O3).
    pub(crate) fn write(&mut self) -> Result<(), WriteFailure> {
        // Who may not look may still write.
        if !self.buffer.is_empty()
            && let Ok(Standing::Taken(fate)) = self.check()
        {
            return Err(WriteFailure::Taken(fate));
        }
        while self.done < self.buffer.len() {
            let rest = &self.buffer[self.done..];
            if failpoint::is_due(Step::HalfWritten) {
                let _ = self.storage.write_at(self.written_bytes, &rest[..rest.len() / 2]);
                failpoint::die();
            }
            let n = insist(WriteZero, || self.storage.write_at(self.written_bytes, rest))?;
            failpoint::after(Step::Written);
            if self.find_hole() {
                self.done += n;
                self.written_bytes += n as u64;
                return Err(WriteFailure::Taken(FileFate::Truncated));
            }
            self.witness.note(self.written_bytes, &self.buffer[self.done..self.done + n]);
            self.done += n;
            self.written_bytes += n as u64;
        }
        self.buffer.clear();
        self.done = 0;
        Ok(())
    }

    /// Whether the file has a hole that its length does not show (O3).
    pub(crate) const fn has_hole(&self) -> bool {
        self.has_hole
    }

    /// Hands the rest of the buffer to the operating system, whatever the file is by now.
    pub(crate) fn write_anyway(&mut self) -> io::Result<()> {
        while self.done < self.buffer.len() {
            let rest = &self.buffer[self.done..];
            let n = insist(WriteZero, || self.storage.write_at(self.written_bytes, rest))?;
            self.done += n;
            self.written_bytes += n as u64;
        }
        Ok(())
    }

    /// Has the operating system put the file on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), SyncFailure> {
        if self.is_doubtful {
            self.write_again()?;
        }
        // What the file lacks of a frame may follow later.
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

    /// Whether nothing is left to be written.
    pub(crate) const fn is_flushed(&self) -> bool {
        self.buffer.is_empty()
    }

    /// How much is on the disk for sure.
    pub(crate) const fn synced_bytes(&self) -> u64 {
        self.synced_bytes
    }

    /// Whether the disk has all that was written.
    pub(crate) const fn is_synced(&self) -> bool {
        self.is_folder_synced && self.synced_bytes == self.written_bytes
    }

    /// Whether a sync has failed, and none has succeeded since.
    pub(crate) const fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// What has become of the file.
    pub(crate) fn look(&mut self) -> io::Result<Standing> {
        let standing = self.storage.look(self.written_bytes)?;
        Ok(self.unless_hole(standing))
    }

    /// As [`look`](Self::look), but not at its name.
    fn check(&mut self) -> io::Result<Standing> {
        let standing = self.storage.check(self.written_bytes)?;
        Ok(if self.has_hole { self.unless_hole(standing) } else { standing })
    }

    /// The standing, unless the file has a hole that its length does not show (O3).
    fn unless_hole(&mut self, standing: Standing) -> Standing {
        let is_removed = standing == Standing::Taken(FileFate::Removed);
        if !is_removed && self.find_hole() {
            Standing::Taken(FileFate::Truncated)
        } else {
            standing
        }
    }

    /// Whether the file has a hole (O3).
    fn find_hole(&mut self) -> bool {
        // What is not safe may be gone because the disk has failed, which is for the next sync to find.
        let witness = if self.is_doubtful { &self.synced_witness } else { &self.witness };
        self.has_hole |= !witness.is_there(&mut *self.storage);
        self.has_hole
    }

    /// A new file in place of this one.
    pub(crate) fn successor(&mut self) -> io::Result<Box<dyn Storage>> {
        self.storage.successor()
    }

    /// How many bytes have been written.
    pub(crate) const fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Writes what is not safe again, so that the operating system takes it for new (O2).
    fn write_again(&mut self) -> Result<(), SyncFailure> {
        let lost = |source| SyncFailure { source, is_lost: true };
        let mut check = Check { at: self.synced_bytes, window: Vec::new(), sequence: None };
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
        // Only a write that was given up leaves a frame that is not whole.
        if self.buffer.is_empty() { check.end().map_err(lost) } else { Ok(()) }
    }
}

/// Does what a signal may interrupt and what must get on by a byte at least, or else is `stuck`.
fn insist(stuck: io::ErrorKind, mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match act() {
            Ok(0) => return Err(stuck.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether what is read back is what was written: frames, each with its checksums and in order.
struct Check {
    /// Where the window begins in the file.
    at: u64,
    window: Vec<u8>,
    /// The number of the last frame.
    sequence: Option<u32>,
}

impl Check {
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
