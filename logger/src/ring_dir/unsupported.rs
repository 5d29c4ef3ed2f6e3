//! Platforms without rings in files.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::frame::FileHeader;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::queue::spsc::Producer;
use stenolog_session::layout::RingPlace;

use super::{NoRingDir, Removed, SiteEntry};

/// A ring directory, which does not exist here.
#[derive(Debug)]
pub(crate) struct RingDir(Infallible);

/// A file in a ring directory, which does not exist here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingFile(Infallible);

/// The place of a ring in `progress`: it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listing(Infallible);

/// Changes to ring directories, which do not exist on this platform.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    pub(crate) made_again: Option<(PathBuf, io::Result<()>)>,
    pub(crate) rings: Vec<u32>,
}

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

    pub(crate) fn new_ring(&self, _: &[usize]) -> io::Result<(Producer, Consumer, RingFile)> {
        match self.0 {}
    }

    pub(crate) fn remove_ring(&self, _: RingFile) {
        match self.0 {}
    }

    pub(crate) fn state_thread(&self, _: &Thread) {
        match self.0 {}
    }

    pub(crate) fn forget_thread(&self, _: u32) {
        match self.0 {}
    }

    pub(crate) fn has_ring(&self, _: RingFile) -> bool {
        match self.0 {}
    }

    pub(crate) fn list(&self, _: &Thread, _: RingPlace) -> Listing {
        match self.0 {}
    }

    pub(crate) fn unlink(&self, _: &mut Listing) {
        match self.0 {}
    }

    pub(crate) fn unlist(&self, _: Listing) {
        match self.0 {}
    }

    pub(crate) fn state_site(&self, _: &SiteEntry) -> bool {
        match self.0 {}
    }

    pub(crate) fn has_stated(&self, _: u32) -> bool {
        match self.0 {}
    }

    pub(crate) fn note_explained(&self, _: u32) {
        match self.0 {}
    }

    pub(crate) fn state_ringless(&self, _: Level, _: u64) {
        match self.0 {}
    }

    pub(crate) fn look(&self, _: &[(u32, RingFile)], _: &dyn Fn() -> Vec<SiteEntry>) -> Missed {
        match self.0 {}
    }

    pub(crate) fn note_progress(&self, _: u32, _: u64) {
        match self.0 {}
    }

    pub(crate) fn remove(&self) {
        match self.0 {}
    }
}

/// Cleans up nothing.
pub(crate) fn sweep(_: &[PathBuf], _: Option<[u8; 16]>, _: bool) -> Vec<Removed> {
    Vec::new()
}
