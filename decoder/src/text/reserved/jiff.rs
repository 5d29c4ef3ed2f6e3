//! Values of `jiff`, printed as its version 1 does: no width, a precision only for seconds.

use std::fmt::{self, Write};

use stenolog_format::types::reserved as names;
use stenolog_format::value::{Product, Value};

use super::calendar::{Date, clock, split};
use super::{integer, integers, is_below_second, nanos};

#[derive(Debug)]
pub(crate) enum Jiff<'v> {
    /// Seconds since the Unix epoch, rounded down, and nanoseconds.
    Timestamp(i64, u32),
    /// The same, the offset, and the name of the zone.
    Zoned(i64, u32, i64, &'v str),
    DateTime(Date, Clock),
    Date(Date),
    Time(Clock),
    /// Seconds and nanoseconds of the same sign.
    Duration(i64, i32),
    /// Years, months … nanoseconds.
    Span([i64; 10]),
    Offset(i64),
}

/// Hour, minute, second and nanoseconds.
type Clock = (u32, u32, u32, u32);

/// A zone that is not known, as jiff calls it.
const UNKNOWN: &str = "Etc/Unknown";

impl<'v> Jiff<'v> {
    pub(super) fn of(product: &'v Product<'v>) -> Option<Self> {
        Some(match product.name {
            names::JIFF_TIMESTAMP => {
                let [seconds, part] = integers(product)?;
                let (seconds, nanos) = floor(seconds, part)?;
                Self::Timestamp(seconds, nanos)
            }
            names::JIFF_ZONED => match product.fields.as_slice() {
                [(_, seconds), (_, part), (_, offset), (_, Value::Str(zone))] => {
                    let (seconds, nanos) = floor(integer(seconds)?, integer(part)?)?;
                    Self::Zoned(seconds, nanos, offset_of(integer(offset)?)?, zone)
                }
                _ => return None,
            },
            names::JIFF_DATE_TIME => {
                let [year, month, day, hour, minute, second, part] = integers(product)?;
                Self::DateTime(date(year, month, day)?, time(hour, minute, second, part)?)
            }
            names::JIFF_DATE => {
                let [year, month, day] = integers(product)?;
                Self::Date(date(year, month, day)?)
            }
            names::JIFF_TIME => {
                let [hour, minute, second, part] = integers(product)?;
                Self::Time(time(hour, minute, second, part)?)
            }
            names::JIFF_DURATION => {
                let [seconds, part] = integers(product)?;
                is_below_second(part)?;
                Self::Duration(seconds, part as i32)
            }
            names::JIFF_SPAN => Self::Span(integers(product)?),
            names::JIFF_OFFSET => {
                let [offset] = integers(product)?;
                Self::Offset(offset_of(offset)?)
            }
            _ => return None,
        })
    }

    pub(super) fn fmt(&self, is_debug: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timestamp(seconds, nanos) => {
                write_moment(f, *seconds, *nanos)?;
                f.write_str("Z")
            }
            Self::Zoned(seconds, nanos, offset, zone) => {
                write_moment(f, seconds.saturating_add(*offset), *nanos)?;
                if *zone == UNKNOWN {
                    return write!(f, "Z[{zone}]");
                }
                write_rounded_offset(f, *offset)?;
                if !zone.is_empty() {
                    return write!(f, "[{zone}]");
                }
                f.write_str("[")?;
                write_rounded_offset(f, *offset)?;
                f.write_str("]")
            }
            Self::DateTime(date, time) => {
                write_date(f, date)?;
                f.write_str("T")?;
                write_time(f, *time)
            }
            Self::Date(date) => write_date(f, date),
            Self::Time(time) => write_time(f, *time),
            Self::Duration(seconds, part) if is_debug && f.alternate() => {
                debug_duration(*seconds, *part, f)
            }
            Self::Duration(seconds, part) => {
                let is_negative = *seconds < 0 || *part < 0;
                let (seconds, part) = (seconds.unsigned_abs(), part.unsigned_abs());
                let parts = [
                    seconds / 3600,
                    seconds / 60 % 60,
                    seconds % 60,
                    (part / 1_000_000).into(),
                    (part / 1000 % 1000).into(),
                    (part % 1000).into(),
                ];
                if is_debug || f.alternate() {
                    return write_friendly(f, is_negative, &parts);
                }
                write_iso_duration(f, is_negative, seconds, part)
            }
            Self::Span(parts) => {
                let is_negative = parts.iter().any(|part| *part < 0);
                let parts = parts.map(i64::unsigned_abs);
                if is_debug || f.alternate() {
                    return write_friendly(f, is_negative, &parts);
                }
                write_iso_span(f, is_negative, parts)
            }
            Self::Offset(offset) if is_debug => {
                let sign = if *offset < 0 { "-" } else { "" };
                let (hours, minutes, seconds) = clock(offset.unsigned_abs() as u32);
                write!(f, "{sign}{hours:02}:{minutes:02}:{seconds:02}")
            }
            Self::Offset(offset) => {
                let sign = if *offset < 0 { "-" } else { "+" };
                let (hours, minutes, seconds) = clock(offset.unsigned_abs() as u32);
                write!(f, "{sign}{hours:02}")?;
                if minutes != 0 || seconds != 0 {
                    write!(f, ":{minutes:02}")?;
                }
                if seconds != 0 { write!(f, ":{seconds:02}") } else { Ok(()) }
            }
        }
    }

    pub(super) fn moment(&self) -> Option<(i64, u32)> {
        match *self {
            Self::Timestamp(seconds, nanos) | Self::Zoned(seconds, nanos, ..) => {
                Some((seconds, nanos))
            }
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

/// Seconds rounded down.
fn floor(seconds: i64, part: i64) -> Option<(i64, u32)> {
    if part < 0 {
        return Some((seconds.checked_sub(1)?, nanos(1_000_000_000_i64.checked_add(part)?)?));
    }
    Some((seconds, nanos(part)?))
}

fn offset_of(seconds: i64) -> Option<i64> {
    (-86_400 * 10..=86_400 * 10).contains(&seconds).then_some(seconds)
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    Some(Date { year, month: u8::try_from(month).ok()?, day: u8::try_from(day).ok()? })
}

fn time(hour: i64, minute: i64, second: i64, part: i64) -> Option<Clock> {
    let [hour, minute, second] = [hour, minute, second].map(u32::try_from);
    Some((hour.ok()?, minute.ok()?, second.ok()?, nanos(part)?))
}

fn write_moment(f: &mut fmt::Formatter<'_>, seconds: i64, nanos: u32) -> fmt::Result {
    let (days, of_day) = split(seconds);
    let (hour, minute, second) = clock(of_day);
    write_date(f, &Date::of_days(days))?;
    f.write_str("T")?;
    write_time(f, (hour, minute, second, nanos))
}

fn write_date(f: &mut fmt::Formatter<'_>, date: &Date) -> fmt::Result {
    let sign = if date.year < 0 { "-00" } else { "" };
    write!(f, "{sign}{:04}-{:02}-{:02}", date.year.unsigned_abs(), date.month, date.day)
}

fn write_time(f: &mut fmt::Formatter<'_>, (hour, minute, second, nanos): Clock) -> fmt::Result {
    let precision = f.precision();
    write!(f, "{hour:02}:{minute:02}:{second:02}")?;
    match precision {
        Some(0) => Ok(()),
        None if nanos == 0 => Ok(()),
        _ => write_fraction(f, nanos, precision),
    }
}

/// A point, and as many of the nine digits as are asked for, or are not zeros at the end.
fn write_fraction(f: &mut dyn Write, nanos: u32, precision: Option<usize>) -> fmt::Result {
    let digits = format!("{nanos:09}");
    let digits = match precision {
        Some(precision) => digits.get(..precision.min(digits.len())).unwrap_or_default(),
        None => digits.trim_end_matches('0'),
    };
    write!(f, ".{digits}")
}

/// Hours and minutes, rounded from seconds.
fn write_rounded_offset(f: &mut dyn Write, offset: i64) -> fmt::Result {
    const MOST: u64 = 25 * 60 + 59;
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = ((offset.unsigned_abs() + 30) / 60).min(MOST);
    write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn debug_duration(seconds: i64, part: i32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if part == 0 {
        fmt::Display::fmt(&seconds, f)?;
        return f.write_str("s");
    }
    if seconds == 0 {
        fmt::Display::fmt(&part, f)?;
    } else {
        fmt::Display::fmt(&seconds, f)?;
        f.write_str("s ")?;
        fmt::Display::fmt(&part.unsigned_abs(), f)?;
    }
    f.write_str("ns")
}

/// `1h 30m ago`: all parts that are not zero, of which the last ones are hours to nanoseconds.
fn write_friendly(f: &mut dyn Write, is_negative: bool, parts: &[u64]) -> fmt::Result {
    const UNITS: [&str; 10] = ["y", "mo", "w", "d", "h", "m", "s", "ms", "µs", "ns"];
    let mut space = "";
    let units = UNITS.iter().skip(UNITS.len().saturating_sub(parts.len()));
    for (part, unit) in parts.iter().zip(units).filter(|(part, _)| **part != 0) {
        write!(f, "{space}{part}{unit}")?;
        space = " ";
    }
    if space.is_empty() {
        return f.write_str("0s");
    }
    f.write_str(if is_negative { " ago" } else { "" })
}

fn write_iso_duration(
    f: &mut dyn Write,
    is_negative: bool,
    seconds: u64,
    nanos: u32,
) -> fmt::Result {
    f.write_str(if is_negative { "-PT" } else { "PT" })?;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    for (part, unit) in [(hours, 'H'), (minutes, 'M')] {
        if part != 0 {
            write!(f, "{part}{unit}")?;
        }
    }
    if seconds < 60 || rest != 0 || nanos != 0 {
        write_iso_seconds(f, rest, nanos)?;
    }
    Ok(())
}

fn write_iso_seconds(f: &mut dyn Write, seconds: u64, nanos: u32) -> fmt::Result {
    write!(f, "{seconds}")?;
    if nanos != 0 {
        write_fraction(f, nanos, None)?;
    }
    f.write_char('S')
}

fn write_iso_span(f: &mut dyn Write, is_negative: bool, parts: [u64; 10]) -> fmt::Result {
    let [years, months, weeks, days, hours, minutes, seconds, millis, micros, nanos] = parts;
    f.write_str(if is_negative { "-P" } else { "P" })?;
    let write = |f: &mut dyn Write, part: u64, unit: char| match part {
        0 => Ok(()),
        _ => write!(f, "{part}{unit}"),
    };
    let calendar = [(years, 'Y'), (months, 'M'), (weeks, 'W'), (days, 'D')];
    for (part, unit) in calendar {
        write(f, part, unit)?;
    }
    let subseconds = [millis, micros, nanos].iter().any(|part| *part != 0);
    if hours == 0 && minutes == 0 && seconds == 0 && !subseconds {
        let is_zero = calendar.iter().all(|(part, _)| *part == 0);
        return f.write_str(if is_zero { "T0S" } else { "" });
    }
    f.write_char('T')?;
    write(f, hours, 'H')?;
    write(f, minutes, 'M')?;
    if !subseconds {
        return write(f, seconds, 'S');
    }
    let all = u128::from(seconds) * 1_000_000_000
        + u128::from(millis) * 1_000_000
        + u128::from(micros) * 1000
        + u128::from(nanos);
    let (seconds, nanos) = (all / 1_000_000_000, (all % 1_000_000_000) as u32);
    write_iso_seconds(f, u64::try_from(seconds).unwrap_or(u64::MAX), nanos)
}
