//! Times as RFC 3339, made anew only as far as they differ from the one before.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Local, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The time zone in which times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Zone {
    /// Coordinated universal time, shown as `Z`.
    #[default]
    Utc,
    /// The zone of this machine.
    Local,
    /// Always this far from UTC.
    Fixed(FixedOffset),
    /// A zone of the IANA database.
    Named(Tz),
}

/// A word that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone: use utc, local, an offset (+02:00) or a name (Europe/Berlin)")]
pub struct ZoneError(String);

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        match text.to_ascii_lowercase().as_str() {
            "utc" | "z" => return Ok(Self::Utc),
            "local" => return Ok(Self::Local),
            _ => {}
        }
        if let Ok(offset) = text.parse() {
            return Ok(Self::Fixed(offset));
        }
        let named = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
        named.copied().map(Self::Named).ok_or_else(|| ZoneError(text.to_owned()))
    }
}

impl Zone {
    /// The date and time in this zone.
    fn at(self, second: i64) -> DateTime<FixedOffset> {
        let utc = DateTime::<Utc>::from_timestamp(second, 0).unwrap_or_default();
        let naive = utc.naive_utc();
        let offset = match self {
            Self::Utc => Utc.fix(),
            Self::Local => Local.offset_from_utc_datetime(&naive).fix(),
            Self::Fixed(offset) => offset,
            Self::Named(zone) => zone.offset_from_utc_datetime(&naive).fix(),
        };
        utc.with_timezone(&offset)
    }
}

/// How exactly times are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Six digits behind the point.
    Micros,
    /// Nine digits behind the point.
    Nanos,
}

/// Writes times; remembers the last one.
#[derive(Debug)]
pub(super) struct Timestamps {
    zone: Zone,
    digits: usize,
    /// What `text` shows, apart from the fraction.
    second: Option<i64>,
    text: String,
    /// Where the fraction stands in `text`.
    fraction_at: usize,
    /// What stands behind the fraction.
    offset: String,
}

impl Timestamps {
    pub(super) fn new(zone: Zone, precision: Precision) -> Self {
        let digits = match precision {
            Precision::Micros => 6,
            Precision::Nanos => 9,
        };
        Self {
            zone,
            digits,
            second: None,
            text: String::new(),
            fraction_at: 0,
            offset: String::new(),
        }
    }

    /// The time as text.
    pub(super) fn text(&mut self, unix_ns: i64) -> &str {
        let second = unix_ns.div_euclid(NANOS_PER_SECOND);
        if self.second != Some(second) {
            self.second = Some(second);
            self.write_second(second);
        }
        // With a second in front, leading zeros are digits like all others.
        let nanos = NANOS_PER_SECOND + unix_ns.rem_euclid(NANOS_PER_SECOND);
        let mut digits = itoa::Buffer::new();
        let fraction = digits.format(nanos).get(1..=self.digits).unwrap_or_default();
        self.text.truncate(self.fraction_at);
        self.text.push_str(fraction);
        self.text.push_str(&self.offset);
        &self.text
    }
}

impl Timestamps {
    fn write_second(&mut self, second: i64) {
        let time = self.zone.at(second);
        self.text.clear();
        self.offset.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{}.", time.format("%Y-%m-%dT%H:%M:%S"));
        self.fraction_at = self.text.len();
        let _ = match self.zone {
            Zone::Utc => write!(self.offset, "Z"),
            _ => write!(self.offset, "{}", time.format("%:z")),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, unix_ns: i64, expected: &str) {
        let mut timestamps = Timestamps::new(zone.parse().unwrap(), Precision::Nanos);
        assert_eq!(timestamps.text(unix_ns), expected);
    }

    #[test]
    fn moments_in_zones() {
        check("utc", 0, "1970-01-01T00:00:00.000000000Z");
        check("utc", -1, "1969-12-31T23:59:59.999999999Z");
        check("+05:30", 1_000_000_001, "1970-01-01T05:30:01.000000001+05:30");
        check("Europe/Berlin", 1_790_000_000_123_456_789, "2026-09-21T16:13:20.123456789+02:00");
        check("Europe/Berlin", 1_798_761_600_000_000_000, "2027-01-01T01:00:00.000000000+01:00");
        check("utc", i64::MAX, "2262-04-11T23:47:16.854775807Z");
        check("utc", i64::MIN, "1677-09-21T00:12:43.145224192Z");
    }

    #[test]
    fn what_is_remembered_does_not_show() {
        let mut timestamps = Timestamps::new(Zone::Utc, Precision::Micros);
        let times = [5, 1_500_000_000, 1_999_999_999, 2_000_000_000, 1_000_000, -1, 5];
        let texts: Vec<_> = times.iter().map(|&time| timestamps.text(time).to_owned()).collect();
        for (time, text) in times.iter().zip(texts) {
            assert_eq!(Timestamps::new(Zone::Utc, Precision::Micros).text(*time), text);
        }
    }

    #[test]
    fn words_that_are_no_zone() {
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        assert!("+99:00".parse::<Zone>().is_err());
    }
}
