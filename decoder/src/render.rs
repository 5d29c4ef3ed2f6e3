//! Rendering: entries as text.
//!
//! A text format shows any record in one line (`verbose`: in one block) without control characters, and
//! the JSON formats give valid JSON.
//!
//! | file | what it is |
//! |---|---|
//! | `renderer` | one entry in any format, by its decoded values |
//! | `short`, `verbose`, `json`, `logfmt`, `csv` | the formats |
//! | `line`, `line_table` | lines of call sites, compiled once and written from undecoded values |
//! | `site_text`, `thread_label` | rendered pieces of call sites and threads, kept between records |
//! | `span_text`, `span_event` | the spans that a record is in; their events |
//! | `values` | addresses and times among the values |
//! | `timestamp`, `zone` | times |
//! | `text_buffer` | text in pieces of constant length |
//! | `pipeline` | all entries of a decoder, in one thread or several |

mod csv;
mod format;
mod json;
mod line;
mod line_table;
mod logfmt;
mod options;
mod pipeline;
mod renderer;
mod short;
mod shown;
mod site_text;
mod span_event;
mod span_text;
mod text_buffer;
mod thread_label;
mod timestamp;
mod values;
mod verbose;
mod zone;

pub use format::{Format, UnknownFormatError};
pub use options::{Precision, RenderOptions};
pub use renderer::Renderer;
pub use verbose::type_name;
pub use zone::{Zone, ZoneError};

#[cfg(test)]
mod tests;
