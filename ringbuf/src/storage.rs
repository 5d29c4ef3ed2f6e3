//! The memory of a ring.

use crate::header::HEADER_BYTES;
use crate::sync::Words;
use alloc::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::ptr::NonNull;

/// A ring's memory begins at a page, or, if it is smaller than one, at a cache line.
const PAGE_BYTES: usize = 4096;
/// The unit in which memory moves between cores.
pub(crate) const LINE_BYTES: usize = 64;

/// Zeroed memory of a power of two bytes, shared by the two ends of a ring.
pub(crate) struct Storage {
    words: Words,
    capacity: usize,
    allocation: NonNull<u8>,
    layout: Layout,
    #[cfg(loom)]
    shadow: NonNull<crate::sync::Shadow>,
}

// SAFETY: the memory is plain bytes without thread affinity. Who may access which of them, and
// when, is the protocol's business; this type hands out no reference.
unsafe impl Send for Storage {}
// SAFETY: as above; `&Storage` gives only copies of an address and a size.
unsafe impl Sync for Storage {}

impl Storage {
    /// Allocates zeroed memory. Pages are not touched, so a large ring costs nothing until used.
    pub(crate) fn on_heap(capacity: usize) -> Self {
        debug_assert!(capacity.is_power_of_two() && capacity >= 2 * HEADER_BYTES);
        let align = if capacity < PAGE_BYTES { LINE_BYTES } else { PAGE_BYTES };
        // Aligned by hand: an allocator clears over-aligned memory itself, which touches every
        // page, whereas it gets large zeroed blocks of ordinary alignment from the system as is.
        let layout = Layout::from_size_align(capacity + align, HEADER_BYTES)
            .expect("a ring is much smaller than the address space");
        // SAFETY: the layout's size is not zero.
        let allocation = NonNull::new(unsafe { alloc_zeroed(layout) })
            .unwrap_or_else(|| handle_alloc_error(layout));
        // SAFETY: the offset is below `align`, and the allocation is larger by that.
        let base = unsafe { allocation.add(allocation.align_offset(align)) };
        debug_assert!(base.addr().get().is_multiple_of(align));

        #[cfg(loom)]
        let shadow = NonNull::from(alloc::boxed::Box::leak(alloc::boxed::Box::new(
            crate::sync::Shadow::new(capacity / HEADER_BYTES),
        )));
        Self {
            #[cfg(not(loom))]
            words: Words::new(base),
            #[cfg(loom)]
            words: Words::new(base, shadow),
            capacity,
            allocation,
            layout,
            #[cfg(loom)]
            shadow,
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
}

impl Drop for Storage {
    fn drop(&mut self) {
        // SAFETY: allocated in `on_heap` with this layout, and freed only here.
        unsafe { dealloc(self.allocation.as_ptr(), self.layout) };
        #[cfg(loom)]
        // SAFETY: leaked in `on_heap`, and taken back only here.
        drop(unsafe { alloc::boxed::Box::from_raw(self.shadow.as_ptr()) });
    }
}
