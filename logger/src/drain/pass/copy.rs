//! Copies of a pass: what the rings hold goes to the tail, and waits there to be packed.

use std::sync::atomic::Ordering;
use std::time::Instant;

use stenolog_session::writer::WRITE_AT_BYTES;

use super::{Drainer, Pass};

impl Drainer {
    /// Copies the new records of all rings to the tail. `false` if the rings are to be packed.
    pub(super) fn copy(&mut self, pass: &mut Pass) -> bool {
        if !self.tail.is_there() {
            self.rings.forget_copies();
        }
        let is_copied = self.copy_rings(pass);
        if self.tail.has_pending() {
            self.read_clock();
        }
        let is_written = self.tail.write();
        if !self.tail.has_records() {
            // Nor would a pass that fails to pack them take them for new.
            self.rings.forget_copies();
        }
        let records = self.segments.written_records() + self.rings.copied_records();
        if is_written {
            self.core.counters.records.fetch_max(records, Ordering::Relaxed);
        }
        let is_due = pass.fill.is_pack_due((self.tail.age(), self.tail.bytes()));
        is_copied && is_written && !is_due
    }

    /// Puts the new records of all rings into the tail; `false` if there are too many, or another reason to pack
    /// them.
    fn copy_rings(&mut self, pass: &mut Pass) -> bool {
        let now = Instant::now();
        for at in 0..self.rings.len() {
            let ring = self.rings.at(at);
            if ring.is_set_aside {
                continue;
            }
            let (mut bytes, mut is_rest_short) = (0, true);
            if !ring.consumer.is_end(ring.seen().0) {
                let clock = self.core.clock;
                let file = &self.segments.current.file;
                let Some(begins) = self.tail.open(file, || clock.pair()) else { return false };
                if begins {
                    self.rings.forget_copies();
                }
                let ring = self.rings.at(at);
                let Ok(limit) = self.packer.block_limit(ring.consumer.capacity()) else {
                    return false;
                };
                (bytes, is_rest_short) = self.packer.copy(ring, &mut self.tail.writer, limit);
            }
            let ring = self.rings.at(at);
            if ring.is_overwritten_after_copies() {
                return false;
            }
            let held = ring.held_bytes();
            self.look_again(at, (bytes, held), now, pass);
            let is_much = self.tail.writer.pending().len() >= WRITE_AT_BYTES;
            if !is_rest_short || is_much && !self.tail.write() {
                return false;
            }
        }
        true
    }

    /// Reads a clock pair if it is time to.
    pub(super) fn read_clock(&mut self) {
        let core = &self.core;
        let clock = &mut self.segments.current.clock;
        if clock.is_time(core.clock.now()) {
            let pair = core.clock.pair();
            clock.take(pair);
            if self.tail.has_records() {
                self.tail.writer.put_clock(&pair);
            }
        }
    }
}
