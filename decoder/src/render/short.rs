//! Short format, a line an entry: `2026-11-22T23:07:05.123456Z  INFO main app::net: connected peer=10.0.0.7`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use stenolog_format::dictionary::Level;

use super::shown::{Content, ShownEntry};
use super::site_text::SiteText;
use super::span_text::push_text;
use crate::escape::push_escaped;
use crate::model::loss::LOSS_TARGET;
use crate::model::record::Record;
use crate::record_text::{write_message, write_value};

const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

pub(super) fn write(shown: &ShownEntry<'_>, color: bool, out: &mut String) {
    write_head(shown, color, out);
    match shown.content {
        Content::Record(record, site) => {
            if let Some(chain) = record.spans {
                push_text(chain, color, out);
            }
            let start = out.len();
            write_message(record, out);
            write_fields(record, site, color, out, start);
        }
        Content::Loss(loss) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{loss}");
        }
        Content::Event(event) => event.push_body(color, out),
    }
    out.push('\n');
}

/// Appends everything before the message.
pub(super) fn write_head(shown: &ShownEntry<'_>, color: bool, out: &mut String) {
    let ShownEntry { content, time, level, thread, .. } = *shown;
    let colors = Colors(color);
    colors.with(DIM, out, |out| out.push_str(time));
    out.push(' ');
    colors.with(level_style(level), out, |out| {
        let name = level.as_str();
        out.push_str(if name.len() < 5 { " " } else { "" });
        out.push_str(name);
    });
    out.push(' ');
    out.push_str(&thread.text);
    out.push(' ');
    colors.with(DIM, out, |out| {
        match content {
            Content::Record(_, site) => out.push_str(&site.target),
            Content::Loss(_) => out.push_str(LOSS_TARGET),
            Content::Event(event) => push_escaped(out, event.target()),
        }
        out.push(':');
    });
    out.push(' ');
}

fn write_fields(record: &Record<'_>, site: &SiteText, color: bool, out: &mut String, start: usize) {
    let colors = Colors(color);
    for field in site.shown_fields() {
        let Some(value) = record.values().get(field.slot) else { continue };
        if out.len() > start {
            out.push(' ');
        }
        colors.with(BOLD, out, |out| out.push_str(&field.text));
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

/// Colours text, if asked to.
#[derive(Clone, Copy)]
pub(super) struct Colors(pub(super) bool);

impl Colors {
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
