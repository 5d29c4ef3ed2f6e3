//! Head of a group: the parts, and the table of sections.

use std::ops::Range;

use super::{MAX_PARTS, MAX_SECTIONS};
use crate::block::columns::read::{Bytes, Malformed, Read};
use crate::block::{BlockError, BlockHeader, Codec};
use crate::value::put_uint;

/// The parts of a group and its sections: what a payload states before anything that is compressed.
///
/// ```
/// use stenolog_format::block::{BlockHeader, Codec, GroupHead, Section};
///
/// let part = |ring, first_record| BlockHeader {
///     ring, first_record, count: 2, counter_first: 5, counter_last: 9,
///     flags: BlockHeader::HAS_COUNTER, ..BlockHeader::default()
/// };
/// let parts = [part(1, 0), part(2, 70)];
/// let header = BlockHeader { body_bytes: 3, ..GroupHead::sum_up(&parts, 0).unwrap() };
/// let mut stored = Vec::new();
/// GroupHead::put_parts(&header, &parts, &mut stored);
/// Section::put_all(&[(Codec::None, 3, 3)], &mut stored);
/// stored.extend([7; 3]);
///
/// let head = GroupHead::parse(&header, &stored).unwrap();
/// assert_eq!(head.parts.iter().map(|part| part.ring).collect::<Vec<_>>(), [1, 2]);
/// assert_eq!(stored[head.sections[0].stored.clone()], [7; 3]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHead {
    /// The parts, one for each ring: the headers that blocks with their records would have. The length of the
    /// body is that of the group.
    pub parts: Vec<BlockHeader>,
    /// The sections.
    pub sections: Vec<Section>,
}

/// A section of a group: some of its bytes, compressed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// How it is compressed.
    pub codec: Codec,
    /// Where its stored bytes are, after the header.
    pub stored: Range<usize>,
    /// Where its bytes are among the plain ones of all sections.
    pub plain: Range<usize>,
}

impl Section {
    /// Appends the table of sections: for each its codec, its plain length and its stored length.
    pub fn put_all(sections: &[(Codec, usize, usize)], out: &mut Vec<u8>) {
        put_uint(out, sections.len() as u64);
        for (codec, plain, stored) in sections {
            out.push(codec.number());
            put_uint(out, *plain as u64);
            put_uint(out, *stored as u64);
        }
    }
}

impl GroupHead {
    /// Reads the parts and the table of sections. `stored` is the payload after the header.
    ///
    /// Allocates a few times the bytes that the two take.
    ///
    /// # Errors
    /// If the header is not one of a group, if parts or sections are malformed or contradict the header, or if
    /// a codec is unknown.
    pub fn parse(header: &BlockHeader, stored: &[u8]) -> Result<Self, BlockError> {
        let mut parts = Vec::new();
        let at = Self::each_part(header, stored, |part, _| parts.push(part))?;
        let mut rest = Bytes(stored.get(at..).unwrap_or_default());
        let sections = rest.uint().map_err(|Malformed| BlockError::Columns)?;
        if sections == 0 || sections > MAX_SECTIONS as u64 {
            return Err(BlockError::Columns);
        }
        let mut table = Vec::new();
        for _ in 0..sections {
            table.push(read_section(&mut rest)?);
        }
        let (mut plain_at, mut stored_at) = (0_usize, stored.len() - rest.0.len());
        let mut sections = Vec::with_capacity(table.len());
        for (codec, plain, stored) in table {
            let plain_end = plain_at.checked_add(plain).ok_or(BlockError::Columns)?;
            let stored_end = stored_at.checked_add(stored).ok_or(BlockError::Columns)?;
            sections.push(Section {
                codec,
                stored: stored_at..stored_end,
                plain: plain_at..plain_end,
            });
            (plain_at, stored_at) = (plain_end, stored_end);
        }
        let is_whole = plain_at == header.body_bytes as usize && stored_at == stored.len();
        if is_whole && plain_at <= Codec::MAX_BODY_BYTES {
            Ok(Self { parts, sections })
        } else {
            Err(BlockError::Columns)
        }
    }

    /// Reads the parts only, of a payload that may be cut after them. `each` gets the header of each part,
    /// and the place of the part after the header, for [`part_at`](Self::part_at). Returns where they end.
    ///
    /// # Errors
    /// As [`parse`](Self::parse). `each` may then have got some of the parts.
    pub fn each_part(
        header: &BlockHeader,
        stored: &[u8],
        mut each: impl FnMut(BlockHeader, usize),
    ) -> Result<usize, BlockError> {
        if header.encoding != BlockHeader::GROUP {
            return Err(BlockError::Encoding { encoding: header.encoding });
        }
        if header.codec != Codec::None.number() {
            return Err(BlockError::Codec { codec: header.codec });
        }
        read_parts(header, stored, &mut each).map_err(|Malformed| BlockError::Columns)
    }

    /// The header of the part at a place that [`each_part`](Self::each_part) gave; `None` if no part is there.
    #[must_use]
    pub fn part_at(header: &BlockHeader, stored: &[u8], at: usize) -> Option<BlockHeader> {
        if at == 0 {
            return Some(*header);
        }
        read_part(header, &mut Bytes(stored.get(at..)?)).ok()
    }

    /// Appends the parts. `header` is that of the group.
    pub fn put_parts(header: &BlockHeader, parts: &[BlockHeader], out: &mut Vec<u8>) {
        put_uint(out, parts.len() as u64);
        for part in parts.iter().filter(|_| parts.len() > 1) {
            put_uint(out, part.ring.into());
            put_uint(out, part.position);
            put_uint(out, part.end_position.wrapping_sub(part.position));
            put_uint(out, part.first_record);
            put_uint(out, part.count.into());
            out.extend([part.levels, part.flags]);
            if part.flags & BlockHeader::HAS_COUNTER != 0 {
                put_uint(out, part.counter_first.wrapping_sub(header.counter_first));
                put_uint(out, part.counter_last.wrapping_sub(part.counter_first));
            }
            if part.flags & BlockHeader::HAS_UNIX != 0 {
                put_uint(out, part.unix_first.wrapping_sub(header.unix_first) as u64);
                put_uint(out, part.unix_last.wrapping_sub(part.unix_first) as u64);
            }
        }
    }

    /// The header of a group of these parts, without the length of its body. `before` is the number of records
    /// that groups of several rings had before it in the file. `None` if there is no part, or if they have too
    /// many records.
    #[must_use]
    pub fn sum_up(parts: &[BlockHeader], before: u64) -> Option<BlockHeader> {
        let [first, rest @ ..] = parts else { return None };
        let mut sum = BlockHeader { encoding: BlockHeader::GROUP, codec: 0, ..*first };
        if rest.is_empty() {
            return Some(sum);
        }
        sum.ring = BlockHeader::SEVERAL_RINGS;
        (sum.position, sum.end_position, sum.first_record) = (0, 0, before);
        for part in rest {
            sum.count = sum.count.checked_add(part.count)?;
            if part.flags & BlockHeader::HAS_COUNTER != 0 {
                let of_part = (part.counter_first, part.counter_last);
                let of_sum = (sum.counter_first, sum.counter_last);
                let has_any = sum.flags & BlockHeader::HAS_COUNTER != 0;
                (sum.counter_first, sum.counter_last) = union(of_part, of_sum, has_any);
            }
            if part.flags & BlockHeader::HAS_UNIX != 0 {
                let of_part = (part.unix_first, part.unix_last);
                let of_sum = (sum.unix_first, sum.unix_last);
                let has_any = sum.flags & BlockHeader::HAS_UNIX != 0;
                (sum.unix_first, sum.unix_last) = union(of_part, of_sum, has_any);
            }
            sum.levels |= part.levels;
            sum.flags |= part.flags;
        }
        Some(sum)
    }
}

/// The range that covers a part, and the parts before it if there are any with such times.
fn union<T: Ord + Copy>(part: (T, T), sum: (T, T), has_any: bool) -> (T, T) {
    if has_any { (part.0.min(sum.0), part.1.max(sum.1)) } else { part }
}

fn read_parts(
    header: &BlockHeader,
    stored: &[u8],
    each: &mut impl FnMut(BlockHeader, usize),
) -> Read<usize> {
    let mut rest = Bytes(stored);
    let parts = rest.uint()?;
    if parts == 0 || parts > MAX_PARTS as u64 {
        return Err(Malformed);
    }
    if parts == 1 {
        each(*header, 0);
        return Ok(stored.len() - rest.0.len());
    }
    let mut count = 0_u32;
    let mut rings = Vec::new();
    for _ in 0..parts {
        let at = stored.len() - rest.0.len();
        let part = read_part(header, &mut rest)?;
        count = count.checked_add(part.count).ok_or(Malformed)?;
        rings.push(part.ring);
        each(part, at);
    }
    rings.sort_unstable();
    let are_distinct = rings.is_sorted_by(|a, b| a < b);
    if are_distinct && count == header.count {
        Ok(stored.len() - rest.0.len())
    } else {
        Err(Malformed)
    }
}

fn read_part(header: &BlockHeader, rest: &mut Bytes<'_>) -> Read<BlockHeader> {
    let ring = u32::try_from(rest.uint()?).map_err(|_| Malformed)?;
    let position = rest.uint()?;
    let end_position = position.checked_add(rest.uint()?).ok_or(Malformed)?;
    let first_record = rest.uint()?;
    let count = u32::try_from(rest.uint()?).map_err(|_| Malformed)?;
    let [levels, flags] = *rest.take(2)? else { return Err(Malformed) };
    let mut part = BlockHeader {
        ring,
        levels,
        flags,
        position,
        end_position,
        first_record,
        count,
        counter_first: 0,
        counter_last: 0,
        unix_first: 0,
        unix_last: 0,
        ..*header
    };
    if flags & BlockHeader::HAS_COUNTER != 0 {
        part.counter_first = header.counter_first.checked_add(rest.uint()?).ok_or(Malformed)?;
        part.counter_last = part.counter_first.checked_add(rest.uint()?).ok_or(Malformed)?;
    }
    if flags & BlockHeader::HAS_UNIX != 0 {
        part.unix_first = header.unix_first.checked_add_unsigned(rest.uint()?).ok_or(Malformed)?;
        part.unix_last = part.unix_first.checked_add_unsigned(rest.uint()?).ok_or(Malformed)?;
    }
    if count == 0 { Err(Malformed) } else { Ok(part) }
}

/// The codec of a section, its plain length and its stored length.
fn read_section(rest: &mut Bytes<'_>) -> Result<(Codec, usize, usize), BlockError> {
    let mut read = || {
        let codec = rest.take(1)?[0];
        Ok((codec, rest.length()?, rest.length()?))
    };
    let (codec, plain, stored) = read().map_err(|Malformed| BlockError::Columns)?;
    let codec = Codec::from_number(codec).ok_or(BlockError::Codec { codec })?;
    if codec.allows(plain, stored) {
        return Ok((codec, plain, stored));
    }
    let bytes = u32::try_from(plain).map_err(|_| BlockError::Columns)?;
    Err(BlockError::TooLong { bytes, stored })
}
