//! How blocks are laid out and compressed, and how hard the drain tries.
//!
//! | effort | a block is | when |
//! |---|---|---|
//! | hard | columns, Zstandard, a summary of the text | its ring is less than half full, and the drain rests most of the time |
//! | fast | columns, LZ4, a summary of the call sites | otherwise |
//! | rows | packed rows | nothing is to be compressed, and its ring is less than half full |
//! | raw | as the ring has it | nothing is to be compressed, or it cannot be packed |
//!
//! Nothing keeps up with a ring better than the fast way: what it takes to make columns, and LZ4 to
//! find that they hardly change, is less than it takes the system to write what lies in the ring.

use std::time::Duration;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
use stenolog_format::block::{Codec, PlainBody};

use crate::config::Compression;

/// What the drain does for one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// Leaves it as it lies in the ring.
    Raw,
    /// Packs it in rows.
    Rows,
    Fast,
    Hard,
}

impl Effort {
    /// The effort for a ring of which `bytes` of `capacity` are full; `has_time` is whether the
    /// drain rests most of the time.
    pub(super) fn of(policy: Compression, bytes: usize, capacity: usize, has_time: bool) -> Self {
        match policy {
            Compression::None if bytes > capacity / 2 => Self::Raw,
            Compression::None => Self::Rows,
            Compression::Adaptive if cfg!(feature = "zstd") && has_time && bytes < capacity / 2 => {
                Self::Hard
            }
            Compression::Adaptive | Compression::Fast => Self::Fast,
        }
    }
}

/// How much of its time the drain takes.
#[derive(Debug, Default)]
pub(super) struct Load {
    busy: Duration,
    past: Duration,
    has_time: bool,
}

/// The interval at which the load is measured.
const LOAD_OVER: Duration = Duration::from_millis(5);

impl Load {
    /// Notes that a pass took so long, of the time since the one before began.
    pub(super) fn note(&mut self, busy: Duration, past: Duration) {
        self.busy += busy;
        self.past += past;
        if self.past < LOAD_OVER {
            return;
        }
        // What LZ4 leaves time for may be too much for Zstandard, which takes some three times as
        // long: between the two shares it stays as it is.
        let share = self.busy.as_secs_f64() / self.past.as_secs_f64();
        self.has_time = share < if self.has_time { 0.5 } else { 0.125 };
        (self.busy, self.past) = (Duration::ZERO, Duration::ZERO);
    }

    /// Whether the drain rests most of the time.
    pub(super) const fn has_time(&self) -> bool {
        self.has_time
    }
}

/// Compresses bodies; what the codecs need is made once.
pub(super) struct Compressor {
    lz4: CompressTable,
    /// What a codec writes to: it is not cleared before.
    room: Vec<u8>,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

/// The level at which it is still faster than the disk; higher ones gain little for columns.
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 1;

impl Compressor {
    pub(super) fn new() -> Self {
        Self {
            lz4: CompressTable::large(),
            room: Vec::new(),
            #[cfg(feature = "zstd")]
            zstd: None,
        }
    }

    /// Appends a body to `out`, compressed if that is allowed and makes it shorter; returns how.
    pub(super) fn put(&mut self, effort: Effort, body: PlainBody<'_>, out: &mut Vec<u8>) -> Codec {
        for codec in [Codec::Zstd, Codec::Lz4] {
            let is_wanted = match effort {
                Effort::Hard => true,
                Effort::Fast => codec == Codec::Lz4,
                Effort::Raw | Effort::Rows => false,
            };
            if is_wanted
                && let Some(compressed) = self.compress(codec, body.bytes)
                && body.may_stand_in(codec, compressed.len())
            {
                out.extend_from_slice(compressed);
                return codec;
            }
        }
        out.extend_from_slice(body.bytes);
        Codec::None
    }

    /// What the codec makes of `bytes`, if anything.
    fn compress(&mut self, codec: Codec, bytes: &[u8]) -> Option<&[u8]> {
        let most = match codec {
            Codec::Lz4 => get_maximum_output_size(bytes.len()),
            #[cfg(feature = "zstd")]
            Codec::Zstd => zstd::zstd_safe::compress_bound(bytes.len()),
            _ => return None,
        };
        if self.room.len() < most {
            self.room.resize(most, 0);
        }
        let written = match codec {
            Codec::Lz4 => compress_into_with_table(bytes, &mut self.room, &mut self.lz4).ok()?,
            #[cfg(feature = "zstd")]
            Codec::Zstd => {
                if self.zstd.is_none() {
                    self.zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL).ok();
                }
                self.zstd.as_mut()?.compress_to_buffer(bytes, &mut self.room[..]).ok()?
            }
            _ => return None,
        };
        self.room.get(..written)
    }
}

/// The body of a block of a dump; `None` if it is not what it says, or of an unknown codec.
pub(crate) fn decompress(codec: u8, stored: &[u8], body_bytes: usize) -> Option<Vec<u8>> {
    let codec = Codec::from_number(codec)?;
    if !codec.allows(body_bytes, stored.len()) {
        return None;
    }
    let body = match codec {
        Codec::None => stored.to_vec(),
        Codec::Lz4 => lz4_flex::block::decompress(stored, body_bytes).ok()?,
        #[cfg(feature = "zstd")]
        Codec::Zstd => zstd::bulk::decompress(stored, body_bytes).ok()?,
        _ => return None,
    };
    (body.len() == body_bytes).then_some(body)
}

#[cfg(test)]
mod tests {
    use stenolog_format::block::{BlockBuilder, BlockHeader};
    use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
    use stenolog_format::types::Type;

    use super::*;

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

    /// The block's header and body of as many records.
    fn block(
        effort: Effort,
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
            Compressor::new().put(effort, body, out)
        });
        (header, plain, out.split_off(BlockHeader::BYTES))
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let efforts: &[_] = if cfg!(feature = "zstd") {
            &[(Effort::Hard, Codec::Zstd), (Effort::Fast, Codec::Lz4), (Effort::Rows, Codec::None)]
        } else {
            &[(Effort::Fast, Codec::Lz4), (Effort::Rows, Codec::None)]
        };
        for (effort, codec) in efforts {
            let (header, plain, stored) = block(*effort, 3000, |n| n * n % 251);
            assert_eq!(header.codec, codec.number());
            assert_eq!(stored.len() < plain.len(), *codec != Codec::None);
            let length = header.body_bytes as usize;
            assert_eq!(decompress(header.codec, &stored, length).as_ref(), Some(&plain));
            assert_eq!(decompress(header.codec, &stored, length - 1), None);
            assert_eq!(decompress(header.codec, &stored[1..], length), None);
        }
        assert_eq!(decompress(9, &[], 0), None);
    }

    #[test]
    fn what_does_not_become_shorter_stays_as_it_is() {
        let noise = |n: u64| {
            let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (n ^ n >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ n << 1
        };
        let (header, plain, stored) = block(Effort::Fast, 4, noise);
        assert_eq!((header.codec, &stored), (0, &plain));
    }

    #[test]
    fn what_a_reader_would_take_for_a_bomb_goes_to_a_weaker_codec() {
        let (header, _, stored) = block(Effort::Hard, 100_000, |_| 7);
        let mut rows = Vec::new();
        let body = decompress(header.codec, &stored, header.body_bytes as usize).unwrap();
        let plain = header.rows(&body, stored.len(), &mut rows).unwrap();
        assert_eq!(plain.records(&rows).unwrap().filter(Result::is_ok).count(), 100_000);
    }

    #[test]
    fn the_fuller_a_ring_the_less_is_done_for_a_block() {
        let of = |policy, bytes, has_time| Effort::of(policy, bytes, 1000, has_time);
        let hard = if cfg!(feature = "zstd") { Effort::Hard } else { Effort::Fast };
        assert_eq!(of(Compression::Adaptive, 499, true), hard);
        assert_eq!(of(Compression::Adaptive, 500, true), Effort::Fast);
        assert_eq!(of(Compression::Adaptive, 10, false), Effort::Fast);
        assert_eq!(of(Compression::Fast, 10, true), Effort::Fast);
        assert_eq!(of(Compression::None, 500, true), Effort::Rows);
        assert_eq!(of(Compression::None, 501, true), Effort::Raw);
    }

    #[test]
    fn the_load_is_taken_over_some_time() {
        let us = Duration::from_micros;
        let mut load = Load::default();
        load.note(us(1), us(4_999));
        assert!(!load.has_time());
        load.note(us(1), us(1));
        assert!(load.has_time());
        // Not an eighth any more, but less than half.
        load.note(us(2_000), us(5_000));
        assert!(load.has_time());
        load.note(us(3_000), us(5_000));
        assert!(!load.has_time());
        load.note(us(2_000), us(5_000));
        assert!(!load.has_time());
    }
}
