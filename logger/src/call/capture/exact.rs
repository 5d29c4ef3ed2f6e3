//! Types that the decoder prints as `format!` would, by `Display`, `LowerHex` and the like.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, Saturating, Wrapping};
use std::rc::Rc;
use std::sync::Arc;

use crate::call::registers::{ByValue, Captured};
#[cfg(feature = "chrono")]
use crate::value::Zone;
use crate::value::{Hexdump, Value};

/// A recorded type that the decoder prints as `format!` would, by every trait but `Debug`, for
/// which being a [`Value`] is enough.
pub trait ExactDisplay: Value {
    /// The value that is passed to the hot path. It is recorded as the same type.
    type InRegister<'a>: Captured
    where
        Self: 'a;

    /// The passed form of a value.
    fn exact_display(&self) -> Self::InRegister<'_>;
}

macro_rules! exact_by_value {
    ($($ty:ty),+ $(,)?) => {$(
        impl ExactDisplay for $ty {
            type InRegister<'a>
                = <Self as ByValue>::InRegister<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn exact_display(&self) -> Self::InRegister<'_> {
                self.by_value()
            }
        }
    )+};
}

exact_by_value! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, str, String,
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    Cow<'_, str>,
}

macro_rules! exact {
    ($($ty:ty),+ $(,)?) => {$(
        impl ExactDisplay for $ty {
            type InRegister<'a>
                = &'a Self
            where
                Self: 'a;

            #[inline(always)]
            fn exact_display(&self) -> &Self {
                self
            }
        }
    )+};
}

exact! { IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, Hexdump<'_> }

#[cfg(feature = "uuid")]
exact! { uuid::Uuid }

#[cfg(feature = "chrono")]
exact! {
    chrono::NaiveDateTime, chrono::NaiveDate, chrono::NaiveTime, chrono::TimeDelta, chrono::FixedOffset,
}

#[cfg(feature = "chrono")]
impl<Z: chrono::TimeZone<Offset: Zone>> ExactDisplay for chrono::DateTime<Z> {
    type InRegister<'a>
        = &'a Self
    where
        Self: 'a;

    #[inline(always)]
    fn exact_display(&self) -> &Self {
        self
    }
}

#[cfg(feature = "jiff")]
exact! {
    jiff::Timestamp, jiff::ZonedDateTime, jiff::civil::DateTime, jiff::civil::Date, jiff::civil::Time,
    jiff::SignedDuration, jiff::Span, jiff::tz::Offset,
}

#[cfg(feature = "time")]
exact! {
    time::OffsetDateTime, time::UtcDateTime, time::PrimitiveDateTime, time::Date, time::Time, time::UtcOffset,
    time::Duration,
}

#[cfg(feature = "rust_decimal")]
exact! { rust_decimal::Decimal }

#[cfg(feature = "bytes")]
exact! { bytes::Bytes, bytes::BytesMut }

#[cfg(feature = "url")]
exact! { url::Url }

#[cfg(feature = "ordered-float")]
exact! {
    ordered_float::OrderedFloat<f32>, ordered_float::OrderedFloat<f64>,
    ordered_float::NotNan<f32>, ordered_float::NotNan<f64>,
}

/// Types that print as their only field.
macro_rules! exact_transparent {
    ($($ty:ident)+) => {$(
        impl<T: ExactDisplay> ExactDisplay for $ty<T> {
            type InRegister<'a>
                = T::InRegister<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn exact_display(&self) -> T::InRegister<'_> {
                self.0.exact_display()
            }
        }
    )+};
}

exact_transparent! { Wrapping Saturating }

macro_rules! exact_pointers {
    ($($ty:ty),+) => {$(
        impl<T: ExactDisplay + ?Sized> ExactDisplay for $ty {
            type InRegister<'a>
                = T::InRegister<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn exact_display(&self) -> T::InRegister<'_> {
                T::exact_display(self)
            }
        }
    )+};
}

exact_pointers! { &T, &mut T, Box<T>, Rc<T>, Arc<T> }
