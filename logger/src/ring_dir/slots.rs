//! Reusable thread frames in `meta.steno`.
//!
//! A thread's frame is needed as long as its ring may have records that the dump lacks. After that, the
//! frame is overwritten for another ring, with the same length and number, so a million threads take no
//! more room than those that exist at once.
//!
//! - **M1 (in one piece).** A reusable frame lies within one page of the system. A killed process has
//!   written either all of it or nothing: a write is only cut short between pages.
//! - **M2 (not needed).** A frame is overwritten only when its ring is stated to belong to no thread.

use std::collections::BTreeMap;

use stenolog_format::dictionary::Thread;
use stenolog_format::frame::{FrameHeader, FrameKind, FrameWriter};

use crate::truncate::truncate;

/// The smallest page size of any system.
const PAGE_BYTES: u64 = 4096;

/// The shortest frame: a name of some twenty bytes fits. Longer ones have powers of two.
const SHORTEST_BYTES: u64 = 64;

/// The longest name that fits in a page; longer ones are cut.
const MAX_NAME_BYTES: usize = 4000;

/// A frame that can be written over.
#[derive(Clone, Copy, Debug)]
struct MetaSlot {
    offset: u64,
    sequence: u32,
    bytes: u64,
}

/// The frames of threads.
#[derive(Debug, Default)]
pub(super) struct MetaSlots {
    /// By ring.
    taken: BTreeMap<u32, MetaSlot>,
    free: Vec<MetaSlot>,
}

/// The write that states a thread.
pub(super) enum MetaWrite {
    /// Over a frame that is no longer needed.
    Overwrite { offset: u64, bytes: Vec<u8> },
    /// After all others. Its last frame is reusable.
    Append { bytes: Vec<u8>, last_bytes: u64, frames: FrameWriter },
}

impl MetaSlots {
    /// States a thread in a file of `len` bytes whose next frame is that of `frames`. The statement
    /// counts when [`note`](Self::note) is told of it.
    pub(super) fn state(&self, thread: &Thread, len: u64, frames: &FrameWriter) -> MetaWrite {
        let payload = payload(thread);
        let needed = (FrameHeader::BYTES + payload.len()) as u64;
        let bytes = needed.next_power_of_two().max(SHORTEST_BYTES);
        let free = self.free.iter().filter(|slot| slot.bytes >= bytes);
        if let Some(slot) = free.min_by_key(|slot| slot.bytes) {
            let mut over = Vec::new();
            put(&mut FrameWriter::behind(slot.sequence), &payload, slot.bytes, &mut over);
            return MetaWrite::Overwrite { offset: slot.offset, bytes: over };
        }
        let (mut appended, mut frames) = (Vec::new(), frames.clone());
        let left = PAGE_BYTES - len % PAGE_BYTES;
        if left < bytes {
            // The frame would cross a page (M1): stating the thread twice fills the current one.
            let filler = if left >= needed { left } else { left + bytes };
            put(&mut frames, &payload, filler, &mut appended);
        }
        put(&mut frames, &payload, bytes, &mut appended);
        MetaWrite::Append { bytes: appended, last_bytes: bytes, frames }
    }

    /// The statement of a ring's thread was written; `len` is how long the file was before.
    pub(super) fn note(&mut self, ring: u32, statement: &MetaWrite, len: u64) {
        let slot = match statement {
            MetaWrite::Overwrite { offset, .. } => {
                let at = self.free.iter().position(|slot| slot.offset == *offset);
                at.map(|at| self.free.swap_remove(at))
            }
            MetaWrite::Append { bytes, last_bytes, frames } => Some(MetaSlot {
                offset: len + bytes.len() as u64 - last_bytes,
                sequence: frames.frames() - 1,
                bytes: *last_bytes,
            }),
        };
        if let Some(slot) = slot
            && let Some(before) = self.taken.insert(ring, slot)
        {
            self.free.push(before);
        }
    }

    /// A ring's thread frame is no longer needed (M2).
    pub(super) fn forget(&mut self, ring: u32) {
        self.free.extend(self.taken.remove(&ring));
    }
}

fn payload(thread: &Thread) -> Vec<u8> {
    let mut payload = Vec::new();
    if thread.name.len() > MAX_NAME_BYTES {
        let name = truncate(&thread.name, MAX_NAME_BYTES);
        let name = format!("{name}…");
        Thread { name, ..thread.clone() }.encode(&mut payload);
    } else {
        thread.encode(&mut payload);
    }
    payload
}

/// Appends a frame of `bytes` bytes. The payload needs only some of them.
fn put(frames: &mut FrameWriter, payload: &[u8], bytes: u64, out: &mut Vec<u8>) {
    let padded = bytes as usize - FrameHeader::BYTES;
    debug_assert!(payload.len() <= padded && bytes.is_multiple_of(8), "it fits, to the byte");
    frames.frame(out, FrameKind::Thread, |out| {
        let end = out.len() + padded;
        out.extend_from_slice(payload);
        // A reader skips what follows the last field.
        out.resize(end, 0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(ring: u32, name: &str) -> Thread {
        Thread { ring, os_id: u64::MAX, name: name.to_owned(), continues: None }
    }

    /// A file as the logger writes it.
    #[derive(Default)]
    struct File {
        bytes: Vec<u8>,
        frames: FrameWriter,
        slots: MetaSlots,
    }

    impl File {
        fn state(&mut self, thread: &Thread) {
            let len = self.bytes.len() as u64;
            let statement = self.slots.state(thread, len, &self.frames);
            match &statement {
                MetaWrite::Overwrite { offset, bytes } => {
                    let (at, end) = (*offset as usize, *offset as usize + bytes.len());
                    assert_eq!(at / 4096, (end - 1) / 4096, "within a page");
                    self.bytes[at..end].copy_from_slice(bytes);
                }
                MetaWrite::Append { bytes, frames, .. } => {
                    self.bytes.extend_from_slice(bytes);
                    self.frames = frames.clone();
                }
            }
            self.slots.note(thread.ring, &statement, len);
        }

        /// All threads that a reader finds, by frames with consecutive numbers.
        fn read(&self) -> BTreeMap<u32, String> {
            let (mut rest, mut number) = (&self.bytes[..], 0);
            let mut threads = BTreeMap::new();
            while let Some(header) = FrameHeader::decode(rest) {
                let end = FrameHeader::BYTES + header.payload_bytes as usize;
                assert_eq!(header.sequence, number);
                assert!(header.matches(&rest[FrameHeader::BYTES..end]));
                let thread = Thread::decode(&rest[FrameHeader::BYTES..end]).unwrap();
                threads.insert(thread.ring, thread.name);
                rest = &rest[header.frame_bytes() as usize..];
                number += 1;
            }
            assert!(rest.is_empty());
            threads
        }
    }

    #[test]
    fn threads_that_come_and_go_take_the_room_of_those_that_are_there() {
        let mut file = File::default();
        let name = |ring: u32| "n".repeat((ring as usize * 7) % 120);
        for ring in 1..20_000 {
            file.state(&thread(ring, &name(ring)));
            if ring > 50 {
                file.slots.forget(ring - 50);
            }
        }
        // Fifty of each length at the most.
        assert!(file.bytes.len() < 1 << 14, "{}", file.bytes.len());
        let threads = file.read();
        for ring in 19_950..20_000 {
            assert_eq!(threads[&ring], name(ring));
        }
    }

    #[test]
    fn names_of_any_length_are_stated() {
        let mut file = File::default();
        for length in 0..3000 {
            file.state(&thread(length, &"ä".repeat(length as usize)));
            file.slots.forget(length.saturating_sub(2));
            let threads = file.read();
            let found = &threads[&length];
            if length <= 2000 {
                assert_eq!(*found, "ä".repeat(length as usize));
            } else {
                assert!(found.ends_with("ä…") && found.len() > 3900, "{length}");
            }
        }
    }
}
