//! Damage found in a file, except after the end of what its writer had written.

use std::path::Path;
use std::sync::Arc;

use crate::dump::{Dump, RingFacts};
use crate::model::damage::{Damage, DamageCause};

/// Collects the damage of one dump, and of the rings that complete it.
#[derive(Debug)]
pub(crate) struct DamageLog {
    file: Arc<Path>,
    /// Damage from this offset on is covered by the rings.
    written_to: u64,
    found: Vec<Damage>,
}

impl DamageLog {
    /// Begins with the damage that the scan of the frames found.
    pub(crate) fn of_scan(dump: &Dump, facts: Option<&RingFacts>) -> Self {
        let written_to = facts.map_or(u64::MAX, |rings| rings.written_to(dump.header().sequence));
        let of_scan = dump.damage().iter().filter(|damage| damage.offset < written_to);
        Self { file: Arc::clone(dump.file()), written_to, found: of_scan.cloned().collect() }
    }

    /// Goes on with the rings of the dump's writer: adds what was found wrong with them so far.
    pub(crate) fn go_on_with(&mut self, rings: &Dump) {
        self.file = Arc::clone(rings.file());
        self.written_to = u64::MAX;
        self.found.extend_from_slice(rings.damage());
    }

    /// Whether damage at this offset counts.
    pub(crate) const fn counts(&self, offset: u64) -> bool {
        offset < self.written_to
    }

    /// Adds damage, if it counts.
    pub(crate) fn report(&mut self, offset: u64, bytes: u64, cause: DamageCause) {
        if self.counts(offset) {
            self.found.push(Damage { file: Arc::clone(&self.file), offset, bytes, cause });
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All damage, by offset.
    pub(crate) fn finish(mut self, more: Option<Damage>) -> Vec<Damage> {
        self.found.extend(more);
        self.found.sort_by_key(|damage| damage.offset);
        self.found
    }
}
