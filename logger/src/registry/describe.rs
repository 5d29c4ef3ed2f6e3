//! Dictionary entries: what the dump says of a call site with one list of types.

use std::sync::Arc;

use stenolog_format::dictionary::{CallSite, Level, Slot, TimeSource};
use stenolog_format::template::{Piece, Template};
use stenolog_format::types::{MAX_TYPE_DEPTH, Type};

use super::site::{Meta, SlotMeta};
use crate::ring_dir::SiteEntry;
use crate::truncate::truncate;

/// The types of a record's values, and what its time word is.
#[derive(Clone, Copy)]
pub(crate) struct CallTypes<'a> {
    /// Equal for equal lists of types and equal time sources, and never 0.
    pub(crate) signature: u64,
    pub(crate) time: TimeSource,
    pub(crate) list: TypeList<'a>,
}

/// A list of types.
#[derive(Clone, Copy)]
pub(crate) enum TypeList<'a> {
    /// The types that a call was compiled for: the function appends them.
    Compiled(fn(&mut Vec<Type>)),
    /// The types of one record.
    Listed(&'a [Type]),
}

/// A placeholder for an entry whose id a signal handler has, until the handler has noted its call site.
pub(super) fn pending_entry() -> SiteEntry {
    let site = CallSite {
        id: 0,
        level: Level::Error,
        time: TimeSource::Counter,
        target: String::new(),
        module: String::new(),
        file: String::new(),
        line: 0,
        column: 0,
        template: None,
        slots: Vec::new(),
    };
    SiteEntry { site: Arc::new(site), event: None }
}

/// The dictionary entry of a call site with these types.
pub(super) fn describe(meta: &Meta, types: CallTypes<'_>, id: u32) -> CallSite {
    let described = match types.list {
        TypeList::Compiled(append) => {
            let mut types = Vec::with_capacity(meta.slots.len());
            append(&mut types);
            types
        }
        TypeList::Listed(types) => types.to_vec(),
    };
    debug_assert!(
        described.iter().all(|ty| ty.depth() <= MAX_TYPE_DEPTH),
        "what is deeper is recorded as text"
    );
    debug_assert_eq!(described.len(), meta.slots.len(), "one type a slot, by expansion");
    let slot = |(slot, ty): (&SlotMeta, Type)| Slot { name: cut(slot.name), role: slot.role, ty };
    CallSite {
        id,
        level: meta.level,
        time: types.time,
        target: cut(meta.target),
        module: cut(meta.module),
        file: cut(meta.file),
        line: meta.line,
        column: meta.column,
        template: meta.template.map(cut_template),
        slots: meta.slots.iter().zip(described).map(slot).collect(),
    }
}

/// The longest name in a dictionary entry, and the longest message: readers take 64 MiB of all entries
/// together.
const MAX_NAME_BYTES: usize = 1 << 12;
const MAX_TEMPLATE_BYTES: usize = 1 << 18;

/// A name, cut to the longest that readers need.
pub(super) fn cut(name: &str) -> String {
    match name.len() {
        ..=MAX_NAME_BYTES => name.to_owned(),
        _ => format!("{}…", truncate(name, MAX_NAME_BYTES)),
    }
}

/// A message, cut to the longest that readers need. A message that was cut says so.
pub(super) fn cut_template(template: &str) -> String {
    if template.len() <= MAX_TEMPLATE_BYTES {
        return template.to_owned();
    }
    let mut end = truncate(template, MAX_TEMPLATE_BYTES).len();
    // Where the literal text begins that is cut.
    let mut start = 0;
    let parsed = Template::parse(template);
    for piece in parsed.iter().flat_map(|template| &template.pieces) {
        match piece {
            Piece::Placeholder(placeholder) if placeholder.span.end <= end => {
                start = placeholder.span.end;
            }
            // Not within a placeholder.
            Piece::Placeholder(placeholder) => end = end.min(placeholder.span.start),
            Piece::Literal(_) => {}
        }
    }
    // Also not between two braces that denote one.
    for brace in ['{', '}'] {
        let kept = template[start..end].trim_end_matches(brace).len();
        end -= (end - start - kept) % 2;
    }
    format!("{}… <cut: {} bytes are too long>", &template[..end], template.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_where_it_can_be() {
        assert_eq!(cut_template("short {0}"), "short {0}");
        for shift in 0..40 {
            let template = format!("{}{}", "x".repeat(shift), "{{}}ü{0:>5}}}".repeat(30_000));
            let cut = cut_template(&template);
            assert!(cut.len() <= MAX_TEMPLATE_BYTES + 64, "{}", cut.len());
            let (kept, _) = cut.split_once("… <cut: ").unwrap();
            assert!(template.starts_with(kept) && Template::parse(&cut).is_ok(), "{shift}");
        }
        assert_eq!(cut(&"ü".repeat(3_000)).chars().count(), 2_049);
    }
}
