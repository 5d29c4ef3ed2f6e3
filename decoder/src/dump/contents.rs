//! Contents of a dump, as far as its frames' headers and metadata tell them.

use std::path::Path;
use std::sync::Arc;

use stenolog_format::frame::FileHeader;
use stenolog_session::frames::Position;

use super::header;
use super::last::UnlistedBlocks;
use super::listed::ListedBlocks;
use super::ring_facts::RingFacts;
use super::scan::{Checkpoint, Scanned, scan};
use super::tables::Tables;
use crate::error::OpenError;
use crate::limits::Limits;
use crate::model::damage::{Damage, DamageCause};

/// The bytes read from the source.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) header: FileHeader,
    pub(super) is_header_damaged: bool,
    pub(super) is_session_known: bool,
    pub(super) tables: Tables,
    pub(super) scanned: Scanned,
    pub(super) limits: Limits,
    /// For a dump that was made from the rings of a writer that died.
    pub(super) rings: Option<RingFacts>,
    /// The blocks that are not in the tables, of a dump that was opened for its last records.
    pub(super) unlisted: Option<UnlistedBlocks>,
    /// The blocks of a dump that was opened by its indexes.
    pub(super) listed: Option<ListedBlocks>,
}

impl Contents {
    pub(super) fn read(file: &Arc<Path>, bytes: &[u8], limits: &Limits) -> Result<Self, OpenError> {
        let (mut header, length, error) = header::read(file, bytes)?;
        let mut tables = Tables::default();
        let is_damaged = error.is_some();
        tables.damage.extend(error.map(|error| Damage {
            file: Arc::clone(file),
            offset: 0,
            bytes: 0,
            cause: DamageCause::FileHeader(error),
        }));
        let first = Position::first(length as u64);
        let start = Checkpoint::new(first, limits.metadata_bytes, &tables);
        let scanned = scan(bytes, &start, file, &mut tables);
        // There may be ten million.
        tables.blocks.shrink_to_fit();
        if let Some(restated) = tables.restated.filter(|_| is_damaged) {
            header = restated;
        }
        let is_session_known = !is_damaged || tables.restated.is_some();
        Ok(Self {
            header,
            is_header_damaged: is_damaged,
            is_session_known,
            tables,
            scanned,
            limits: *limits,
            rings: None,
            unlisted: None,
            listed: None,
        })
    }

    /// Scans what was appended to `bytes`.
    pub(super) fn refresh(
        this: &mut Arc<Self>,
        file: &Arc<Path>,
        bytes: &[u8],
    ) -> Result<(), OpenError> {
        // A damaged header is replaced by what the beginning of the file tells, or by a later frame.
        if this.scanned.can_resume && !this.is_header_damaged {
            let contents = Arc::make_mut(this);
            let from = contents.scanned.checkpoint;
            contents.scanned = scan(bytes, &from, file, &mut contents.tables);
        } else {
            *this = Arc::new(Self::read(file, bytes, &this.limits)?);
        }
        Ok(())
    }
}
