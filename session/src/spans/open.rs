//! Open spans, with the values that they have been given.

use stenolog_format::dictionary::CallSite;
use stenolog_format::span::SpanEvent;
use stenolog_format::value::{Cursor, Encoding, ValueError, pack};

/// A span that has begun.
#[derive(Debug)]
pub(super) struct OpenSpan {
    pub(super) parent: u64,
    pub(super) site: u32,
    pub(super) values: Box<[u8]>,
    /// What it was given later, oldest first: the last few values of each call site.
    pub(super) records: Vec<Given>,
    /// How many spans had begun before.
    pub(super) age: u64,
    /// The blocks in which it begins, and which needed it last.
    pub(super) begins_in: u64,
    pub(super) needed_by: u64,
    pub(super) stated_by: u64,
    pub(super) is_closing: bool,
}

/// Values that a span is given after its beginning.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) site: u32,
    pub(super) time: u64,
    pub(super) values: Box<[u8]>,
}

/// How many values of a call site are kept for a span: the last ones may be later than a block.
const KEPT_VALUES: usize = 4;

impl OpenSpan {
    /// The bytes of its values.
    pub(super) fn bytes(&self) -> usize {
        self.values.len() + self.records.iter().map(|it| it.values.len()).sum::<usize>()
    }

    /// Gives it values, and returns how many bytes of earlier ones are forgotten.
    pub(super) fn give(&mut self, given: Given) -> usize {
        // A later record of a call site gives the same fields.
        let of_site = |it: &Given| it.site == given.site;
        let mut forgotten = 0;
        if self.records.iter().filter(|it| of_site(it)).count() >= KEPT_VALUES
            && let Some(at) = self.records.iter().position(of_site)
        {
            forgotten = self.records.remove(at).values.len();
        }
        self.records.push(given);
        forgotten
    }
}

/// The values after the hidden ones, packed.
pub(super) fn packed(
    event: SpanEvent,
    site: &CallSite,
    values: &mut Cursor<'_>,
    encoding: Encoding,
) -> Result<Box<[u8]>, ValueError> {
    if encoding == Encoding::Packed {
        return Ok(values.rest().into());
    }
    let mut out = Vec::new();
    for slot in site.slots.iter().skip(event.hidden().len()) {
        pack(values, &slot.ty, &mut out)?;
    }
    Ok(out.into())
}
