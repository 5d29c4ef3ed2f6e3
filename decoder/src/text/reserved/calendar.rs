//! Calendar: days and seconds as dates and times.

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Date {
    pub(super) year: i64,
    pub(super) month: u8,
    pub(super) day: u8,
}

impl Date {
    /// The day that is this many days after 1970-01-01.
    pub(super) fn of_days(days: i64) -> Self {
        // Days since the first of March of the year 0, in cycles of 400 years: a year ends with its leap day.
        let days = days.saturating_add(719_468);
        let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let of_cycle = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = cycle * 400 + of_cycle + i64::from(month <= 2);
        Self { year, month: month as u8, day: day as u8 }
    }
}

/// Day and second of the day.
pub(super) fn split(seconds: i64) -> (i64, u32) {
    (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32)
}

/// Hour, minute and second.
pub(super) fn clock(of_day: u32) -> (u32, u32, u32) {
    (of_day / 3600, of_day / 60 % 60, of_day % 60)
}
