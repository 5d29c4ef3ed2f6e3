//! The judgement of rings against the dump of a reader, and what it reports of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::CallSite;
use stenolog_format::value::ValueError;
use stenolog_ringbuf::file::Damage as Broken;
use stenolog_session::unread::{DumpSide, NotARing, ShareDamage, end_number};

use crate::dump::Dump;
use crate::model::damage::{Damage, DamageCause, RingDamage};

/// The explanations and the blocks of a session, for the judgement of its rings.
pub(super) struct Known<'d> {
    dump: Option<&'d Dump>,
    metas: &'d [Dump],
    /// The headers of the dump's blocks that are not cut, with their indexes, by ring and number.
    pub(super) blocks: BTreeMap<u32, Vec<(BlockHeader, usize)>>,
}

impl<'d> Known<'d> {
    pub(super) fn new(dump: Option<&'d Dump>, metas: &'d [Dump]) -> Self {
        let mut blocks: BTreeMap<u32, Vec<(BlockHeader, usize)>> = BTreeMap::new();
        let of_dump = dump.into_iter().flat_map(|dump| dump.block_headers(0));
        for (index, header, _) in of_dump.filter(|(.., is_cut)| !is_cut) {
            blocks.entry(header.ring).or_default().push((header, index));
        }
        blocks.values_mut().for_each(|blocks| blocks.sort_by_key(|(of, _)| of.first_record));
        Self { dump, metas, blocks }
    }

    /// A call site of the session.
    pub(super) fn site(&self, id: u32) -> Option<&CallSite> {
        let site = self.metas.iter().chain(self.dump).find_map(|dump| dump.site(id));
        site.map(crate::CompiledSite::call_site)
    }
}

impl DumpSide for Known<'_> {
    fn blocks(&self, ring: u32) -> impl Iterator<Item = &BlockHeader> {
        self.blocks.get(&ring).into_iter().flatten().map(|(header, _)| header)
    }

    fn is_whole(&self, ring: u32, block: usize) -> bool {
        let block = self.blocks.get(&ring).and_then(|blocks| blocks.get(block));
        self.dump.zip(block).is_some_and(|(dump, (_, index))| {
            dump.blocks().get(*index).is_some_and(|block| dump.stored_body(&block).is_ok())
        })
    }

    fn end(&self, ring: u32) -> Option<u64> {
        self.blocks(ring).map(end_number).max()
    }

    fn is_first(&self) -> bool {
        self.dump.is_some_and(|dump| dump.header().sequence == 0)
    }

    fn has_site(&self, id: u32) -> bool {
        self.site(id).is_some()
    }
}

/// The damage that a reader reports for a file that is not a ring of the session.
pub(super) fn not_a_ring(why: NotARing) -> RingDamage {
    match why {
        NotARing::Io(error) => RingDamage::Io(error.kind()),
        NotARing::TooLong { bytes, limit } => RingDamage::TooLong { bytes, limit },
        NotARing::OtherSession => RingDamage::OtherSession,
        NotARing::Kind => RingDamage::Kind,
        other => RingDamage::NoRing(other.to_string().into()),
    }
}

/// The damage that a reader reports for a ring; `None` for damage that it shows in place of the records.
pub(super) fn ring_damage(ring: u32, damage: ShareDamage) -> Option<RingDamage> {
    Some(match damage {
        ShareDamage::Number { position, number } => RingDamage::Number { position, number },
        ShareDamage::Disagrees { number, expected, found } => {
            RingDamage::Disagrees { ring, number, expected, found }
        }
        ShareDamage::Misplaced { number, expected, found } => {
            RingDamage::Misplaced { ring, number, expected, found }
        }
        ShareDamage::Torn(Broken::Truncated { position }) => RingDamage::Cut { ring, position },
        ShareDamage::Torn(Broken::Header { position, .. }) => RingDamage::Header { ring, position },
        ShareDamage::Torn(_) => {
            RingDamage::NoRing("it is damaged in a way that this version does not know".into())
        }
        ShareDamage::Short { records } => {
            RingDamage::Records { ring, records, why: ValueError::End }
        }
        _ => return None,
    })
}

/// Damage of a file in a ring directory.
pub(super) fn damage(path: PathBuf, offset: u64, cause: RingDamage) -> Damage {
    let file: Arc<Path> = path.into();
    Damage { file, offset, bytes: 0, cause: DamageCause::Rings(cause) }
}
