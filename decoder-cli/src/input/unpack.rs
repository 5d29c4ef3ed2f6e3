//! Decompression of `gzip` and `zstd` copies, and of input from pipes, into unnamed temporary files.
//!
//! Memory stays bounded, and nothing is left over however the program ends.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek as _, Write as _};

use flate2::bufread::MultiGzDecoder;

use crate::cli::units::bytes;

/// A copy may unpack to this many times its own length: deflate cannot do more.
const MAX_RATIO: u64 = 1024;

/// A copy may unpack to at least this many bytes.
const MIN_LIMIT: u64 = 1 << 30;

/// How many bytes are unpacked at once.
const CHUNK_BYTES: usize = 1 << 16;

/// The compression of a copy, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    Gzip,
    Zstd,
}

/// Why a copy was not unpacked to its end.
#[derive(Debug)]
pub(super) enum UnpackFault {
    /// It is cut or damaged after this many unpacked bytes.
    Broken { unpacked_bytes: u64, source: io::Error },
    /// It unpacks to more than is allowed.
    TooLong { limit: u64 },
}

impl Wrapping {
    /// Looks at the beginning of a file and rewinds it.
    pub(super) fn of(file: &mut File) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        file.take(4).read_to_end(&mut start)?;
        file.rewind()?;
        Ok(match *start.as_slice() {
            [0x1f, 0x8b, 8, _] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(Self::Zstd),
            // A skippable frame, which some programs begin with.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Self::Zstd),
            _ => None,
        })
    }

    fn reader(self, file: File) -> io::Result<Box<dyn Read>> {
        let file = BufReader::with_capacity(CHUNK_BYTES, file);
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(file)?),
        })
    }

    /// The first `count` bytes after decompression, or fewer.
    pub(super) fn beginning(self, file: File, count: u64) -> Vec<u8> {
        let mut start = Vec::new();
        if let Ok(reader) = self.reader(file) {
            // On an error, what was unpacked so far.
            let _ = reader.take(count).read_to_end(&mut start);
        }
        start
    }

    /// Unpacks `file` into a temporary one, as far as possible.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub(super) fn unpack(
        self,
        file: File,
        limit: Option<u64>,
    ) -> io::Result<(File, Option<UnpackFault>)> {
        let packed = file.metadata()?.len();
        let limit = limit.unwrap_or_else(|| packed.saturating_mul(MAX_RATIO).max(MIN_LIMIT));
        let mut out = tempfile::tempfile()?;
        let mut unpacked_bytes = 0;
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut reader = match self.reader(file) {
            Ok(reader) => reader,
            Err(source) => return Ok((out, Some(UnpackFault::Broken { unpacked_bytes, source }))),
        };
        let fault = loop {
            let count = match reader.read(&mut chunk) {
                Ok(0) => break None,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(source) => break Some(UnpackFault::Broken { unpacked_bytes, source }),
            };
            let room = usize::try_from(limit - unpacked_bytes).unwrap_or(usize::MAX);
            let part = chunk.get(..count.min(room)).unwrap_or_default();
            out.write_all(part)?;
            unpacked_bytes += part.len() as u64;
            if count > room {
                break Some(UnpackFault::TooLong { limit });
            }
        };
        out.rewind()?;
        Ok((out, fault))
    }
}

/// The program that unpacks a file in an unsupported format, by its first bytes.
pub(super) fn unpacker_of(file: &mut File) -> io::Result<Option<&'static str>> {
    let mut start = Vec::new();
    file.take(6).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(match *start.as_slice() {
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Some("xzcat"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some("bzcat"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4cat"),
        [b'P', b'K', 3, 4, ..] => Some("unzip -p"),
        _ => None,
    })
}

/// Copies a pipe to a temporary file.
///
/// # Errors
/// If the pipe cannot be read or the file cannot be written.
pub(super) fn spool(pipe: &mut impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(pipe, &mut file)?;
    file.rewind()?;
    Ok(file)
}

impl fmt::Display for UnpackFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { unpacked_bytes, source }
                if source.kind() == ErrorKind::UnexpectedEof =>
            {
                write!(
                    f,
                    "the compressed copy is cut: {} of the dump could be unpacked",
                    bytes(*unpacked_bytes)
                )
            }
            Self::Broken { unpacked_bytes, source } => write!(
                f,
                "the compressed copy is damaged: {} of the dump could be unpacked: {source}",
                bytes(*unpacked_bytes)
            ),
            Self::TooLong { limit } => write!(
                f,
                "unpacks to more than {}; the rest is not read (--max-unpacked SIZE)",
                bytes(*limit)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> File {
        spool(&mut &*bytes).unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    /// What comes out of a copy, and what is said of it.
    fn unpacked(packed: &[u8], limit: Option<u64>) -> (Vec<u8>, Option<String>) {
        let mut file = file(packed);
        let packing = Wrapping::of(&mut file).unwrap().expect("it is packed");
        let (mut out, fault) = packing.unpack(file, limit).unwrap();
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).unwrap();
        (bytes, fault.map(|fault| fault.to_string()))
    }

    fn text() -> Vec<u8> {
        (0..50_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect()
    }

    #[test]
    fn whole_copies_of_one_part_and_of_several() {
        let text = text();
        let (first, second) = text.split_at(70_001);
        let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap();
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd(&text)].concat();
        let copies = [
            gzip(&text),
            [gzip(first), gzip(second)].concat(),
            zstd(&text),
            [zstd(first), zstd(second)].concat(),
            skipped,
        ];
        for copy in copies {
            assert!(unpacked(&copy, None) == (text.clone(), None));
        }
    }

    #[test]
    fn a_cut_copy_gives_what_is_there() {
        let text = text();
        for copy in [gzip(&text), zstd::bulk::compress(&text, 3).unwrap()] {
            for length in [copy.len() - 1, copy.len() / 2, 5] {
                let (found, fault) = unpacked(&copy[..length], None);
                assert!(text.starts_with(&found), "{length}");
                assert!(length < 100 || found.len() > text.len() / 4, "{length}: {}", found.len());
                assert!(fault.unwrap().contains("the compressed copy is "), "{length}");
            }
        }
    }

    #[test]
    fn a_damaged_copy_is_named() {
        let text = text();
        let mut copy = gzip(&text);
        let middle = copy.len() / 2;
        copy[middle] ^= 0xff;
        let (found, fault) = unpacked(&copy, None);
        assert!(found.len() <= text.len());
        assert!(fault.unwrap().contains("the compressed copy is damaged"));
    }

    #[test]
    fn bombs_are_bounded() {
        let copies = [gzip(&vec![0; 1 << 20]), zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap()];
        for copy in copies {
            let (found, fault) = unpacked(&copy, Some(1000));
            assert_eq!(found, [0; 1000]);
            let fault = fault.unwrap();
            assert!(fault.contains("more than 1000 B; the rest"), "{fault}");
            assert_eq!(unpacked(&copy, Some(1 << 20)).1, None);
        }
    }

    #[test]
    fn other_files_are_not_packed() {
        for bytes in [&b""[..], b"\x89STENO\r\n", b"\x1f\x8b", b"hello"] {
            assert_eq!(Wrapping::of(&mut file(bytes)).unwrap(), None);
            assert_eq!(unpacker_of(&mut file(bytes)).unwrap(), None);
        }
    }
}
