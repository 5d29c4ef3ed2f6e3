//! Feed of the console: copies what the rings hold into small dumps in memory, before the rings are freed.

use std::sync::atomic::Ordering;

use stenolog_session::spans::SpanTracker;
use stenolog_session::writer::{DumpWriter, WRITE_AT_BYTES};

use super::packer::Packer;
use super::rings::DrainRings;
use crate::console::Screen;
use crate::core::Core;

/// What the console is given next.
#[derive(Debug)]
pub(super) struct ConsoleFeed {
    screen: Screen,
    /// The losses that the console was told.
    told_lost: u64,
    /// What was shown so far says of spans.
    spans: SpanTracker,
}

impl ConsoleFeed {
    pub(super) fn new(screen: Screen) -> Self {
        Self { screen, told_lost: 0, spans: SpanTracker::default() }
    }

    /// Forgets a ring that gets no more records.
    pub(super) fn end_ring(&mut self, ring: u32) {
        self.spans.end_ring(ring);
    }

    /// Shows the records of all rings that were not shown before.
    pub(super) fn show(&mut self, core: &Core, rings: &mut DrainRings, packer: &mut Packer) {
        let mut dump = None;
        'rings: for ring in rings.iter_mut() {
            // The numbers of the records in their ring do not matter here, but each dump has them in a row.
            let mut number = 0;
            while !ring.is_set_aside && !ring.consumer.is_end(ring.shown_to) {
                let Ok(limit) = packer.block_limit(ring.consumer.capacity()) else { break 'rings };
                let writer = dump.get_or_insert_with(|| {
                    let mut writer = DumpWriter::begin_segment(core.header);
                    writer.put_clock(&core.clock.pair());
                    writer
                });
                let to = (writer, Some(&mut self.spans));
                let copied = packer.copy_from(ring, (ring.shown_to, number), to, limit);
                (ring.shown_to, number) = copied.end;
                if dump.as_ref().is_some_and(|it| it.pending().len() >= WRITE_AT_BYTES) {
                    self.send(core, dump.take());
                    number = 0;
                }
                if copied.is_rest_short {
                    break;
                }
            }
        }
        self.spans.end_pass();
        self.send(core, dump);
    }

    fn send(&mut self, core: &Core, dump: Option<DumpWriter>) {
        let Some(mut dump) = dump.filter(|dump| dump.records() > 0) else { return };
        let records = dump.records();
        let lost = core.counters.lost.load(Ordering::Relaxed);
        let new = lost - std::mem::replace(&mut self.told_lost, lost);
        dump.finish_without_index(0);
        self.screen.show(dump.into_bytes(), records, new);
    }

    /// Waits until everything is printed.
    pub(super) fn flush(&mut self) {
        self.screen.flush();
    }
}
