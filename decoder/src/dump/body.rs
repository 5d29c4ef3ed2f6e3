//! Bodies of blocks: from the bytes in a file to the bytes of records.
//!
//! ```text
//!   file ──▶ Stored ──┬─ plain ──────────────────────────▶ Body::InFile, no copy
//!   (mapped)          └─ LZ4, zstd ─▶ a buffer ───┬──────▶ Body::Unpacked ─▶ back to the spares
//!                       columns ───▶ another one ──┘
//!                               └──▶ read as they are by `open`, if a walk can
//!                     group ─────▶ Body::Part, shared by the readers of all its parts
//! ```
//!
//! Lengths are not trusted: [`Codec::allows`] is asked before a buffer is taken, each codec writes within a
//! slice of exactly the length that the header states, and a shorter result is refused. A buffer is never
//! shorter than the longest body it held. All buffers together therefore take at most 1024 times the length
//! of the compressed blocks that were opened, plus 4096 bytes for each. The same holds for the buffers of
//! rows that are made from columns, but for twice the capacity: their length is not known in advance.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use stenolog_format::block::{BlockError, BlockHeader, Codec, ColumnWalk, Records, Wish};
use stenolog_session::codec::{self, Decompressor};

use super::groups::{self, GroupForm, Groups, OpenGroup};
use super::stored::Stored;

/// The most buffers to keep for later blocks. Rings are read by turns: most have one block open.
const MAX_SPARES: usize = 16;

/// A block's body, decompressed.
#[derive(Debug)]
pub(crate) enum Body<'d> {
    /// It was not compressed.
    InFile(&'d [u8]),
    /// A buffer, and how many bytes of it are the body.
    Unpacked(Vec<u8>, usize),
    /// The rows of a part of a group.
    Part(Arc<OpenGroup>, usize),
}

impl Deref for Body<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::InFile(bytes) => bytes,
            Self::Unpacked(buffer, length) => buffer.get(..*length).unwrap_or_default(),
            Self::Part(group, part) => group.part(*part),
        }
    }
}

impl Body<'_> {
    /// The group that it is a part of.
    pub(crate) const fn group(&self) -> Option<&Arc<OpenGroup>> {
        match self {
            Self::Part(group, _) => Some(group),
            _ => None,
        }
    }

    /// The records in it; the last one may be cut.
    pub(crate) fn records(&self, header: &BlockHeader) -> Result<Records<'_>, BlockError> {
        let is_turned = matches!(header.encoding, BlockHeader::COLUMNS | BlockHeader::GROUP);
        let encoding = if is_turned { BlockHeader::PACKED } else { header.encoding };
        BlockHeader { codec: Codec::None.number(), encoding, ..*header }.records(self)
    }
}

/// Decompresses bodies into reused buffers.
#[derive(Default)]
pub(crate) struct Unpacker {
    decompressor: Decompressor,
    spares: Vec<Vec<u8>>,
    groups: Groups,
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker").field("spares", &self.spares.len()).finish_non_exhaustive()
    }
}

impl Unpacker {
    /// The body of a block, in rows. Give it [back](Self::take_back) after reading.
    ///
    /// # Errors
    /// If it is compressed or in columns, and cut, too long, not what its codec makes, or of an
    /// unknown codec.
    pub(crate) fn unpack<'d>(&mut self, stored: &Stored<'d>) -> Result<Body<'d>, BlockError> {
        if stored.header.encoding == BlockHeader::GROUP {
            return self.part(stored, GroupForm::Rows, |_| Wish::Packed);
        }
        let body = self.decompress(stored)?;
        self.rows(stored, body, |_| true)
    }

    /// As [`unpack`](Self::unpack), but records whose tags are not wanted may lack their values.
    ///
    /// # Errors
    /// As [`unpack`](Self::unpack).
    pub(crate) fn unpack_some<'d>(
        &mut self,
        stored: &Stored<'d>,
        mut is_wanted: impl FnMut(u32) -> bool,
    ) -> Result<Body<'d>, BlockError> {
        if stored.header.encoding == BlockHeader::GROUP {
            let wish = |tag| if is_wanted(tag) { Wish::Packed } else { Wish::Nothing };
            return self.part(stored, GroupForm::Rows, wish);
        }
        let body = self.decompress(stored)?;
        self.rows(stored, body, is_wanted)
    }

    /// A part of a group. Of a group that was opened before, this is what was wanted then.
    fn part<'d, 't>(
        &mut self,
        stored: &Stored<'_>,
        form: GroupForm,
        wish: impl FnMut(u32) -> Wish<'t>,
    ) -> Result<Body<'d>, BlockError> {
        let found = match self.groups.find(stored) {
            Some(found) => found,
            None => {
                let mut buffers = [(); 2].map(|()| self.spares.pop().unwrap_or_default());
                let group = groups::open(stored, &mut self.decompressor, form, &mut buffers, wish);
                let group = group.map(Arc::new);
                let freed = self.groups.keep(stored, group.clone());
                let [plain, _] = buffers;
                for buffer in [Some(plain), freed].into_iter().flatten() {
                    self.take_back(Body::Unpacked(buffer, 0));
                }
                group
            }
        };
        found.map(|group| Body::Part(group, stored.part))
    }

    /// Forgets the groups that are open: what is wanted of them may be another.
    pub(crate) fn forget_groups(&mut self) {
        self.groups.clear();
    }

    /// The body of a block, and whether it is in columns, with `walk` at its first record. Otherwise it is in
    /// rows, in which records with unwanted tags may lack their values. `wish` gets the columns of a block
    /// that can be walked, and `None` for one that cannot.
    ///
    /// # Errors
    /// As [`unpack`](Self::unpack).
    pub(crate) fn open<'d, 't>(
        &mut self,
        stored: &Stored<'d>,
        walk: &mut ColumnWalk,
        mut wish: impl FnMut(u32, Option<&[u8]>) -> Wish<'t>,
    ) -> Result<(Body<'d>, bool), BlockError> {
        if stored.header.encoding == BlockHeader::GROUP {
            return Ok((self.part(stored, GroupForm::Words, |tag| wish(tag, None))?, false));
        }
        let body = self.decompress(stored)?;
        if stored.header.encoding != BlockHeader::COLUMNS || stored.is_cut {
            return Ok((self.rows(stored, body, |_| true)?, false));
        }
        if walk.begin(&stored.header, &body, stored.bytes.len(), |tag| wish(tag, Some(&body))) {
            return Ok((body, true));
        }
        let is_wanted = |tag| !matches!(wish(tag, None), Wish::Nothing);
        Ok((self.rows(stored, body, is_wanted)?, false))
    }

    /// The rows of a decompressed body.
    fn rows<'d>(
        &mut self,
        stored: &Stored<'d>,
        body: Body<'d>,
        is_wanted: impl FnMut(u32) -> bool,
    ) -> Result<Body<'d>, BlockError> {
        if stored.header.encoding != BlockHeader::COLUMNS {
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
        let Stored { header, bytes, is_cut, .. } = *stored;
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

    /// A buffer for the bytes of a group. Give it [back](Self::take_back_buffer).
    pub(crate) fn spare(&mut self) -> Vec<u8> {
        self.spares.pop().unwrap_or_default()
    }

    /// Decompresses a section of a group.
    ///
    /// # Errors
    /// If the bytes do not decompress to that length, or if this build lacks the codec.
    pub(crate) fn decompress_into(
        &mut self,
        codec: Codec,
        stored: &[u8],
        plain: &mut [u8],
    ) -> Result<(), BlockError> {
        self.decompressor.decompress_into(codec, stored, plain)
    }

    /// Keeps a buffer for another block.
    pub(crate) fn take_back_buffer(&mut self, buffer: Vec<u8>) {
        self.take_back(Body::Unpacked(buffer, 0));
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
