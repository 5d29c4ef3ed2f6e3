//! Checks of contexts, each made once: all rings of a group pass its context, also those that skip their part.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::dump::Dump;

const UNCHECKED: u8 = 0;
const DAMAGED: u8 = 1;
const WHOLE: u8 = 2;

/// Which contexts of some dumps are whole, as far as it is known.
#[derive(Debug)]
pub(super) struct CheckedContexts(Box<[Box<[AtomicU8]>]>);

impl CheckedContexts {
    pub(super) fn new(dumps: &[Dump]) -> Self {
        let of_dump =
            |dump: &Dump| dump.tables().contexts.iter().map(|_| AtomicU8::new(UNCHECKED)).collect();
        Self(dumps.iter().map(of_dump).collect())
    }

    /// Whether there is a whole context before the block whose frame is at an offset. Costs a checksum once.
    pub(super) fn has_context(&self, dump: &Dump, number: u32, block: u64) -> bool {
        let Some(at) = dump.context_before(block) else { return false };
        // A context belongs to the first block after it. Others have none.
        if dump.tables().contexts.get(at).is_none_or(|&of| !dump.is_directly_before(of, block)) {
            return false;
        }
        let Some(checked) = self.0.get(number as usize).and_then(|of| of.get(at)) else {
            return dump.has_context(block);
        };
        match checked.load(Ordering::Relaxed) {
            UNCHECKED => {
                let is_whole = dump.has_context(block);
                // A checksum says the same to each thread that takes it.
                checked.store(if is_whole { WHOLE } else { DAMAGED }, Ordering::Relaxed);
                is_whole
            }
            known => known == WHOLE,
        }
    }
}
