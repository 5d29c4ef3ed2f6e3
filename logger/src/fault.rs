//! Places at which a test has the process die: between any two steps by which a record gets from
//! its thread into the dump.
//!
//! Only with the feature `__fault_points`, which the tests of this workspace alone turn on: with
//! `STENOLOG_DIE_AFTER=Written:3` in its environment, the process kills itself when it has taken
//! that step for the third time. Without the feature nothing of this is compiled.

/// What has just been done.
#[cfg_attr(
    not(feature = "__fault_points"),
    expect(unreachable_pub, reason = "it is for tests to name, with the feature")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The directory of the rings was made, and is empty.
    RingDirMade,
    /// The file of explanations has its beginning.
    MetaBegun,
    /// The directory of the rings is whole.
    RingDirReady,
    /// The dump was created, and is empty.
    DumpCreated,
    /// The dump has what it begins with.
    DumpBegun,
    /// A ring has a file, under a name that no reader looks at.
    RingCreated,
    /// The file of a ring has its name.
    RingNamed,
    /// The thread of a ring was explained.
    ThreadStated,
    /// A ring has the words that readers look for, but for its id.
    RingWorded,
    /// A ring has its id.
    RingBegun,
    /// It is said where a ring is.
    RingListed,
    /// A call site was explained.
    SiteStated,
    /// A pass over the rings has begun.
    PassBegun,
    /// Records were gathered, and none of them written.
    Gathered,
    /// The first half of a write was made.
    HalfWritten,
    /// A write was made.
    Written,
    /// The ring directory says how far the dump goes.
    Progressed,
    /// A ring has a number, but not the position that it is for.
    HalfNumbered,
    /// A ring has the number of its next record.
    Numbered,
    /// The records of a ring that were written were freed.
    Released,
    /// A ring has lost its id.
    RingEnded,
    /// The dump has been put on the disk.
    Synced,
    /// The end of the dump was put into the buffer.
    EndPut,
    /// The dump was sealed.
    Sealed,
    /// The rings were left to their threads.
    RingsLeft,
    /// The rings were removed.
    RingsRemoved,
    /// An earlier run's dump was copied up to the end of its last whole frame, as there is more behind.
    EarlierCopied,
    /// A part of what its rings hold was appended.
    EarlierWritten,
    /// It was sealed, and put on the disk.
    EarlierSealed,
    /// It was given another name.
    EarlierRenamed,
    /// A file of its rings was removed.
    EarlierRemoving,
    /// Rings that an earlier run has left are known to wait for their reader.
    LeftNoted,
}

/// Dies here if it is time to.
#[inline(always)]
pub(crate) fn after(step: Step) {
    if is_due(step) {
        die();
    }
}

/// Whether the process is to die after this step.
#[cfg(not(feature = "__fault_points"))]
#[inline(always)]
pub(crate) const fn is_due(_: Step) -> bool {
    false
}

#[cfg(feature = "__fault_points")]
pub(crate) use self::armed::is_due;

/// Ends the process as nothing can prevent.
#[cold]
pub(crate) fn die() {
    // SAFETY: it ends this process, and touches nothing of it.
    #[cfg(unix)]
    unsafe {
        libc::raise(libc::SIGKILL);
    }
    std::process::abort();
}

#[cfg(feature = "__fault_points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Step;

    impl Step {
        /// All steps of a logger that is the first on its path.
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

        /// Those of a logger that finds the rings of an earlier run; `ALL` are the others.
        pub const OF_RECOVERY: [Self; 5] = [
            Self::EarlierCopied,
            Self::EarlierWritten,
            Self::EarlierSealed,
            Self::EarlierRenamed,
            Self::EarlierRemoving,
        ];

        /// Those of a logger that cleans up what others have left.
        pub const OF_SWEEP: [Self; 1] = [Self::LeftNoted];
    }

    /// The step, and how often it is to be taken still.
    struct Order {
        step: Step,
        left: AtomicU64,
    }

    pub(crate) fn is_due(step: Step) -> bool {
        static ORDER: OnceLock<Option<Order>> = OnceLock::new();
        let Some(order) = ORDER.get_or_init(order) else { return false };
        order.step == step && order.left.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn order() -> Option<Order> {
        let order = std::env::var("STENOLOG_DIE_AFTER").ok()?;
        let (name, times) = order.split_once(':').unwrap_or((&order, "1"));
        let steps = Step::ALL.into_iter().chain(Step::OF_RECOVERY);
        let mut steps = steps.chain(Step::OF_SWEEP);
        let step = steps.find(|step| format!("{step:?}") == name);
        let (Some(step), Ok(times)) = (step, times.parse()) else {
            panic!("STENOLOG_DIE_AFTER={order}: no such step, or no number of times");
        };
        Some(Order { step, left: AtomicU64::new(times) })
    }
}
