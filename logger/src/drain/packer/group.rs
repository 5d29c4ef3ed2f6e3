//! Groups: one block for the records of several rings, which shares their texts and call sites.

use stenolog_format::block::{BlockBuilder, Depth};
use stenolog_format::loss::Loss;
use stenolog_session::codec::Compressor;
use stenolog_session::writer::DumpWriter;

use super::{LEAST_FOR_COLUMNS, Packer};
use crate::drain::effort::Effort;
use crate::drain::rings::{DrainRing, DrainRings};
use crate::drain::segment::Segment;
use crate::process::memory::has_memory;

/// The most bytes of rings in a group, unless a single record is longer.
pub(in crate::drain) const GROUP_BYTES: usize = 4 << 20;

/// The level of Zstandard for a program that logs little, whose groups are rare.
const PATIENT_LEVEL: i32 = 12;

const _: () = assert!(GROUP_BYTES <= BlockBuilder::MAX_GROUP_BYTES);

/// How much of a ring was put into a group.
#[derive(Clone, Copy, Debug)]
pub(in crate::drain) struct GroupPart {
    /// How many bytes of the ring.
    pub(in crate::drain) bytes: usize,
    /// There may be more records.
    pub(in crate::drain) is_cut: bool,
}

/// The part of a ring that a group has.
pub(super) struct Part {
    /// The place of the ring.
    at: usize,
    end: u64,
    loss: Option<Loss>,
}

impl Packer {
    /// Whether there is memory for a group: for its records up to three times, and for it.
    pub(in crate::drain) fn has_group_memory(&mut self) -> bool {
        self.has_group_memory = self.has_group_memory || has_memory(4 * GROUP_BYTES);
        self.has_group_memory
    }

    /// Begins a group.
    pub(in crate::drain) fn begin_group(&mut self, is_thorough: bool) {
        self.sites.has_met_event = false;
        self.builder.begin_group(if is_thorough { Depth::Thorough } else { Depth::Fast });
        self.parts.clear();
    }

    /// Whether the group has only a few records of one ring.
    pub(in crate::drain) fn is_group_small(&self) -> bool {
        self.parts.len() == 1 && self.builder.group_count() < LEAST_FOR_COLUMNS
    }

    /// Whether the group has room for another ring.
    pub(in crate::drain) fn has_room(&self) -> bool {
        self.parts.len() < BlockBuilder::MAX_PARTS
    }

    /// Adds at most `limit` bytes of a ring's committed records to the group. `None` if a record does not match the types of its call site, or is
    /// too long: the group must be begun again, without the ring.
    pub(in crate::drain) fn add_part(
        &mut self,
        at: usize,
        ring: &mut DrainRing,
        writer: &DumpWriter,
        (limit, is_only): (usize, bool),
    ) -> Option<GroupPart> {
        let start = ring.taken_to;
        // Rare errors have a group of their own if it is one of a single ring.
        let without_error = is_only.then(|| ring.records.saturating_sub(ring.errors_to));
        self.loss = None;
        self.builder.begin_part(ring.id(), ring.stated_to, ring.records);
        let packed = self.pack_records(&mut ring.consumer, writer, start, limit, without_error);
        let is_too_long = packed.end - start > BlockBuilder::MAX_GROUP_BYTES as u64;
        if !packed.is_sound || is_too_long {
            return None;
        }
        self.builder.end_part(packed.end);
        self.parts.push(Part { at, end: packed.end, loss: self.loss });
        let bytes = (packed.end - start) as usize;
        Some(GroupPart { bytes, is_cut: packed.is_cut || bytes >= limit })
    }

    /// Puts the group into the segment, in fewer bytes if `is_patient`. While `is_pressed`, its sections are only compressed with LZ4.
    ///
    /// A group has no block of its own for rare errors: a reader of errors reads only the columns that they have.
    pub(in crate::drain) fn put_group(
        &mut self,
        rings: &mut DrainRings,
        segment: &mut Segment,
        (effort, is_patient): (Effort, bool),
        is_pressed: impl Fn() -> bool,
    ) {
        let parts = std::mem::take(&mut self.parts);
        if self.builder.group_count() > 0 {
            for part in self.builder.parts() {
                if let Some(ring) = rings.find(part.ring) {
                    segment.writer.state_thread(&ring.slot.thread);
                }
            }
            self.sites.state(&mut segment.writer);
            if self.sites.knows_events {
                let of_ring = |rings: &mut DrainRings, part: &Part| {
                    (part.at, part.end, rings.at(part.at).id())
                };
                let all: Vec<_> = parts.iter().map(|part| of_ring(rings, part)).collect();
                // In the order of the block, which has no part without records.
                let with_records = self.builder.parts().iter().filter_map(|header| {
                    let of = all.iter().find(|(.., id)| *id == header.ring);
                    of.map(|&(at, end, _)| (at, end))
                });
                let with_records: Vec<_> = with_records.collect();
                self.put_context(rings, &with_records, segment);
            }
            if is_patient && self.patient.is_none() {
                self.patient = Compressor::with_level(PATIENT_LEVEL).ok();
            }
            let Self { builder, compressor, patient, summaries, .. } = self;
            let compressor = patient.as_mut().filter(|_| is_patient).unwrap_or(compressor);
            let before = segment.writer.records_in_groups();
            segment.writer.put_block(|out| {
                builder.finish_group(before, out, |plain, hint, out| {
                    let effort = if is_pressed() { Effort::Fast } else { effort };
                    compressor.append_section(effort.codecs(), plain, hint, out)
                })
            });
            builder.sum_up_group(effort == Effort::Hard, summaries);
            segment.writer.put_summary(summaries);
        }
        let mut of_rings = std::mem::take(&mut self.headers);
        of_rings.extend_from_slice(self.builder.parts());
        for &Part { at, end, loss } in &parts {
            let ring = rings.at(at);
            ring.taken_to = end;
            rings.note_taken(at);
            let ring = rings.at(at);
            let id = ring.id();
            self.loss = loss;
            if let Some(header) = of_rings.iter().find(|header| header.ring == id) {
                self.note_block(ring, header);
            }
        }
        of_rings.clear();
        (self.headers, self.parts) = (of_rings, parts);
        self.parts.clear();
    }
}
