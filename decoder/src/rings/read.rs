//! From a ring directory to a dump in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter, VERSION, Version};
use stenolog_format::index::End;
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::recovery::{self, Place, Progress, RingRecord, RingSpan, put_blocks};
use stenolog_format::value::ValueError;
use stenolog_format::volatile::{VolatileRing, VolatileState};
use stenolog_ringbuf::file::{Damage as Broken, Kind, Recovered};

use super::folder::{FileError, Folder};
use super::{Limits, Recovery, RingDamage, RingDir, RingShare, RingsError, damage};
use crate::dump::source::writer_is_alive;
use crate::dump::{Block, Dump, RingFacts, RingStart};
use crate::limits::MAX_RING_FILE_BYTES;
use crate::model::damage::{Damage, DamageCause};

/// The names in a ring directory.
pub(super) const META: &str = "meta.steno";
pub(super) const PROGRESS: &str = "progress";
pub(super) const RING: &str = "ring-";

/// No file of a session has this number: it stands for what is not in any.
const SEQUENCE: u32 = u32::MAX;

/// A dictionary frame of what is read has so many call sites.
const SITES_A_FRAME: usize = 256;

/// The user words of a ring file, by their place.
mod word {
    pub(super) const SESSION: usize = 0;
    pub(super) const RING: usize = 2;
    /// Two pairs of position and number.
    pub(super) const NUMBERS: [usize; 2] = [4, 6];
    /// Five counts by level, then five more.
    pub(super) const LOSSES: usize = 8;
    pub(super) const LOSS_COUNTER: usize = 18;
}

pub(super) fn read(
    dir: &RingDir,
    dump: Option<&Dump>,
    limits: &Limits,
) -> Result<Recovery, RingsError> {
    let alive = || RingsError::Alive { path: dir.path.clone() };
    if dump.is_some_and(|dump| dump.writer_is_alive() == Some(true)) {
        return Err(alive());
    }
    let mut found = Vec::new();
    let mut metas = Vec::new();
    for (path, folder) in dir.folders() {
        match meta(dir, path, folder, limits, &mut found)? {
            Ok(meta) => metas.push(meta),
            // The dump has call sites too, if not all of them.
            Err(why) if dump.is_some() => {
                found.push(damage(path.join(META), 0, RingDamage::Meta(why)));
            }
            Err(why) => return Err(RingsError::NoMeta { path: path.to_owned(), why }),
        }
    }
    let Some(header) = metas.first().or(dump).map(Dump::header) else {
        return Err(RingsError::NoMeta { path: dir.path.clone(), why: "is missing".into() });
    };
    let progress = all_progress(dir, &metas, &mut found);
    let written = progress.as_ref().map(|(_, progress)| (progress.sequence, progress.written));
    let mut reader = Reader {
        dir,
        dump,
        metas: &metas,
        session: header.session,
        blocks: blocks_by_ring(dump),
        bytes: FileHeader { sequence: SEQUENCE, version: VERSION, ..*header }.encode().to_vec(),
        frames: FrameWriter::default(),
        facts: RingFacts { written, ..RingFacts::default() },
        damage: found,
        rings: Vec::new(),
        records: 0,
        lost: 0,
    };
    reader.check_length();
    reader.explain();
    reader.rings(limits);
    if let Some((path, Progress { rings: Some(rings), .. })) = progress {
        reader.check_list(path, rings);
    }
    reader.finish()
}

/// Reads `meta.steno`. Its last frame may be torn: no record needed it.
fn meta(
    dir: &RingDir,
    at: &Path,
    folder: &Folder,
    limits: &Limits,
    found: &mut Vec<Damage>,
) -> Result<Result<Dump, Box<str>>, RingsError> {
    let path = at.join(META);
    let mut file = match folder.open_file(META.as_ref(), &dir.owners) {
        Ok(file) => file,
        Err(FileError::Foreign) => return Ok(Err(RingDamage::Foreign.to_string().into())),
        Err(FileError::Io(error)) => return Ok(Err(format!("cannot be read: {error}").into())),
    };
    if writer_is_alive(&file) == Some(true) {
        return Err(RingsError::Alive { path: at.to_owned() });
    }
    let bytes = match read_at_most(&mut file, limits.ring_metadata_bytes) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err(format!("cannot be read: {error}").into())),
    };
    if file.metadata().is_ok_and(|metadata| metadata.len() > limits.ring_metadata_bytes) {
        let why = format!("only {} bytes of it are read", limits.ring_metadata_bytes).into();
        found.push(damage(path.clone(), limits.ring_metadata_bytes, RingDamage::Meta(why)));
    }
    let meta = match Dump::from_bytes_within(path.clone(), bytes, limits) {
        Ok(meta) => meta,
        Err(error) => {
            let text = error.to_string();
            let name = format!("{}: ", path.display());
            return Ok(Err(text.strip_prefix(&name).unwrap_or(&text).into()));
        }
    };
    if dir.session.is_some_and(|session| session != meta.header().session) {
        return Ok(Err(RingDamage::OtherSession.to_string().into()));
    }
    found.extend_from_slice(meta.damage());
    Ok(Ok(meta))
}

/// Which file was being written, and where the rings were, as the first directory says.
fn all_progress(
    dir: &RingDir,
    metas: &[Dump],
    found: &mut Vec<Damage>,
) -> Option<(PathBuf, Progress)> {
    let mut all = Vec::new();
    for (path, folder) in dir.folders() {
        let progress = progress(dir, path, folder, found);
        all.extend(progress.map(|progress| (path.join(PROGRESS), progress)));
    }
    let is_first = |(_, progress): &(PathBuf, Progress)| {
        progress.rings.as_ref().is_none_or(|rings| rings.directory == 0)
    };
    let has_list = Version { major: 1, minor: 3 };
    let needs_list = metas.iter().any(|meta| meta.header().version >= has_list);
    let path = dir.path.join(PROGRESS);
    match all.iter().position(is_first) {
        Some(first) => {
            let first = all.swap_remove(first);
            if needs_list && first.1.rings.is_none() {
                found.push(damage(path, 0, RingDamage::NoList));
            }
            Some(first)
        }
        None if all.is_empty() => {
            if needs_list {
                found.push(damage(path, 0, RingDamage::NoList));
            }
            None
        }
        None => {
            found.push(damage(dir.path.clone(), 0, RingDamage::NoFirst));
            None
        }
    }
}

fn progress(
    dir: &RingDir,
    at: &Path,
    folder: &Folder,
    found: &mut Vec<Damage>,
) -> Option<Progress> {
    let mut report = |cause| found.push(damage(at.join(PROGRESS), 0, cause));
    let mut file = match folder.open_file(PROGRESS.as_ref(), &dir.owners) {
        Ok(file) => file,
        Err(FileError::Foreign) => {
            report(RingDamage::Foreign);
            return None;
        }
        // A writer that has not written anything yet has not said how much either.
        Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(FileError::Io(error)) => {
            report(RingDamage::Io(error.kind()));
            return None;
        }
    };
    match read_at_most(&mut file, Progress::BYTES as u64).as_deref() {
        Ok([]) => None,
        Ok(bytes) => {
            let progress = Progress::decode(bytes).filter(|_| bytes.len() >= 16);
            if progress.is_none() {
                report(RingDamage::Io(io::ErrorKind::UnexpectedEof));
            }
            progress
        }
        Err(error) => {
            report(RingDamage::Io(error.kind()));
            None
        }
    }
}

fn read_at_most(file: &mut File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn blocks_by_ring(dump: Option<&Dump>) -> BTreeMap<u32, Vec<&Block>> {
    let mut rings: BTreeMap<u32, Vec<&Block>> = BTreeMap::new();
    for block in dump.into_iter().flat_map(Dump::blocks).filter(|block| !block.is_cut) {
        rings.entry(block.header.ring).or_default().push(block);
    }
    rings.values_mut().for_each(|blocks| blocks.sort_by_key(|block| block.header.first_record));
    rings
}

/// Makes the dump.
struct Reader<'d> {
    dir: &'d RingDir,
    dump: Option<&'d Dump>,
    metas: &'d [Dump],
    session: [u8; 16],
    /// The dump's blocks that are whole, by ring and number.
    blocks: BTreeMap<u32, Vec<&'d Block>>,
    bytes: Vec<u8>,
    frames: FrameWriter,
    facts: RingFacts,
    damage: Vec<Damage>,
    rings: Vec<RingShare>,
    records: u64,
    lost: u64,
}

impl Reader<'_> {
    fn report(&mut self, file: PathBuf, offset: u64, cause: RingDamage) {
        self.damage.push(damage(file, offset, cause));
    }

    /// What was written must still be there.
    fn check_length(&mut self) {
        let (Some(dump), Some((sequence, written))) = (self.dump, self.facts.written) else {
            return;
        };
        let found = dump.len_bytes();
        if dump.header().sequence == sequence && found < written {
            self.damage.push(Damage {
                file: Arc::clone(dump.file()),
                offset: found,
                bytes: 0,
                cause: DamageCause::Shortened { written, found },
            });
        }
    }

    /// States clock, call sites and threads.
    fn explain(&mut self) {
        let Self { metas, dump, frames, bytes, .. } = self;
        let both = || metas.iter().chain(*dump);
        for pair in metas.iter().flat_map(Dump::clock_pairs) {
            frames.frame(bytes, FrameKind::Clock, |out| pair.encode(out));
        }
        let mut sites: BTreeMap<u32, &CallSite> = BTreeMap::new();
        let mut differ = None;
        for site in both().flat_map(Dump::sites).map(crate::Site::call_site) {
            let known = *sites.entry(site.id).or_insert(site);
            if known != site {
                differ.get_or_insert(site.id);
            }
        }
        let sites: Vec<_> = sites.into_values().collect();
        for sites in sites.chunks(SITES_A_FRAME) {
            frames.frame(bytes, FrameKind::Dictionary, |out| {
                CallSite::encode_all(sites.iter().copied(), out);
            });
        }
        for thread in metas.iter().flat_map(Dump::threads) {
            frames.frame(bytes, FrameKind::Thread, |out| thread.encode(out));
        }
        if let Some(id) = differ {
            let why = format!("call site {id} is another one in the dump").into();
            self.report(self.dir.path.join(META), 0, RingDamage::Meta(why));
        }
    }

    fn rings(&mut self, limits: &Limits) {
        let (mut files, mut bytes) = (limits.ring_files, limits.ring_bytes);
        for (path, folder) in self.dir.folders() {
            self.rings_in(path, folder, &mut files, &mut bytes);
        }
    }

    fn rings_in(&mut self, at: &Path, folder: &Folder, limit: &mut usize, left: &mut u64) {
        let names = folder.names(*limit, |name| name.starts_with(RING));
        let (mut names, files) = match names {
            Ok(found) => found,
            Err(error) => {
                let cause = RingDamage::Io(error.kind());
                return self.report(at.to_owned(), 0, cause);
            }
        };
        if files > names.len() {
            let cause = RingDamage::TooMany { files, limit: *limit };
            self.report(at.to_owned(), 0, cause);
        }
        // By number, which has no leading zeros.
        names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        *limit -= names.len().min(*limit);
        for name in names {
            let path = at.join(&name);
            let file = match folder.open_file(&name, &self.dir.owners) {
                Ok(file) => file,
                Err(FileError::Foreign) => {
                    self.report(path, 0, RingDamage::Foreign);
                    continue;
                }
                Err(FileError::Io(error)) => {
                    self.report(path, 0, RingDamage::Io(error.kind()));
                    continue;
                }
            };
            match recovered(file, left) {
                Ok(ring) => self.ring(path, &ring),
                Err(cause) => self.report(path, 0, cause),
            }
        }
    }

    fn ring(&mut self, path: PathBuf, ring: &Recovered) {
        let words = ring.user_words();
        let [first, second] = [0, 8].map(|at| {
            self.session
                .get(at..)
                .and_then(|half| half.first_chunk())
                .map(|half| u64::from_le_bytes(*half))
        });
        if [first, second] != [Some(words[word::SESSION]), Some(words[word::SESSION + 1])] {
            return self.report(path, 0, RingDamage::OtherSession);
        }
        if ring.kind() != Kind::OneProducer {
            return self.report(path, 0, RingDamage::Kind);
        }
        let id = match u32::try_from(words[word::RING]) {
            // It waits for a thread.
            Ok(0) => return,
            Ok(id) => id,
            Err(_) => {
                let why = format!("its ring id is {}", words[word::RING]).into();
                return self.report(path, 0, RingDamage::NoRing(why));
            }
        };
        if self.facts.starts.contains_key(&id) {
            return self.report(path, 0, RingDamage::Twice { ring: id });
        }
        let number = self.number(&path, id, ring);
        let share = self.put_records(&path, id, number, ring);
        match ring.damage() {
            None => {}
            Some(Broken::Truncated { position }) => {
                self.report(path.to_owned(), 0, RingDamage::Cut { ring: id, position });
            }
            Some(Broken::Header { position, .. }) => {
                self.report(path.to_owned(), 0, RingDamage::Header { ring: id, position });
            }
            Some(_) => {
                let why = "it is damaged in a way that this version does not know".into();
                self.report(path.to_owned(), 0, RingDamage::NoRing(why));
            }
        }
        self.put_losses(id, ring, &words);
        self.facts.starts.insert(
            id,
            RingStart {
                position: ring.start(),
                first_record: share.first_record,
                records: share.records,
            },
        );
        self.records = self.records.saturating_add(share.records);
        self.rings.push(share);
    }

    /// The number of the ring's first record.
    fn number(&mut self, path: &Path, id: u32, ring: &Recovered) -> u64 {
        let words = ring.user_words();
        let start = ring.start();
        let mut stated =
            word::NUMBERS.iter().filter(|&&at| words[at] == start).map(|&at| words[at + 1]);
        match (stated.next(), stated.next()) {
            (Some(number), None) => return number,
            (Some(number), Some(again)) if number == again => return number,
            _ => {}
        }
        let by_dump = self.number_by_dump(id, ring);
        let number = by_dump.unwrap_or_default();
        self.report(path.to_owned(), 0, RingDamage::Number { position: start, number });
        number
    }

    /// The number that a block of the dump tells, if it begins or ends within the ring.
    fn number_by_dump(&self, id: u32, ring: &Recovered) -> Option<u64> {
        let dump = self.dump?;
        let blocks = || self.blocks.get(&id).into_iter().flatten();
        let ends = blocks().flat_map(|block| {
            let header = &block.header;
            let behind = header.first_record.saturating_add(header.count.into());
            let ends = [(header.position, header.first_record), (header.end_position, behind)];
            ends.map(|(position, number)| (position, number, *block))
        });
        let mut before = None;
        for (position, number, block) in ends {
            if position > ring.end() || dump.stored_body(block).is_err() {
                continue;
            }
            if position < ring.start() {
                before = before.max(Some(number));
                continue;
            }
            let records = ring.records().take_while(|record| record.position() < position);
            return Some(number.saturating_sub(records.count() as u64));
        }
        before
    }

    /// Puts the records that the dump has not into blocks.
    fn put_records(&mut self, path: &Path, id: u32, number: u64, ring: &Recovered) -> RingShare {
        // How far the dump goes on without a gap from where the ring begins.
        let (mut next, mut position) = (number, ring.start());
        let mut in_dump = None;
        for block in self.blocks.get(&id).into_iter().flatten() {
            let header = &block.header;
            let behind = header.first_record.saturating_add(header.count.into());
            let is_whole = || self.dump.is_some_and(|dump| dump.stored_body(block).is_ok());
            in_dump = in_dump.max(Some(behind));
            if header.first_record <= next && behind > next && is_whole() {
                (next, position) = (behind, header.end_position);
            }
        }
        let held = ring.records().len() as u64;
        let skipped = next.saturating_sub(number);
        let expected = position;
        let records = || ring.records().skip(usize::try_from(skipped).unwrap_or(usize::MAX));
        let found = records().next().map_or(ring.end(), |record| record.position());
        if found < position || skipped > held {
            let cause = RingDamage::Disagrees { ring: id, number: next, expected, found };
            self.report(path.to_owned(), 0, cause);
            position = found;
        }
        let (metas, dump) = (self.metas, self.dump);
        let site = |tag| {
            let site = metas.iter().find_map(|meta| meta.site(tag));
            site.or_else(|| dump.and_then(|dump| dump.site(tag))).map(crate::Site::call_site)
        };
        let span = RingSpan {
            ring: id,
            position,
            end_position: ring.end().max(position),
            first_record: next,
        };
        let Self { frames, bytes, .. } = self;
        let put = put_blocks(
            span,
            records().map(|record| RingRecord {
                position: record.position(),
                tag: record.tag(),
                payload: record.payload(),
            }),
            site,
            |_, payload| {
                frames.frame(bytes, FrameKind::Block, |out| out.extend_from_slice(payload));
            },
        );
        if put.blocks == 0 && in_dump.unwrap_or(0) < next {
            self.put_gap(id, next, span);
        }
        if put.unreadable > 0 {
            let (records, why) = (put.unreadable, ValueError::End);
            self.report(path.to_owned(), 0, RingDamage::Records { ring: id, records, why });
        }
        RingShare { ring: id, file: path.to_owned(), first_record: next, records: put.records }
    }

    /// The records before `next` should be in the dump: an empty block, which tells of the gap.
    fn put_gap(&mut self, ring: u32, next: u64, span: RingSpan) {
        let blocks = self.blocks.get(&ring).into_iter().flatten();
        let last = blocks.map(|block| block.header.counter_last).max();
        let clock = self.metas.first().or(self.dump).and_then(|dump| dump.clock_pairs().last());
        let counter = last.or(clock.map(|pair| pair.counter)).unwrap_or_default();
        let header = BlockHeader {
            ring,
            encoding: 0,
            codec: 0,
            levels: 0,
            flags: BlockHeader::HAS_COUNTER,
            position: span.position,
            end_position: span.end_position,
            first_record: next,
            count: 0,
            body_bytes: 0,
            counter_first: counter,
            counter_last: counter,
            unix_first: 0,
            unix_last: 0,
        };
        self.frames.frame(&mut self.bytes, FrameKind::Block, |out| {
            out.extend_from_slice(&header.encode());
        });
    }

    /// States what the ring's thread lost.
    fn put_losses(&mut self, ring: u32, recovered: &Recovered, words: &[u64]) {
        let count = |level: usize| words.get(word::LOSSES + level).copied().unwrap_or_default();
        let loss = Loss {
            counter: words.get(word::LOSS_COUNTER).copied().unwrap_or_default(),
            full: std::array::from_fn(count),
            too_large: std::array::from_fn(|level| count(5 + level)),
        };
        if loss.total() == 0 {
            return;
        }
        self.lost = self.lost.saturating_add(loss.total());
        let frame = LossFrame { ring, position: recovered.end(), loss, gone: None };
        self.frames.frame(&mut self.bytes, FrameKind::Loss, |out| frame.encode(out));
    }

    /// Each ring that a thread had must be among those that were read; of others only the dump has
    /// anything.
    fn check_list(&mut self, path: PathBuf, rings: recovery::Rings) {
        for (ring, place) in rings.listed {
            if place == Place::File && self.facts.starts.contains_key(&ring) {
                continue;
            }
            let is_unlinked = place != Place::Memory;
            let mut dumps = self.metas.iter().chain(self.dump);
            let thread = dumps.find_map(|dump| dump.thread(ring));
            let thread = thread.map(|thread| thread.name.as_str().into()).unwrap_or_default();
            let blocks = self.blocks.get(&ring).into_iter().flatten();
            let behind = |block: &&Block| {
                block.header.first_record.saturating_add(block.header.count.into())
            };
            let number = blocks.map(behind).max().unwrap_or_default();
            let state =
                if is_unlinked { VolatileState::UnlinkedLost } else { VolatileState::MemoryLost };
            self.put_lost(ring, state, number);
            let cause = DamageCause::RingLost { ring, thread, number, is_unlinked };
            let file = Arc::from(path.as_path());
            self.damage.push(Damage { file, offset: 0, bytes: 0, cause });
        }
        let loss = Loss { counter: self.last_counter(), full: rings.ringless, too_large: [0; 5] };
        if loss.total() > 0 {
            let ring = Loss::NO_RING;
            self.frames.frame(&mut self.bytes, FrameKind::Thread, |out| {
                Thread::no_ring().encode(out);
            });
            self.lost = self.lost.saturating_add(loss.total());
            let frame = LossFrame { ring, position: 0, loss, gone: None };
            self.frames.frame(&mut self.bytes, FrameKind::Loss, |out| frame.encode(out));
        }
        if rings.unlisted > 0 {
            self.put_lost(VolatileRing::ALL, VolatileState::MemoryLost, 0);
            self.report(path, 0, RingDamage::Unlisted { rings: rings.unlisted });
        }
    }

    /// The latest time of which anything is known.
    fn last_counter(&self) -> u64 {
        let blocks = self.blocks.values().flatten();
        let last = blocks.map(|block| block.header.counter_last).max();
        let mut pairs = self.metas.iter().chain(self.dump).flat_map(Dump::clock_pairs);
        last.or(pairs.next_back().map(|pair| pair.counter)).unwrap_or_default()
    }

    /// For the dump that is made of this one: the loss must not be forgotten.
    fn put_lost(&mut self, ring: u32, state: VolatileState, number: u64) {
        let lost = VolatileRing { ring, state: state as u8, number, reason: String::new() };
        self.frames.frame(&mut self.bytes, FrameKind::Volatile, |out| lost.encode(out));
    }

    fn finish(self) -> Result<Recovery, RingsError> {
        let Self { dir, mut frames, mut bytes, facts, damage, rings, records, lost, .. } = self;
        let end = End { index: 0, records, lost, continues: false };
        frames.frame(&mut bytes, FrameKind::End, |out| end.encode(out));
        let path = dir.folder.path().to_owned();
        // It was within the limits when it was read.
        let limits = Limits::default().with_metadata_bytes(usize::MAX);
        match Dump::from_bytes_within(path.clone(), bytes, &limits) {
            Ok(dump) => Ok(Recovery { dump: dump.into_rings(facts, damage), path, rings, records }),
            Err(error) => Err(RingsError::Unusable { path, why: error.to_string().into() }),
        }
    }
}

/// Reads a ring's file, if it is not longer than what is left to be read.
fn recovered(mut file: File, left: &mut u64) -> Result<Recovered, RingDamage> {
    let bytes = file.metadata().map_err(|error| RingDamage::Io(error.kind()))?.len();
    let limit = MAX_RING_FILE_BYTES.min(*left);
    if bytes > limit {
        return Err(RingDamage::TooLong { bytes, limit });
    }
    *left -= bytes;
    let image = read_at_most(&mut file, bytes).map_err(|error| RingDamage::Io(error.kind()))?;
    Recovered::from_bytes(&image).map_err(|error| RingDamage::NoRing(error.to_string().into()))
}
