//! Table of the lines of call sites, compiled when they are used first.

use std::sync::OnceLock;

use super::line::{Line, LineFormat};
use crate::read::CallSites;

/// The lines of all call sites of a decoder in one format, by the index of the call site. Threads share it.
#[derive(Debug)]
pub(super) struct LineTable {
    format: LineFormat,
    lines: Box<[OnceLock<Option<Line>>]>,
}

impl LineTable {
    pub(super) fn new(format: LineFormat, sites: &CallSites) -> Self {
        Self { format, lines: (0..sites.len()).map(|_| OnceLock::new()).collect() }
    }

    /// The line of a call site; `None` if its records need the renderer.
    #[inline]
    pub(super) fn get(&self, index: u32, sites: &CallSites) -> Option<&Line> {
        let line = self.lines.get(index as usize)?;
        line.get_or_init(|| Line::new(sites.get(index)?, self.format)).as_ref()
    }
}
