//! Origins of entries: rings and threads.

use std::sync::Arc;

use stenolog_format::dictionary::Thread;

/// The ring and the thread of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryOrigin<'a> {
    /// The ring's id, unique in its session.
    pub(crate) ring: u32,
    /// The ring's place among all rings of the decoder.
    pub(crate) ring_index: usize,
    pub(crate) thread: Option<&'a Thread>,
    /// One allocation for each ring of a decoder, so its address tells rings apart.
    pub(crate) thread_name: &'a Arc<str>,
    pub(crate) dump: usize,
}

/// A ring and its thread: what the origins of its entries have in common.
#[derive(Clone, Debug)]
pub(crate) struct RingName {
    pub(crate) ring: u32,
    pub(crate) ring_index: usize,
    pub(crate) thread: Option<Thread>,
    pub(crate) name: Arc<str>,
}

impl RingName {
    pub(crate) fn new(ring: u32, ring_index: usize, thread: Option<&Thread>) -> Self {
        let name = match thread {
            Some(thread) if !thread.name.is_empty() => thread.name.as_str().into(),
            Some(thread) if thread.os_id != 0 => format!("thread-{}", thread.os_id).into(),
            _ => format!("ring-{ring}").into(),
        };
        Self { ring, ring_index, thread: thread.cloned(), name }
    }

    #[inline]
    pub(crate) fn origin(&self, dump: usize) -> EntryOrigin<'_> {
        let Self { ring, ring_index, thread, name } = self;
        EntryOrigin {
            ring: *ring,
            ring_index: *ring_index,
            thread: thread.as_ref(),
            thread_name: name,
            dump,
        }
    }
}
