//! Types of other packages, each behind the feature of its name: stored as integers, bytes or strings, under a
//! reserved name, by which the decoder prints them as they print themselves.

#[cfg(feature = "chrono")]
mod chrono;

#[cfg(feature = "chrono")]
pub(crate) use self::chrono::Zone;

#[cfg(any(
    feature = "uuid",
    feature = "chrono",
    feature = "jiff",
    feature = "time",
    feature = "rust_decimal",
    feature = "bytes",
    feature = "url"
))]
use super::named::named;

/// Types that are recorded as they are.
#[cfg(any(
    feature = "uuid",
    feature = "chrono",
    feature = "jiff",
    feature = "time",
    feature = "rust_decimal",
    feature = "bytes",
    feature = "url"
))]
macro_rules! packages {
    ($($ty:ty: $name:ident, |$value:ident| $parts:expr => $tuple:ty;)+) => {
        named! {
            $([] $ty: stenolog_format::types::reserved::$name, Tuple [], |$value| $parts => $tuple;)+
        }

        $(
            impl crate::value::AsRecord for $ty {
                type As<'a>
                    = &'a Self
                where
                    Self: 'a;

                #[inline]
                fn as_record(&self) -> &Self {
                    self
                }

                #[inline]
                fn prepare(&self, into: &mut crate::value::Buffer) {
                    into.put(self);
                }
            }

            impl crate::value::Shown for $ty {}
        )+
    };
}
#[cfg(feature = "chrono")]
use packages;

#[cfg(feature = "uuid")]
packages! {
    ::uuid::Uuid: UUID, |id| (id.into_bytes(),) => ([u8; 16],);
}

#[cfg(feature = "jiff")]
mod jiff {
    use ::jiff::{SignedDuration, Span, Timestamp, ZonedDateTime, civil, tz};

    use super::named;

    /// The name of a zone, as `ZonedDateTime` shows it; empty if it shows the offset instead.
    fn zone(time: &ZonedDateTime) -> &str {
        let zone = time.time_zone();
        if zone.is_unknown() { "Etc/Unknown" } else { zone.iana_name().unwrap_or_default() }
    }

    packages! {
        Timestamp: JIFF_TIMESTAMP,
            |time| (time.as_second(), time.subsec_nanosecond()) => (i64, i32);
        ZonedDateTime: JIFF_ZONED, |time| (
            time.timestamp().as_second(),
            time.timestamp().subsec_nanosecond(),
            time.offset().seconds(),
            zone(time)
        ) => (i64, i32, i32, &str);
        civil::DateTime: JIFF_DATE_TIME, |time| (
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.subsec_nanosecond()
        ) => (i16, i8, i8, i8, i8, i8, i32);
        civil::Date: JIFF_DATE, |date| (date.year(), date.month(), date.day()) => (i16, i8, i8);
        civil::Time: JIFF_TIME,
            |time| (time.hour(), time.minute(), time.second(), time.subsec_nanosecond())
            => (i8, i8, i8, i32);
        SignedDuration: JIFF_DURATION,
            |duration| (duration.as_secs(), duration.subsec_nanos()) => (i64, i32);
        Span: JIFF_SPAN, |span| (
            span.get_years(),
            span.get_months(),
            span.get_weeks(),
            span.get_days(),
            span.get_hours(),
            span.get_minutes(),
            span.get_seconds(),
            span.get_milliseconds(),
            span.get_microseconds(),
            span.get_nanoseconds()
        ) => (i16, i32, i32, i32, i32, i64, i64, i64, i64, i64);
        tz::Offset: JIFF_OFFSET, |offset| (offset.seconds(),) => (i32,);
    }
}

#[cfg(feature = "time")]
mod time {
    use ::time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime, UtcOffset};

    use super::named;

    /// The Julian day of 1970-01-01.
    const EPOCH: i32 = 2_440_588;

    packages! {
        OffsetDateTime: TIME_OFFSET,
            |time| (time.unix_timestamp(), time.nanosecond(), time.offset().whole_seconds())
            => (i64, u32, i32);
        UtcDateTime: TIME_UTC, |time| (time.unix_timestamp(), time.nanosecond()) => (i64, u32);
        PrimitiveDateTime: TIME_PRIMITIVE,
            |time| (time.assume_utc().unix_timestamp(), time.nanosecond()) => (i64, u32);
        Date: TIME_DATE, |date| (date.to_julian_day() - EPOCH,) => (i32,);
        Time: TIME_TIME, |time| (
            u32::from(time.hour()) * 3600 + u32::from(time.minute()) * 60 + u32::from(time.second()),
            time.nanosecond()
        ) => (u32, u32);
        UtcOffset: TIME_UTC_OFFSET, |offset| (offset.whole_seconds(),) => (i32,);
        Duration: TIME_DURATION,
            |duration| (duration.whole_seconds(), duration.subsec_nanoseconds()) => (i64, i32);
    }
}

#[cfg(feature = "rust_decimal")]
mod decimal {
    use rust_decimal::Decimal;
    use stenolog_format::types::reserved::NEGATIVE_ZERO;

    use super::named;

    fn parts(number: &Decimal) -> (i128, u8) {
        let is_negative_zero = number.is_zero() && number.is_sign_negative();
        let sign = if is_negative_zero { NEGATIVE_ZERO } else { 0 };
        (number.mantissa(), number.scale() as u8 | sign)
    }

    packages! {
        Decimal: DECIMAL, |number| parts(number) => (i128, u8);
    }
}

#[cfg(feature = "bytes")]
packages! {
    ::bytes::Bytes: BYTES, |bytes| (&**bytes,) => (&[u8],);
    ::bytes::BytesMut: BYTES, |bytes| (&**bytes,) => (&[u8],);
}

#[cfg(feature = "url")]
packages! {
    ::url::Url: URL, |url| (url.as_str(),) => (&str,);
}
