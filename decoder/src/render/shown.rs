//! Entry with its rendered pieces: what the formats write.

use stenolog_format::dictionary::Level;

use super::site_text::SiteText;
use super::span_event::ShownEvent;
use super::thread_label::ThreadLabel;
use crate::model::loss::LossEntry;
use crate::model::record::Record;

/// An entry that will be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShownEntry<'e> {
    pub(super) content: Content<'e>,
    /// The time as text.
    pub(super) time: &'e str,
    pub(super) level: Level,
    pub(super) thread_name: &'e str,
    pub(super) thread: &'e ThreadLabel,
}

/// The entry itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'e> {
    Record(&'e Record<'e>, &'e SiteText),
    Loss(&'e LossEntry<'e>),
    Event(&'e ShownEvent<'e>),
}
