//! A service log such as a trading back end writes, the same for the same seed.
//!
//! Eleven threads and 59 call sites: requests that pass from a gateway through a worker and a database
//! thread to the audit, with a trace id of 32 hexadecimal digits and a session's UUID; orders with their
//! numbers, as integers and as text; FIX, SQL and JSON as text; latencies with full mantissas; and what a
//! service tells about itself. [`Workload`] yields the [`Event`]s by time, and [`Event::log`] calls the
//! logger at the event's call site. [`Event`]'s `Display` is the same record for loggers of text.
//!
//! ```text
//! Workload (seed, rate) ──Event──▶ log()      the call sites, by Stenolog's macros
//!                              └─▶ Display    the same message and fields as text
//! ```

mod background;
mod edge;
mod pools;
mod random;
mod requests;
mod run;
mod sites;
mod store;
mod system;
mod text;
mod texts;
mod threads;
mod touch;
mod trade;
mod twins;
mod work;
mod workload;

use std::fmt;

pub use edge::Edge;
pub use random::Random;
pub use run::{Plan, Stamps, Written, log, write};
pub use store::Store;
pub use system::System;
pub use text::with_text;
pub use threads::THREADS;
pub use trade::{Audit, Fill, Trade};
pub use twins::{Twin, reread, twin};
pub use work::Work;
pub use workload::{RECORDS_PER_REQUEST, Workload};

/// How many call sites there are.
pub const SITES: usize =
    Edge::COUNT + Work::COUNT + Store::COUNT + Trade::COUNT + Audit::COUNT + System::COUNT;

/// A record before it is logged.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, in nanoseconds from the beginning.
    pub at_ns: u64,
    /// Which of [`THREADS`] logs it.
    pub thread: usize,
    /// What is logged.
    pub what: What,
}

/// What an event logs, by the part of the service.
#[derive(Clone, Debug)]
pub enum What {
    Edge(Edge),
    Work(Work),
    Store(Store),
    Trade(Trade),
    Audit(Audit),
    System(System),
}

/// Calls something of the part that an event belongs to.
macro_rules! of_part {
    ($what:expr, $part:ident => $value:expr) => {
        match $what {
            What::Edge($part) => $value,
            What::Work($part) => $value,
            What::Store($part) => $value,
            What::Trade($part) => $value,
            What::Audit($part) => $value,
            What::System($part) => $value,
        }
    };
}

impl Event {
    /// Logs it, now.
    pub fn log(&self) {
        of_part!(&self.what, part => part.log());
    }

    /// Logs it with a time of the caller's, in nanoseconds since the Unix epoch.
    pub fn log_at(&self, at: u64) {
        of_part!(&self.what, part => part.log_at(at));
    }

    /// Finds its kind and reads its texts, and logs nothing: the floor of logging it.
    #[must_use]
    pub fn touch(&self) -> usize {
        of_part!(&self.what, part => part.touch())
    }

    /// The number of its call site, below [`SITES`].
    #[must_use]
    pub fn site(&self) -> usize {
        let before = match &self.what {
            What::Edge(_) => 0,
            What::Work(_) => Edge::COUNT,
            What::Store(_) => Edge::COUNT + Work::COUNT,
            What::Trade(_) => Edge::COUNT + Work::COUNT + Store::COUNT,
            What::Audit(_) => Edge::COUNT + Work::COUNT + Store::COUNT + Trade::COUNT,
            What::System(_) => SITES - System::COUNT,
        };
        before + of_part!(&self.what, part => part.site())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        of_part!(&self.what, part => fmt::Display::fmt(part, f))
    }
}

macro_rules! parts {
    ($($part:ident)*) => {
        $(impl From<$part> for What {
            fn from(part: $part) -> Self {
                Self::$part(part)
            }
        })*
    };
}

parts!(Edge Work Store Trade Audit System);
