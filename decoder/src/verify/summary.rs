//! Checks of block summaries, which only searches read.

use std::collections::BTreeSet;

use stenolog_format::summary::BlockSummary;
use stenolog_format::value::{NOT_AS_ITS_SCHEMA, NOT_SERIALISED, Value};

use super::damage_log::DamageLog;
use crate::dump::Dump;
use crate::model::damage::{DamageCause, MetadataError};

/// Checks that each summary of a dump can be read.
pub(crate) fn check(dump: &Dump, damage: &mut DamageLog) {
    for offset in dump.summaries() {
        let Some((header, payload)) = dump.summary_frame(offset) else { continue };
        let bytes = header.frame_bytes();
        if !header.matches(payload) {
            damage.report(offset, bytes, DamageCause::Checksum { kind: "summary" });
        } else if BlockSummary::decode(payload).is_none_or(|s| s.sites().any(|id| id.is_none())) {
            let why = MetadataError::Short { bytes: payload.len() };
            damage.report(offset, bytes, DamageCause::Metadata { kind: "summary", why });
        }
    }
}

/// Whether a block's summary has what its records have.
pub(super) struct SummaryCheck<'d> {
    summary: BlockSummary<'d>,
    sites: BTreeSet<u32>,
}

impl<'d> SummaryCheck<'d> {
    /// `None` if the block has no summary.
    pub(super) fn of(dump: &'d Dump, block: usize) -> Option<Self> {
        let summary = dump.summary(block)?;
        let sites = summary.sites().flatten().collect();
        Some(Self { summary, sites })
    }

    pub(super) fn has(&self, site: u32, values: &[Value<'_>]) -> bool {
        self.sites.contains(&site) && values.iter().all(|value| self.has_text_of(value))
    }

    fn has_text_of(&self, value: &Value<'_>) -> bool {
        match value {
            // Placeholders of the logger, which summaries leave out.
            Value::Formatted(NOT_SERIALISED | NOT_AS_ITS_SCHEMA) => true,
            Value::Str(text) | Value::Formatted(text) => {
                let folds = || !text.contains(['\u{212a}', '\u{17f}']);
                self.summary.may_hold(text.as_bytes()) && (self.summary.has_folds || folds())
            }
            Value::Some(inner) => self.has_text_of(inner),
            Value::List(of) | Value::Tuple(of) | Value::Set(of) => {
                of.iter().all(|value| self.has_text_of(value))
            }
            Value::Map(entries) => {
                entries.iter().all(|(key, value)| self.has_text_of(key) && self.has_text_of(value))
            }
            Value::Struct(of) | Value::Variant(of) => {
                of.fields.iter().all(|(_, value)| self.has_text_of(value))
            }
            _ => true,
        }
    }
}
