//! Calls whose site is described at run time: what scripting languages and the bridges stand on.
//!
//! ```text
//!   values ─▶ bytes in raw layout, and their identity     values
//!          ─▶ the shape with this identity, known or new  registry::runtime
//!          ─▶ clock, claim, copy, commit                  here: the hot path of such calls
//! ```
//!
//! Cost: the bytes are written twice, first into a buffer that the thread keeps, then into the ring. Otherwise
//! it is that of any call: no allocation, no lock and no hash for a record whose shape was seen before.

mod site;
mod template;
mod value;
mod values;

use std::panic::Location;
use std::sync::atomic::Ordering;

use stenolog_format::dictionary::{Level, Role, TimeSource};
use stenolog_format::span::{EVENT_TARGET, SpanEvent};
use stenolog_format::types::Type;

pub use self::site::DynamicSite;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use self::template::escaped;
pub use self::value::DynamicValue;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use self::values::Code;
pub(crate) use self::values::{Values, with};
use crate::call::time::TimeWord;
use crate::clock::ClockRef;
use crate::registry::runtime::{Description, Origin, RuntimeSite, Shape, ShapeSlot};
use crate::registry::site::{OFF, Site, UNKNOWN};
use crate::registry::{self, CallTypes, TypeList};
use crate::stats::DROPPED_NO_LOGGER;
use crate::thread::local::{LOCAL, Local};
use crate::thread::{self, ColdRecord, Payload};

/// The bytes of the time word.
const TIME_BYTES: usize = 8;

/// What tells apart the ids of a shape: its values have the same types always.
const fn signature<T: TimeWord>() -> u64 {
    match T::SOURCE {
        TimeSource::Counter => 1,
        TimeSource::UnixNanos => 3,
    }
}

/// The result of logging a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logged {
    /// It was logged, or counted.
    Done,
    /// There are too many call sites, or too many shapes of this one: the record must be kept as text.
    Refused,
}

impl RuntimeSite {
    /// Whether a record of this call would be logged.
    #[inline]
    pub(crate) fn is_enabled(&'static self) -> bool {
        let state = self.gate.state.load(Ordering::Relaxed);
        state > OFF || (state == UNKNOWN && self.ask())
    }

    #[cold]
    #[inline(never)]
    fn ask(&'static self) -> bool {
        let wanted = thread::wants(&self.gate);
        if wanted {
            thread::in_cold_section(|| {
                registry::open_gate(&self.gate);
                Some(())
            });
        }
        wanted
    }

    /// Logs a record. `describe` gives the template and the slots of a shape that was not seen before.
    #[inline]
    pub(crate) fn log<T: TimeWord>(
        &'static self,
        time: T,
        values: &Values,
        describe: impl FnOnce() -> (Option<String>, Vec<ShapeSlot>),
    ) -> Logged {
        match self.shape(values.identity()) {
            Some(shape) => {
                shape.log(time, values.bytes());
                Logged::Done
            }
            None => self.log_new(time, values, describe),
        }
    }

    #[cold]
    #[inline(never)]
    fn log_new<T: TimeWord>(
        &'static self,
        time: T,
        values: &Values,
        describe: impl FnOnce() -> (Option<String>, Vec<ShapeSlot>),
    ) -> Logged {
        // What it allocates may log.
        let added = thread::in_cold_section(|| {
            let (template, slots) = describe();
            Some(self.add_shape(values.identity(), template.as_deref(), slots))
        });
        match added {
            Some(Some(shape)) => {
                debug_assert!(
                    crate::value::are_readable(&shape.types, values.bytes()),
                    "not the bytes of these types"
                );
                shape.log(time, values.bytes());
            }
            Some(None) => return Logged::Refused,
            // Within another call, or in a signal handler, where no lock may be taken.
            None => _ = DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed),
        }
        Logged::Done
    }
}

/// The call site of a record event that gives one field a value of a type that the caller knows. `None` if there
/// are too many, or within a log call.
pub(crate) fn record_site(place: &Location<'_>, field: &str) -> Option<&'static Site> {
    const TYPED: &[u8] = b"typed";
    let (level, target, module) = (Level::Trace, EVENT_TARGET, EVENT_TARGET);
    let origin = Origin { level, target, module, file: place.file(), line: place.line() };
    let event = Some(SpanEvent::Record);
    let description = Description { origin, event, message: None, names: &[field] };
    thread::in_cold_section(|| {
        let named = registry::intern(&description)?;
        let shape = named.site.shape(TYPED).or_else(|| {
            let hidden = (String::new(), Role::Count, Type::U64);
            let slots = vec![hidden, (field.to_owned(), Role::Field, Type::Unit)];
            named.site.add_shape(TYPED, None, slots)
        });
        shape.map(|shape| &shape.site)
    })
}

/// Logs a record as text, because its call site was refused; `write` appends it. The caller has asked whether it
/// is wanted.
#[cold]
#[inline(never)]
pub(crate) fn log_target_as_text<T: TimeWord>(
    time: T,
    level: Level,
    target: &str,
    write: impl FnOnce(&mut String),
) {
    let mut text = String::new();
    write(&mut text);
    let site = thread::in_cold_section(|| Some(registry::as_text(level, target)));
    let Some(site) = site else {
        DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        return;
    };
    if !site.is_enabled() {
        return;
    }
    if site.origin.target != target {
        text.push_str(" target=");
        text.push_str(target);
    }
    with(|values| {
        values.message(format_args!("{text}"));
        let logged = site.log(time, values, || (Some("{0}".to_owned()), values.slots(|_| "")));
        if logged == Logged::Refused {
            DROPPED_NO_LOGGER.fetch_add(1, Ordering::Relaxed);
        }
    });
}

impl Shape {
    /// Logs a record: its values in raw layout.
    #[inline]
    pub(crate) fn log<T: TimeWord>(&'static self, time: T, values: &[u8]) {
        if !self.try_log_quick(time, values) {
            self.log_slow(time, values);
        }
    }

    /// Logs as the hot path of other calls does.
    #[inline(always)]
    fn try_log_quick<T: TimeWord>(&'static self, time: T, values: &[u8]) -> bool {
        LOCAL.with(|local: &Local| {
            let state = self.site.state.load(Ordering::Relaxed);
            let generation = (state >> 32) as u32;
            if generation != local.generation.get()
                || self.site.signature.load(Ordering::Relaxed) != const { signature::<T>() }
            {
                return false;
            }
            let Some(time) = time.read_at_once(local.clock_is_instruction.get()) else {
                return false;
            };
            local.with_open_producer(|producer| {
                let claim = producer.try_claim_quick(TIME_BYTES + values.len());
                let is_done = claim.is_some();
                if let Some(mut claim) = claim {
                    // SAFETY: the claim is as long as the time and the values.
                    unsafe { fill(claim.as_mut_ptr(), time, values) };
                    claim.commit_tagged(state as u32);
                }
                is_done
            })
        })
    }

    #[cold]
    #[inline(never)]
    fn log_slow<T: TimeWord>(&'static self, time: T, values: &[u8]) {
        thread::log(&ColdRecord {
            site: &self.site,
            signature: const { signature::<T>() },
            payload_bytes: TIME_BYTES + values.len(),
            payload: &ShapePayload { time, shape: self, values },
        });
    }
}

struct ShapePayload<'a, T> {
    time: T,
    shape: &'static Shape,
    values: &'a [u8],
}

// SAFETY: `write` writes the time and the values, which are `payload_bytes` together.
unsafe impl<T: TimeWord> Payload for ShapePayload<'_, T> {
    fn types(&self) -> CallTypes<'_> {
        let list = TypeList::Listed(&self.shape.types);
        CallTypes { signature: const { signature::<T>() }, time: T::SOURCE, list }
    }

    fn time(&self, clock: &ClockRef) -> u64 {
        self.time.read(clock)
    }

    unsafe fn write(&self, out: *mut u8, time: u64) {
        // SAFETY: the caller grants the room.
        unsafe { fill(out, time, self.values) };
    }
}

/// Writes a payload.
///
/// # Safety
/// The bytes of the time and of the values may be written from `out` on; they overlap neither.
#[inline(always)]
unsafe fn fill(out: *mut u8, time: u64, values: &[u8]) {
    // SAFETY: the caller vouches for the room.
    unsafe {
        out.cast::<[u8; TIME_BYTES]>().write_unaligned(time.to_le_bytes());
        out.add(TIME_BYTES).copy_from_nonoverlapping(values.as_ptr(), values.len());
    }
}

#[cfg(test)]
mod tests;
