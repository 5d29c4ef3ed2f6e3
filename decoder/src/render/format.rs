//! Formats of the output, and the schema of its JSON.

use std::fmt;
use std::str::FromStr;

/// The format of the output.
///
/// ```
/// use stenolog_decoder::Format;
///
/// assert_eq!("json".parse(), Ok(Format::Json));
/// assert_eq!(Format::JsonPretty.to_string(), "json-pretty");
/// ```
///
/// # JSON, version 1
///
/// One object a line. Every object has these members, in this order:
///
/// | member | value |
/// |---|---|
/// | `timestamp` | RFC 3339 with nanoseconds; `Z` unless another [`Zone`](crate::Zone) is set |
/// | `level` | `"ERROR"`, `"WARN"`, `"INFO"`, `"DEBUG"` or `"TRACE"` |
/// | `target` | what filters go by; the module path unless the call says otherwise |
/// | `message` | as `format!` gives it; `""` if the call has none |
/// | `thread` | the name; `"thread-<id>"` if it has none, `"ring-<id>"` if the dump does not know the thread |
/// | `file`, `line` | the place of the call; `null` for losses |
/// | `fields` | an object: all named values, fields and arguments alike, in the order of the call |
/// | `spans` | only of records in spans: an array of objects, outermost first, with `name`, `id` and `fields`; only `id` if the dump no longer tells more |
/// | `span_event` | only of [events of spans](crate::Decoder::with_span_events): `"new"`, `"enter"`, `"exit"`, `"close"`, `"record"` or `"follows"` |
///
/// The other members of an event are those of its span, and `message` is the word for the event. `fields` has those
/// of a new span, those that are recorded, `follows_from` (an id), and when a span closes `busy` and `total`, the
/// seconds in which a thread had entered it and in which it existed, if its beginning was read. An event that is two
/// at once, such as new and enter, is two objects.
///
/// Dotted names are not split (`"user.id"`). A name that a call uses twice is numbered the second time
/// (`a`, `a_2`), so no object has two members of one name. [`json`](crate::json) says how values are
/// written.
///
/// A loss is an object of the same shape with level `WARN`, target `stenolog`, and in `fields`:
/// `lost` (the number of records), `ring` and `cause` (a [`LossKind`](crate::LossKind)); then `ring_full`
/// and `too_large` with counts by level if the logger states them, or `first_record`, the number of the
/// first one in its ring. If several statements were merged, `statements` (their number) and
/// `first_timestamp` (the time of the first, in UTC) follow; `timestamp` is the time of the last.
///
/// Later versions of this library add members at the end of `fields` of losses only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A line an entry, for people. The spans of a record come before its message:
    /// `request{path="/x"}:query{n=3}: message`.
    #[default]
    Short,
    /// Everything that is known of an entry, in several lines.
    Verbose,
    /// A JSON object a line.
    Json,
    /// As `Json`, indented.
    JsonPretty,
    /// `key=value` pairs, one line an entry, as `go-logfmt` reads them: values that are not words are JSON
    /// strings. Characters that keys may not have become `_`. Fields with the name of one of the leading
    /// pairs become `fields.level` and so on, and duplicate keys are numbered. The spans of a record are one value,
    /// `spans`, as in `Short`.
    Logfmt,
    /// Comma-separated values with a header line (RFC 4180); fields as one column of JSON, spans before the message as
    /// in `Short`. Spreadsheets
    /// run cells that begin with `=`, `+`, `-` or `@`: see
    /// [`RenderOptions::with_defused_formulas`](crate::RenderOptions::with_defused_formulas).
    Csv,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] =
        [Self::Short, Self::Verbose, Self::Json, Self::JsonPretty, Self::Logfmt, Self::Csv];

    /// The name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Verbose => "verbose",
            Self::Json => "json",
            Self::JsonPretty => "json-pretty",
            Self::Logfmt => "logfmt",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error of a word that names no format.
///
/// ```
/// use stenolog_decoder::Format;
///
/// assert!("xml".parse::<Format>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format: use short, verbose, json, json-pretty, logfmt or csv")]
pub struct UnknownFormatError(String);

impl FromStr for Format {
    type Err = UnknownFormatError;

    fn from_str(name: &str) -> Result<Self, UnknownFormatError> {
        let named = Self::ALL.into_iter().find(|format| format.as_str() == name);
        named.ok_or_else(|| UnknownFormatError(name.to_owned()))
    }
}
