//! Calls whose site is described at run time: the seam for bridges from other logging interfaces.
//!
//! Such a call takes the slow path: the same checks, rings and policies as every other call, without the
//! code that a macro makes for the types of its values.

use stenolog_format::span::SpanEvent;
use stenolog_format::types::Type;

use crate::call::time::TimeWord;
use crate::clock::ClockRef;
use crate::registry::runtime::{SiteDescription, SiteRefused, signature};
use crate::registry::site::Site;
use crate::registry::{self, CallTypes, TypeList};
use crate::thread::{self, ColdRecord, Payload};

/// The bytes of the time word.
const TIME_BYTES: usize = 8;

/// A call site that was described at run time. Equal descriptions give equal call sites.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeSite {
    site: &'static Site,
}

impl RuntimeSite {
    /// Looks the call site up, or registers it. Takes a lock; callers keep the result.
    ///
    /// # Errors
    /// If there are too many: see [`registry::runtime`](crate::registry::runtime). If this is called within a
    /// log call: by a signal handler, or by an allocator that logs.
    pub fn new(description: &SiteDescription<'_>) -> Result<Self, SiteRefused> {
        Self::of(description, None)
    }

    /// The same, for a call site whose records are events of spans. The first slots of the description are the
    /// event's [hidden words](SpanEvent::hidden), without a name.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn marked(
        description: &SiteDescription<'_>,
        event: SpanEvent,
    ) -> Result<Self, SiteRefused> {
        Self::of(description, Some(event))
    }

    fn of(
        description: &SiteDescription<'_>,
        event: Option<SpanEvent>,
    ) -> Result<Self, SiteRefused> {
        // What it allocates may log.
        let interned = thread::in_cold_section(|| Some(registry::intern(description, event)));
        interned.unwrap_or(Err(SiteRefused::WithinCall)).map(|site| Self { site })
    }

    /// The call site itself, for records whose types are known when the program is compiled.
    pub(crate) const fn site(self) -> &'static Site {
        self.site
    }

    /// Whether a record of this call would be logged.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self.site.is_enabled()
    }

    /// Logs a record: the types of its values, and their bytes in the raw encoding of these types.
    ///
    /// # Errors
    /// If there are too many or too deep types, or not one for each slot of the description. The record
    /// is not logged then, and not counted either.
    pub fn log<T: TimeWord>(
        self,
        time: T,
        types: &[Type],
        values: &[u8],
    ) -> Result<(), SiteRefused> {
        debug_assert!(crate::value::are_readable(types, values), "not the bytes of these types");
        if !self.is_enabled() {
            return Ok(());
        }
        let payload =
            RuntimePayload { time, signature: signature(T::SOURCE, types), types, values };
        // In a signal handler, and within another call, no lock may be taken. There the slow path only logs what
        // was admitted before.
        let admit = || Some(registry::admit(self.site, payload.types()));
        thread::in_cold_section(admit).unwrap_or(Ok(()))?;
        thread::log(&ColdRecord {
            site: self.site,
            signature: payload.signature,
            payload_bytes: TIME_BYTES + values.len(),
            payload: &payload,
        });
        Ok(())
    }
}

struct RuntimePayload<'a, T> {
    time: T,
    signature: u64,
    types: &'a [Type],
    values: &'a [u8],
}

// SAFETY: `write` writes the time and the values, which are `payload_bytes` together.
unsafe impl<T: TimeWord> Payload for RuntimePayload<'_, T> {
    fn types(&self) -> CallTypes<'_> {
        let list = TypeList::Listed(self.types);
        CallTypes { signature: self.signature, time: T::SOURCE, list }
    }

    fn time(&self, clock: &ClockRef) -> u64 {
        self.time.read(clock)
    }

    unsafe fn write(&self, out: *mut u8, time: u64) {
        // SAFETY: the caller grants room for the time and the values, which are new space.
        unsafe {
            out.cast::<[u8; TIME_BYTES]>().write_unaligned(time.to_le_bytes());
            let values = out.add(TIME_BYTES);
            values.copy_from_nonoverlapping(self.values.as_ptr(), self.values.len());
        }
    }
}

#[cfg(test)]
mod tests;
