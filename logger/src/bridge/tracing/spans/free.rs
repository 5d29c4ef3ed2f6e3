//! Free indices of the slab: a few with each thread, the rest in a list that all share.
//!
//! ```text
//!   thread   16 to 32 indices ── too many ─▶ shared list ── too few ─▶ another thread
//! ```
//!
//! The shared list is a stack of slots, linked by `next_free`. Its head has a tag that each change increments: a
//! thread that has read a head which was taken and given back meanwhile notices it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::slot_at;

/// How many indices a thread keeps at most, and how many of them move at once.
const KEPT: usize = 32;
const MOVED: usize = KEPT / 2;

/// The lowest index that was never used.
static UNUSED: AtomicU32 = AtomicU32::new(0);

/// Tag « 32 | index + 1 of the first one; 0 if the list is empty.
static SHARED: AtomicU64 = AtomicU64::new(0);

/// The indices of a thread. Its end gives them to all.
struct Kept(Vec<u32>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.drain(..).for_each(push);
    }
}

thread_local! {
    static OWN: RefCell<Kept> = const { RefCell::new(Kept(Vec::new())) };
}

/// `None` while the thread ends, and where an allocator that makes spans comes here again.
fn with_own<R>(work: impl FnOnce(&mut Vec<u32>) -> R) -> Option<R> {
    OWN.try_with(|own| own.try_borrow_mut().ok().map(|mut own| work(&mut own.0))).ok()?
}

/// An index that no span has.
pub(super) fn take() -> u32 {
    let own = with_own(|own| {
        if own.is_empty() {
            own.reserve(KEPT);
            own.extend(std::iter::from_fn(pop).take(MOVED));
        }
        own.pop()
    });
    own.flatten().or_else(pop).unwrap_or_else(|| UNUSED.fetch_add(1, Ordering::Relaxed))
}

/// Frees an index.
pub(super) fn give_back(index: u32) {
    let kept = with_own(|own| {
        if own.len() == KEPT {
            own.drain(..MOVED).for_each(push);
        }
        own.push(index);
    });
    if kept.is_none() {
        push(index);
    }
}

fn push(index: u32) {
    let Some(slot) = slot_at(index) else { return };
    let change = |head: u64| {
        slot.next_free.store(head as u32, Ordering::Relaxed);
        Some(next_tag(head) | (u64::from(index) + 1))
    };
    // Release: who takes the index sees the slot as it was left.
    let _ = SHARED.fetch_update(Ordering::Release, Ordering::Relaxed, change);
}

fn pop() -> Option<u32> {
    let change = |head: u64| {
        let index = (head as u32).checked_sub(1)?;
        let next = slot_at(index)?.next_free.load(Ordering::Relaxed);
        Some(next_tag(head) | u64::from(next))
    };
    let head = SHARED.fetch_update(Ordering::Acquire, Ordering::Acquire, change).ok()?;
    (head as u32).checked_sub(1)
}

/// The tag of a head's successor.
const fn next_tag(head: u64) -> u64 {
    (head & !0xffff_ffff).wrapping_add(1 << 32)
}
