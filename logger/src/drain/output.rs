//! The dump that a drain writes, as bytes: what has been written, what is to be, what is safe.

use std::io::{self, ErrorKind::UnexpectedEof, ErrorKind::WriteZero};
use std::path::Path;

use stenolog_format::frame::{ALIGNMENT, FileHeader, FrameHeader};

use super::storage::{FileFate, Standing, Storage};
use crate::fault::{self, Step};

/// A dump that is being written, and the bytes that it does not have yet.
///
/// - **O1 (go on).** A write that fails part of the way is gone on with where it stopped, so that no
///   frame is torn but the one that a crash cuts.
/// - **O2 (no claim).** When a sync fails, the operating system may forget what it could not write,
///   and say that the next sync went well. So after a sync that failed, all since the last one
///   that succeeded is read back, checked and written again before another one counts.
#[derive(Debug)]
pub(crate) struct Output {
    storage: Box<dyn Storage>,
    /// What has been written.
    written_bytes: u64,
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

impl Output {
    /// The output to a storage that is empty.
    pub(crate) fn new(storage: Box<dyn Storage>) -> Self {
        Self {
            storage,
            written_bytes: 0,
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
    /// Nothing is written to a file that is not what it was.
    pub(crate) fn write(&mut self) -> Result<(), WriteFailure> {
        // Who may not look may still write.
        if !self.buffer.is_empty()
            && let Ok(Standing::Taken(fate)) = self.storage.check(self.written_bytes)
        {
            return Err(WriteFailure::Taken(fate));
        }
        while self.done < self.buffer.len() {
            let rest = &self.buffer[self.done..];
            if fault::is_due(Step::HalfWritten) {
                let _ = self.storage.write_at(self.written_bytes, &rest[..rest.len() / 2]);
                fault::die();
            }
            let n = insist(WriteZero, || self.storage.write_at(self.written_bytes, rest))?;
            self.done += n;
            self.written_bytes += n as u64;
            fault::after(Step::Written);
        }
        self.buffer.clear();
        self.done = 0;
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
        fault::after(Step::Synced);
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
        self.storage.look(self.written_bytes)
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
        let mut chunk = vec![0; CHUNK_BYTES];
        while at < self.written_bytes {
            let length = CHUNK_BYTES.min((self.written_bytes - at) as usize);
            let n = insist(UnexpectedEof, || self.storage.read_at(at, &mut chunk[..length]))
                .map_err(lost)?;
            check.take(&chunk[..n]).map_err(lost)?;
            let mut done = 0;
            while done < n {
                let place = at + done as u64;
                done += insist(WriteZero, || self.storage.write_at(place, &chunk[done..n]))?;
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
