//! The memory of a ring.

use crate::header::HEADER_BYTES;
#[cfg(all(feature = "mmap", not(loom)))]
use crate::positions::Positions;
use crate::sync::Words;
use alloc::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
#[cfg(loom)]
use alloc::boxed::Box;
use core::alloc::Layout;
use core::ptr::NonNull;

/// A ring's memory begins at a page, or, if it is smaller than one, at a cache line.
pub(crate) const PAGE_BYTES: usize = 4096;
/// The unit in which memory moves between cores.
pub(crate) const LINE_BYTES: usize = 64;

/// Zeroed memory of a power of two bytes, shared by the ends of a ring; of a file, with the positions
/// in it.
pub(crate) struct Storage {
    words: Words,
    capacity: usize,
    #[cfg(all(feature = "mmap", not(loom)))]
    positions: Option<NonNull<Positions>>,
    memory: Memory,
}

/// The owner of the memory.
enum Memory {
    /// Allocated.
    Heap {
        allocation: NonNull<u8>,
        layout: Layout,
        #[cfg(loom)]
        shadow: NonNull<crate::sync::Shadow>,
    },
    /// A mapping: of a file, with the positions in it, or of nothing.
    #[cfg(all(feature = "mmap", not(loom)))]
    Mapped { _map: memmap2::MmapRaw },
}

// SAFETY: the memory is plain bytes without thread affinity. Who may access which of them, and
// when, is the protocol's business; this type hands out no reference to them.
unsafe impl Send for Storage {}
// SAFETY: as above; `&Storage` gives only copies of an address and a size, and atomics.
unsafe impl Sync for Storage {}

/// Where the memory of a ring may begin.
const fn align_of_ring(capacity: usize) -> usize {
    if capacity < PAGE_BYTES { LINE_BYTES } else { PAGE_BYTES }
}

/// The allocation of a ring.
fn layout(capacity: usize) -> Layout {
    // Aligned by hand: an allocator clears over-aligned memory itself, which touches every
    // page, whereas it gets large zeroed blocks of ordinary alignment from the system as is.
    Layout::from_size_align(capacity + align_of_ring(capacity), HEADER_BYTES)
        .expect("a ring is much smaller than the address space")
}

impl Storage {
    /// Allocates zeroed memory. Pages are not touched, so a large ring costs nothing until used.
    pub(crate) fn on_heap(capacity: usize) -> Self {
        Self::try_on_heap(capacity).unwrap_or_else(|| handle_alloc_error(layout(capacity)))
    }

    /// The same; `None` if there is no memory for it.
    pub(crate) fn try_on_heap(capacity: usize) -> Option<Self> {
        debug_assert!(capacity.is_power_of_two() && capacity >= 2 * HEADER_BYTES);
        let (align, layout) = (align_of_ring(capacity), layout(capacity));
        // SAFETY: the layout's size is not zero.
        let allocation = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        // SAFETY: the offset is below `align`, and the allocation is larger by that.
        let base = unsafe { allocation.add(allocation.align_offset(align)) };
        debug_assert!(base.addr().get().is_multiple_of(align));

        #[cfg(loom)]
        let shadow =
            NonNull::from(Box::leak(Box::new(crate::sync::Shadow::new(capacity / HEADER_BYTES))));
        Some(Self {
            #[cfg(not(loom))]
            words: Words::new(base),
            #[cfg(loom)]
            words: Words::new(base, shadow),
            capacity,
            #[cfg(all(feature = "mmap", not(loom)))]
            positions: None,
            memory: Memory::Heap {
                allocation,
                layout,
                #[cfg(loom)]
                shadow,
            },
        })
    }

    /// Takes a mapping of zeros, with the memory at this offset, and the positions, if it has some, at
    /// that one.
    #[cfg(all(feature = "mmap", not(loom)))]
    pub(crate) fn mapped(
        map: memmap2::MmapRaw,
        positions_offset: Option<usize>,
        data_offset: usize,
        capacity: usize,
    ) -> Self {
        debug_assert!(capacity.is_power_of_two() && capacity >= 2 * HEADER_BYTES);
        assert!(
            data_offset.is_multiple_of(PAGE_BYTES)
                && data_offset + capacity <= map.len()
                && positions_offset.is_none_or(|offset| {
                    offset.is_multiple_of(align_of::<Positions>())
                        && offset + size_of::<Positions>() <= data_offset
                }),
            "a ring of {capacity} bytes does not fit a mapping of {}",
            map.len()
        );
        let base = NonNull::new(map.as_mut_ptr()).expect("a mapping is never at address zero");
        Self {
            // SAFETY: the offset is inside the mapping.
            words: Words::new(unsafe { base.add(data_offset) }),
            capacity,
            // SAFETY: as above.
            positions: positions_offset.map(|offset| unsafe { base.add(offset) }.cast()),
            memory: Memory::Mapped { _map: map },
        }
    }

    #[inline]
    pub(crate) fn words(&self) -> Words {
        self.words
    }

    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The positions in the file, if there is one.
    #[cfg(all(feature = "mmap", not(loom)))]
    #[inline]
    pub(crate) fn positions(&self) -> Option<&Positions> {
        // SAFETY: inside the mapping, aligned, valid as any bytes are, and there until `self` is
        // dropped.
        self.positions.map(|positions| unsafe { positions.as_ref() })
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        match &self.memory {
            Memory::Heap {
                allocation,
                layout,
                #[cfg(loom)]
                shadow,
            } => {
                // SAFETY: allocated in `on_heap` with this layout, and freed only here.
                unsafe { dealloc(allocation.as_ptr(), *layout) };
                #[cfg(loom)]
                // SAFETY: leaked in `on_heap`, and taken back only here.
                drop(unsafe { Box::from_raw(shadow.as_ptr()) });
            }
            #[cfg(all(feature = "mmap", not(loom)))]
            Memory::Mapped { .. } => {}
        }
    }
}
