//! The records that were read from rings.

use std::path::PathBuf;

use crate::dump::Dump;
use crate::model::damage::{Damage, RingDamage};

/// The records of one ring that the dump lacks.
///
/// ```
/// use stenolog_decoder::{Recovery, UnreadRing};
///
/// fn longest(recovery: &Recovery) -> Option<&UnreadRing> {
///     recovery.rings.iter().max_by_key(|ring| ring.records)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadRing {
    /// The ring's id in the dump.
    pub ring: u32,
    /// The ring's file.
    pub file: PathBuf,
    /// The number of the first record that only the ring has.
    pub first_record: u64,
    /// The number of such records.
    pub records: u64,
}

/// The records that the dump of a dead writer lacks, read from its rings.
///
/// # Examples
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump, Limits, RingDir};
///
/// let dump = Dump::open("app.steno")?;
/// let mut dumps = Vec::new();
/// if let Some(rings) = RingDir::find(&dump, &[]).found {
///     dumps.push(rings.read(Some(&dump), &Limits::default())?.dump);
/// }
/// dumps.push(dump);
/// let _ = Decoder::new(&dumps).for_each(|entry| {
///     // Each record once, whether the file or a ring holds it.
///     ControlFlow::Continue(())
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovery {
    /// The records, as a sealed dump of the same session. Its [damage](Dump::damage) is that of the rings.
    pub dump: Dump,
    /// The directory.
    pub path: PathBuf,
    /// The records of each ring, by ring.
    pub rings: Vec<UnreadRing>,
    /// The number of all these records.
    pub records: u64,
}

impl Recovery {
    /// Everything that is wrong with the rings.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        self.dump.damage()
    }

    /// Whether everything in the files was read. Any other missing records were in memory, and are lost.
    #[must_use]
    pub fn is_all_read(&self) -> bool {
        let is_gone = |damage: &Damage| {
            use crate::DamageCause::{RingLost, Rings};
            matches!(damage.cause, RingLost { .. } | Rings(RingDamage::Unlisted { .. }))
        };
        self.damage().iter().all(is_gone)
    }
}
