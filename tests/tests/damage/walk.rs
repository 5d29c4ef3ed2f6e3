//! A map of an undamaged dump: a second reading of `FORMAT.md`, without checksums.

use std::ops::Range;

pub(crate) const FILE_HEADER: usize = 64;
pub(crate) const FRAME_HEADER: usize = 24;
pub(crate) const BLOCK_HEADER: usize = 72;

pub(crate) const DICTIONARY: u8 = 1;
pub(crate) const THREAD: u8 = 2;
pub(crate) const CLOCK: u8 = 3;
pub(crate) const BLOCK: u8 = 4;
pub(crate) const LOSS: u8 = 5;
pub(crate) const INDEX: u8 = 7;
pub(crate) const END: u8 = 8;
pub(crate) const SUMMARY: u8 = 9;
pub(crate) const HEADER: u8 = 11;

/// A frame, and what in it others depend on.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) start: usize,
    pub(crate) payload: Range<usize>,
    /// After the padding.
    pub(crate) end: usize,
    /// The call sites of a dictionary.
    pub(crate) ids: Vec<u32>,
    /// The ring of a thread, a block or a loss.
    pub(crate) ring: u32,
    /// The records of a block, or one loss statement.
    pub(crate) records: Vec<Record>,
    /// The number of the first of them.
    pub(crate) first: u64,
    pub(crate) is_raw: bool,
}

/// A record in a block.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) tag: u32,
    /// After its last byte, padding not included: the offset in the file.
    pub(crate) end: usize,
    /// The totals of a loss statement.
    pub(crate) lost: [u64; 10],
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// A place in the bytes, from which fields are read as section 1 has them.
pub(crate) struct Fields<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl Fields<'_> {
    pub(crate) fn varint(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.bytes[self.at];
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return value;
            }
            shift += 7;
        }
    }

    fn skip_str(&mut self) {
        let length = self.varint() as usize;
        self.at += length;
    }

    fn skip_product(&mut self) {
        self.skip_str();
        self.varint();
        (0..self.varint()).for_each(|_| self.skip_str());
    }

    fn skip_type(&mut self) {
        for _ in 0..self.varint() {
            match self.varint() {
                0..=28 => {}
                29 | 30 => _ = self.varint(),
                31 => self.skip_product(),
                32 => {
                    self.skip_str();
                    (0..self.varint()).for_each(|_| self.skip_product());
                }
                node => panic!("no type has node {node}"),
            }
        }
    }

    /// Passes over the layout of a column of a group.
    fn skip_layout(&mut self) {
        match self.varint() {
            2 | 3 | 6 | 7 => _ = self.varint(),
            // Within it is the layout of its integers.
            9 | 10 => self.skip_layout(),
            11 => {
                self.varint();
                self.skip_layout();
            }
            _ => {}
        }
    }

    /// Reads a call site's id, and passes over the rest of it.
    fn call_site(&mut self) -> u32 {
        let id = self.varint() as u32;
        let (_level, _time) = (self.varint(), self.varint());
        (0..3).for_each(|_| self.skip_str());
        let (_line, _column) = (self.varint(), self.varint());
        if self.varint() == 1 {
            self.skip_str();
        }
        for _ in 0..self.varint() {
            self.skip_str();
            self.varint();
            self.skip_type();
        }
        id
    }
}

/// The frames of a file that ends with a whole frame.
pub(crate) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut start = u32_at(bytes, 12) as usize;
    while start < bytes.len() {
        let payload = start + FRAME_HEADER;
        let length = u32_at(bytes, start + 12) as usize;
        let frame = frame(bytes, start, payload..payload + length);
        start = frame.end;
        frames.push(frame);
    }
    frames
}

fn frame(bytes: &[u8], start: usize, payload: Range<usize>) -> Frame {
    let mut frame = Frame {
        kind: bytes[start + 4],
        start,
        end: payload.end.next_multiple_of(8),
        payload,
        ids: Vec::new(),
        ring: 0,
        records: Vec::new(),
        first: 0,
        is_raw: false,
    };
    let at = frame.payload.start;
    match frame.kind {
        DICTIONARY => {
            let mut fields = Fields { bytes, at };
            frame.ids = (0..fields.varint()).map(|_| fields.call_site()).collect();
            assert_eq!(fields.at, frame.payload.end, "all of the dictionary was understood");
        }
        THREAD => frame.ring = Fields { bytes, at }.varint() as u32,
        LOSS => {
            frame.ring = u32_at(bytes, at);
            // The position, then the counter.
            frame.records =
                vec![Record { tag: 1, end: frame.payload.end, lost: totals(bytes, at + 24) }];
        }
        BLOCK => {
            frame.ring = u32_at(bytes, at);
            frame.is_raw = bytes[at + 4] == 0;
            frame.first = u64_at(bytes, at + 24);
            let count = u32_at(bytes, at + 32);
            let body = at + BLOCK_HEADER;
            if bytes[at + 4] == 3 {
                frame.records = of_group(bytes, &frame.payload, count as usize);
                return frame;
            }
            assert_eq!(bytes[at + 5], 0, "rows are not compressed in the samples");
            assert_eq!(u32_at(bytes, at + 36) as usize, frame.payload.end - body);
            let (mut raw, mut packed) = (body, Fields { bytes, at: body });
            if !frame.is_raw {
                // The bases.
                let _ = (packed.varint(), packed.varint());
            }
            let record = |_| {
                if frame.is_raw { raw_record(bytes, &mut raw) } else { packed_record(&mut packed) }
            };
            frame.records = (0..count).map(record).collect();
        }
        _ => {}
    }
    frame
}

/// The records of a group with one part, without statements of losses: of a cut one nothing is shown. The call
/// sites are those of the directory, in its order: no test depends on the order of the records.
fn of_group(bytes: &[u8], payload: &Range<usize>, count: usize) -> Vec<Record> {
    let mut fields = Fields { bytes, at: payload.start + BLOCK_HEADER };
    assert_eq!(fields.varint(), 1, "the samples have groups of one ring");
    let sections: Vec<[u64; 3]> =
        (0..fields.varint()).map(|_| std::array::from_fn(|_| fields.varint())).collect();
    let [codec, length, stored] = sections[0];
    let stored = &bytes[fields.at..fields.at + stored as usize];
    let directory = match codec {
        0 => stored.to_vec(),
        1 => lz4_flex::block::decompress(stored, length as usize).unwrap(),
        2 => zstd::bulk::decompress(stored, length as usize).unwrap(),
        codec => panic!("no writer knows codec {codec}"),
    };
    let mut fields = Fields { bytes: &directory, at: 0 };
    let kinds: Vec<(u32, usize)> = (0..fields.varint())
        .map(|_| {
            let tag = (fields.varint() >> 1) as u32;
            let of_kind = fields.varint() as usize;
            for _ in 0..fields.varint() {
                let _section = fields.varint();
                fields.skip_layout();
                let _bytes = fields.varint();
            }
            (tag, of_kind)
        })
        .collect();
    assert!(kinds.iter().all(|kind| kind.0 != 1), "the walk does not look for statements in groups");
    assert_eq!(kinds.iter().map(|kind| kind.1).sum::<usize>(), count);
    let tags = kinds.into_iter().flat_map(|(tag, of_kind)| std::iter::repeat_n(tag, of_kind));
    tags.map(|tag| Record { tag, end: payload.end, lost: [0; 10] }).collect()
}

fn totals(bytes: &[u8], at: usize) -> [u64; 10] {
    std::array::from_fn(|n| u64_at(bytes, at + 8 * n))
}

fn raw_record(bytes: &[u8], at: &mut usize) -> Record {
    loop {
        let (word, tag) = (u32_at(bytes, *at), u32_at(bytes, *at + 4));
        let start = *at + 8;
        let end = start + (word & 0x7fff_ffff) as usize;
        *at = end.next_multiple_of(8);
        if word >> 31 == 0 {
            let lost = if tag == 1 { totals(bytes, start + 8) } else { [0; 10] };
            return Record { tag, end, lost };
        }
    }
}

fn packed_record(fields: &mut Fields<'_>) -> Record {
    let tag = fields.varint() as u32;
    let length = (fields.varint() >> 1) as usize;
    fields.varint();
    let lost = if tag == 1 { totals(fields.bytes, fields.at) } else { [0; 10] };
    fields.at += length;
    Record { tag, end: fields.at, lost }
}
