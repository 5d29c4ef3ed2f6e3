//! Points in time as people type them: `14:30`, `yesterday`, `-2h`, `@1780000000`, RFC 3339.

use chrono::{
    DateTime, Days, Duration, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    SecondsFormat, Utc,
};
use stenolog_decoder::Zone;

/// The end of a range that a point in time is for.
///
/// It matters only for an hour that clocks show twice: the range then includes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// The first moment to show.
    Since,
    /// The last moment to show.
    Until,
}

/// A word that is not a point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    /// It has no known form.
    #[error(
        "'{0}' is not a time: use '2026-05-31 14:30', '14:30', 'yesterday', '-2h', '@1780000000' or RFC 3339"
    )]
    Form(String),
    /// It is a relative time whose unit is missing or unknown.
    #[error(
        "'{0}' has a number without a known unit: use ns, us, ms, s, m, h, d or w, as in '-1h30m'"
    )]
    Unit(String),
    /// It does not fit 64 bits as nanoseconds since the epoch.
    #[error("'{0}' is out of range: times must be between the years 1678 and 2262")]
    Range(String),
}

/// Reads `text` as a point in time, in nanoseconds since the Unix epoch.
///
/// Times without an offset are in `zone`; relative ones count from `now`.
///
/// # Errors
/// If `text` is not a point in time, or one that cannot be represented.
pub(crate) fn parse(
    text: &str,
    edge: Edge,
    zone: Zone,
    now: DateTime<Utc>,
) -> Result<i64, TimeError> {
    let trimmed = text.trim();
    let range = || TimeError::Range(text.to_owned());
    let form = || TimeError::Form(text.to_owned());
    if trimmed.eq_ignore_ascii_case("now") {
        return now.timestamp_nanos_opt().ok_or_else(range);
    }
    if let Some(epoch) = trimmed.strip_prefix('@') {
        return match epoch_ns(epoch) {
            None => Err(form()),
            Some(ns) => i64::try_from(ns).map_err(|_| range()),
        };
    }
    if let Some((sign, span)) = relative(trimmed) {
        let now = now.timestamp_nanos_opt().ok_or_else(range)?;
        let span = span_ns(span).ok_or_else(|| TimeError::Unit(text.to_owned()))?;
        return i64::try_from(i128::from(now).saturating_add(sign * span)).map_err(|_| range());
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(trimmed) {
        return time.timestamp_nanos_opt().ok_or_else(range);
    }
    let (civil, zone) = match (trimmed.strip_suffix(['Z', 'z']), split_offset(trimmed)) {
        (Some(civil), _) => (civil, Zone::UTC),
        (None, Some((civil, offset))) => {
            (civil, Zone::fixed(offset.local_minus_utc()).map_err(|_| form())?)
        }
        (None, None) => (trimmed, zone),
    };
    let time = civil_time(civil, zone, now).ok_or_else(form)?;
    to_utc(time, edge, zone).and_then(|time| time.timestamp_nanos_opt()).ok_or_else(range)
}

/// A time for people: to the microsecond, with its offset.
pub(crate) fn show(unix_ns: i64, zone: Zone) -> String {
    let time = DateTime::from_timestamp_nanos(unix_ns);
    let is_utc = zone.is_utc();
    time.with_timezone(&offset_at(zone, time)).to_rfc3339_opts(SecondsFormat::Micros, is_utc)
}

/// Splits the offset off a time of day: in a repeated hour, `01:30-05:00` is one of two.
fn split_offset(text: &str) -> Option<(&str, FixedOffset)> {
    let (civil, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
    let is_time = civil.contains(':') && offset.starts_with(['+', '-']);
    is_time.then(|| Some((civil.trim_end(), offset.parse().ok()?)))?
}

/// Splits `-2h`, `+5m` and `2h ago` into a sign and a span.
fn relative(text: &str) -> Option<(i128, &str)> {
    if let Some(span) = text.strip_prefix('-') {
        return Some((-1, span));
    }
    if let Some(span) = text.strip_prefix('+') {
        return Some((1, span));
    }
    text.strip_suffix(" ago").map(|span| (-1, span))
}

/// Reads `1h30m` or `1.5d`.
fn span_ns(text: &str) -> Option<i128> {
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0_i128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit_ns = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" | "sec" | "second" | "seconds" => 1_000_000_000,
            "m" | "min" | "minute" | "minutes" => 60_000_000_000,
            "h" | "hour" | "hours" => 3_600_000_000_000,
            "d" | "day" | "days" => 86_400_000_000_000,
            "w" | "week" | "weeks" => 604_800_000_000_000,
            _ => return None,
        };
        sum = sum.checked_add(decimal(number, unit_ns)?)?;
        rest = after.trim_start();
    }
    Some(sum)
}

/// Reads seconds since the epoch, with up to nine decimals and a sign.
fn epoch_ns(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    Some(sign * decimal(digits, 1_000_000_000)?)
}

/// Reads a decimal number and multiplies it by `unit`; fractions of one are cut off.
fn decimal(text: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let mut sum = whole.parse::<i128>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        sum = sum.checked_add(place * i128::from(digit - b'0'))?;
    }
    Some(sum)
}

/// Reads a day, a time of day, or both, as a clock shows them.
fn civil_time(text: &str, zone: Zone, now: DateTime<Utc>) -> Option<NaiveDateTime> {
    // A `T` separates only after a digit, not within `today`.
    let split = text.char_indices().find(|&(at, c)| match c {
        ' ' => true,
        'T' | 't' => text[..at].ends_with(|c: char| c.is_ascii_digit()),
        _ => false,
    });
    match split {
        Some((at, _)) => {
            Some(day(&text[..at], zone, now)?.and_time(time_of_day(text[at + 1..].trim_start())?))
        }
        None if text.contains(':') => Some(today(zone, now).and_time(time_of_day(text)?)),
        None => Some(day(text, zone, now)?.and_time(NaiveTime::MIN)),
    }
}

fn day(text: &str, zone: Zone, now: DateTime<Utc>) -> Option<NaiveDate> {
    let today = today(zone, now);
    match text.to_ascii_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        "tomorrow" => today.checked_add_days(Days::new(1)),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    }
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M:%S%.f")
        .or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"))
        .ok()
}

/// The offset of clocks in the zone at a moment.
fn offset_at(zone: Zone, moment: DateTime<Utc>) -> FixedOffset {
    let offset = FixedOffset::east_opt(zone.offset_seconds_at(moment.timestamp()));
    // Every offset of a zone is less than a day.
    offset.unwrap_or_else(|| Utc.fix())
}

fn today(zone: Zone, now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&offset_at(zone, now)).date_naive()
}

/// No clock was ever set forward or back by more hours than these, and no zone is further from UTC.
const HOURS_AROUND: i64 = 26;

/// The moment at which clocks in the zone show `time`: of two, the one that makes the range wider.
///
/// The zone is asked only for its offset at moments, which is always unambiguous. Its conversion of local
/// times is not the same for all zones: for the local zone, the two moments may be swapped, and the bounds
/// of a repeated or skipped hour belong to it.
fn to_utc(time: NaiveDateTime, edge: Edge, zone: Zone) -> Option<DateTime<Utc>> {
    let offset_near = |hours| {
        let near = time.checked_add_signed(Duration::hours(hours))?;
        Some(offset_at(zone, near.and_utc()))
    };
    let mut moments = Vec::new();
    for offset in (-HOURS_AROUND..=HOURS_AROUND).filter_map(offset_near) {
        let moment = time.checked_sub_offset(offset)?.and_utc();
        if offset_at(zone, moment) == offset {
            moments.push(moment);
        }
    }
    let found = match edge {
        Edge::Since => moments.into_iter().min(),
        Edge::Until => moments.into_iter().max(),
    };
    // Clocks skip this time: count on from before the jump.
    let unjumped = || Some(time.checked_sub_offset(offset_near(-HOURS_AROUND)?)?.and_utc());
    found.or_else(unjumped)
}

#[cfg(test)]
mod tests;
