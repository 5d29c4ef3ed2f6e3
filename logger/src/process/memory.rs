//! Available memory.

/// Whether this much memory is available. Ask before many small allocations: the first one that
/// failed would end the process, which a logger must not do.
pub(crate) fn has_memory(bytes: usize) -> bool {
    let mut probe = Vec::<u8>::new();
    let has_room = probe.try_reserve_exact(bytes).is_ok();
    std::hint::black_box(&mut probe);
    has_room
}
