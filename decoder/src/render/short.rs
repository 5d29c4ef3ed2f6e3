//! A line an entry: `2026-11-22T23:07:05.123456Z  INFO main app::net: connected peer=10.0.0.7`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use stenolog_format::dictionary::Level;

use super::LOSS_TARGET;
use super::fields::{write_message, write_value};
use crate::model::entry::{Entry, Record};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

pub(super) fn write(entry: &Entry<'_>, time: &str, color: bool, out: &mut String) {
    write_head(entry, time, color, out);
    match entry {
        Entry::Record(record) => {
            let start = out.len();
            write_message(record, out);
            write_fields(record, color, out, start);
        }
        Entry::Loss(loss) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{loss}");
        }
    }
    out.push('\n');
}

/// All that stands before the message.
pub(super) fn write_head(entry: &Entry<'_>, time: &str, color: bool, out: &mut String) {
    let paint = Paint(color);
    paint.with(DIM, out, |out| out.push_str(time));
    out.push(' ');
    let level = entry.level();
    paint.with(level_style(level), out, |out| {
        let name = level.as_str();
        out.push_str(if name.len() < 5 { " " } else { "" });
        out.push_str(name);
    });
    out.push(' ');
    out.push_str(&entry.origin().thread_name.text);
    out.push(' ');
    paint.with(DIM, out, |out| {
        match entry {
            Entry::Record(record) => out.push_str(&record.site().texts().target),
            Entry::Loss(_) => out.push_str(LOSS_TARGET),
        }
        out.push(':');
    });
    out.push(' ');
}

fn write_fields(record: &Record<'_>, color: bool, out: &mut String, start: usize) {
    let paint = Paint(color);
    for field in record.site().shown_fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        if out.len() > start {
            out.push(' ');
        }
        paint.with(BOLD, out, |out| out.push_str(&field.text));
        write_value(out, value, field.role);
    }
}

fn level_style(level: Level) -> Style {
    match level {
        Level::Error => AnsiColor::Red.on_default().bold(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Info => AnsiColor::Green.on_default(),
        Level::Debug => AnsiColor::Blue.on_default(),
        Level::Trace => AnsiColor::Magenta.on_default(),
    }
}

/// Colours what is written, if asked to.
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    fn with(self, style: Style, out: &mut String, write: impl FnOnce(&mut String)) {
        if !self.0 {
            return write(out);
        }
        // Writing to a string cannot fail.
        let _ = write!(out, "{style}");
        write(out);
        let _ = write!(out, "{style:#}");
    }
}
