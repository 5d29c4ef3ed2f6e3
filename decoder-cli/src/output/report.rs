//! Reports: what the library found, with the flags and commands of this program added.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use stenolog_decoder::escape::push_escaped;
use stenolog_decoder::{Damage, DamageCause, Limit};

/// A report as a line of JSON.
#[derive(Debug)]
pub(crate) struct JsonLine(Value);

impl JsonLine {
    /// The library's JSON of a report.
    ///
    /// # Errors
    /// If the report cannot be JSON, which is true of none.
    pub(crate) fn new(report: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::to_value(report).map(Self)
    }

    /// Adds flags to the causes of the report's damage.
    pub(crate) fn with_flags(mut self, damage: &[Damage]) -> Self {
        let objects = self.0.get_mut("damage").and_then(Value::as_array_mut);
        for (object, damage) in objects.into_iter().flatten().zip(damage) {
            if let Some(cause) = object.get_mut("cause") {
                *cause = Cause(&damage.cause).to_string().into();
            }
        }
        self
    }

    /// Adds advice to a text, in parentheses.
    pub(crate) fn with_advice(mut self, key: &str, advice: Option<&str>) -> Self {
        if let Some(advice) = advice
            && let Some(Value::String(text)) = self.0.get_mut(key)
        {
            text.push_str(&format!(" ({advice})"));
        }
        self
    }

    /// Adds a value.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(object) = &mut self.0 {
            object.insert(key.to_owned(), value.into());
        }
        self
    }
}

impl fmt::Display for JsonLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.0)
    }
}

/// Appends a line of text from untrusted sources.
pub(crate) fn push_line(out: &mut String, line: &str) {
    push_escaped(out, line);
    out.push('\n');
}

/// A line about one place.
pub(crate) fn damage_line(damage: &Damage) -> String {
    format!("{}: {}", damage.file.display(), damage_text(damage))
}

/// The same without the file.
pub(crate) fn damage_text(damage: &Damage) -> String {
    let Damage { offset, bytes, cause, .. } = damage;
    let lost = match bytes {
        0 => String::new(),
        bytes => format!(" ({bytes} bytes lost)"),
    };
    format!("byte {offset}: {}{lost}", Cause(cause))
}

/// The cause of damage, and the flag for it.
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

    use serde_json::json;
    use stenolog_decoder::{MetadataError, RingDamage};

    use super::*;

    #[track_caller]
    fn check(cause: DamageCause, expected: &str) {
        let damage = [Damage::new(Path::new("app.steno"), 64, 7, cause)];
        let line = format!("app.steno: byte 64: {expected} (7 bytes lost)");
        assert_eq!(damage_line(&damage[0]), line);
        let report = JsonLine::new(&json!({ "damage": damage })).unwrap().with_flags(&damage);
        let object = json!({ "offset": 64, "bytes": 7, "cause": expected });
        assert_eq!(report.0, json!({ "damage": [object] }));
    }

    #[test]
    fn a_limit_is_named_by_its_flag() {
        let why = MetadataError::TooLong { bytes: 100, limit: 10 };
        check(
            DamageCause::Metadata { kind: "clock", why },
            "a clock frame cannot be understood: it has 100 bytes; the limit is 10 \
             (--max-metadata)",
        );
        check(
            DamageCause::Rings(RingDamage::TooMany { files: 3, limit: 2 }),
            "3 ring files exceed the limit of 2 (--max-ring-files)",
        );
        check(
            DamageCause::Rings(RingDamage::TooLong { bytes: 8192, limit: 4096 }),
            "has 8192 bytes; the limit is 4096 (--max-ring-bytes)",
        );
    }

    #[test]
    fn other_damage_has_no_flag() {
        check(DamageCause::NoFrame, "no frame begins here");
        // No ring is as long as that, whatever the limit.
        check(
            DamageCause::Rings(RingDamage::TooLong { bytes: 1 << 40, limit: 4096 + (1 << 30) }),
            "has 1099511627776 bytes; the limit is 1073745920",
        );
    }

    #[test]
    fn a_line_of_json_keeps_its_order() {
        let line = JsonLine::new(&json!({ "why": "text", "bytes": 1 })).unwrap();
        let line = line.with_advice("why", Some("advice")).with_advice("bytes", Some("none"));
        let line = line.with_advice("why", None).with("removed", true);
        assert_eq!(line.to_string(), "{\"why\":\"text (advice)\",\"bytes\":1,\"removed\":true}\n");
    }
}
