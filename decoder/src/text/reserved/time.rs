//! Values of the package `time`, printed as it does.

use std::fmt::{self, Write as _};

use stenolog_format::types::reserved as names;
use stenolog_format::value::Product;

use super::calendar::{Date, clock, split};
use super::{integers, is_below_second, nanos};

#[derive(Debug)]
pub(crate) enum Time {
    /// Seconds since the Unix epoch, nanoseconds, and the offset.
    Offset(i64, u32, i64),
    Utc(i64, u32),
    Primitive(i64, u32),
    /// Days since the Unix epoch.
    Date(i64),
    /// Seconds and nanoseconds of a day.
    OfDay(u32, u32),
    UtcOffset(i64),
    /// Seconds and nanoseconds of the same sign.
    Duration(i64, i32),
}

impl Time {
    pub(super) fn of(product: &Product<'_>) -> Option<Self> {
        Some(match product.name {
            names::TIME_OFFSET => {
                let [seconds, part, offset] = integers(product)?;
                Self::Offset(seconds, nanos(part)?, of_day(offset)?)
            }
            names::TIME_UTC => {
                let [seconds, part] = integers(product)?;
                Self::Utc(seconds, nanos(part)?)
            }
            names::TIME_PRIMITIVE => {
                let [seconds, part] = integers(product)?;
                Self::Primitive(seconds, nanos(part)?)
            }
            names::TIME_DATE => {
                let [days] = integers(product)?;
                Self::Date(days)
            }
            names::TIME_TIME => {
                let [seconds, part] = integers(product)?;
                Self::OfDay(u32::try_from(seconds).ok()?, nanos(part)?)
            }
            names::TIME_UTC_OFFSET => {
                let [offset] = integers(product)?;
                Self::UtcOffset(of_day(offset)?)
            }
            names::TIME_DURATION => {
                let [seconds, part] = integers(product)?;
                is_below_second(part)?;
                Self::Duration(seconds, part as i32)
            }
            _ => return None,
        })
    }

    /// `Display`, which `Debug` is as well, except of durations.
    pub(super) fn fmt(&self, is_debug: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        match *self {
            Self::Duration(seconds, part) if is_debug => {
                let mut fields = f.debug_struct("SignedDuration");
                return fields.field("seconds", &seconds).field("nanoseconds", &part).finish();
            }
            Self::Duration(seconds, part) => return write_duration(seconds, part, f),
            Self::Offset(seconds, nanos, offset) => {
                put_moment(&mut text, seconds.saturating_add(offset), nanos);
                text.push(' ');
                put_offset(&mut text, offset);
            }
            Self::Utc(seconds, nanos) => {
                put_moment(&mut text, seconds, nanos);
                text.push_str(" +00");
            }
            Self::Primitive(seconds, nanos) => put_moment(&mut text, seconds, nanos),
            Self::Date(days) => put_date(&mut text, days),
            Self::OfDay(seconds, nanos) => put_time(&mut text, seconds, nanos),
            Self::UtcOffset(offset) => put_offset(&mut text, offset),
        }
        f.pad(&text)
    }

    pub(super) fn moment(&self) -> Option<(i64, u32)> {
        match *self {
            Self::Offset(seconds, nanos, _) | Self::Utc(seconds, nanos) => Some((seconds, nanos)),
            _ => None,
        }
    }

    pub(super) fn duration(&self) -> Option<(i64, i32)> {
        match *self {
            Self::Duration(seconds, nanos) => Some((seconds, nanos)),
            _ => None,
        }
    }
}

/// A difference of less than two days.
fn of_day(offset: i64) -> Option<i64> {
    (-172_800..172_800).contains(&offset).then_some(offset)
}

fn put_moment(text: &mut String, seconds: i64, nanos: u32) {
    let (days, of_day) = split(seconds);
    put_date(text, days);
    text.push(' ');
    put_time(text, of_day, nanos);
}

fn put_date(text: &mut String, days: i64) {
    let Date { year, month, day } = Date::of_days(days);
    let sign = match year {
        ..0 => "-",
        10_000.. => "+",
        _ => "",
    };
    // Writing to a string cannot fail.
    let _ = write!(text, "{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs());
}

fn put_time(text: &mut String, of_day: u32, nanos: u32) {
    let (hour, minute, second) = clock(of_day);
    let _ = write!(text, "{hour}:{minute:02}:{second:02}.");
    let digits = format!("{nanos:09}");
    text.push_str(match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    });
}

fn put_offset(text: &mut String, offset: i64) {
    let (hour, minute, second) = clock(offset.unsigned_abs() as u32);
    let sign = if offset < 0 { '-' } else { '+' };
    let _ = write!(text, "{sign}{hour:02}:{minute:02}:{second:02}");
}

fn write_duration(seconds: i64, part: i32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let is_zero = seconds == 0 && part == 0;
    if seconds < 0 || part < 0 {
        f.write_str("-")?;
    }
    let (seconds, nanos) = (seconds.unsigned_abs(), part.unsigned_abs());
    if f.precision().is_some() {
        let of_seconds = std::time::Duration::new(seconds, nanos).as_secs_f64();
        let units = [
            ("d", of_seconds / 86_400.0),
            ("h", of_seconds / 3600.0),
            ("m", of_seconds / 60.0),
            ("s", of_seconds),
            ("ms", of_seconds * 1000.0),
            ("µs", of_seconds * 1_000_000.0),
            ("ns", of_seconds * 1_000_000_000.0),
        ];
        let unit = units.iter().find(|(_, value)| *value >= 1.0);
        let (unit, value) = match unit {
            _ if is_zero => ("s", 0.0),
            Some((unit, value)) => (*unit, *value),
            None => return Ok(()),
        };
        fmt::Display::fmt(&value, f)?;
        return f.write_str(unit);
    }
    if is_zero {
        return f.write_str("0s");
    }
    let parts = [
        ("d", seconds / 86_400),
        ("h", seconds / 3600 % 24),
        ("m", seconds / 60 % 60),
        ("s", seconds % 60),
        ("ms", (nanos / 1_000_000).into()),
        ("µs", (nanos / 1000 % 1000).into()),
        ("ns", (nanos % 1000).into()),
    ];
    for (unit, part) in parts.into_iter().filter(|(_, part)| *part != 0) {
        fmt::Display::fmt(&part, f)?;
        f.write_str(unit)?;
    }
    Ok(())
}
