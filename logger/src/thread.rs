//! A thread's side of logging: its state, its rings, and the calls that the hot path hands over.
//!
//! ```text
//!   local      plain cells: what the hot path reads, and the guard against re-entrant calls
//!   rings      the rings of the thread; its end gives them back
//!   record     what the hot path hands over
//!   slow_path  calls that the hot path did not finish
//!   commit     one record into one ring, by the policy for full rings; wait: for room there
//!   current    what programs call: signal handlers, preparation, scopes
//! ```

mod commit;
mod current;
pub(crate) mod local;
mod os;
mod record;
mod rings;
mod slow_path;
mod wait;

pub(crate) use self::current::{SCOPED, enter, leave};
pub use self::current::{in_signal_handler, prepare_call_sites, prepare_thread};
#[cfg(unix)]
pub(crate) use self::local::detach;
pub(crate) use self::local::{ReentrancyGuard, begin_drain_thread, is_busy};
pub(crate) use self::record::{ColdRecord, Payload};
pub(crate) use self::rings::current_logger;
pub(crate) use self::slow_path::{in_cold_section, log, wants, wants_target};
