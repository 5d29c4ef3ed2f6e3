//! Values of `chrono`, printed by itself.

use std::fmt;

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc,
};
use stenolog_format::types::reserved as names;
use stenolog_format::value::Product;

use super::integers;

#[derive(Debug)]
pub(crate) enum Chrono {
    Utc(DateTime<Utc>),
    Fixed(DateTime<FixedOffset>),
    Naive(NaiveDateTime),
    Date(NaiveDate),
    Time(NaiveTime),
    Delta(TimeDelta),
    Offset(FixedOffset),
}

impl Chrono {
    pub(super) fn of(product: &Product<'_>) -> Option<Self> {
        // Set afterwards: only then does chrono take a leap second that is not at :59, as values have it whose
        // nanoseconds were set, or whose offset has seconds.
        let moment = |seconds, nanos| {
            let whole = DateTime::from_timestamp(seconds, 0)?;
            whole.with_nanosecond(u32::try_from(nanos).ok()?)
        };
        let offset = |seconds| FixedOffset::east_opt(i32::try_from(seconds).ok()?);
        Some(match product.name {
            names::CHRONO_UTC => {
                let [seconds, nanos] = integers(product)?;
                Self::Utc(moment(seconds, nanos)?)
            }
            names::CHRONO_FIXED => {
                let [seconds, nanos, east] = integers(product)?;
                let (utc, offset) = (moment(seconds, nanos)?, offset(east)?);
                // The local time is also one that chrono has.
                utc.naive_utc().checked_add_offset(offset)?;
                Self::Fixed(utc.with_timezone(&offset))
            }
            names::CHRONO_NAIVE => {
                let [seconds, nanos] = integers(product)?;
                Self::Naive(moment(seconds, nanos)?.naive_utc())
            }
            names::CHRONO_DATE => {
                let [days] = integers(product)?;
                Self::Date(NaiveDate::from_epoch_days(i32::try_from(days).ok()?)?)
            }
            names::CHRONO_TIME => {
                let [seconds, nanos] = integers(product)?;
                let (seconds, nanos) = (u32::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
                let whole = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0)?;
                Self::Time(whole.with_nanosecond(nanos)?)
            }
            names::CHRONO_DELTA => {
                let [seconds, nanos] = integers(product)?;
                let whole = TimeDelta::try_seconds(seconds)?;
                Self::Delta(whole.checked_add(&TimeDelta::nanoseconds(nanos))?)
            }
            names::CHRONO_OFFSET => {
                let [east] = integers(product)?;
                Self::Offset(offset(east)?)
            }
            _ => return None,
        })
    }

    pub(super) fn fmt(&self, is_debug: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        macro_rules! each {
            ($($kind:ident)+) => {
                match self {
                    $(Self::$kind(value) if is_debug => fmt::Debug::fmt(value, f),
                    Self::$kind(value) => fmt::Display::fmt(value, f),)+
                }
            };
        }
        each!(Utc Fixed Naive Date Time Delta Offset)
    }

    pub(super) fn moment(&self) -> Option<(i64, u32)> {
        match self {
            Self::Utc(time) => Some((time.timestamp(), time.timestamp_subsec_nanos())),
            Self::Fixed(time) => Some((time.timestamp(), time.timestamp_subsec_nanos())),
            _ => None,
        }
    }

    pub(super) fn duration(&self) -> Option<(i64, i32)> {
        match self {
            Self::Delta(delta) => Some((delta.num_seconds(), delta.subsec_nanos())),
            _ => None,
        }
    }
}
