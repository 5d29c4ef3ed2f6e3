//! Entries as text.
//!
//! Whatever is in a record, a text format shows it in one line (`verbose`: in one block) without
//! control characters, and the JSON formats give valid JSON.

mod csv;
mod fields;
mod json;
mod line;
mod logfmt;
mod short;
mod text_buffer;
mod timestamp;
mod values;
mod verbose;

use std::fmt;
use std::str::FromStr;

pub(crate) use fields::write_body;
pub(crate) use line::{Line, LineFormat};
pub(crate) use logfmt::push_key;
pub(crate) use text_buffer::{Literal, Page, Room};
use text_buffer::{put_chunk, put_literal};
pub use timestamp::{Precision, Zone, ZoneError};
pub(crate) use values::{RawValues, Words};

use stenolog_format::dictionary::Level;

use crate::model::entry::{Entry, ThreadName};
use timestamp::Timestamps;

/// What stands where a record has its target, if the entry is a loss.
pub(crate) const LOSS_TARGET: &str = "stenolog";

/// How entries are written.
///
/// # JSON, version 1
///
/// One object a line. The members, all of them always there, in this order:
///
/// | member | value |
/// |---|---|
/// | `timestamp` | RFC 3339 with nanoseconds; `Z` unless another [`Zone`] was asked for |
/// | `level` | `"ERROR"`, `"WARN"`, `"INFO"`, `"DEBUG"` or `"TRACE"` |
/// | `target` | what filters go by; the module path unless the call says otherwise |
/// | `message` | as `format!` gives it; `""` if the call has none |
/// | `thread` | the name; `"thread-<id>"` if it has none, `"ring-<id>"` if nothing is known of it |
/// | `file`, `line` | where the call stands; `null` for losses |
/// | `fields` | an object: all named values, fields and arguments alike, in the order of the call |
///
/// Dotted names stay as they are (`"user.id"`). A name that a call uses twice is numbered the second
/// time (`a`, `a_2`), so that no object has two members of one name. How values are written is told
/// in [`json`](crate::json).
///
/// A loss is an object of the same shape with level `WARN`, target `stenolog`, and in `fields`:
/// `lost` (how many records), `ring` and `cause` (a [`LossKind`](crate::LossKind)); then `ring_full`
/// and `too_large` with counts by level if the logger states such, or `first_record`, the number of
/// the first of them in its ring. If several statements were merged, `statements` (how many) and
/// `first_timestamp` (the time of the first, in UTC) follow; `timestamp` is the time of the last.
///
/// Later versions of this library add members at the end of `fields` of losses only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A line an entry, made for reading.
    #[default]
    Short,
    /// All that is known, in several lines an entry.
    Verbose,
    /// A JSON object a line.
    Json,
    /// The same, indented.
    JsonPretty,
    /// `key=value` pairs, one line an entry, as `go-logfmt` reads them: values that are not words are JSON
    /// strings. Characters that keys may not have become `_`. Fields with the name of one of the leading
    /// pairs become `fields.level` and so on, and duplicate keys are numbered.
    Logfmt,
    /// Comma-separated values with a header line (RFC 4180); fields as one column of JSON. Spreadsheets
    /// run what begins with `=`, `+`, `-` or `@`: see [`RenderOptions::with_defused_formulas`].
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

/// A word that names no format.
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

/// What a [`Renderer`] may be told.
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    zone: Zone,
    color: bool,
    precision: Option<Precision>,
    defuses_formulas: bool,
}

impl RenderOptions {
    /// Shows times in this zone; UTC if not told.
    #[must_use]
    pub fn with_zone(mut self, zone: Zone) -> Self {
        self.zone = zone;
        self
    }

    /// Whether [`Format::Short`] and [`Format::Verbose`] colour their output.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Sets whether [`Format::Csv`] puts a `'` before each cell that begins with `=`, `+`, `-` or `@`.
    /// Otherwise cells are as logged, and a spreadsheet that opens the file takes such cells for formulas.
    #[must_use]
    pub fn with_defused_formulas(mut self, defuses_formulas: bool) -> Self {
        self.defuses_formulas = defuses_formulas;
        self
    }

    /// Shows times so exactly; if not told, microseconds in [`Format::Short`], else nanoseconds.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        self.precision = Some(precision);
        self
    }
}

/// Writes entries in one format.
#[derive(Debug)]
pub struct Renderer {
    format: Format,
    color: bool,
    defuses_formulas: bool,
    timestamps: Timestamps,
    /// Text on its way through escaping.
    scratch: String,
}

impl Renderer {
    /// A renderer with empty buffers; it keeps them from entry to entry.
    #[must_use]
    pub fn new(format: Format, options: RenderOptions) -> Self {
        let RenderOptions { zone, color, precision, defuses_formulas } = options;
        let precision = precision.unwrap_or(match format {
            Format::Short => Precision::Micros,
            _ => Precision::Nanos,
        });
        let timestamps = Timestamps::new(zone, precision);
        Self { format, color, defuses_formulas, timestamps, scratch: String::new() }
    }

    /// The format in which [lines](Line) of call sites stand, if it has any.
    pub(crate) fn line_format(&self) -> Option<LineFormat> {
        match self.format {
            Format::Short if !self.color => Some(LineFormat::Short),
            Format::Json => Some(LineFormat::Json),
            _ => None,
        }
    }

    /// Writes what stands before a [`Line`].
    #[inline]
    pub(crate) fn put_line_head<'p>(
        &mut self,
        format: LineFormat,
        unix_ns: i64,
        level: Level,
        thread: &ThreadName,
        room: Room<'p>,
    ) -> Room<'p> {
        let (time, length) = self.timestamps.chunk(unix_ns);
        match format {
            LineFormat::Short => {
                let head = &thread.short[level.index()];
                put_literal(put_chunk(room, time, length), head)
            }
            LineFormat::Json => {
                let room = put_chunk(room, b"{\"timestamp\":\"  ", 14);
                put_chunk(room, time, length)
            }
        }
    }

    /// Appends what stands before the first entry: the names of the columns in CSV.
    pub fn write_header(&mut self, out: &mut String) {
        if self.format == Format::Csv {
            csv::write_header(out);
        }
    }

    /// Appends an entry and its line end.
    pub fn write(&mut self, entry: &Entry<'_>, out: &mut String) {
        let Self { format, color, defuses_formulas, timestamps, scratch } = self;
        let time = timestamps.text(entry.unix_ns());
        match *format {
            Format::Short => short::write(entry, time, *color, out),
            Format::Verbose => verbose::write(entry, time, *color, out),
            Format::Json => json::write(entry, time, scratch, out),
            Format::JsonPretty => json::write_pretty(entry, time, scratch, out),
            Format::Logfmt => logfmt::write(entry, time, scratch, out),
            Format::Csv => csv::write(entry, time, *defuses_formulas, out),
        }
    }
}

#[cfg(test)]
mod tests;
