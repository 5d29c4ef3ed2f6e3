//! Decoding of values for visitors, in buffers that are kept from record to record.

use std::ops::ControlFlow;

use stenolog_format::value::{Value, ValueError};

use super::batch::UndecodedRecord;
use super::plan::CallSites;
use crate::filter::{Filter, SearchedText};
use crate::model::entry::Entry;
use crate::model::raw_values::recycle;
use crate::model::record::{Record, RecordValues};

/// The buffers.
#[derive(Debug, Default)]
pub(crate) struct ValueBuffers {
    values: Vec<Value<'static>>,
    texts: SearchedText,
}

impl ValueBuffers {
    /// Decodes a record and passes it to `visit` if the filter wants it. Says whether it does.
    ///
    /// # Errors
    /// If the values cannot be read.
    pub(crate) fn visit(
        &mut self,
        raw: &UndecodedRecord<'_>,
        sites: &CallSites,
        filter: &Filter,
        visit: impl FnOnce(&Entry<'_>) -> ControlFlow<()>,
    ) -> Result<(bool, ControlFlow<()>), ValueError> {
        let UndecodedRecord { site_index, origin, unix_ns, number, spans, .. } = *raw;
        // Batches refer to call sites of the plan only.
        let Some(site) = sites.get(site_index) else { return Err(ValueError::End) };
        let mut values: Vec<Value<'_>> = std::mem::take(&mut self.values);
        let read = raw.values.decode(site, &mut values);
        let mut result = (false, ControlFlow::Continue(()));
        if read.is_ok() {
            let borrowed = RecordValues::Borrowed(&values);
            let record =
                Record { site, site_index, origin, unix_ns, number, values: borrowed, spans };
            if filter.wants_values(&record, &mut self.texts) {
                result = (true, visit(&Entry::of(record)));
            }
        }
        self.values = recycle(values);
        read.map(|()| result)
    }
}
