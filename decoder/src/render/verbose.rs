//! Verbose format: everything that is known of an entry, for people.

use std::fmt::Write as _;

use stenolog_format::dictionary::{Role, Thread};
use stenolog_format::types::Type;
use stenolog_format::value::Value;

use super::short;
use super::shown::{Content, ShownEntry};
use super::span_text::push_text;
use crate::escape::push_escaped;
use crate::model::record::Record;
use crate::record_text::{escape_from, write_message};
use crate::text::{Reserved, write_debug};

pub(super) fn write(shown: &ShownEntry<'_>, color: bool, out: &mut String) {
    short::write_head(shown, color, out);
    match shown.content {
        Content::Record(record, _) => {
            if let Some(chain) = record.spans {
                push_text(chain, color, out);
            }
            write_message(record, out);
            out.truncate(out.trim_end().len());
            write_record(record, out);
        }
        Content::Loss(loss) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{loss}");
            write_thread(loss.thread(), out);
            let _ = write!(out, " (ring {})", loss.ring());
        }
        Content::Event(event) => {
            event.push_body(color, out);
            let record = event.entry.record();
            write_thread(record.thread(), out);
            let _ = write!(out, " (ring {}, record {})", record.ring(), record.number());
            write_spans(record, out);
        }
    }
    out.push('\n');
}

fn write_record(record: &Record<'_>, out: &mut String) {
    let call_site = record.call_site();
    out.push_str("\n    at ");
    push_escaped(out, &call_site.file);
    let _ = write!(out, ":{}:{} in ", call_site.line, call_site.column);
    push_escaped(out, &call_site.module);
    write_thread(record.thread(), out);
    let _ = write!(out, " (ring {}, record {})", record.ring(), record.number());
    write_spans(record, out);
    let values = call_site.slots.iter().zip(record.values()).enumerate();
    for (index, (slot, value)) in values.skip(record.site().hidden_slots()) {
        out.push_str("\n    ");
        match slot.name.as_str() {
            // An argument that is repeated with another trait has no name.
            "" => {
                let _ = write!(out, "#{index}");
            }
            name => push_escaped(out, name),
        }
        let start = out.len();
        out.push_str(": ");
        write_type(&slot.ty, out);
        out.push_str(" =");
        if is_lines(value) {
            write_lines(value, out);
        } else {
            out.push(' ');
            write_debug(out, value);
            escape_from(out, start);
        }
        if slot.role == Role::Count {
            out.push_str(" (width or precision)");
        }
    }
}

/// Appends the spans that a record is in, innermost first, each with its id and place.
fn write_spans(record: &Record<'_>, out: &mut String) {
    for span in record.spans().rev() {
        out.push_str("\n    in ");
        push_escaped(out, span.name().unwrap_or("a span that is not known"));
        let _ = write!(out, " (span {})", span.id());
        if let Some(site) = span.call_site() {
            out.push_str(" at ");
            push_escaped(out, &site.file);
            let _ = write!(out, ":{} in ", site.line);
            push_escaped(out, &site.module);
        }
    }
}

/// Whether a value is lines of printable text.
fn is_lines(value: &Value<'_>) -> bool {
    let Value::Struct(product) = value else { return false };
    matches!(Reserved::of(product), Some(Reserved::Hexdump(_)))
}

/// Appends each line of a value below its name.
fn write_lines(value: &Value<'_>, out: &mut String) {
    let mut text = String::new();
    write_debug(&mut text, value);
    for line in text.lines() {
        out.push_str("\n        ");
        push_escaped(out, line);
    }
}

fn write_thread(thread: Option<&Thread>, out: &mut String) {
    out.push_str("\n    thread ");
    match thread {
        Some(thread) => {
            if !thread.name.is_empty() {
                push_escaped(out, &thread.name);
                out.push(' ');
            }
            let _ = write!(out, "{}", thread.os_id);
        }
        None => out.push_str("unknown"),
    }
}

/// The type of a value as Rust names it, without the names of containers.
///
/// ```
/// use stenolog_decoder::format::types::Type;
///
/// let ty = Type::Option(Box::new(Type::Array(Box::new(Type::U8), 4)));
/// assert_eq!(stenolog_decoder::type_name(&ty), "Option<[u8; 4]>");
/// ```
#[must_use]
pub fn type_name(ty: &Type) -> String {
    let mut name = String::new();
    write_type(ty, &mut name);
    name
}

/// Appends the type as Rust names it. The dictionary bounds the nesting of types.
fn write_type(ty: &Type, out: &mut String) {
    match ty {
        Type::Str => out.push_str("str"),
        Type::Formatted => out.push_str("formatted"),
        Type::Option(of) => write_generic("Option<", of, ">", out),
        Type::Slice(of) => write_generic("[", of, "]", out),
        Type::Serde(of) => write_type(of, out),
        Type::Array(of, n) => {
            write_generic("[", of, "; ", out);
            let _ = write!(out, "{n}]");
        }
        Type::Tuple(of) => {
            out.push('(');
            for (index, ty) in of.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_type(ty, out);
            }
            out.push(')');
        }
        Type::Map(of, _) if ty.is_set() => write_generic("Set<", of, ">", out),
        Type::Map(key, value) => {
            write_generic("Map<", key, ", ", out);
            write_generic("", value, ">", out);
        }
        Type::Struct(of) if of.name.is_empty() => out.push_str("error"),
        Type::Struct(of) => out.push_str(&of.name),
        Type::Enum(of) => out.push_str(&of.name),
        Type::Unit => out.push_str("()"),
        Type::Ipv4 => out.push_str("Ipv4Addr"),
        Type::Ipv6 => out.push_str("Ipv6Addr"),
        Type::Ip => out.push_str("IpAddr"),
        Type::SocketV4 => out.push_str("SocketAddrV4"),
        Type::SocketV6 => out.push_str("SocketAddrV6"),
        Type::Socket => out.push_str("SocketAddr"),
        Type::Duration | Type::SystemTime => {
            let _ = write!(out, "{ty:?}");
        }
        // The names of scalars are those of the variants in lower case.
        _ => {
            let start = out.len();
            let _ = write!(out, "{ty:?}");
            if let Some(name) = out.get_mut(start..) {
                name.make_ascii_lowercase();
            }
        }
    }
}

fn write_generic(before: &str, of: &Type, after: &str, out: &mut String) {
    out.push_str(before);
    write_type(of, out);
    out.push_str(after);
}
