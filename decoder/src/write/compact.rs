//! Recompression of a dump: merges its blocks, lays them out in columns and compresses them harder.
//!
//! ```text
//!   dump ─▶ steps ─┬─ frames ─────────────────────────────┬─▶ output
//!                  └─ windows of blocks ─▶ workers ─▶ blocks ─┘
//! ```
//!
//! Other frames are copied as they are, except those that index or summarize: indexes, summaries and the end
//! are rebuilt, and watermarks are left out. A block that cannot be merged, because this version cannot decode
//! one of its records, is copied too. Each new block is read back, and compared with the records that it replaces.

mod packer;
mod proof;
mod steps;
mod workers;

use std::io::{self, Write};
use std::num::NonZero;
use std::thread;

use stenolog_format::block::BlockHeader;
use stenolog_format::frame::{FileHeader, VERSION};

use crate::dump::{Dump, Unpacker};
use crate::model::state::Tail;
use crate::write::recover::FrameCopier;
use packer::{BlockSpans, NewBlock, Packed};
use steps::{Step, Steps, WINDOW_BYTES};
use workers::Output;

/// The result of rewriting a dump.
///
/// See [`repack`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepackReport {
    /// How many records were written, loss statements included.
    pub records: u64,
    /// How many bytes the dump had.
    pub bytes_before: u64,
    /// How many bytes were written.
    pub bytes: u64,
    /// How many blocks of the dump were read for these.
    pub blocks_before: u64,
    /// How many blocks were written.
    pub blocks: u64,
}

/// How a dump is rewritten.
///
/// ```
/// use std::num::NonZero;
/// use stenolog_decoder::RepackOptions;
///
/// let gently = RepackOptions::new(19).with_threads(NonZero::<usize>::MIN);
/// ```
#[derive(Clone, Debug)]
pub struct RepackOptions {
    level: i32,
    threads: Option<NonZero<usize>>,
}

impl RepackOptions {
    /// Compression at a Zstandard level, from 1 (fastest) to 22 (smallest), in as many threads as there are
    /// cores.
    #[must_use]
    pub const fn new(level: i32) -> Self {
        Self { level, threads: None }
    }

    /// Sets the number of threads. It does not affect the output.
    #[must_use]
    pub const fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = Some(threads);
        self
    }
}

/// How far a dump is rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepackProgress {
    /// How many bytes of the dump are done, from its beginning.
    pub bytes_done: u64,
    /// How many bytes the dump has.
    pub bytes_total: u64,
    /// How many records were written.
    pub records: u64,
}

/// Rewrites a dump in fewer bytes. Records, numbers, positions, losses, call sites, threads and clock stay the
/// same; index and summaries are new. The result is sealed if the dump is.
///
/// Small blocks become large ones, in columns that Zstandard compresses at `level` (1 to 22, fastest to smallest;
/// see the `zstd` crate), on all cores. Each one is read back before it is written: blocks that it does not reproduce
/// are copied instead. Damaged parts are left out, except for the records before a cut: call
/// [`verify`](crate::verify) first if you do not want that. [`repack_with`] sets the number of threads, and says
/// how much memory this takes.
///
/// # Errors
/// If writing to `out` fails, or if this build cannot compress at that level.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let header = stenolog_decoder::format::frame::FileHeader {
/// #     version: stenolog_decoder::format::frame::VERSION, session: [1; 16], created_unix_ns: 0,
/// #     sequence: 0, process_id: 1, counter_hz: 1,
/// # };
/// # let dump = stenolog_decoder::Dump::from_bytes("app.steno", header.encode().to_vec()).unwrap();
/// let mut smaller = Vec::new();
/// let repacked = stenolog_decoder::repack(&dump, 19, &mut smaller)?;
/// assert_eq!(repacked.bytes, smaller.len() as u64);
/// # Ok(())
/// # }
/// ```
pub fn repack(dump: &Dump, level: i32, out: &mut impl Write) -> io::Result<RepackReport> {
    repack_with(dump, &RepackOptions::new(level), |_| {}, out)
}

/// Rewrites a dump as [`repack`] does, and calls `progress` now and then.
///
/// The output is the same for any number of threads. Each thread takes the memory of a few blocks of the largest
/// size: about 64 MiB.
///
/// # Errors
/// As [`repack`].
///
/// # Examples
/// ```
/// use stenolog_decoder::{Dump, RepackOptions, repack_with};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let (mut smaller, mut share) = (Vec::new(), 0.0);
/// repack_with(
///     &dump,
///     &RepackOptions::new(19),
///     |progress| share = progress.bytes_done as f64 / progress.bytes_total as f64,
///     &mut smaller,
/// )?;
/// assert_eq!(share, 1.0);
/// # Ok(())
/// # }
/// ```
pub fn repack_with(
    dump: &Dump,
    options: &RepackOptions,
    progress: impl FnMut(&RepackProgress),
    out: &mut impl Write,
) -> io::Result<RepackReport> {
    repack_in_windows(dump, options, WINDOW_BYTES, progress, out)
}

fn repack_in_windows(
    dump: &Dump,
    options: &RepackOptions,
    window_bytes: u64,
    progress: impl FnMut(&RepackProgress),
    out: &mut impl Write,
) -> io::Result<RepackReport> {
    let dump = &*dump.whole();
    let header = dump.header();
    // New frames are of this version, copied ones of the dump's.
    let version = header.version.max(VERSION);
    let bytes_total = dump.len_bytes();
    let mut rewriter = Rewriter {
        dump,
        copy: FrameCopier::new(FileHeader { version, ..*header }, out),
        progress,
        done: RepackProgress { bytes_total, ..RepackProgress::default() },
        grouped: 0,
        blocks_before: 0,
        blocks: 0,
        is_whole: dump.damage().is_empty(),
    };
    let cores = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let threads = options.threads.unwrap_or_else(cores);
    workers::run(dump, options.level, threads, Steps::new(dump, window_bytes), &mut rewriter)?;
    let Rewriter { mut copy, mut progress, mut done, blocks_before, blocks, is_whole, .. } =
        rewriter;
    // An end frame would deny what was left out.
    if is_whole
        && dump.tail() == Tail::Sealed
        && let Some(end) = dump.end()
    {
        copy.put_end(end.lost, end.continues);
    }
    let (records, bytes) = copy.finish()?;
    done.bytes_done = bytes_total;
    progress(&done);
    Ok(RepackReport { records, bytes_before: bytes_total, bytes, blocks_before, blocks })
}

/// Puts what the steps make into the output.
struct Rewriter<'d, 'o, W, P> {
    dump: &'d Dump,
    copy: FrameCopier<'o, W>,
    progress: P,
    done: RepackProgress,
    /// The records of blocks of several rings.
    grouped: u64,
    blocks_before: u64,
    blocks: u64,
    /// Nothing was left out.
    is_whole: bool,
}

impl<W: Write, P: FnMut(&RepackProgress)> Output for Rewriter<'_, '_, W, P> {
    fn put_step(&mut self, step: &Step) -> io::Result<()> {
        match *step {
            Step::Frame(at) => self.copy.other(self.dump, at),
            Step::Cut(index) => {
                self.is_whole = false;
                let Some(block) = self.dump.blocks().get(index as usize) else { return Ok(()) };
                self.blocks_before += 1;
                self.blocks += 1;
                self.copy.block(self.dump, &block, None)
            }
            Step::Window(_) => Ok(()),
        }
    }

    fn put_window(&mut self, end: u64, packed: Vec<Packed>) -> io::Result<()> {
        for packed in packed {
            match packed {
                Packed::LeftOut => self.is_whole = false,
                Packed::Copied(index) => self.put_copy(index as usize)?,
                Packed::New(block) => {
                    let NewBlock { mut header, mut payload, mut summary, merged, spans } = *block;
                    if let Some(BlockSpans { parts, sources }) = spans {
                        let sources = sources.iter();
                        let sources = sources.filter_map(|&at| self.dump.blocks().get(at as usize));
                        self.copy.put_context(self.dump, &parts, &sources.collect::<Vec<_>>());
                    }
                    if header.ring == BlockHeader::SEVERAL_RINGS {
                        header.first_record = self.grouped;
                        payload[..BlockHeader::BYTES].copy_from_slice(&header.encode());
                        self.grouped += u64::from(header.count);
                    }
                    self.copy.put_summed_block(&header, &payload, &mut summary)?;
                    self.blocks_before += merged;
                    self.blocks += 1;
                    self.done.records += u64::from(header.count);
                }
            }
        }
        self.done.bytes_done = end;
        (self.progress)(&self.done);
        Ok(())
    }
}

impl<W: Write, P> Rewriter<'_, '_, W, P> {
    /// Copies a block, and its summary, which stays true.
    fn put_copy(&mut self, index: usize) -> io::Result<()> {
        let dump = self.dump;
        let Some(block) = dump.blocks().get(index) else { return Ok(()) };
        let Some(payload) = dump.block_payload(&block) else { return Ok(()) };
        let is_group = block.header.encoding == BlockHeader::GROUP;
        if is_group && self.copy.put_rows(dump, &block, &mut Unpacker::default())? {
            // Its other parts may have been merged.
            self.blocks_before += u64::from(block.part == 0);
            self.blocks += 1;
            self.done.records += u64::from(block.header.count);
            return Ok(());
        }
        let Some(header) = BlockHeader::decode(payload).filter(|_| block.part == 0) else {
            // It was copied with the first part.
            return Ok(());
        };
        let parts = dump.blocks().iter().skip(index);
        let parts: Vec<_> = parts.take_while(|part| part.offset == block.offset).collect();
        self.copy.put_whole_block(dump, &parts, (&header, payload))?;
        self.blocks_before += 1;
        self.blocks += 1;
        self.done.records += u64::from(header.count);
        match dump.summary_offset(index) {
            Some(at) => self.copy.other(dump, at),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
