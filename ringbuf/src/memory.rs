//! Rings in memory that is mapped before the first record.
//!
//! The memory of [`queue::spsc::new`](crate::queue::spsc::new) is mapped page by page on first use: the first
//! store to each page costs some microseconds. Here the memory is mapped and touched when the ring is created,
//! in huge pages on request if the system has them: the processor then looks up one page address instead of
//! 512.

use crate::consumer::Consumer;
use crate::positions::Kind;
use crate::queue::{mpsc, spsc};
use crate::ring::{Ring, round_capacity};
use crate::storage::{PAGE_BYTES, Storage};
use crate::sync::Arc;
use memmap2::{MmapMut, MmapRaw};
use std::io;

/// The size of a huge page, and where one may begin: of x86-64, and of aarch64 with small pages of
/// 4 KiB.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// How to create a ring in memory.
///
/// # Examples
///
/// ```
/// use stenolog_ringbuf::memory::Options;
///
/// let (mut producer, mut consumer) = Options::new(4 << 20).huge_pages(true).create_spsc()?;
/// producer.try_claim(5)?.commit();
/// assert_eq!(consumer.try_claim().unwrap().len(), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    capacity: usize,
    huge_pages: bool,
}

impl Options {
    /// A ring of at least `capacity_bytes`, rounded up to a power of two.
    ///
    /// # Panics
    ///
    /// If the capacity exceeds 1 GiB.
    #[must_use]
    pub fn new(capacity_bytes: usize) -> Self {
        Self { capacity: round_capacity(capacity_bytes), huge_pages: false }
    }

    /// Sets whether to ask the system for huge pages. The default is `false`.
    ///
    /// Linux provides them if `/sys/kernel/mm/transparent_hugepage/enabled` is `madvise` or `always` and 2 MiB
    /// of contiguous memory are free. Otherwise, and on other systems, pages are small. A ring with huge pages
    /// takes at least 2 MiB.
    #[must_use]
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.huge_pages = huge_pages;
        self
    }

    /// Creates a ring of [one producer](crate::queue::spsc).
    ///
    /// # Errors
    ///
    /// If the address space of the process has no room. If the system overcommits memory and runs out of it, it
    /// may kill the process instead.
    pub fn create_spsc(&self) -> io::Result<(spsc::Producer, Consumer)> {
        let ring = self.create(Kind::OneProducer)?;
        Ok((spsc::Producer::over(Arc::clone(&ring)), Consumer::new(ring)))
    }

    /// Creates a ring of [many producers](crate::queue::mpsc).
    ///
    /// # Errors
    ///
    /// If the address space of the process has no room. If the system overcommits memory and runs out of it, it
    /// may kill the process instead.
    pub fn create_mpsc(&self) -> io::Result<(mpsc::Producer, Consumer)> {
        let ring = self.create(Kind::ManyProducers)?;
        Ok((mpsc::Producer::over(Arc::clone(&ring)), Consumer::new(ring)))
    }

    fn create(&self, kind: Kind) -> io::Result<Arc<Ring>> {
        let align = if self.huge_pages { HUGE_PAGE_BYTES } else { PAGE_BYTES };
        let data_bytes = self.capacity.next_multiple_of(align);
        let mut map = MmapMut::map_anon(data_bytes + align)?;
        let data_at = map.as_ptr().align_offset(align);
        if self.huge_pages {
            advise_huge_pages(&map, data_at, data_bytes)?;
        }
        // What is around it is never touched.
        let used = map.get_mut(data_at..data_at + data_bytes).unwrap_or_default();
        for page in used.chunks_mut(PAGE_BYTES) {
            // A plain store of what is there already might be left out.
            std::hint::black_box(page)[0] = 0;
        }
        let storage = Storage::mapped(MmapRaw::from(map), None, data_at, self.capacity);
        Ok(Arc::new(Ring::over(storage, kind)))
    }
}

#[cfg(target_os = "linux")]
fn advise_huge_pages(map: &MmapMut, at: usize, bytes: usize) -> io::Result<()> {
    match map.advise_range(memmap2::Advice::HugePage, at, bytes) {
        // A kernel without them.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
fn advise_huge_pages(_: &MmapMut, _: usize, _: usize) -> io::Result<()> {
    Ok(())
}
