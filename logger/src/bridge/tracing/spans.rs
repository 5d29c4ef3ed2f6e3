//! The open spans of the subscriber: a slab of reference counts and of the ids that the dump knows.
//!
//! ```text
//!   id of `tracing`   generation « 32 | index + 1
//!   slot              generation, references, id in the dump, parent, call site
//! ```
//!
//! - **L1 (one owner).** A slot between two lives belongs to the thread that took its index from a free list. That
//!   alone writes everything but the reference count, and publishes the id afterwards.
//! - **L2 (stale).** A slot's generation changes when a life ends. An id of an earlier life finds nothing.
//!
//! A span is open while it is referred to, entered, or the parent of an open one. Indices are reused, first by the
//! thread that closed the span: memory is bounded by the spans that were open at once.
//!
//! The slab is the process's, not a subscriber's: a thread that switches between them keeps its spans.

mod free;

use std::cell::RefCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

use stenolog_format::span::NO_SPAN;
use tracing_core::span::Id;

use super::callsite::{Callsite, by_number};
use crate::span::events;

/// The slots of the first block; each further one has twice as many.
const FIRST_BLOCK: usize = 1 << 10;

/// Enough for indices of 31 bits.
const BLOCKS: usize = 22;

static BLOCK_TABLE: [OnceLock<Box<[Slot]>>; BLOCKS] = [const { OnceLock::new() }; BLOCKS];

/// A span, or room for one.
#[derive(Debug, Default)]
struct Slot {
    generation: AtomicU32,
    /// The number of its call site; 0 if it has none.
    callsite: AtomicU32,
    references: AtomicUsize,
    /// As the dump knows it.
    span: AtomicU64,
    /// The id of its parent with `tracing`, to which it holds a reference; 0 if there is none.
    parent: AtomicU64,
    /// The next free slot.
    next_free: AtomicU32,
}

/// A span that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanSlot {
    /// As the dump knows it; [`NO_SPAN`] if it is not logged.
    pub(super) span: u64,
    pub(super) parent: Option<u64>,
    pub(super) callsite: Option<&'static Callsite>,
}

/// The block and the place in it of an index.
const fn place(index: u32) -> (usize, usize) {
    let from = index as usize + FIRST_BLOCK;
    let block = from.ilog2() - FIRST_BLOCK.ilog2();
    (block as usize, from - (FIRST_BLOCK << block))
}

fn slot_at(index: u32) -> Option<&'static Slot> {
    let (block, at) = place(index);
    BLOCK_TABLE.get(block)?.get()?.get(at)
}

/// Makes room for an index that was never used.
#[cold]
fn grow_for(index: u32) {
    let (block, _) = place(index);
    if let Some(block_of) = BLOCK_TABLE.get(block)
        && block_of.get().is_none()
    {
        // Not `get_or_init`: an allocator that makes spans could come here again.
        let slots = (0..FIRST_BLOCK << block).map(|_| Slot::default()).collect();
        let _ = block_of.set(slots);
    }
}

/// The slot of an id, if its span is open (L2).
#[inline]
fn slot_of(id: u64) -> Option<&'static Slot> {
    let slot = slot_at((id as u32).checked_sub(1)?)?;
    (slot.generation.load(Ordering::Acquire) == (id >> 32) as u32).then_some(slot)
}

/// Opens a span, with one reference.
pub(super) fn open(begun: SpanSlot) -> Id {
    let index = free::take();
    grow_for_if_new(index);
    let Some(slot) = slot_at(index) else {
        // More than 2^31 open spans: this one is not kept.
        return Id::from_u64(u64::MAX);
    };
    if let Some(parent) = begun.parent.and_then(slot_of) {
        parent.references.fetch_add(1, Ordering::Relaxed);
    }
    // L1: this thread has the index.
    slot.span.store(begun.span, Ordering::Relaxed);
    slot.parent.store(begun.parent.unwrap_or_default(), Ordering::Relaxed);
    let number = begun.callsite.map_or(0, |callsite| callsite.number);
    slot.callsite.store(number, Ordering::Relaxed);
    slot.references.store(1, Ordering::Release);
    let generation = slot.generation.load(Ordering::Relaxed);
    Id::from_u64(u64::from(generation) << 32 | (u64::from(index) + 1))
}

#[inline]
fn grow_for_if_new(index: u32) {
    let (block, _) = place(index);
    if BLOCK_TABLE.get(block).is_some_and(|block| block.get().is_none()) {
        grow_for(index);
    }
}

/// Holds a reference to a span.
pub(super) fn hold(id: &Id) {
    if let Some(slot) = slot_of(id.into_u64()) {
        slot.references.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives a reference back. Returns whether it was the last one: the span has ended then, and perhaps its parents
/// with it.
pub(super) fn release(id: &Id) -> bool {
    let mut next = id.into_u64();
    let mut has_ended = false;
    while let Some(slot) = slot_of(next) {
        if slot.references.fetch_sub(1, Ordering::Release) != 1 {
            break;
        }
        fence(Ordering::Acquire);
        has_ended |= next == id.into_u64();
        let span = slot.span.load(Ordering::Relaxed);
        let parent = slot.parent.load(Ordering::Relaxed);
        if span != NO_SPAN {
            events::close(span);
        }
        // L2, before the index is free.
        slot.generation.fetch_add(1, Ordering::Release);
        free::give_back((next as u32).wrapping_sub(1));
        next = parent;
    }
    has_ended
}

/// The span with this id as the dump knows it; [`NO_SPAN`] if it is not logged, or has ended.
#[inline]
pub(super) fn span_of(id: &Id) -> u64 {
    slot_of(id.into_u64()).map_or(NO_SPAN, |slot| slot.span.load(Ordering::Relaxed))
}

/// The span with this id as the dump knows it, and its call site.
pub(super) fn get(id: &Id) -> Option<(u64, Option<&'static Callsite>)> {
    let slot = slot_of(id.into_u64())?;
    let callsite = by_number(slot.callsite.load(Ordering::Relaxed));
    Some((slot.span.load(Ordering::Relaxed), callsite))
}

thread_local! {
    /// The spans that this thread has entered, by their ids with `tracing`.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The entered spans; `None` while the thread ends, and where an allocator that makes spans comes here again.
fn with_entered<R>(work: impl FnOnce(&mut Vec<u64>) -> R) -> Option<R> {
    ENTERED.try_with(|spans| spans.try_borrow_mut().ok().map(|mut spans| work(&mut spans))).ok()?
}

/// Notes that this thread has entered a span.
pub(super) fn enter(id: &Id) {
    with_entered(|spans| spans.push(id.into_u64()));
}

/// Notes that this thread has left a span.
pub(super) fn exit(id: &Id) {
    with_entered(|spans| {
        let id = id.into_u64();
        if spans.last() == Some(&id) {
            spans.pop();
        } else if let Some(at) = spans.iter().rposition(|&entered| entered == id) {
            spans.remove(at);
        }
    });
}

/// The span that this thread has entered last and not left.
#[inline]
pub(super) fn innermost() -> Option<u64> {
    with_entered(|spans| spans.last().copied()).flatten()
}

#[cfg(test)]
mod tests;
