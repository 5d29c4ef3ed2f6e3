//! From the bytes of a block in a file to the bytes of its records.
//!
//! ```text
//!   file ──▶ Stored ──┬─ plain ──────────────────────────▶ Body::InFile, no copy
//!   (mapped)          └─ LZ4, zstd ─▶ a buffer ───┬──────▶ Body::Unpacked ─▶ back to the spares
//!                       columns ───▶ another one ──┘
//!                               └──▶ read as they are, but by `unpack` and if they are strange
//! ```
//!
//! Nothing is taken on trust: [`Codec::allows`] is asked before a buffer is taken, each codec writes
//! within a slice of exactly the length that the header states, and a block that comes out shorter
//! is refused too. A buffer is never shorter than the longest body it had, so that the sum of all
//! buffers is at most 1024 times as long as the compressed blocks that were opened, and 4096 bytes
//! for each. Columns are turned back to rows in a second buffer, for which the same holds; as nothing
//! says before how long they are, it may have twice the capacity.

use std::fmt;
use std::ops::Deref;

use stenolog_format::block::{BlockError, BlockHeader, Codec, ColumnWalk, Records, Wish};
use stenolog_session::codec::{self, Decompressor};

/// How many buffers wait for the next block. Rings are read by turns: most have one block open.
const MAX_SPARES: usize = 16;

/// Encodings: columns are turned back to rows when they are unpacked.
const ROWS: u8 = 1;
pub(super) const COLUMNS: u8 = 2;

/// A block's body as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'d> {
    pub(super) header: BlockHeader,
    pub(super) bytes: &'d [u8],
    pub(super) is_cut: bool,
}

/// A block's body as its encoding has it.
#[derive(Debug)]
pub(crate) enum Body<'d> {
    /// It was not compressed.
    InFile(&'d [u8]),
    /// So many bytes of a buffer that may be longer.
    Unpacked(Vec<u8>, usize),
}

impl Deref for Body<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::InFile(bytes) => bytes,
            Self::Unpacked(buffer, length) => buffer.get(..*length).unwrap_or_default(),
        }
    }
}

impl Body<'_> {
    /// What it takes in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::InFile(_) => 0,
            Self::Unpacked(buffer, _) => buffer.capacity(),
        }
    }

    /// The records in it, which may be cut.
    pub(crate) fn records(&self, header: &BlockHeader) -> Result<Records<'_>, BlockError> {
        let encoding = if header.encoding == COLUMNS { ROWS } else { header.encoding };
        BlockHeader { codec: Codec::None.number(), encoding, ..*header }.records(self)
    }
}

/// Decompresses bodies into buffers that are used again.
#[derive(Default)]
pub(crate) struct Unpacker {
    decompressor: Decompressor,
    spares: Vec<Vec<u8>>,
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker").field("spares", &self.spares.len()).finish_non_exhaustive()
    }
}

impl Unpacker {
    /// The body of a block. Hand it [back](Self::take_back) when it has been read.
    ///
    /// # Errors
    /// If it is compressed or in columns, and cut, too long, not what its codec makes, or of an
    /// unknown codec.
    pub(crate) fn unpack<'d>(&mut self, stored: &Stored<'d>) -> Result<Body<'d>, BlockError> {
        let body = self.decompress(stored)?;
        self.rows(stored, body, |_| true)
    }

    /// The body of a block, and whether it is in columns, over which `walk` has begun; else in rows, in
    /// which records of tags that are not wanted may have lost their values. `wish` is asked with the
    /// columns, but for those over which there is no walk.
    ///
    /// # Errors
    /// As [`unpack`](Self::unpack).
    pub(crate) fn open<'d, 't>(
        &mut self,
        stored: &Stored<'d>,
        walk: &mut ColumnWalk,
        mut wish: impl FnMut(u32, Option<&[u8]>) -> Wish<'t>,
    ) -> Result<(Body<'d>, bool), BlockError> {
        let body = self.decompress(stored)?;
        if stored.header.encoding != COLUMNS || stored.is_cut {
            return Ok((self.rows(stored, body, |_| true)?, false));
        }
        if walk.begin(&stored.header, &body, stored.bytes.len(), |tag| wish(tag, Some(&body))) {
            return Ok((body, true));
        }
        let is_wanted = |tag| !matches!(wish(tag, None), Wish::Nothing);
        Ok((self.rows(stored, body, is_wanted)?, false))
    }

    /// The rows that a body stands for that is not compressed any more.
    fn rows<'d>(
        &mut self,
        stored: &Stored<'d>,
        body: Body<'d>,
        is_wanted: impl FnMut(u32) -> bool,
    ) -> Result<Body<'d>, BlockError> {
        if stored.header.encoding != COLUMNS {
            return Ok(body);
        }
        if stored.is_cut {
            self.take_back(body);
            return Err(BlockError::Cut);
        }
        let mut rows = self.spares.pop().unwrap_or_default();
        rows.clear();
        let turned = stored.header.rows_of(&body, stored.bytes.len(), &mut rows, is_wanted);
        self.take_back(body);
        let length = rows.len();
        let rows = Body::Unpacked(rows, length);
        match turned {
            Ok(_) => Ok(rows),
            Err(why) => {
                self.take_back(rows);
                Err(why)
            }
        }
    }

    fn decompress<'d>(&mut self, stored: &Stored<'d>) -> Result<Body<'d>, BlockError> {
        let Stored { header, bytes, is_cut } = *stored;
        if header.codec == Codec::None.number() {
            return Ok(Body::InFile(bytes));
        }
        if is_cut && Codec::from_number(header.codec).is_some() {
            return Err(BlockError::Cut);
        }
        let codec = codec::check(&header, bytes.len())?;
        let length = header.body_bytes as usize;
        let mut buffer = self.spares.pop().unwrap_or_default();
        if buffer.len() < length {
            buffer.reserve_exact(length - buffer.len());
            buffer.resize(length, 0);
        }
        let target = buffer.get_mut(..length).unwrap_or_default();
        let result = self.decompressor.decompress_into(codec, bytes, target);
        let body = Body::Unpacked(buffer, length);
        if let Err(error) = result {
            self.take_back(body);
            return Err(error);
        }
        Ok(body)
    }

    /// Keeps the buffer for another block.
    pub(crate) fn take_back(&mut self, body: Body<'_>) {
        if let Body::Unpacked(buffer, _) = body
            && self.spares.len() < MAX_SPARES
        {
            self.spares.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests;
