//! What the drain tells the application when something is wrong with the dump.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::DrainError;

/// What the builder was given to be called. See [`Builder::on_error`](crate::Builder::on_error).
#[derive(Clone, Default)]
pub(crate) struct OnError(Option<Arc<Call>>);

type Call = dyn Fn(&DrainError) + Send + Sync;

impl OnError {
    pub(crate) fn new(call: impl Fn(&DrainError) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(call)))
    }

    /// Tells it. A panic in it must not end the drain, and has been reported by the panic hook.
    pub(super) fn tell(&self, error: &DrainError) {
        if let Some(call) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| call(error)));
        }
    }
}

impl fmt::Debug for OnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "OnError(_)" } else { "OnError(None)" })
    }
}
