//! Comma-separated values, as RFC 4180 has them.

use std::fmt::Write as _;

use super::LOSS_TARGET;
use super::fields::{rewrite_from, write_message};
use super::json;
use crate::escape::push_escaped;
use crate::model::entry::Entry;

pub(super) fn write_header(out: &mut String) {
    out.push_str("timestamp,level,target,thread,file,line,message,fields\r\n");
}

pub(super) fn write(entry: &Entry<'_>, time: &str, defuses_formulas: bool, out: &mut String) {
    let column = |out: &mut String, write: &dyn Fn(&mut String)| {
        column(out, defuses_formulas, write);
    };
    out.push_str(time);
    out.push(',');
    out.push_str(entry.level().as_str());
    out.push(',');
    match entry {
        Entry::Record(record) => {
            let call_site = record.call_site();
            column(out, &|out| out.push_str(&record.site().texts().target));
            out.push(',');
            column(out, &|out| out.push_str(&record.origin.thread_name.text));
            out.push(',');
            column(out, &|out| push_escaped(out, &call_site.file));
            out.push(',');
            out.push_str(itoa::Buffer::new().format(call_site.line));
            out.push(',');
            column(out, &|out| write_message(record, out));
            out.push(',');
            column(out, &|out| json::write_fields(record, out));
        }
        Entry::Loss(loss) => {
            out.push_str(LOSS_TARGET);
            out.push(',');
            column(out, &|out| out.push_str(&loss.origin.thread_name.text));
            out.push_str(",,,");
            column(out, &|out| {
                // Writing to a string cannot fail.
                let _ = write!(out, "{loss}");
            });
            out.push(',');
            column(out, &|out| json::write_loss_fields(loss, out));
        }
    }
    out.push_str("\r\n");
}

/// Puts what `write` appends in quotes, if it needs them.
fn column(out: &mut String, defuses_formulas: bool, write: &dyn Fn(&mut String)) {
    let start = out.len();
    write(out);
    // What is escaped begins with no tab or line end, which some take for a formula too.
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
