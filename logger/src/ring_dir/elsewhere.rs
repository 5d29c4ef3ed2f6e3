//! Platforms without rings in files.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::FileHeader;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc::Producer;

use super::{NoRingDir, NotRecovered, RingFile};

/// There is none.
#[derive(Debug)]
pub(crate) struct RingDir(Infallible);

impl RingDir {
    pub(crate) fn create(
        _: &[PathBuf],
        _: FileHeader,
        _: &ClockPair,
        _: &Path,
    ) -> Result<Self, NoRingDir> {
        Err(NoRingDir { tried: Vec::new() })
    }

    pub(crate) fn path(&self) -> &Path {
        match self.0 {}
    }

    pub(crate) fn new_ring(&self, _: usize) -> io::Result<(Producer, Consumer, RingFile)> {
        match self.0 {}
    }

    pub(crate) fn remove_ring(&self, _: RingFile) {
        match self.0 {}
    }

    pub(crate) fn state_thread(&self, _: &Thread) {
        match self.0 {}
    }

    pub(crate) fn state_site(&self, _: &CallSite) {
        match self.0 {}
    }

    pub(crate) fn note_progress(&self, _: u32, _: u64) {
        match self.0 {}
    }

    pub(crate) fn remove(&self) {
        match self.0 {}
    }
}

/// There is none either.
#[derive(Debug)]
pub(crate) struct UnreadDir(Infallible);

impl UnreadDir {
    pub(crate) fn find(_: &[PathBuf], _: &[u8; 16]) -> Option<Self> {
        None
    }

    pub(crate) fn path(&self) -> &Path {
        match self.0 {}
    }

    pub(crate) fn complete(&self, _: &File) -> Result<(), NotRecovered> {
        match self.0 {}
    }

    pub(crate) fn remove(self) -> Result<(), NotRecovered> {
        match self.0 {}
    }
}

/// Nor can one be removed.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) rings: PathBuf,
    pub(crate) dump: Option<PathBuf>,
    pub(crate) were_unread: bool,
    pub(crate) why: &'static str,
}

/// There is nothing to clean up.
pub(crate) fn sweep(_: &[PathBuf], _: Option<[u8; 16]>, _: bool) -> Vec<Removed> {
    Vec::new()
}
