//! A walk over the frames of a dump, which resynchronizes after damage.
//!
//! ```text
//!   frame ─▶ frame ─▶ ▒▒▒▒▒▒▒▒▒▒▒▒▒ ─▶ frame ─▶ frame ─▶ ░░░░░ end of file
//!                     Gap: no frame begins              Cut: the frame's payload runs
//!                     here; search for SYNC with        past the end of the file
//!                     a header whose checksum holds
//! ```
//!
//! [`Walk::step`] yields whole frames, and reports what is between them. It reads only frame headers, from
//! memory or through a [`Window`] of a file; the caller reads payloads. Each step moves on by at least a frame
//! header, and a search never goes back, so a walk is linear in the file.
//!
//! A file may grow. The steps before [`Walk::resume`] stay the same when it does; a later walk begins there.

use std::convert::Infallible;
use std::io;

use memchr::memmem;
use stenolog_format::frame::{FrameHeader, MAGIC, SYNC};

/// Bytes of a dump, read by their offset.
///
/// # Examples
///
/// ```
/// use stenolog_session::frames::FrameSource as _;
///
/// let mut bytes = &b"a dump"[..];
/// assert_eq!(bytes.len_bytes(), 6);
/// assert_eq!(bytes.bytes_at(2, 1), Ok(&b"dump"[..]));
/// ```
pub trait FrameSource {
    /// The error of reading bytes.
    type Error;

    /// The length of the file. Bytes beyond it are not read.
    fn len_bytes(&self) -> u64;

    /// The bytes from `offset` on: at least `least` of them, unless the file ends before; more if they are
    /// available.
    ///
    /// # Errors
    /// If the file cannot be read.
    fn bytes_at(&mut self, offset: u64, least: usize) -> Result<&[u8], Self::Error>;
}

impl FrameSource for &[u8] {
    type Error = Infallible;

    #[inline]
    fn len_bytes(&self) -> u64 {
        self.len() as u64
    }

    #[inline]
    fn bytes_at(&mut self, offset: u64, _: usize) -> Result<&[u8], Infallible> {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.get(offset..).unwrap_or_default())
    }
}

/// The part of a file that was read last.
///
/// # Examples
///
/// ```
/// use stenolog_session::frames::{FrameSource as _, Window};
///
/// let file = b"a dump";
/// // Of a file: `|buffer, offset| file.read_at(buffer, offset)`.
/// let mut window = Window::new(6, |buffer: &mut [u8], offset| {
///     let rest = &file[offset as usize..];
///     let length = rest.len().min(buffer.len());
///     buffer[..length].copy_from_slice(&rest[..length]);
///     Ok(length)
/// });
/// assert_eq!(window.bytes_at(2, 3)?, b"dump");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Window<R> {
    read_at: R,
    len: u64,
    /// The offset of `bytes` in the file.
    at: u64,
    bytes: Vec<u8>,
}

impl<R: FnMut(&mut [u8], u64) -> io::Result<usize>> Window<R> {
    /// Small frames are adjacent: this many bytes are read at once.
    const BYTES: usize = 4096;

    /// The buffer is given back when a payload has made it longer than this.
    const KEPT_BYTES: usize = 64 << 10;

    /// A window of the first `len` bytes of a file. `read_at` reads some bytes at an offset into a buffer
    /// and returns how many; none only at the end of the file.
    pub const fn new(len: u64, read_at: R) -> Self {
        Self { read_at, len, at: 0, bytes: Vec::new() }
    }

    fn fill(&mut self, offset: u64, bytes: usize) -> io::Result<()> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = bytes.max(Self::BYTES).min(left);
        if self.bytes.capacity() > Self::KEPT_BYTES && wanted <= Self::KEPT_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.resize(wanted, 0);
        self.at = offset;
        let mut filled = 0;
        while filled < wanted {
            match (self.read_at)(&mut self.bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.bytes.clear();
                    return Err(error);
                }
            }
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}

impl<R: FnMut(&mut [u8], u64) -> io::Result<usize>> FrameSource for Window<R> {
    type Error = io::Error;

    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn bytes_at(&mut self, offset: u64, least: usize) -> io::Result<&[u8]> {
        let start = offset.checked_sub(self.at).and_then(|start| usize::try_from(start).ok());
        let held = start.and_then(|start| self.bytes.get(start..)).map_or(0, <[u8]>::len);
        let least = self.len.saturating_sub(offset).min(least as u64);
        if (held as u64) < least {
            self.fill(offset, least as usize)?;
        }
        let start = offset.checked_sub(self.at).and_then(|start| usize::try_from(start).ok());
        Ok(start.and_then(|start| self.bytes.get(start..)).unwrap_or_default())
    }
}

/// A place between frames, at which a walk can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The offset of the next frame.
    pub offset: u64,
    /// The sequence number that it should have; `None` if that is unknown because of damage.
    pub sequence: Option<u32>,
}

impl Position {
    /// The place of a file's first frame.
    #[must_use]
    pub const fn first(offset: u64) -> Self {
        Self { offset, sequence: Some(0) }
    }
}

/// A frame with an intact header. Its payload is unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where in the file it begins.
    pub offset: u64,
    /// Its header.
    pub header: FrameHeader,
    /// The sequence number that it should have; `None` if that is unknown because of damage.
    pub expected: Option<u32>,
}

impl Frame {
    /// The offset of the payload.
    #[must_use]
    pub const fn payload_offset(&self) -> u64 {
        self.offset.saturating_add(FrameHeader::BYTES as u64)
    }

    /// The offset after the frame and its padding, which may be past the end of the file.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.header.frame_bytes())
    }

    /// The number that the frame should have, if it has another one: frames before it are missing.
    #[must_use]
    pub fn missed_sequence(&self) -> Option<u32> {
        self.expected.filter(|&expected| expected != self.header.sequence)
    }
}

/// A step of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkStep {
    /// A frame whose payload is complete.
    Frame(Frame),
    /// A frame whose payload runs past the end of the file.
    Cut {
        /// The frame.
        frame: Frame,
        /// Where the existing part of it ends: at the next frame, or at the end of the file.
        end: u64,
        /// Whether nothing follows because the file was cut there. Otherwise its writer stopped and continued
        /// with another frame.
        is_last: bool,
    },
    /// Bytes that are not a frame.
    Gap {
        /// Where they begin.
        offset: u64,
        /// Where they end: at the next frame, or at the end of the file.
        end: u64,
        /// Whether no frame follows.
        is_last: bool,
    },
    /// Another dump begins; the walk is over.
    OtherDump {
        /// Where it begins.
        offset: u64,
        /// Where the file ends.
        end: u64,
    },
}

/// A walk from frame to frame through a dump.
///
/// # Examples
///
/// ```
/// use stenolog_format::frame::{FrameKind, FrameWriter};
/// use stenolog_session::frames::{Position, WalkStep, Walk};
///
/// let mut bytes = Vec::new();
/// let mut frames = FrameWriter::default();
/// frames.frame(&mut bytes, FrameKind::Watermark, |out| out.extend([0; 8]));
/// bytes.extend(b"rubbish");
/// frames.frame(&mut bytes, FrameKind::Watermark, |out| out.extend([0; 8]));
///
/// let mut walk = Walk::new(&bytes[..], Position::first(0));
/// assert!(matches!(walk.step(), Ok(Some(WalkStep::Frame(frame))) if frame.offset == 0));
/// assert!(matches!(walk.step(), Ok(Some(WalkStep::Gap { offset: 32, end: 39, is_last: false }))));
/// assert!(matches!(walk.step(), Ok(Some(WalkStep::Frame(frame))) if frame.offset == 39));
/// assert_eq!(walk.step(), Ok(None));
/// ```
#[derive(Clone, Debug)]
pub struct Walk<S> {
    source: S,
    next: Position,
    /// Where to resume, once something was met that growth may change.
    unsettled: Option<Position>,
    sync: memmem::Finder<'static>,
}

impl<S: FrameSource> Walk<S> {
    /// A walk that begins at `start`.
    #[must_use]
    pub fn new(source: S, start: Position) -> Self {
        Self { source, next: start, unsettled: None, sync: memmem::Finder::new(&SYNC) }
    }

    /// The source, to read payloads from.
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Where the next step begins.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.next
    }

    /// Where to continue when the file has grown: at the first frame that is cut by the end of the file, or
    /// after the last whole one. A walk over the longer file takes the same steps up to there.
    #[must_use]
    pub fn resume(&self) -> Position {
        self.unsettled.unwrap_or(self.next)
    }

    /// Moves on by a frame, or past bytes that are not a frame. `None` at the end of the file.
    ///
    /// # Errors
    /// If the source cannot be read. The walk stays where it was.
    #[inline]
    pub fn step(&mut self) -> Result<Option<WalkStep>, S::Error> {
        let Position { offset, sequence } = self.next;
        if offset >= self.source.len_bytes() {
            return Ok(None);
        }
        let bytes = self.source.bytes_at(offset, FrameHeader::BYTES)?;
        let Some(header) = FrameHeader::decode(bytes) else { return self.gap(offset).map(Some) };
        let frame = Frame { offset, header, expected: sequence };
        let payload_end = frame.payload_offset().saturating_add(header.payload_bytes.into());
        if payload_end > self.source.len_bytes() {
            return self.cut(frame).map(Some);
        }
        let sequence = Some(header.sequence.wrapping_add(1));
        self.next = Position { offset: frame.end(), sequence };
        Ok(Some(WalkStep::Frame(frame)))
    }

    /// The payload of a frame, if its checksum is right and it is no longer than `limit` bytes.
    ///
    /// # Errors
    /// If the source cannot be read.
    pub fn payload(&mut self, frame: &Frame, limit: u32) -> Result<Option<&[u8]>, S::Error> {
        let length = frame.header.payload_bytes;
        if length > limit {
            return Ok(None);
        }
        let bytes = self.source.bytes_at(frame.payload_offset(), length as usize)?;
        let payload = bytes.get(..length as usize);
        Ok(payload.filter(|payload| frame.header.matches(payload)))
    }

    #[cold]
    fn gap(&mut self, offset: u64) -> Result<WalkStep, S::Error> {
        let len = self.source.len_bytes();
        let is_other = self.source.bytes_at(offset, MAGIC.len())?.starts_with(&MAGIC);
        let next = if is_other { None } else { self.find(offset + 1, |_| true)? };
        if next.is_none() {
            self.unsettled.get_or_insert(self.next);
        }
        let end = next.unwrap_or(len);
        self.next = Position { offset: end, sequence: None };
        Ok(if is_other {
            WalkStep::OtherDump { offset, end }
        } else {
            WalkStep::Gap { offset, end, is_last: next.is_none() }
        })
    }

    /// Either the file is cut here, or a write was cut (a full disk) and the writer continued with another
    /// frame.
    #[cold]
    fn cut(&mut self, frame: Frame) -> Result<WalkStep, S::Error> {
        let number = frame.header.sequence;
        // Logged text may look like a frame: only the right number makes it one.
        let follows = |header: &FrameHeader| header.sequence.wrapping_sub(number) <= 1;
        let next = self.find(frame.payload_offset(), follows)?;
        // The file may still grow to hold the frame.
        self.unsettled.get_or_insert(self.next);
        let end = next.unwrap_or(self.source.len_bytes());
        let sequence = if next.is_some() { None } else { Some(number.wrapping_add(1)) };
        self.next = Position { offset: end, sequence };
        Ok(WalkStep::Cut { frame, end, is_last: next.is_none() })
    }

    /// The first offset from `offset` on that has an intact and wanted frame header. It can be any offset,
    /// because the number of lost bytes may not be a multiple of the alignment.
    fn find(
        &mut self,
        mut offset: u64,
        wanted: impl Fn(&FrameHeader) -> bool,
    ) -> Result<Option<u64>, S::Error> {
        loop {
            let bytes = self.source.bytes_at(offset, FrameHeader::BYTES)?;
            if bytes.len() < FrameHeader::BYTES {
                return Ok(None);
            }
            let mut places = self.sync.find_iter(bytes);
            let step = loop {
                let Some(place) = places.next() else { break bytes.len() - (SYNC.len() - 1) };
                match bytes.get(place..place + FrameHeader::BYTES) {
                    // Its header goes on beyond the bytes at hand.
                    None => break place,
                    Some(header) if FrameHeader::decode(header).is_some_and(|of| wanted(&of)) => {
                        return Ok(Some(offset + place as u64));
                    }
                    Some(_) => {}
                }
            };
            offset += step as u64;
        }
    }
}

#[cfg(test)]
mod tests;
