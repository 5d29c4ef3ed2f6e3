//! The file `meta.steno` of a running logger: call sites, threads and a clock pair.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter};
use stenolog_format::span::SpanMark;
use stenolog_session::dir::check_size_limit;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::lock::acquire;

use super::SiteEntry;
use super::slots::{MetaSlots, MetaWrite};
use crate::process::descriptors::NotInherited;

/// The open file, whose lock tells readers that the logger is running.
#[derive(Debug)]
pub(super) struct MetaFile {
    // Before the file: its number must not be that of another file when a child closes it.
    _not_inherited: NotInherited,
    file: File,
    len: u64,
    /// How many bytes of it the file system has reserved.
    reserved: u64,
    frames: FrameWriter,
    pub(super) threads: MetaSlots,
    /// Whether it has each call site, by id.
    pub(super) stated: Vec<bool>,
}

/// How much space is reserved at once.
const META_RESERVE_BYTES: u64 = 1 << 16;

impl MetaFile {
    /// Locks a new file, and writes its header and clock.
    pub(super) fn begin(
        file: io::Result<File>,
        header: FileHeader,
        clock: &ClockPair,
    ) -> io::Result<Self> {
        let file = file?;
        // No other process has it; and a file system without locks needs none.
        let _ = acquire(&file);
        let _not_inherited = NotInherited::new(&file);
        let frames = FrameWriter::default();
        let (threads, stated) = (MetaSlots::default(), Vec::new());
        let mut meta = Self { _not_inherited, file, len: 0, reserved: 0, frames, threads, stated };
        meta.append(&header.encode())?;
        meta.frame(FrameKind::Clock, |out| clock.encode(out))?;
        Ok(meta)
    }

    /// States the thread of a ring.
    pub(super) fn thread(&mut self, thread: &Thread) -> io::Result<()> {
        let len = self.len;
        let statement = self.threads.state(thread, len, &self.frames);
        match &statement {
            MetaWrite::Overwrite { offset, bytes } => self.file.write_all_at(bytes, *offset)?,
            MetaWrite::Append { bytes, frames, .. } => {
                self.append(bytes)?;
                self.frames = frames.clone();
            }
        }
        self.threads.note(thread.ring, &statement, len);
        Ok(())
    }

    /// States a call site, and what its records are, unless it has it; `false` if there is no room for it.
    pub(super) fn site(&mut self, entry: &SiteEntry) -> bool {
        let SiteEntry { site, event } = entry;
        if site.id < CallSite::FIRST_ID || self.is_stated(site.id) {
            return true;
        }
        // The mark first: a reader of the call site has it. If a write fails, the next call in the cold path tries again.
        let mark = event.map(|event| SpanMark::new(site.id, event));
        let marked = mark.map_or(Ok(()), |mark| {
            self.frame(FrameKind::Spans, |out| SpanMark::encode_all([mark].into_iter(), out))
        });
        if marked.is_err() {
            return false;
        }
        let written = self.frame(FrameKind::Dictionary, |out| {
            CallSite::encode_all(std::iter::once(&**site), out);
        });
        if written.is_ok() {
            self.note_stated(site.id);
            failpoint::after(Step::SiteStated);
        }
        written.is_ok()
    }

    pub(super) fn is_stated(&self, id: u32) -> bool {
        let at = id.checked_sub(CallSite::FIRST_ID);
        at.is_some_and(|at| self.stated.get(at as usize) == Some(&true))
    }

    pub(super) fn note_stated(&mut self, id: u32) {
        let Some(at) = id.checked_sub(CallSite::FIRST_ID) else { return };
        let at = at as usize;
        if self.stated.len() <= at {
            self.stated.resize(at + 1, false);
        }
        self.stated[at] = true;
    }

    /// Reserves space for `len` bytes in all, and for more to come.
    fn reserve(&mut self, len: u64) {
        if len <= self.reserved {
            return;
        }
        let wanted = len.next_multiple_of(META_RESERVE_BYTES);
        // The length of the file stays that of its content. If the system has no such call, or no more
        // space, the write will tell.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let (from, more) = (self.reserved, wanted - self.reserved);
            let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
            // Beyond a limit of the file size, this would raise a signal as a write does.
            let is_reserved = check_size_limit(wanted).is_ok()
                && rustix::fs::fallocate(&self.file, flags, from, more).is_ok();
            if !is_reserved {
                return;
            }
        }
        self.reserved = wanted;
    }

    fn frame(&mut self, kind: FrameKind, fill: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut frames = self.frames.clone();
        frames.frame(&mut bytes, kind, fill);
        self.append(&bytes)?;
        self.frames = frames;
        Ok(())
    }

    /// Appends all of the bytes, or none.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let len = self.len + bytes.len() as u64;
        check_size_limit(len)?;
        self.reserve(len);
        let result = self.file.write_all(bytes);
        match result {
            Ok(()) => self.len += bytes.len() as u64,
            Err(_) => {
                let _ = self.file.set_len(self.len);
                let _ = io::Seek::seek(&mut self.file, io::SeekFrom::Start(self.len));
            }
        }
        result
    }
}
