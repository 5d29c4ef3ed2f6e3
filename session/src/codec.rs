//! Codecs of block bodies: LZ4 and Zstandard, both ways.
//!
//! This is the only module that calls a compression library. Another codec needs a number and limits in
//! `stenolog_format::block::Codec`, an arm in `Compressor::compress` and one in
//! [`Decompressor::decompress_into`].
//!
//! Both types keep their contexts and buffers, so nothing is allocated after the first blocks.

#[cfg(feature = "zstd")]
mod effort;

use std::fmt;
use std::io;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
use stenolog_format::block::{BlockError, BlockHeader, Codec, PlainBody, SectionHint};

/// The level at which Zstandard is still faster than a disk. Higher ones gain little for columns.
#[cfg(feature = "zstd")]
const FAST_LEVEL: i32 = 1;

/// Compresses bodies of blocks.
///
/// # Examples
/// ```
/// use stenolog_format::block::{BlockBuilder, Codec};
/// use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
/// use stenolog_format::types::Type;
/// use stenolog_session::codec::{Compressor, Decompressor};
///
/// # let site = CallSite {
/// #     id: 16, level: Level::Info, time: TimeSource::Counter, target: String::new(),
/// #     module: String::new(), file: String::new(), line: 1, column: 1, template: None,
/// #     slots: vec![Slot { name: String::new(), role: Role::Field, ty: Type::U64 }],
/// # };
/// let mut block = BlockBuilder::default();
/// block.begin(1, 0, 0);
/// for n in 0..1000_u64 {
///     block.push(&site, &[n.to_le_bytes(), 7_u64.to_le_bytes()].concat()).unwrap();
/// }
/// let mut compressor = Compressor::new();
/// let mut payload = Vec::new();
/// let header = block.finish_with(16_000, &mut payload, |body, out| {
///     compressor.append(&[Codec::Lz4], body, out)
/// });
/// assert_eq!(header.codec, Codec::Lz4.number());
///
/// let stored = &payload[stenolog_format::block::BlockHeader::BYTES..];
/// let body = Decompressor::default().decompress(&header, stored).unwrap();
/// assert!(stored.len() < body.len());
/// ```
pub struct Compressor {
    lz4: CompressTable,
    /// The output buffer of codecs. It is not cleared between uses.
    output: Vec<u8>,
    /// Created for the first body that Zstandard compresses.
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Compressor<'static>>,
    /// With the parameters of a search: in a context that also has levels they would outlive their use.
    #[cfg(feature = "zstd")]
    searching: Vec<(effort::Search, zstd::bulk::Compressor<'static>)>,
    #[cfg(feature = "zstd")]
    level: i32,
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    /// A compressor for a writer that must keep up: Zstandard runs at its fastest useful level.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lz4: CompressTable::large(),
            output: Vec::new(),
            #[cfg(feature = "zstd")]
            zstd: None,
            #[cfg(feature = "zstd")]
            searching: Vec::new(),
            #[cfg(feature = "zstd")]
            level: FAST_LEVEL,
        }
    }

    /// A compressor whose Zstandard level is `level`, from 1 (fastest) to 22 (smallest).
    ///
    /// # Errors
    /// If the context cannot be allocated, or if this build has no Zstandard compressor.
    pub fn with_level(level: i32) -> io::Result<Self> {
        #[cfg(feature = "zstd")]
        return Ok(Self { zstd: Some(zstd::bulk::Compressor::new(level)?), level, ..Self::new() });
        #[cfg(not(feature = "zstd"))]
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("this build cannot compress by Zstandard, level {level}"),
        ));
    }

    /// Appends a body to `out`, compressed by the first of `codecs` that makes it shorter and that a reader
    /// accepts. Returns that codec, or [`Codec::None`] if the body was appended unchanged.
    ///
    /// A codec that this build lacks is skipped.
    pub fn append(&mut self, codecs: &[Codec], body: PlainBody<'_>, out: &mut Vec<u8>) -> Codec {
        for &codec in codecs {
            if let Some(compressed) = self.compress(codec, body.bytes)
                && body.may_stand_in(codec, compressed.len())
            {
                out.extend_from_slice(compressed);
                return codec;
            }
        }
        out.extend_from_slice(body.bytes);
        Codec::None
    }

    /// Appends a section of a [group](stenolog_format::block::BlockBuilder::finish_group) to `out`, compressed by
    /// the first of `codecs` that makes it shorter, or unchanged if none does.
    ///
    /// # Examples
    /// ```
    /// use stenolog_format::block::{Codec, SectionHint};
    /// use stenolog_session::codec::Compressor;
    ///
    /// let mut compressor = Compressor::new();
    /// let mut out = Vec::new();
    /// let codec = compressor.append_section(&[Codec::Lz4], &[7; 5000], SectionHint::Any, &mut out);
    /// assert!(codec == Codec::Lz4 && out.len() < 100);
    /// ```
    pub fn append_section(
        &mut self,
        codecs: &[Codec],
        plain: &[u8],
        hint: SectionHint,
        out: &mut Vec<u8>,
    ) -> Codec {
        // LZ4 shortens by a factor of 255 at most.
        let is_allowed = |codec: &Codec| hint == SectionHint::Any || *codec == Codec::Lz4;
        for &codec in codecs.iter().filter(|codec| is_allowed(codec)) {
            if let Some(compressed) = self.compress(codec, plain)
                && compressed.len() < plain.len()
                && codec.allows(plain.len(), compressed.len())
            {
                out.extend_from_slice(compressed);
                return codec;
            }
        }
        out.extend_from_slice(plain);
        Codec::None
    }

    /// Appends a section of a [group](stenolog_format::block::BlockBuilder::finish_group) to `out`, by Zstandard
    /// at the level up to that of this compressor that is worth its time, or unchanged if it does not shrink.
    /// From level 20 on, time does not matter.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "zstd")] {
    /// use stenolog_format::block::{Codec, SectionHint};
    /// use stenolog_session::codec::Compressor;
    ///
    /// let mut compressor = Compressor::with_level(19).unwrap();
    /// let mut out = Vec::new();
    /// let codec = compressor.append_small_section(&[7; 5000], SectionHint::Any, &mut out);
    /// assert!(codec == Codec::Zstd && out.len() < 100);
    /// # }
    /// ```
    #[cfg(feature = "zstd")]
    pub fn append_small_section(
        &mut self,
        plain: &[u8],
        hint: SectionHint,
        out: &mut Vec<u8>,
    ) -> Codec {
        if hint != SectionHint::Any {
            return self.append_section(&[Codec::Lz4], plain, hint, out);
        }
        let start = out.len();
        let (most, mut best) = (self.level, plain.len());
        let mut search = effort::FIRST;
        while let Some(compressed) = self.compress_by(search, plain) {
            if search == effort::FIRST && effort::is_dense(plain.len(), compressed.len()) {
                break;
            }
            let saved = best.saturating_sub(compressed.len());
            if saved > 0 && Codec::Zstd.allows(plain.len(), compressed.len()) {
                best = compressed.len();
                out.truncate(start);
                out.extend_from_slice(compressed);
            }
            match effort::next(search, plain.len(), (saved, best), most) {
                Some(next) => search = next,
                None => break,
            }
        }
        if best < plain.len() {
            return Codec::Zstd;
        }
        // What only Zstandard would make too short may still shrink.
        self.append_section(&[Codec::Lz4], plain, hint, out)
    }

    #[cfg(feature = "zstd")]
    fn compress_by(&mut self, search: effort::Search, bytes: &[u8]) -> Option<&[u8]> {
        let effort::Search::Level(level) = search else {
            return self.compress_searching(search, bytes);
        };
        match &mut self.zstd {
            Some(zstd) => zstd.set_compression_level(level).ok()?,
            None => self.zstd = zstd::bulk::Compressor::new(level).ok(),
        }
        self.compress(Codec::Zstd, bytes)
    }

    #[cfg(feature = "zstd")]
    fn compress_searching(&mut self, search: effort::Search, bytes: &[u8]) -> Option<&[u8]> {
        let known = self.searching.iter().position(|(of, _)| *of == search);
        let at = known.unwrap_or(self.searching.len());
        if known.is_none() {
            let mut zstd = zstd::bulk::Compressor::new(FAST_LEVEL).ok()?;
            for parameter in search.parameters()? {
                zstd.set_parameter(parameter).ok()?;
            }
            self.searching.push((search, zstd));
        }
        let most = zstd::zstd_safe::compress_bound(bytes.len());
        if self.output.len() < most {
            self.output.resize(most, 0);
        }
        let (_, zstd) = self.searching.get_mut(at)?;
        let written = zstd.compress_to_buffer(bytes, &mut self.output[..]).ok()?;
        self.output.get(..written)
    }

    /// Compresses `bytes`. `None` if the codec cannot.
    fn compress(&mut self, codec: Codec, bytes: &[u8]) -> Option<&[u8]> {
        let most = match codec {
            Codec::Lz4 => get_maximum_output_size(bytes.len()),
            #[cfg(feature = "zstd")]
            Codec::Zstd => zstd::zstd_safe::compress_bound(bytes.len()),
            _ => return None,
        };
        if self.output.len() < most {
            self.output.resize(most, 0);
        }
        let written = match codec {
            Codec::Lz4 => compress_into_with_table(bytes, &mut self.output, &mut self.lz4).ok()?,
            #[cfg(feature = "zstd")]
            Codec::Zstd => {
                if self.zstd.is_none() {
                    self.zstd = zstd::bulk::Compressor::new(FAST_LEVEL).ok();
                }
                self.zstd.as_mut()?.compress_to_buffer(bytes, &mut self.output[..]).ok()?
            }
            _ => return None,
        };
        self.output.get(..written)
    }
}

/// The codec of a block whose body takes `stored_bytes` in a file.
///
/// Call it before allocating memory for the body: it checks the header against the limits of the format.
///
/// # Errors
/// If the codec is unknown, or if the format does not allow that length for `stored_bytes`.
///
/// # Examples
/// ```
/// use stenolog_format::block::{BlockError, BlockHeader, Codec};
///
/// let mut block = [0; BlockHeader::BYTES];
/// block[5] = Codec::Lz4.number();
/// block[36..40].copy_from_slice(&100_000_u32.to_le_bytes());
/// let header = BlockHeader::decode(&block).unwrap();
/// assert_eq!(stenolog_session::codec::check(&header, 1_000), Ok(Codec::Lz4));
/// let refused = stenolog_session::codec::check(&header, 10);
/// assert!(matches!(refused, Err(BlockError::TooLong { .. })));
/// ```
pub fn check(header: &BlockHeader, stored_bytes: usize) -> Result<Codec, BlockError> {
    let codec = Codec::from_number(header.codec);
    let codec = codec.ok_or(BlockError::Codec { codec: header.codec })?;
    if codec.allows(header.body_bytes as usize, stored_bytes) {
        Ok(codec)
    } else {
        Err(BlockError::TooLong { bytes: header.body_bytes, stored: stored_bytes })
    }
}

/// Decompresses bodies of blocks.
#[derive(Default)]
pub struct Decompressor {
    /// Created for the first body that needs it.
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    #[cfg(all(feature = "ruzstd", not(feature = "zstd")))]
    zstd: Option<ruzstd::decoding::FrameDecoder>,
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").finish_non_exhaustive()
    }
}

impl Decompressor {
    /// Decompresses the stored body of a block into `body`, which must have the length that the header states.
    ///
    /// # Errors
    /// If the bytes do not decompress to a body of that length, or if this build lacks the codec.
    pub fn decompress_into(
        &mut self,
        codec: Codec,
        stored: &[u8],
        body: &mut [u8],
    ) -> Result<(), BlockError> {
        let written = match codec {
            Codec::None if stored.len() == body.len() => {
                body.copy_from_slice(stored);
                Some(stored.len())
            }
            Codec::None => None,
            Codec::Lz4 => lz4_flex::block::decompress_into(stored, body).ok(),
            #[cfg(any(feature = "zstd", feature = "ruzstd"))]
            Codec::Zstd => self.decompress_zstd(stored, body),
            _ => return Err(BlockError::Codec { codec: codec.number() }),
        };
        if written == Some(body.len()) {
            Ok(())
        } else {
            Err(BlockError::Compressed { bytes: body.len() as u32 })
        }
    }

    #[cfg(feature = "zstd")]
    fn decompress_zstd(&mut self, stored: &[u8], body: &mut [u8]) -> Option<usize> {
        if self.zstd.is_none() {
            self.zstd = zstd::bulk::Decompressor::new().ok();
        }
        self.zstd.as_mut()?.decompress_to_buffer(stored, body).ok()
    }

    #[cfg(all(feature = "ruzstd", not(feature = "zstd")))]
    fn decompress_zstd(&mut self, stored: &[u8], body: &mut [u8]) -> Option<usize> {
        let decoder = self.zstd.get_or_insert_with(|| {
            let mut decoder = ruzstd::decoding::FrameDecoder::new();
            // It takes memory for the window that a frame states.
            decoder.set_max_window_size(Codec::MAX_BODY_BYTES as u64);
            decoder
        });
        decoder.decode_all(stored, body).ok()
    }

    /// Returns the body of a block whose stored body is `stored`.
    ///
    /// # Errors
    /// As [`check`] and [`decompress_into`](Self::decompress_into).
    pub fn decompress(
        &mut self,
        header: &BlockHeader,
        stored: &[u8],
    ) -> Result<Vec<u8>, BlockError> {
        let codec = check(header, stored.len())?;
        let mut body = vec![0; header.body_bytes as usize];
        self.decompress_into(codec, stored, &mut body)?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use stenolog_format::block::BlockBuilder;
    use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
    use stenolog_format::types::Type;

    use super::*;

    const HARD: &[Codec] = &[Codec::Zstd, Codec::Lz4];
    const FAST: &[Codec] = &[Codec::Lz4];

    fn site() -> CallSite {
        CallSite {
            id: 16,
            level: Level::Info,
            time: TimeSource::Counter,
            target: String::new(),
            module: String::new(),
            file: String::new(),
            line: 1,
            column: 1,
            template: None,
            slots: vec![Slot { name: String::new(), role: Role::Field, ty: Type::U64 }],
        }
    }

    /// The header, the plain body and the stored body of a block of `count` records.
    fn block(
        codecs: &[Codec],
        count: u64,
        value: impl Fn(u64) -> u64,
    ) -> (BlockHeader, Vec<u8>, Vec<u8>) {
        let mut builder = BlockBuilder::default();
        builder.begin_columns(1, 0, 0);
        for n in 0..count {
            let payload = [n.to_le_bytes(), value(n).to_le_bytes()].concat();
            builder.push(&site(), &payload).unwrap();
        }
        let mut plain = Vec::new();
        let mut out = Vec::new();
        let header = builder.finish_with(0, &mut out, |body, out| {
            plain.extend_from_slice(body.bytes);
            Compressor::new().append(codecs, body, out)
        });
        (header, plain, out.split_off(BlockHeader::BYTES))
    }

    fn decompress(header: BlockHeader, stored: &[u8]) -> Result<Vec<u8>, BlockError> {
        Decompressor::default().decompress(&header, stored)
    }

    #[test]
    fn compressed_bodies_survive() {
        let hard = if cfg!(feature = "zstd") { Codec::Zstd } else { Codec::Lz4 };
        for (codecs, codec) in [(HARD, hard), (FAST, Codec::Lz4), (&[], Codec::None)] {
            let (header, plain, stored) = block(codecs, 3000, |n| n * n % 251);
            assert_eq!(header.codec, codec.number());
            assert_eq!(stored.len() < plain.len(), codec != Codec::None);
            assert_eq!(decompress(header, &stored).as_ref(), Ok(&plain));
            let shorter = BlockHeader { body_bytes: header.body_bytes - 1, ..header };
            assert!(decompress(shorter, &stored).is_err());
            assert!(decompress(header, &stored[1..]).is_err());
        }
        let (header, ..) = block(&[], 1, |n| n);
        let unknown = BlockHeader { codec: 9, body_bytes: 0, ..header };
        assert_eq!(decompress(unknown, &[]), Err(BlockError::Codec { codec: 9 }));
    }

    #[cfg(all(feature = "ruzstd", not(feature = "zstd")))]
    #[test]
    fn zstandard_is_read_without_c_code() {
        let (header, plain, _) = block(&[], 3000, |n| n * n % 251);
        for level in [1, 19] {
            let stored = zstd::bulk::compress(&plain, level).unwrap();
            let header = BlockHeader { codec: Codec::Zstd.number(), ..header };
            assert_eq!(decompress(header, &stored).as_ref(), Ok(&plain));
            for cut in 0..stored.len() {
                assert!(decompress(header, &stored[..cut]).is_err(), "{cut}");
            }
            let shorter = BlockHeader { body_bytes: header.body_bytes - 1, ..header };
            assert!(decompress(shorter, &stored).is_err());
        }
    }

    #[test]
    fn a_body_that_does_not_become_shorter_stays_plain() {
        let noise = |n: u64| {
            let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (n ^ n >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ n << 1
        };
        let (header, plain, stored) = block(FAST, 4, noise);
        assert_eq!((header.codec, &stored), (0, &plain));
    }

    #[test]
    fn a_body_that_a_reader_would_take_for_a_bomb_goes_to_a_weaker_codec() {
        let (header, _, stored) = block(HARD, 100_000, |_| 7);
        let mut rows = Vec::new();
        let body = decompress(header, &stored).unwrap();
        let plain = header.rows(&body, stored.len(), &mut rows).unwrap();
        assert_eq!(plain.records(&rows).unwrap().filter(Result::is_ok).count(), 100_000);
    }
}
