//! Failpoints: places at which a test can kill the process, between any two steps of a record's way from its
//! thread into the dump.
//!
//! They exist only with the feature `__fault_points`, which only the tests of this workspace enable. With
//! `STENOLOG_DIE_AFTER=Written:3` in its environment, the process kills itself after taking that step for the
//! third time. Without the feature, [`after`] compiles to nothing.

/// A step after which the process can be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The ring directory was created and is empty.
    RingDirMade,
    /// `meta.steno` has its header and clock.
    MetaBegun,
    /// The ring directory is complete.
    RingDirReady,
    /// The dump was created and is empty.
    DumpCreated,
    /// The dump has its first frames.
    DumpBegun,
    /// A ring has a file, under a name that readers ignore.
    RingCreated,
    /// The file of a ring has its final name.
    RingNamed,
    /// The thread of a ring was stated.
    ThreadStated,
    /// A ring has its user words, except its id.
    RingWorded,
    /// A ring has its id.
    RingBegun,
    /// A ring was listed in `progress`.
    RingListed,
    /// A call site was stated.
    SiteStated,
    /// A pass over the rings has begun.
    PassBegun,
    /// Records were gathered but not written.
    Gathered,
    /// Half of a write was done.
    HalfWritten,
    /// A write was done.
    Written,
    /// `progress` states how long the dump is.
    Progressed,
    /// A ring has a number, but not the position that belongs to it.
    HalfNumbered,
    /// A ring has the number of its next record.
    Numbered,
    /// The written records of a ring were freed.
    Released,
    /// A ring has lost its id.
    RingEnded,
    /// The dump was synced to disk.
    Synced,
    /// Half of a write to the tail was done.
    TailHalfWritten,
    /// A write to the tail was done.
    TailWritten,
    /// The tail was emptied: the dump has its records.
    TailCleared,
    /// The end frame is in the buffer.
    EndPut,
    /// The dump was sealed.
    Sealed,
    /// The tail was removed.
    TailRemoved,
    /// The drain left the rings to their threads.
    RingsLeft,
    /// The rings were removed.
    RingsRemoved,
    /// The dump of an earlier run was copied up to its last whole frame, because more bytes follow.
    EarlierCopied,
    /// A part of the records in its rings was appended.
    EarlierWritten,
    /// It was sealed and synced to disk.
    EarlierSealed,
    /// Its tail was removed.
    EarlierTailRemoved,
    /// It was renamed.
    EarlierRenamed,
    /// A file of its ring directory was removed.
    EarlierRemoving,
    /// An abandoned ring directory was marked as waiting for a reader.
    LeftNoted,
}

/// Kills the process if it was told to die after this step.
#[inline(always)]
pub fn after(step: Step) {
    if is_due(step) {
        die();
    }
}

/// Whether the process was told to die after this step.
#[cfg(not(feature = "__fault_points"))]
#[inline(always)]
#[must_use]
pub const fn is_due(_: Step) -> bool {
    false
}

#[cfg(feature = "__fault_points")]
pub use self::armed::is_due;

/// Kills the process, as `kill -9` does.
#[cold]
pub fn die() {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort();
}

#[cfg(feature = "__fault_points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Step;

    impl Step {
        /// The steps of a logger that is the first on its path.
        pub const ALL: [Self; 26] = [
            Self::RingDirMade,
            Self::MetaBegun,
            Self::RingDirReady,
            Self::DumpCreated,
            Self::DumpBegun,
            Self::RingCreated,
            Self::RingNamed,
            Self::ThreadStated,
            Self::RingWorded,
            Self::RingBegun,
            Self::RingListed,
            Self::SiteStated,
            Self::PassBegun,
            Self::Gathered,
            Self::HalfWritten,
            Self::Written,
            Self::Progressed,
            Self::HalfNumbered,
            Self::Numbered,
            Self::Released,
            Self::RingEnded,
            Self::Synced,
            Self::EndPut,
            Self::Sealed,
            Self::RingsLeft,
            Self::RingsRemoved,
        ];

        /// The further steps of a logger that has little to log.
        pub const OF_TAIL: [Self; 4] =
            [Self::TailHalfWritten, Self::TailWritten, Self::TailCleared, Self::TailRemoved];

        /// The further steps of a logger that recovers the rings of an earlier run.
        pub const OF_RECOVERY: [Self; 6] = [
            Self::EarlierCopied,
            Self::EarlierWritten,
            Self::EarlierSealed,
            Self::EarlierTailRemoved,
            Self::EarlierRenamed,
            Self::EarlierRemoving,
        ];

        /// The steps of a logger that cleans up abandoned directories.
        pub const OF_SWEEP: [Self; 1] = [Self::LeftNoted];
    }

    /// A step, and how often it can still be taken.
    struct Order {
        step: Step,
        left: AtomicU64,
    }

    /// Whether the process was told to die after this step.
    pub fn is_due(step: Step) -> bool {
        static ORDER: OnceLock<Option<Order>> = OnceLock::new();
        let Some(order) = ORDER.get_or_init(order) else { return false };
        order.step == step && order.left.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn order() -> Option<Order> {
        let order = std::env::var("STENOLOG_DIE_AFTER").ok()?;
        let (name, times) = order.split_once(':').unwrap_or((&order, "1"));
        let steps = Step::ALL.into_iter().chain(Step::OF_TAIL).chain(Step::OF_RECOVERY);
        let mut steps = steps.chain(Step::OF_SWEEP);
        let step = steps.find(|step| format!("{step:?}") == name);
        let (Some(step), Ok(times)) = (step, times.parse()) else {
            panic!("STENOLOG_DIE_AFTER={order}: no such step, or no number of times");
        };
        Some(Order { step, left: AtomicU64::new(times) })
    }
}
