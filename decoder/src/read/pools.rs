//! Pools of buffers that one block leaves for the next.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::RecordBatch;
use super::block_body::BlockBody;
use super::columns::OpenColumns;
use super::spans::RecentSpans;
use crate::dump::{CheckedFrames, Unpacker};

/// The number of pooled buffers to probe for a free one.
const MAX_PROBES: usize = 4;

/// Buffers to be reused.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    pub(crate) unpacker: Unpacker,
    pub(crate) checked: CheckedFrames,
    pub(crate) columns: Vec<OpenColumns>,
    pub(super) spans: RecentSpans,
    /// Bodies and batches that other threads may still use.
    bodies: VecDeque<Arc<BlockBody>>,
    batches: VecDeque<Arc<RecordBatch>>,
}

impl Pools {
    /// Takes a body back, to be reused as soon as no other thread uses it.
    pub(crate) fn take_back(&mut self, body: Arc<BlockBody>) {
        self.bodies.push_back(body);
        for _ in 0..self.bodies.len().min(MAX_PROBES) {
            let Some(oldest) = self.bodies.pop_front() else { return };
            match Arc::try_unwrap(oldest) {
                Ok(body) => {
                    if let Some(body) = body.into_body() {
                        self.unpacker.take_back(body);
                    }
                }
                Err(oldest) => self.bodies.push_back(oldest),
            }
        }
    }

    /// Replaces a batch, which other threads may still use, by an empty one without other holders.
    pub(crate) fn renew<'b>(&mut self, batch: &'b mut Arc<RecordBatch>) -> &'b mut RecordBatch {
        if Arc::get_mut(batch).is_none() {
            let free = (0..self.batches.len().min(MAX_PROBES)).find_map(|_| {
                let mut oldest = self.batches.pop_front()?;
                let is_free = Arc::get_mut(&mut oldest).is_some();
                if !is_free {
                    self.batches.push_back(Arc::clone(&oldest));
                }
                is_free.then_some(oldest)
            });
            self.batches.push_back(std::mem::replace(batch, free.unwrap_or_default()));
        }
        // There is no other holder, so nothing is copied.
        let batch = Arc::make_mut(batch);
        batch.clear();
        batch
    }
}
