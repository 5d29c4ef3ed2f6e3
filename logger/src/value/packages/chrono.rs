//! Types of `chrono`. A `DateTime` of a zone whose offset is not fixed, as in `chrono-tz`, is formatted at the
//! call: what it prints is known to the zone alone.

use ::chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone, Timelike as _, Utc,
};
use stenolog_format::types::{Shape, Type, reserved};

use super::{named, packages};
use crate::value::{AsRecord, Bound, Buffer, Shown, Value, named::described, signature};

/// Days from the first day of the year 1 to 1970-01-01, counted from 1.
const EPOCH: i32 = 719_163;

packages! {
    NaiveDateTime: CHRONO_NAIVE,
        |time| (time.and_utc().timestamp(), time.nanosecond()) => (i64, u32);
    NaiveDate: CHRONO_DATE, |date| (date.num_days_from_ce() - EPOCH,) => (i32,);
    NaiveTime: CHRONO_TIME,
        |time| (time.num_seconds_from_midnight(), time.nanosecond()) => (u32, u32);
    TimeDelta: CHRONO_DELTA,
        |delta| (delta.num_seconds(), delta.subsec_nanos()) => (i64, i32);
    FixedOffset: CHRONO_OFFSET, |offset| (offset.local_minus_utc(),) => (i32,);
}

/// Offsets of zones whose times are recorded as they are. Not for other implementors.
pub trait Zone: Offset {
    /// The name of the type.
    #[doc(hidden)]
    const NAME: &'static str;

    /// What is recorded.
    #[doc(hidden)]
    type Parts: Value;

    /// The parts of a time.
    #[doc(hidden)]
    fn parts(&self, seconds: i64, nanos: u32) -> Self::Parts;
}

impl Zone for Utc {
    const NAME: &'static str = reserved::CHRONO_UTC;
    type Parts = (i64, u32);

    #[inline]
    fn parts(&self, seconds: i64, nanos: u32) -> (i64, u32) {
        (seconds, nanos)
    }
}

impl Zone for FixedOffset {
    const NAME: &'static str = reserved::CHRONO_FIXED;
    type Parts = (i64, u32, i32);

    #[inline]
    fn parts(&self, seconds: i64, nanos: u32) -> (i64, u32, i32) {
        (seconds, nanos, self.local_minus_utc())
    }
}

// SAFETY: integers of fixed size.
unsafe impl<Z: TimeZone<Offset: Zone>> Value for DateTime<Z> {
    const SIGNATURE: u64 = signature::mix_str(
        <<Z::Offset as Zone>::Parts as Value>::SIGNATURE,
        <Z::Offset as Zone>::NAME,
    );
    const FIXED_SIZE: Option<usize> = <<Z::Offset as Zone>::Parts as Value>::FIXED_SIZE;
    const BOUND: Bound = Bound::product(
        <Z::Offset as Zone>::NAME,
        &[],
        &[<<Z::Offset as Zone>::Parts as Value>::BOUND],
    );

    fn describe() -> Type {
        let parts = <<Z::Offset as Zone>::Parts as Value>::describe();
        described(<Z::Offset as Zone>::NAME, Shape::Tuple, &[], parts)
    }

    #[inline]
    fn size(&self) -> usize {
        let parts = self.offset().parts(self.timestamp(), self.timestamp_subsec_nanos());
        parts.size()
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        let parts = self.offset().parts(self.timestamp(), self.timestamp_subsec_nanos());
        // SAFETY: the caller grants the size of the parts.
        unsafe { parts.write(out) }
    }
}

impl<Z: TimeZone<Offset: Zone>> AsRecord for DateTime<Z> {
    type As<'a>
        = &'a Self
    where
        Self: 'a;

    #[inline]
    fn as_record(&self) -> &Self {
        self
    }

    #[inline]
    fn prepare(&self, into: &mut Buffer) {
        into.put(self);
    }
}

impl<Z: TimeZone<Offset: Zone>> Shown for DateTime<Z> {}
