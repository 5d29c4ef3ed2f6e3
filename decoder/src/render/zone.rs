//! Time zones.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Local, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

/// A time zone.
///
/// ```
/// use stenolog_decoder::Zone;
///
/// let berlin = Zone::named("Europe/Berlin")?;
/// assert_eq!(berlin.offset_seconds_at(1_790_000_000), 2 * 3600);
/// assert_eq!("+02:00".parse::<Zone>()?, Zone::fixed(2 * 3600)?);
/// # Ok::<(), stenolog_decoder::ZoneError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone(ZoneKind);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ZoneKind {
    #[default]
    Utc,
    Local,
    Fixed(FixedOffset),
    Named(Tz),
}

/// The error of a text or an offset that is no time zone.
///
/// ```
/// use stenolog_decoder::Zone;
///
/// assert!("Mars/Olympus".parse::<Zone>().is_err());
/// assert!(Zone::fixed(100 * 3600).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: use utc, local, an offset (+02:00) or a name (Europe/Berlin)")]
pub struct ZoneError(String);

/// Takes `utc`, `local`, an offset such as `+02:00`, or a name of the IANA database in any case.
impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        match text.to_ascii_lowercase().as_str() {
            "utc" | "z" => return Ok(Self::UTC),
            "local" => return Ok(Self::LOCAL),
            _ => {}
        }
        match text.parse() {
            Ok(offset) => Ok(Self(ZoneKind::Fixed(offset))),
            Err(_) => Self::named(text),
        }
    }
}

impl Zone {
    /// Coordinated universal time, shown as `Z`.
    pub const UTC: Self = Self(ZoneKind::Utc);

    /// The zone of this machine: that of the variable `TZ`, else that of the system.
    pub const LOCAL: Self = Self(ZoneKind::Local);

    /// The former name of [`UTC`](Self::UTC).
    #[deprecated(note = "use `Zone::UTC`")]
    #[expect(non_upper_case_globals, reason = "it was a variant")]
    pub const Utc: Self = Self::UTC;

    /// The former name of [`LOCAL`](Self::LOCAL).
    #[deprecated(note = "use `Zone::LOCAL`")]
    #[expect(non_upper_case_globals, reason = "it was a variant")]
    pub const Local: Self = Self::LOCAL;

    /// The former constructor of a zone with a fixed offset: see [`fixed`](Self::fixed).
    #[deprecated(note = "use `Zone::fixed`")]
    #[expect(non_snake_case, reason = "it was a variant")]
    #[must_use]
    pub const fn Fixed(offset: FixedOffset) -> Self {
        Self(ZoneKind::Fixed(offset))
    }

    /// The former constructor of a zone of the IANA database: see [`named`](Self::named).
    #[deprecated(note = "use `Zone::named`")]
    #[expect(non_snake_case, reason = "it was a variant")]
    #[must_use]
    pub const fn Named(zone: Tz) -> Self {
        Self(ZoneKind::Named(zone))
    }

    /// The former form of [`offset_seconds_at`](Self::offset_seconds_at).
    #[deprecated(note = "use `Zone::offset_seconds_at`")]
    #[must_use]
    pub fn offset_at(self, moment: DateTime<Utc>) -> FixedOffset {
        self.offset(moment)
    }

    /// A zone of the IANA database that this crate was built with. Its name may be in any case.
    ///
    /// ```
    /// use stenolog_decoder::Zone;
    ///
    /// let zone = Zone::named("Asia/Kolkata")?;
    /// assert_eq!(zone.offset_seconds_at(0), 5 * 3600 + 1800);
    /// # Ok::<(), stenolog_decoder::ZoneError>(())
    /// ```
    ///
    /// # Errors
    /// If the database has no zone of this name.
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        let named = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
        named.map(|&zone| Self(ZoneKind::Named(zone))).ok_or_else(|| ZoneError(name.to_owned()))
    }

    /// A zone that is always this many seconds east of UTC.
    ///
    /// # Errors
    /// If that is a day or more.
    pub fn fixed(seconds: i32) -> Result<Self, ZoneError> {
        let offset = FixedOffset::east_opt(seconds);
        let zone = offset.map(|offset| Self(ZoneKind::Fixed(offset)));
        zone.ok_or_else(|| ZoneError(format!("{seconds} s")))
    }

    /// How many seconds clocks in this zone are ahead of UTC at a time, in seconds since the Unix epoch.
    ///
    /// The offset of the local zone comes from the database of the system.
    #[must_use]
    pub fn offset_seconds_at(self, unix_seconds: i64) -> i32 {
        let utc = DateTime::<Utc>::from_timestamp(unix_seconds, 0).unwrap_or_default();
        self.offset(utc).local_minus_utc()
    }

    /// Whether this is [`UTC`](Self::UTC).
    #[must_use]
    pub fn is_utc(self) -> bool {
        self == Self::UTC
    }

    fn offset(self, time: DateTime<Utc>) -> FixedOffset {
        let naive = time.naive_utc();
        match self.0 {
            ZoneKind::Utc => Utc.fix(),
            ZoneKind::Local => Local.offset_from_utc_datetime(&naive).fix(),
            ZoneKind::Fixed(offset) => offset,
            ZoneKind::Named(zone) => zone.offset_from_utc_datetime(&naive).fix(),
        }
    }

    /// The date and time in this zone.
    pub(super) fn at(self, unix_seconds: i64) -> DateTime<FixedOffset> {
        let utc = DateTime::<Utc>::from_timestamp(unix_seconds, 0).unwrap_or_default();
        utc.with_timezone(&self.offset(utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(deprecated, reason = "what programs of the version before call")]
    fn former_names_make_the_same_zones() {
        let east = FixedOffset::east_opt(2 * 3600).unwrap();
        assert_eq!((Zone::Utc, Zone::Local), (Zone::UTC, Zone::LOCAL));
        assert_eq!(Ok(Zone::Fixed(east)), Zone::fixed(2 * 3600));
        assert_eq!(Ok(Zone::Named(chrono_tz::Europe::Berlin)), Zone::named("europe/berlin"));
        let summer = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(Zone::Named(chrono_tz::Europe::Berlin).offset_at(summer), east);
    }
}
