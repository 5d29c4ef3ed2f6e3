//! The stack of the spans that a thread has entered.

use super::NO_SPAN;

/// The depth to which a stack is kept. Of a deeper one the outermost spans are.
pub const MAX_STACK: usize = 4096;

/// The spans that a thread has entered and not left, as far as its records tell.
///
/// An event states the depth that the stack has after it, which puts right what lost events made wrong: a stack that is
/// too deep is cut, and one that is too flat gets unknown spans ([`NO_SPAN`]) at its bottom.
///
/// # Examples
/// ```
/// use stenolog_format::span::SpanStack;
///
/// let mut stack = SpanStack::default();
/// stack.enter(7, 1);
/// stack.enter(9, 3); // the event of the one between them was lost
/// assert_eq!(stack.iter().collect::<Vec<_>>(), [0, 7, 9]);
/// stack.exit(9, 2);
/// stack.exit(7, 0);
/// assert_eq!(stack.innermost(), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanStack {
    /// How many unknown spans are below the known ones.
    unknown: usize,
    ids: Vec<u64>,
}

impl SpanStack {
    /// The stack with these spans, outermost first: at most [`MAX_STACK`] of them.
    pub fn of(spans: impl IntoIterator<Item = u64>) -> Self {
        let mut stack = Self::default();
        for id in spans.into_iter().take(MAX_STACK) {
            if id == NO_SPAN && stack.ids.is_empty() {
                stack.unknown += 1;
            } else {
                stack.ids.push(id);
            }
        }
        stack
    }

    /// The number of spans on it, unknown ones included.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.unknown + self.ids.len()
    }

    /// The spans on it, outermost first; [`NO_SPAN`] for those that are unknown.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        std::iter::repeat_n(NO_SPAN, self.unknown).chain(self.ids.iter().copied())
    }

    /// The span that was entered last, if one was. [`NO_SPAN`] if it is unknown.
    #[must_use]
    pub fn innermost(&self) -> Option<u64> {
        self.ids.last().copied().or((self.unknown > 0).then_some(NO_SPAN))
    }

    /// Enters a span: the stack has `depth` spans afterwards.
    pub fn enter(&mut self, id: u64, depth: u64) {
        let depth = clamp(depth);
        self.heal(depth.saturating_sub(1).min(MAX_STACK));
        if self.depth() < MAX_STACK {
            self.ids.push(id);
        }
    }

    /// Leaves a span, wherever it is on the stack, which has `depth` spans afterwards.
    pub fn exit(&mut self, id: u64, depth: u64) {
        if let Some(at) = self.ids.iter().rposition(|&on| on == id) {
            self.ids.remove(at);
        }
        self.heal(clamp(depth).min(MAX_STACK));
    }

    fn heal(&mut self, depth: usize) {
        if let Some(missing) = depth.checked_sub(self.depth()) {
            self.unknown += missing;
        } else if let Some(known) = depth.checked_sub(self.unknown) {
            self.ids.truncate(known);
        } else {
            self.ids.clear();
            self.unknown = depth;
        }
    }
}

fn clamp(depth: u64) -> usize {
    usize::try_from(depth).unwrap_or(usize::MAX)
}
