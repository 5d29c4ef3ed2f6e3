//! Timestamps in RFC 3339. Only the part that differs from the last one is written.

use std::io::Write as _;

use super::options::Precision;
use super::text_buffer::Spare;
use super::zone::Zone;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Writes times and remembers the last one.
///
/// Consecutive records are mostly less than a millisecond apart: the calendar and the zone are used once
/// a second, and at most six digits are written for a record.
#[derive(Debug)]
pub(super) struct Timestamps {
    zone: Zone,
    precision: Precision,
    /// The second that `text` shows, if it is valid.
    second: Option<i64>,
    /// The start of the millisecond that `text` shows.
    milli_start: i64,
    /// The last time in ASCII, up to its millisecond, and its length.
    text: [u8; MAX_BYTES],
    length: usize,
    /// The place of the fraction in `text`.
    fraction_at: usize,
}

/// The longest time is shorter: years have four digits here.
const MAX_BYTES: usize = 40;

/// The numbers below 1000, with three digits each.
const THREE_DIGITS: [[u8; 3]; 1000] = {
    let mut digits = [[b'0'; 3]; 1000];
    let mut n = 0;
    while n < 1000 {
        digits[n][0] += (n / 100) as u8;
        digits[n][1] += (n / 10 % 10) as u8;
        digits[n][2] += (n % 10) as u8;
        n += 1;
    }
    digits
};

impl Timestamps {
    pub(super) fn new(zone: Zone, precision: Precision) -> Self {
        let (text, length) = ([0; MAX_BYTES], 0);
        Self { zone, precision, second: None, milli_start: 0, text, length, fraction_at: 0 }
    }

    /// The time as text.
    pub(super) fn text(&mut self, unix_ns: i64) -> &str {
        let within = self.advance(unix_ns);
        self.put_digits(3, within / 1000);
        if self.precision == Precision::Nanos {
            self.put_digits(6, within % 1000);
        }
        std::str::from_utf8(self.text.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }

    /// Writes the time.
    #[inline]
    pub(super) fn put<'b>(&mut self, spare: Spare<'b>, unix_ns: i64) -> Spare<'b> {
        let within = self.advance(unix_ns);
        let Some(place) = spare.first_chunk_mut::<MAX_BYTES>() else { return &mut [] };
        *place = self.text;
        // The digits go where they are read last: reading them again at once, as a part of more, would wait for
        // each of their stores.
        let mut put = |at: usize, number: u64| {
            let at = self.fraction_at + at;
            let digits = THREE_DIGITS.get(number as usize);
            if let (Some(place), Some(digits)) = (place.get_mut(at..at + 3), digits) {
                place.copy_from_slice(digits);
            }
        };
        put(3, within / 1000);
        if self.precision == Precision::Nanos {
            put(6, within % 1000);
        }
        spare.get_mut(self.length..).unwrap_or_default()
    }

    /// Goes to the millisecond of a time, and returns how many nanoseconds of it have passed.
    #[inline]
    fn advance(&mut self, unix_ns: i64) -> u64 {
        let within = unix_ns.wrapping_sub(self.milli_start) as u64;
        let is_before = unix_ns < self.milli_start;
        if within >= NANOS_PER_MILLI as u64 || is_before || self.second.is_none() {
            return self.write_milli(unix_ns);
        }
        within
    }

    /// The length of the time that was written last.
    #[inline]
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Writes three digits of the fraction.
    fn put_digits(&mut self, at: usize, number: u64) {
        let at = self.fraction_at + at;
        let place = self.text.get_mut(at..at + 3);
        if let (Some(place), Some(digits)) = (place, THREE_DIGITS.get(number as usize)) {
            place.copy_from_slice(digits);
        }
    }

    /// Starts another millisecond, and returns how many nanoseconds of it have passed.
    fn write_milli(&mut self, unix_ns: i64) -> u64 {
        let second = unix_ns.div_euclid(NANOS_PER_SECOND);
        if self.second != Some(second) {
            self.second = Some(second);
            self.write_second(second);
        }
        let of_second = unix_ns.rem_euclid(NANOS_PER_SECOND);
        let within = of_second % NANOS_PER_MILLI;
        self.milli_start = unix_ns.saturating_sub(within);
        if unix_ns < i64::MIN + NANOS_PER_MILLI {
            // Its start is out of range.
            self.second = None;
        }
        self.put_digits(0, (of_second / NANOS_PER_MILLI).unsigned_abs());
        within.unsigned_abs()
    }

    fn write_second(&mut self, second: i64) {
        let time = self.zone.at(second);
        // The fraction is overwritten later.
        let fraction = match self.precision {
            Precision::Micros => "000000",
            Precision::Nanos => "000000000",
        };
        let mut room = &mut self.text[..];
        // Writing fails only if there is no room, and there is room for every time.
        let _ = write!(room, "{}", time.format("%Y-%m-%dT%H:%M:%S."));
        self.fraction_at = MAX_BYTES - room.len();
        let _ = if self.zone.is_utc() {
            write!(room, "{fraction}Z")
        } else {
            write!(room, "{fraction}{}", time.format("%:z"))
        };
        self.length = MAX_BYTES - room.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::text_buffer::TextBuffer;

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
    fn remembered_parts_do_not_show() {
        let mut timestamps = Timestamps::new(Zone::UTC, Precision::Micros);
        let times = [
            5,
            999_999,
            1_000_000,
            1_001_000,
            1_500_000_000,
            1_999_999_999,
            2_000_000_000,
            1_000_000,
            -1,
            -1_000_000,
            -1_000_001,
            i64::MIN,
            i64::MIN + 500_000,
            i64::MAX,
            i64::MIN,
            5,
        ];
        for time in times {
            let mut fresh = Timestamps::new(Zone::UTC, Precision::Micros);
            assert_eq!(timestamps.text(time), fresh.text(time), "{time}");
        }
        for precision in [Precision::Micros, Precision::Nanos] {
            let mut timestamps = Timestamps::new(Zone::UTC, precision);
            for time in times {
                let mut buffer = TextBuffer::default();
                buffer.write(MAX_BYTES, |spare| timestamps.put(spare, time));
                let mut fresh = Timestamps::new(Zone::UTC, precision);
                assert_eq!(buffer.text(), fresh.text(time).as_bytes(), "{time}");
            }
        }
    }

    #[test]
    fn invalid_zones() {
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        assert!("+99:00".parse::<Zone>().is_err());
    }
}
