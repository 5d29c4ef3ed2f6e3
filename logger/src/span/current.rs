//! The stack of the spans that this thread has entered.

use std::cell::{Cell, RefCell};

use stenolog_format::span::{MAX_STACK, NO_SPAN};

use super::home;

/// Spans that are kept without an allocation.
const SHALLOW: usize = 32;

struct Stack {
    /// How many spans the thread has entered and not left. Those beyond [`MAX_STACK`] are only counted.
    depth: Cell<usize>,
    shallow: [Cell<u64>; SHALLOW],
}

thread_local! {
    /// Without a destructor: it is there as long as the thread is.
    static STACK: Stack = const {
        Stack { depth: Cell::new(0), shallow: [const { Cell::new(NO_SPAN) }; SHALLOW] }
    };

    /// Those above the first [`SHALLOW`] ones.
    static DEEP: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Stack {
    /// The span at a place, from 0.
    fn get(&self, at: usize) -> u64 {
        match self.shallow.get(at) {
            Some(id) => id.get(),
            None => with_deep(|deep| deep.get(at - SHALLOW).copied()).flatten().unwrap_or(NO_SPAN),
        }
    }

    fn set(&self, at: usize, id: u64) {
        match self.shallow.get(at) {
            Some(cell) => cell.set(id),
            None => {
                with_deep(|deep| {
                    deep.resize(at - SHALLOW, NO_SPAN);
                    deep.push(id);
                });
            }
        }
    }
}

/// `None` while the thread ends, and in a signal handler that has interrupted a change of it.
fn with_deep<R>(work: impl FnOnce(&mut Vec<u64>) -> R) -> Option<R> {
    DEEP.try_with(|deep| deep.try_borrow_mut().ok().map(|mut deep| work(&mut deep))).ok().flatten()
}

/// The innermost span that this thread has entered, of those of the logger that it logs to; [`NO_SPAN`] if it has
/// entered none.
#[inline]
pub(crate) fn current() -> u64 {
    if let Some(current) = home::current() {
        return current;
    }
    STACK.with(|stack| match stack.depth.get().min(MAX_STACK) {
        0 => NO_SPAN,
        depth => stack.get(depth - 1),
    })
}

/// The spans that this thread has entered, innermost first, as far as they are kept.
pub(super) fn entered() -> impl Iterator<Item = u64> {
    let kept = STACK.with(|stack| stack.depth.get().min(MAX_STACK));
    (0..kept).rev().map(|at| STACK.with(|stack| stack.get(at)))
}

/// How many spans this thread has entered and not left.
#[inline]
pub(crate) fn depth() -> u64 {
    STACK.with(|stack| stack.depth.get() as u64)
}

/// Puts a span on the stack.
#[inline]
pub(crate) fn push(id: u64) {
    STACK.with(|stack| {
        let depth = stack.depth.get();
        if depth < MAX_STACK {
            stack.set(depth, id);
        }
        stack.depth.set(depth + 1);
    });
}

/// Removes the last occurrence of a span from the stack, and returns how deep that is afterwards.
#[inline]
pub(crate) fn pop(id: u64) -> u64 {
    STACK.with(|stack| {
        let depth = stack.depth.get();
        if depth > 0 && depth <= MAX_STACK && stack.get(depth - 1) == id {
            stack.depth.set(depth - 1);
            return depth as u64 - 1;
        }
        pop_from_within(stack, id)
    })
}

#[cold]
fn pop_from_within(stack: &Stack, id: u64) -> u64 {
    let depth = stack.depth.get();
    let kept = depth.min(MAX_STACK);
    let left = match (0..kept).rev().find(|&at| stack.get(at) == id) {
        Some(found) => {
            (found + 1..kept).for_each(|at| {
                let above = stack.get(at);
                match stack.shallow.get(at - 1) {
                    Some(cell) => cell.set(above),
                    None => _ = with_deep(|deep| deep[at - 1 - SHALLOW] = above),
                }
            });
            depth - 1
        }
        // It was entered where only the depth is kept.
        None if depth > MAX_STACK => depth - 1,
        // Another thread has entered it.
        None => depth,
    };
    stack.depth.set(left);
    left as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_leave_in_any_order() {
        let ids = 1..=100_u64;
        ids.clone().for_each(push);
        assert_eq!((current(), depth()), (100, 100));
        let mut left: Vec<u64> = ids.collect();
        // From within the deep part, across both, and the outermost.
        for id in [50, 100, 31, 32, 33, 1, 98, 7] {
            left.retain(|&it| it != id);
            assert_eq!(pop(id), left.len() as u64);
            assert_eq!(current(), *left.last().unwrap());
        }
        assert_eq!(pop(12_345), left.len() as u64, "it was not entered here");
        while let Some(id) = left.pop() {
            assert_eq!(current(), id);
            assert_eq!(pop(id), left.len() as u64);
        }
        assert_eq!((current(), depth()), (NO_SPAN, 0));
    }

    #[test]
    fn a_stack_without_end_takes_bounded_memory() {
        let deepest = MAX_STACK as u64 + 1000;
        (1..=deepest).for_each(push);
        assert_eq!((current(), depth()), (MAX_STACK as u64, deepest));
        DEEP.with(|deep| assert_eq!(deep.borrow().len(), MAX_STACK - SHALLOW));
        for id in (1..=deepest).rev() {
            assert_eq!(pop(id), id - 1);
        }
        assert_eq!(current(), NO_SPAN);
    }
}
