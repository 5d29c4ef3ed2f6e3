//! Rendered names of threads.

use std::sync::Arc;

use stenolog_format::dictionary::Level;

use super::text_buffer::PaddedStr;
use crate::escape::push_escaped;
use crate::json::write_json_string;
use crate::model::origin::EntryOrigin;

/// The name of a thread in all formats.
#[derive(Debug, Default)]
pub(super) struct ThreadLabel {
    /// The name for text formats.
    pub(super) text: Box<str>,
    /// `,"thread":"…",`
    pub(super) json: Box<str>,
    /// The same, for lines.
    pub(super) json_padded: PaddedStr,
    /// For each level, what lines in [`Format::Short`](crate::Format::Short) have between time and target.
    pub(super) short: [PaddedStr; 5],
}

impl ThreadLabel {
    fn new(name: &str) -> Self {
        let mut text = String::new();
        push_escaped(&mut text, name);
        let mut json = String::from(",\"thread\":");
        write_json_string(&mut json, name);
        json.push(',');
        let short = |level: Level| PaddedStr::from(&*format!(" {:>5} {text} ", level.as_str()));
        let (short, json_padded) = (Level::ALL.map(short), PaddedStr::from(&*json));
        Self { text: text.into(), json: json.into(), json_padded, short }
    }
}

/// A cache keeps at most this many labels.
const MAX_LABELS: usize = 1 << 12;

/// Labels of the threads that were rendered last.
///
/// A slot is found by the index of the ring in its decoder, and checked by the address of the name, as a
/// renderer may show entries of several decoders.
#[derive(Debug, Default)]
pub(super) struct ThreadLabels {
    slots: Vec<(Option<Arc<str>>, ThreadLabel)>,
}

impl ThreadLabels {
    /// The label of the thread that an entry comes from.
    #[inline]
    pub(super) fn get(&mut self, origin: &EntryOrigin<'_>) -> &ThreadLabel {
        let index = origin.ring_index % MAX_LABELS;
        let is_hit = match self.slots.get(index) {
            Some((Some(name), _)) => Arc::ptr_eq(name, origin.thread_name),
            _ => false,
        };
        if !is_hit {
            self.fill(index, origin.thread_name);
        }
        &self.slots[index].1
    }

    #[cold]
    fn fill(&mut self, index: usize, name: &Arc<str>) {
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Default::default);
        }
        self.slots[index] = (Some(Arc::clone(name)), ThreadLabel::new(name));
    }
}
