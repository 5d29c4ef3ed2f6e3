//! Files and frames. Each frame can be read without the others.

use crate::bytes::Fields;

/// The first bytes of a dump. As in PNG, the first one is not text, and a transfer that "corrects" line endings
/// breaks them.
pub const MAGIC: [u8; 8] = *b"\x89STENO\r\n";

/// The version that this crate writes. Readers refuse a greater major version. A greater minor version only
/// adds what may be skipped.
pub const VERSION: Version = Version { major: 1, minor: 5 };

/// The first bytes of each frame.
pub const SYNC: [u8; 4] = *b"\xF5\x9Dst";

/// Frames begin at multiples of this many bytes.
pub const ALIGNMENT: usize = 8;

/// A format version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes when old readers would misread the file.
    pub major: u16,
    /// Changes when something is added that old readers may skip.
    pub minor: u16,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The first [`FileHeader::BYTES`] bytes of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The version that the file is written in.
    pub version: Version,
    /// A random number of the logger's run, the same in all of its files.
    pub session: [u8; 16],
    /// The time when the file was begun, in nanoseconds since the Unix epoch.
    pub created_unix_ns: i64,
    /// The place of the file among those of its session, from 0.
    pub sequence: u32,
    /// The process that wrote the file.
    pub process_id: u32,
    /// The nominal frequency of the raw counter; clock frames refine it.
    pub counter_hz: u64,
}

/// Why the first bytes of a file are not a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileHeaderError {
    /// Other bytes than [`MAGIC`].
    #[error("not a stenolog dump: it begins with \"{}\"", found.escape_ascii())]
    Magic {
        /// The first bytes, at most eight.
        found: Vec<u8>,
    },
    /// The file ends within the header.
    #[error("the file ends within its header, after {found} of {} bytes", FileHeader::BYTES)]
    Short {
        /// The length of the file.
        found: usize,
    },
    /// A greater major version than [`VERSION`].
    #[error("format version {found} is newer than this reader ({VERSION}): use a newer steno")]
    Version {
        /// The version of the file.
        found: Version,
    },
    /// The header does not have the checksum that it states.
    #[error("the file header is damaged: checksum {found:08x}, but {stated:08x} is stated")]
    Checksum {
        /// The checksum of the bytes.
        found: u32,
        /// The one in the header.
        stated: u32,
    },
}

impl FileHeader {
    /// The length of the header.
    pub const BYTES: usize = 64;

    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&self.version.major.to_le_bytes());
        out[10..12].copy_from_slice(&self.version.minor.to_le_bytes());
        out[12..16].copy_from_slice(&(Self::BYTES as u32).to_le_bytes());
        out[16..32].copy_from_slice(&self.session);
        out[32..40].copy_from_slice(&self.created_unix_ns.to_le_bytes());
        out[40..44].copy_from_slice(&self.sequence.to_le_bytes());
        out[44..48].copy_from_slice(&self.process_id.to_le_bytes());
        out[48..56].copy_from_slice(&self.counter_hz.to_le_bytes());
        let crc = crc32fast::hash(&out[..60]);
        out[60..64].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header at the beginning of `file`, and returns its length: a later minor version may have a
    /// longer one.
    ///
    /// # Errors
    /// If this version does not understand the header, or there is none.
    pub fn decode(file: &[u8]) -> Result<(Self, usize), FileHeaderError> {
        let magic = &file[..file.len().min(MAGIC.len())];
        if magic != MAGIC {
            // A file that was cut within the magic is still a dump.
            let cut = !magic.is_empty() && MAGIC.starts_with(magic);
            return Err(if cut {
                FileHeaderError::Short { found: file.len() }
            } else {
                FileHeaderError::Magic { found: magic.to_vec() }
            });
        }
        let mut fields = Fields(&file[MAGIC.len()..]);
        let short = FileHeaderError::Short { found: file.len() };
        let mut read = || {
            let version = Version { major: fields.u16()?, minor: fields.u16()? };
            let length = fields.u32()? as usize;
            let header = Self {
                version,
                session: fields.array()?,
                created_unix_ns: fields.i64()?,
                sequence: fields.u32()?,
                process_id: fields.u32()?,
                counter_hz: fields.u64()?,
            };
            fields.u32()?;
            Some((header, length, fields.u32()?))
        };
        let (header, length, stated) = read().ok_or(short)?;
        if header.version.major > VERSION.major {
            return Err(FileHeaderError::Version { found: header.version });
        }
        let found = crc32fast::hash(&file[..Self::BYTES - 4]);
        if found != stated {
            return Err(FileHeaderError::Checksum { found, stated });
        }
        Ok((header, length.clamp(Self::BYTES, file.len())))
    }
}

/// The content of a frame. Readers skip kinds that they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Call sites: a postcard list of [`CallSite`](crate::dictionary::CallSite).
    Dictionary = 1,
    /// A [`Thread`](crate::dictionary::Thread), in postcard.
    Thread = 2,
    /// A [`ClockPair`](crate::clock::ClockPair).
    Clock = 3,
    /// Records of one ring: a [`BlockHeader`](crate::block::BlockHeader) and a body.
    Block = 4,
    /// A [`Loss`](crate::loss::Loss) that no ring could hold.
    Loss = 5,
    /// A [`Watermark`](crate::clock::Watermark).
    Watermark = 6,
    /// An [`Index`](crate::index::Index), in postcard.
    Index = 7,
    /// An [`End`](crate::index::End): nothing follows.
    End = 8,
    /// The [`BlockSummary`](crate::summary::BlockSummary) of the block before it.
    Summary = 9,
    /// A [`VolatileRing`](crate::volatile::VolatileRing): its records die with their process.
    Volatile = 10,
    /// The [`FileHeader`] again, for a file that has lost its beginning.
    Header = 11,
    /// Which call sites are events of spans: a list of [`SpanMark`](crate::span::SpanMark)s.
    Spans = 12,
    /// A [`SpanContext`](crate::span::SpanContext): what the block after it needs to know of spans.
    Context = 13,
}

impl FrameKind {
    /// The kind with this number, if this version knows one.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Dictionary,
            2 => Self::Thread,
            3 => Self::Clock,
            4 => Self::Block,
            5 => Self::Loss,
            6 => Self::Watermark,
            7 => Self::Index,
            8 => Self::End,
            9 => Self::Summary,
            10 => Self::Volatile,
            11 => Self::Header,
            12 => Self::Spans,
            13 => Self::Context,
            _ => return None,
        })
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The [`FrameKind`], or a number that only a later version knows.
    pub kind: u8,
    /// The place of the frame in its file, from 0.
    pub sequence: u32,
    /// The length of the payload in bytes, without the padding after it.
    pub payload_bytes: u32,
    /// The CRC-32 of the payload.
    pub payload_crc: u32,
}

impl FrameHeader {
    /// The length of the header.
    pub const BYTES: usize = 24;

    /// Encodes the header.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[0..4].copy_from_slice(&SYNC);
        out[4] = self.kind;
        out[8..12].copy_from_slice(&self.sequence.to_le_bytes());
        out[12..16].copy_from_slice(&self.payload_bytes.to_le_bytes());
        out[16..20].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32fast::hash(&out[..20]);
        out[20..24].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header at the beginning of `bytes`; `None` if there is no intact one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; Self::BYTES] = bytes.first_chunk()?;
        let mut fields = Fields(header.strip_prefix(&SYNC)?);
        let kind = fields.u8()?;
        fields.array::<3>()?;
        let found = Self {
            kind,
            sequence: fields.u32()?,
            payload_bytes: fields.u32()?,
            payload_crc: fields.u32()?,
        };
        (fields.u32()? == crc32fast::hash(&header[..20])).then_some(found)
    }

    /// The offset in `bytes` of the first frame with an intact header.
    #[must_use]
    pub fn find(bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let rest = bytes.get(from..)?;
            let at = from + rest.iter().position(|&byte| byte == SYNC[0])?;
            if Self::decode(&bytes[at..]).is_some() {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// The length of the whole frame: header, payload and padding.
    #[must_use]
    pub const fn frame_bytes(&self) -> u64 {
        Self::BYTES as u64 + (self.payload_bytes as u64).next_multiple_of(ALIGNMENT as u64)
    }

    /// Whether `payload` has the stated length and checksum.
    #[must_use]
    pub fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.payload_bytes as usize && crc32fast::hash(payload) == self.payload_crc
    }
}

/// Appends frames to a buffer, and numbers them.
#[derive(Clone, Debug, Default)]
pub struct FrameWriter {
    sequence: u32,
}

impl FrameWriter {
    /// Continues a file that has `frames` frames.
    #[must_use]
    pub const fn behind(frames: u32) -> Self {
        Self { sequence: frames }
    }

    /// The number of frames written, or the number of the next one.
    #[must_use]
    pub const fn frames(&self) -> u32 {
        self.sequence
    }

    /// Appends a frame. `fill` appends its payload; its result is returned.
    pub fn frame<R>(
        &mut self,
        out: &mut Vec<u8>,
        kind: FrameKind,
        fill: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        self.frame_of_kind(out, kind as u8, fill)
    }

    /// As [`frame`](Self::frame), of a kind that this version may not know.
    pub fn frame_of_kind<R>(
        &mut self,
        out: &mut Vec<u8>,
        kind: u8,
        fill: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        let start = out.len();
        out.resize(start + FrameHeader::BYTES, 0);
        let result = fill(out);
        let payload = &out[start + FrameHeader::BYTES..];
        let header = FrameHeader {
            kind,
            sequence: self.sequence,
            payload_bytes: payload.len() as u32,
            payload_crc: crc32fast::hash(payload),
        };
        self.sequence = self.sequence.wrapping_add(1);
        out[start..start + FrameHeader::BYTES].copy_from_slice(&header.encode());
        out.resize(start + header.frame_bytes() as usize, 0);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: FileHeader = FileHeader {
        version: VERSION,
        session: [7; 16],
        created_unix_ns: -5,
        sequence: 3,
        process_id: 99,
        counter_hz: 2_600_000_000,
    };

    #[test]
    fn file_headers_survive() {
        assert_eq!(FileHeader::decode(&HEADER.encode()), Ok((HEADER, FileHeader::BYTES)));
    }

    #[test]
    fn what_is_no_dump_is_told_from_a_cut_one() {
        assert!(matches!(FileHeader::decode(b""), Err(FileHeaderError::Magic { .. })));
        assert!(matches!(FileHeader::decode(b"hello, world"), Err(FileHeaderError::Magic { .. })));
        for length in 1..FileHeader::BYTES {
            let cut = &HEADER.encode()[..length];
            assert_eq!(FileHeader::decode(cut), Err(FileHeaderError::Short { found: length }));
        }
    }

    #[test]
    fn newer_versions_are_named_even_if_their_header_is_another() {
        let mut bytes = HEADER.encode();
        bytes[8] = 2;
        let found = Version { major: 2, ..VERSION };
        assert_eq!(FileHeader::decode(&bytes), Err(FileHeaderError::Version { found }));
    }

    #[test]
    fn any_changed_byte_of_a_frame_header_is_noticed() {
        let mut out = Vec::new();
        FrameWriter::default().frame(&mut out, FrameKind::Clock, |out| out.extend(b"abc"));
        assert_eq!(out.len(), FrameHeader::BYTES + ALIGNMENT);
        let header = FrameHeader::decode(&out).unwrap();
        assert!(header.matches(b"abc"));
        assert!(!header.matches(b"abd"));
        for at in 0..FrameHeader::BYTES {
            let mut damaged = out.clone();
            damaged[at] ^= 0x10;
            assert_eq!(FrameHeader::decode(&damaged), None, "byte {at}");
        }
    }
}
