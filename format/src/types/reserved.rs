//! Reserved names of structs: each stands for a type that Rust programs have from elsewhere.
//!
//! No program can give a struct of its own a name with `::`. A reader that knows it shows the
//! value as that type's `Display` and `Debug` do; one that does not shows the parts, and loses nothing. The
//! parts are those of a tuple struct unless noted. `FORMAT.md` section 6 describes them.

/// `uuid::Uuid`: 16 bytes.
pub const UUID: &str = "uuid::Uuid";
/// `chrono::DateTime<Utc>`: seconds since the Unix epoch (`i64`), nanoseconds (`u32`).
pub const CHRONO_UTC: &str = "chrono::DateTime<Utc>";
/// `chrono::DateTime<FixedOffset>`: as in UTC, then the seconds east of it (`i32`).
pub const CHRONO_FIXED: &str = "chrono::DateTime<FixedOffset>";
/// `chrono::NaiveDateTime`: as if it were in UTC.
pub const CHRONO_NAIVE: &str = "chrono::NaiveDateTime";
/// `chrono::NaiveDate`: days since 1970-01-01 (`i32`).
pub const CHRONO_DATE: &str = "chrono::NaiveDate";
/// `chrono::NaiveTime`: seconds (`u32`), nanoseconds (`u32`, above 10⁹ in a leap second).
pub const CHRONO_TIME: &str = "chrono::NaiveTime";
/// `chrono::TimeDelta`: seconds (`i64`), rounded towards zero; nanoseconds (`i32`) of the same sign.
pub const CHRONO_DELTA: &str = "chrono::TimeDelta";
/// `chrono::FixedOffset`: seconds east of UTC (`i32`).
pub const CHRONO_OFFSET: &str = "chrono::FixedOffset";
/// `jiff::Timestamp`: seconds since the Unix epoch (`i64`), nanoseconds (`i32`), of the same sign.
pub const JIFF_TIMESTAMP: &str = "jiff::Timestamp";
/// `jiff::ZonedDateTime`: as a timestamp, then seconds east of UTC (`i32`), and the IANA name of the zone (string;
/// empty if it has none).
pub const JIFF_ZONED: &str = "jiff::ZonedDateTime";
/// `jiff::civil::DateTime`: the parts of a date, then those of a time.
pub const JIFF_DATE_TIME: &str = "jiff::civil::DateTime";
/// `jiff::civil::Date`: year (`i16`), month (`i8`), day (`i8`).
pub const JIFF_DATE: &str = "jiff::civil::Date";
/// `jiff::civil::Time`: hour, minute, second (`i8` each), nanoseconds (`i32`).
pub const JIFF_TIME: &str = "jiff::civil::Time";
/// `jiff::SignedDuration`: seconds (`i64`), nanoseconds (`i32`), of the same sign.
pub const JIFF_DURATION: &str = "jiff::SignedDuration";
/// `jiff::Span`: years (`i16`), months, weeks, days, hours (`i32` each), minutes, seconds, milliseconds,
/// microseconds, nanoseconds (`i64` each), all of one sign.
pub const JIFF_SPAN: &str = "jiff::Span";
/// `jiff::tz::Offset`: seconds east of UTC (`i32`).
pub const JIFF_OFFSET: &str = "jiff::tz::Offset";
/// `time::OffsetDateTime`: seconds since the Unix epoch (`i64`), nanoseconds (`u32`), seconds east of UTC (`i32`).
pub const TIME_OFFSET: &str = "time::OffsetDateTime";
/// `time::UtcDateTime`: seconds since the Unix epoch (`i64`), nanoseconds (`u32`).
pub const TIME_UTC: &str = "time::UtcDateTime";
/// `time::PrimitiveDateTime`: as if it were in UTC.
pub const TIME_PRIMITIVE: &str = "time::PrimitiveDateTime";
/// `time::Date`: days since 1970-01-01 (`i32`).
pub const TIME_DATE: &str = "time::Date";
/// `time::Time`: seconds (`u32`), nanoseconds (`u32`).
pub const TIME_TIME: &str = "time::Time";
/// `time::UtcOffset`: seconds east of UTC (`i32`).
pub const TIME_UTC_OFFSET: &str = "time::UtcOffset";
/// `time::Duration`: seconds (`i64`), nanoseconds (`i32`), of the same sign.
pub const TIME_DURATION: &str = "time::Duration";
/// `rust_decimal::Decimal`: the digits as an integer (`i128`), and how many of them are after the point (`u8`);
/// with [`NEGATIVE_ZERO`] added, the number is −0.
pub const DECIMAL: &str = "rust_decimal::Decimal";
/// `bytes::Bytes` and `bytes::BytesMut`: a slice of `u8`.
pub const BYTES: &str = "bytes::Bytes";
/// `url::Url`: a string.
pub const URL: &str = "url::Url";
/// `stenolog::hexdump(..)`: a slice of `u8`, shown as a [hex dump](crate::value::write_hexdump).
pub const HEXDUMP: &str = "stenolog::Hexdump";
/// A [self-describing value](crate::value::dynamic): a slice of `u8`.
pub const DYNAMIC: &str = "stenolog::Dynamic";
/// `Range`: the fields `start` and `end` of a struct.
pub const RANGE: &str = "std::Range";
/// `RangeInclusive`: the fields `start` and `end` of a struct.
pub const RANGE_INCLUSIVE: &str = "std::RangeInclusive";
/// `RangeFrom`: the field `start` of a struct.
pub const RANGE_FROM: &str = "std::RangeFrom";
/// `RangeTo`: the field `end` of a struct.
pub const RANGE_TO: &str = "std::RangeTo";
/// `RangeToInclusive`: the field `end` of a struct.
pub const RANGE_TO_INCLUSIVE: &str = "std::RangeToInclusive";
/// `PhantomData`: its `Debug`, as formatted text.
pub const PHANTOM: &str = "std::PhantomData";

/// See [`DECIMAL`].
pub const NEGATIVE_ZERO: u8 = 0x80;

/// Whether no program can give this name to a struct.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    name.as_bytes().contains(&b':')
}
