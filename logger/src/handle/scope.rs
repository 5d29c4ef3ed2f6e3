//! Scope: the time for which a thread logs to one logger.

use std::marker::PhantomData;
use std::sync::{Arc, MutexGuard};

use crate::core::Core;
use crate::thread;

/// A guard that makes its thread log to one logger while it lives. See [`Logger::enter`](crate::Logger::enter).
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let log = stenolog::Builder::new(folder.path().join("test.steno")).start_detached()?;
/// {
///     let _scope: stenolog::Scope = log.enter();
///     stenolog::info!("in the scope");
/// }
/// stenolog::info!("not in the scope");
/// log.flush()?;
/// assert_eq!(log.stats().records, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the scope ends when this is dropped"]
pub struct Scope {
    core: Arc<Core>,
    /// A scope stays on its thread, as the guard of a lock does, and may be shared like one.
    _this_thread: PhantomData<MutexGuard<'static, ()>>,
}

impl Scope {
    pub(super) fn enter(core: Arc<Core>) -> Self {
        thread::enter(&core);
        Self { core, _this_thread: PhantomData }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        thread::leave(&self.core);
    }
}
