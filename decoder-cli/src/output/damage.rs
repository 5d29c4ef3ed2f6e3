//! Damage as `steno` shows it: what the library says, and the flag that lets more be read.

use std::fmt;

use serde_json::{Value, json};
use stenolog_decoder::{Damage, DamageCause, Limit};

/// The damage as a list of objects.
pub(crate) fn damage_json(damage: &[Damage]) -> Value {
    let object = |damage: &Damage| {
        json!({
            "offset": damage.offset,
            "bytes": damage.bytes,
            "cause": Cause(&damage.cause).to_string(),
        })
    };
    damage.iter().map(object).collect()
}

/// A line about one place.
pub(crate) fn damage_line(damage: &Damage) -> String {
    let Damage { file, offset, bytes, cause } = damage;
    let lost = match bytes {
        0 => String::new(),
        bytes => format!(" ({bytes} bytes lost)"),
    };
    format!("{}: byte {offset}: {}{lost}", file.display(), Cause(cause))
}

/// What is wrong, and the flag for it.
struct Cause<'a>(&'a DamageCause);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(cause) = self;
        match cause.exceeded_limit().and_then(flag_of) {
            Some(flag) => write!(f, "{cause} ({flag})"),
            None => write!(f, "{cause}"),
        }
    }
}

/// The flag that raises a limit.
const fn flag_of(limit: Limit) -> Option<&'static str> {
    Some(match limit {
        Limit::MetadataBytes => "--max-metadata",
        Limit::RingFiles => "--max-ring-files",
        Limit::RingBytes => "--max-ring-bytes",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use stenolog_decoder::{MetadataError, RingDamage};

    use super::*;

    #[track_caller]
    fn check(cause: DamageCause, bytes: u64, expected: &str) {
        let damage = Damage { file: Path::new("app.steno").into(), offset: 64, bytes, cause };
        assert_eq!(damage_line(&damage), format!("app.steno: byte 64: {expected}"));
        let cause = expected.split(" (7 bytes").next().unwrap();
        let object = json!([{ "offset": 64, "bytes": bytes, "cause": cause }]);
        assert_eq!(damage_json(&[damage]), object);
    }

    #[test]
    fn a_limit_is_named_by_its_flag() {
        let why = MetadataError::TooLong { bytes: 100, limit: 10 };
        check(
            DamageCause::Metadata { kind: "clock", why },
            7,
            "a clock frame cannot be understood: it has 100 bytes, of which 10 may be read \
             (--max-metadata) (7 bytes lost)",
        );
        check(
            DamageCause::Rings(RingDamage::TooMany { files: 3, limit: 2 }),
            0,
            "3 ring files are more than the 2 that are read (--max-ring-files)",
        );
        check(
            DamageCause::Rings(RingDamage::TooLong { bytes: 8192, limit: 4096 }),
            0,
            "has 8192 bytes, of which 4096 may be read (--max-ring-bytes)",
        );
    }

    #[test]
    fn other_damage_has_no_flag() {
        check(DamageCause::NoFrame, 7, "no frame begins here (7 bytes lost)");
        // No ring is as long as that, whatever the limit.
        let longer_than_any = RingDamage::TooLong { bytes: 1 << 40, limit: 4096 + (1 << 30) };
        check(
            DamageCause::Rings(longer_than_any),
            0,
            "has 1099511627776 bytes, of which 1073745920 may be read",
        );
    }
}
