//! The reading of a ring directory into a dump in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, VERSION, Version};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::recovery::{RingSpan, put_blocks};
use stenolog_format::span::SpanMark;
use stenolog_format::volatile::{VolatileRing, VolatileState};
use stenolog_ringbuf::file::Recovered;
use stenolog_session::dir::{Dir, FileError, read_at_most};
use stenolog_session::layout::{
    META_FILE, META_SEQUENCE, PROGRESS_FILE, Progress, RingList, RingWords, is_ring_file,
};
use stenolog_session::lock;
use stenolog_session::unread::{
    DumpSide, Share, end_number, identify, judge, read_ring, share_records,
};
use stenolog_session::writer::DumpWriter;

use super::dir::RingDir;
use super::error::RingsError;
use super::judgement::{Known, damage, not_a_ring, ring_damage};
use super::recovery::{Recovery, UnreadRing};
use crate::dump::{Dump, RingFacts, RingStart};
use crate::limits::Limits;
use crate::model::damage::{Damage, DamageCause, RingDamage};

impl RingDir {
    /// Reads the records that the rings have and `dump` lacks; without a dump, all their records.
    ///
    /// Takes time and memory in proportion to the files, up to the [`Limits`].
    ///
    /// # Errors
    /// If the writer is still running, or the metadata of the records is missing. Damage is not an error.
    pub fn read(&self, dump: Option<&Dump>, limits: &Limits) -> Result<Recovery, RingsError> {
        let alive = || RingsError::Alive { path: self.path().to_owned() };
        if dump.is_some_and(|dump| dump.writer_is_alive() == Some(true)) {
            return Err(alive());
        }
        let mut found = Vec::new();
        let mut metas = Vec::new();
        for at in self.dirs() {
            match meta(self, at, limits, &mut found)? {
                Ok(meta) => metas.push(meta),
                // The dump has call sites too, though not all of them.
                Err(why) if dump.is_some() => {
                    found.push(damage(at.path().join(META_FILE), 0, RingDamage::Meta(why)));
                }
                Err(why) => return Err(RingsError::NoMeta { path: at.path().to_owned(), why }),
            }
        }
        let Some(header) = metas.first().or(dump).map(Dump::header) else {
            return Err(RingsError::NoMeta {
                path: self.path().to_owned(),
                why: "is missing".into(),
            });
        };
        let progress = all_progress(self, &metas, &mut found);
        let written = progress.as_ref().map(|(_, progress)| (progress.sequence, progress.written));
        let mut reader = RingsReader {
            dir: self,
            dump,
            metas: &metas,
            session: header.session,
            known: Known::new(dump, &metas),
            writer: DumpWriter::begin_segment(FileHeader {
                sequence: META_SEQUENCE,
                version: VERSION,
                ..*header
            }),
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
}

/// Reads `meta.steno`. Its last frame may be torn: no record needs it.
fn meta(
    dir: &RingDir,
    at: &Dir,
    limits: &Limits,
    found: &mut Vec<Damage>,
) -> Result<Result<Dump, Box<str>>, RingsError> {
    let path = at.path().join(META_FILE);
    let file = match at.open_file(META_FILE, &dir.owners) {
        Ok(file) => file,
        Err(FileError::Foreign) => return Ok(Err(RingDamage::Foreign.to_string().into())),
        Err(FileError::Io(error)) => return Ok(Err(format!("cannot be read: {error}").into())),
    };
    if lock::directory_is_in_use(&file) == Some(true) {
        return Err(RingsError::Alive { path: at.path().to_owned() });
    }
    let bytes = match read_at_most(&file, limits.ring_metadata_bytes) {
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

/// The `progress` of the first directory, and its path.
fn all_progress(
    dir: &RingDir,
    metas: &[Dump],
    found: &mut Vec<Damage>,
) -> Option<(PathBuf, Progress)> {
    let mut all = Vec::new();
    for at in dir.dirs() {
        let path = at.path().join(PROGRESS_FILE);
        let cause = match at.progress(&dir.owners) {
            Ok(progress) => {
                all.extend(progress.map(|progress| (path, progress)));
                continue;
            }
            // The writer died before it wrote anything.
            Err(error) if error.is_not_found() => continue,
            Err(FileError::Foreign) => RingDamage::Foreign,
            Err(FileError::Io(error)) => RingDamage::Io(error.kind()),
        };
        found.push(damage(path, 0, cause));
    }
    let is_first = |(_, progress): &(PathBuf, Progress)| progress.is_of_first_directory();
    let has_list = Version { major: 1, minor: 3 };
    let needs_list = metas.iter().any(|meta| meta.header().version >= has_list);
    let path = dir.path().join(PROGRESS_FILE);
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
            found.push(damage(dir.path().to_owned(), 0, RingDamage::NoFirst));
            None
        }
    }
}

/// Puts the records of rings into a dump.
struct RingsReader<'d> {
    dir: &'d RingDir,
    dump: Option<&'d Dump>,
    metas: &'d [Dump],
    session: [u8; 16],
    known: Known<'d>,
    writer: DumpWriter,
    facts: RingFacts,
    damage: Vec<Damage>,
    rings: Vec<UnreadRing>,
    records: u64,
    lost: u64,
}

impl RingsReader<'_> {
    fn report(&mut self, file: PathBuf, offset: u64, cause: RingDamage) {
        self.damage.push(damage(file, offset, cause));
    }

    /// Checks that the dump still has all bytes that were written.
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
        let Self { metas, dump, writer, .. } = self;
        let both = || metas.iter().chain(*dump);
        for pair in metas.iter().flat_map(Dump::clock_pairs) {
            writer.put_clock(pair);
        }
        let mut sites: BTreeMap<u32, &CallSite> = BTreeMap::new();
        let mut differ = None;
        for site in both().flat_map(Dump::sites).map(crate::CompiledSite::call_site) {
            let known = *sites.entry(site.id).or_insert(site);
            if known != site {
                differ.get_or_insert(site.id);
            }
        }
        let sites: Vec<_> = sites.into_values().collect();
        let marks: BTreeMap<u32, SpanMark> =
            both().flat_map(Dump::span_marks).map(|mark| (mark.site, mark)).collect();
        writer.state_marks(&marks.into_values().collect::<Vec<_>>());
        writer.state_all_sites(&sites);
        metas.iter().flat_map(Dump::threads).for_each(|thread| writer.state_thread(thread));
        if let Some(id) = differ {
            let why = format!("call site {id} is another one in the dump").into();
            self.report(self.dir.path().join(META_FILE), 0, RingDamage::Meta(why));
        }
    }

    fn rings(&mut self, limits: &Limits) {
        let (mut files, mut bytes) = (limits.ring_files, limits.ring_bytes);
        for at in self.dir.dirs() {
            self.rings_in(at, &mut files, &mut bytes);
        }
    }

    fn rings_in(&mut self, dir: &Dir, limit: &mut usize, left: &mut u64) {
        let at = dir.path();
        let (mut names, files) = match dir.names(*limit, is_ring_file) {
            Ok(found) => (found.names, found.total),
            Err(error) => {
                let cause = RingDamage::Io(error.kind());
                return self.report(at.to_owned(), 0, cause);
            }
        };
        if files > names.len() {
            let cause = RingDamage::TooMany { files, limit: *limit };
            self.report(at.to_owned(), 0, cause);
        }
        // By number: they have no leading zeros.
        names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        *limit -= names.len().min(*limit);
        for name in names {
            let path = at.join(&name);
            let file = match dir.open_file(&name, &self.dir.owners) {
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
            let ring = read_ring(&file, left);
            let found = ring.and_then(|ring| Ok((identify(&ring, &self.session)?, ring)));
            match found {
                Ok((Some((id, words)), ring)) => self.ring(path, id, &words, &ring),
                // It waits for a thread.
                Ok((None, _)) => {}
                Err(why) => self.report(path, 0, not_a_ring(why)),
            }
        }
    }

    fn ring(&mut self, path: PathBuf, id: u32, words: &RingWords, ring: &Recovered) {
        if self.facts.starts.contains_key(&id) {
            return self.report(path, 0, RingDamage::Twice { ring: id });
        }
        let share = judge(ring, id, words, &self.known);
        for cause in share.damage.iter().filter_map(|&damage| ring_damage(id, damage)) {
            self.report(path.clone(), 0, cause);
        }
        let records = self.put_records(ring, &share);
        self.put_losses(id, ring, share.loss);
        let first_record = share.span.first_record;
        self.facts.starts.insert(id, RingStart { position: ring.start(), first_record, records });
        self.records = self.records.saturating_add(records);
        self.rings.push(UnreadRing { ring: id, file: path, first_record, records });
    }

    /// Puts the records that the dump lacks into blocks, and returns their number.
    fn put_records(&mut self, ring: &Recovered, share: &Share) -> u64 {
        let span = share.span;
        let Self { writer, known, .. } = self;
        let put = put_blocks(
            span,
            share_records(ring, share),
            |tag| known.site(tag),
            |header, payload| {
                writer.put_block(|out| {
                    out.extend_from_slice(payload);
                    *header
                });
            },
        );
        if put.blocks == 0 && known.end(span.ring).unwrap_or(0) < span.first_record {
            self.put_gap(span);
        }
        put.records
    }

    /// States by an empty block that the records before the ring's are missing.
    fn put_gap(&mut self, span: RingSpan) {
        let last = self.known.blocks(span.ring).map(|block| block.counter_last).max();
        let clock = self.metas.first().or(self.dump).and_then(|dump| dump.clock_pairs().last());
        let counter = last.or(clock.map(|pair| pair.counter)).unwrap_or_default();
        let header = BlockHeader {
            ring: span.ring,
            encoding: 0,
            codec: 0,
            levels: 0,
            flags: BlockHeader::HAS_COUNTER,
            position: span.position,
            end_position: span.end_position,
            first_record: span.first_record,
            count: 0,
            body_bytes: 0,
            counter_first: counter,
            counter_last: counter,
            unix_first: 0,
            unix_last: 0,
        };
        self.writer.put_block(|out| {
            out.extend_from_slice(&header.encode());
            header
        });
    }

    /// States what the ring's thread lost.
    fn put_losses(&mut self, ring: u32, recovered: &Recovered, loss: Loss) {
        if loss.total() == 0 {
            return;
        }
        self.lost = self.lost.saturating_add(loss.total());
        let frame = LossFrame { ring, position: recovered.end(), loss, gone: None };
        self.writer.put_loss(&frame);
    }

    /// Checks that all listed rings were read. Of others, only the dump has records.
    fn check_list(&mut self, path: PathBuf, rings: RingList) {
        let missing = rings.missing(|ring| self.facts.starts.contains_key(&ring));
        for (ring, place) in missing.collect::<Vec<_>>() {
            let state = place.lost_state();
            let is_unlinked = state == VolatileState::UnlinkedLost;
            let mut dumps = self.metas.iter().chain(self.dump);
            let thread = dumps.find_map(|dump| dump.thread(ring));
            let thread = thread.map(|thread| thread.name.as_str().into()).unwrap_or_default();
            let number = self.known.end(ring).max(self.tail_end(ring)).unwrap_or_default();
            self.put_lost(ring, state, number);
            let cause = DamageCause::RingLost { ring, thread, number, is_unlinked };
            let file = Arc::from(path.as_path());
            self.damage.push(Damage { file, offset: 0, bytes: 0, cause });
        }
        let loss = rings.ringless_loss(self.last_counter());
        if loss.total() > 0 {
            let ring = Loss::NO_RING;
            self.writer.state_thread(&Thread::no_ring());
            self.lost = self.lost.saturating_add(loss.total());
            let frame = LossFrame { ring, position: 0, loss, gone: None };
            self.writer.put_loss(&frame);
        }
        if rings.unlisted > 0 {
            self.put_lost(VolatileRing::ALL, VolatileState::MemoryLost, 0);
            self.report(path, 0, RingDamage::Unlisted { rings: rings.unlisted });
        }
    }

    /// The number after the last record of a ring that the dump's tail has.
    fn tail_end(&self, ring: u32) -> Option<u64> {
        let blocks = self.dump?.tail_dump()?.blocks().iter();
        blocks.filter(|block| block.header.ring == ring).map(|it| end_number(&it.header)).max()
    }

    /// The latest known time.
    fn last_counter(&self) -> u64 {
        let blocks = self.known.blocks.values().flatten();
        let last = blocks.map(|(header, _)| header.counter_last).max();
        let mut pairs = self.metas.iter().chain(self.dump).flat_map(Dump::clock_pairs);
        last.or(pairs.next_back().map(|pair| pair.counter)).unwrap_or_default()
    }

    /// States a loss, which a dump that is recovered from this one has to repeat.
    fn put_lost(&mut self, ring: u32, state: VolatileState, number: u64) {
        let lost = VolatileRing { ring, state: state as u8, number, reason: String::new() };
        self.writer.put_volatile(&lost);
    }

    fn finish(self) -> Result<Recovery, RingsError> {
        let Self { dir, mut writer, facts, damage, rings, records, lost, .. } = self;
        writer.finish_without_index(lost);
        let path = dir.path().to_owned();
        // Everything was within the limits when it was read.
        let limits = Limits::default().with_metadata_bytes(usize::MAX);
        match Dump::from_bytes_within(path.clone(), writer.into_bytes(), &limits) {
            Ok(dump) => Ok(Recovery { dump: dump.into_rings(facts, damage), path, rings, records }),
            Err(error) => Err(RingsError::Unusable { path, why: error.to_string().into() }),
        }
    }
}
