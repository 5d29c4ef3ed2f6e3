//! CSV format: comma-separated values, as in RFC 4180.

use std::fmt::Write as _;

use super::json;
use super::shown::{Content, ShownEntry};
use super::span_text::push_text;
use crate::escape::push_escaped;
use crate::model::loss::LOSS_TARGET;
use crate::record_text::{rewrite_from, write_message};

pub(super) fn write_header(out: &mut String) {
    out.push_str("timestamp,level,target,thread,file,line,message,fields\r\n");
}

pub(super) fn write(shown: &ShownEntry<'_>, defuses_formulas: bool, out: &mut String) {
    let ShownEntry { content, time, level, thread, .. } = *shown;
    let column = |out: &mut String, write: &dyn Fn(&mut String)| {
        column(out, defuses_formulas, write);
    };
    out.push_str(time);
    out.push(',');
    out.push_str(level.as_str());
    out.push(',');
    match content {
        Content::Record(record, site) => {
            let call_site = record.call_site();
            column(out, &|out| out.push_str(&site.target));
            out.push(',');
            column(out, &|out| out.push_str(&thread.text));
            out.push(',');
            column(out, &|out| push_escaped(out, &call_site.file));
            out.push(',');
            out.push_str(itoa::Buffer::new().format(call_site.line));
            out.push(',');
            column(out, &|out| {
                if let Some(chain) = record.spans {
                    push_text(chain, false, out);
                }
                write_message(record, out);
            });
            out.push(',');
            column(out, &|out| json::write_fields(record, site, out));
        }
        Content::Loss(loss) => {
            out.push_str(LOSS_TARGET);
            out.push(',');
            column(out, &|out| out.push_str(&thread.text));
            out.push_str(",,,");
            column(out, &|out| {
                // Writing to a string cannot fail.
                let _ = write!(out, "{loss}");
            });
            out.push(',');
            column(out, &|out| json::write_loss_fields(loss, out));
        }
        Content::Event(event) => {
            column(out, &|out| push_escaped(out, event.target()));
            out.push(',');
            column(out, &|out| out.push_str(&thread.text));
            out.push(',');
            let site = event.entry.span().and_then(|span| span.call_site());
            column(out, &|out| push_escaped(out, site.map_or("", |site| &site.file)));
            out.push(',');
            out.push_str(&site.map_or(String::new(), |site| site.line.to_string()));
            out.push(',');
            column(out, &|out| event.push_body(false, out));
            out.push(',');
            column(out, &|out| event.push_json_fields(out));
        }
    }
    out.push_str("\r\n");
}

/// Quotes what `write` appends, if needed.
fn column(out: &mut String, defuses_formulas: bool, write: &dyn Fn(&mut String)) {
    let start = out.len();
    write(out);
    // Escaped text never begins with a tab or a line end, which some programs take for a formula too.
    if defuses_formulas && out[start..].starts_with(['=', '+', '-', '@']) {
        out.insert(start, '\'');
    }
    let needs_quotes = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    if !out.as_bytes()[start..].iter().any(needs_quotes) {
        return;
    }
    rewrite_from(out, start, |out, text| {
        out.push('"');
        for (index, part) in text.split('"').enumerate() {
            out.push_str(if index > 0 { "\"\"" } else { "" });
            out.push_str(part);
        }
        out.push('"');
    });
}
