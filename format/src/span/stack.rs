//! The stack of the spans that a thread has entered.

use super::NO_SPAN;

/// The depth to which a stack is kept. Of a deeper one the outermost spans are.
pub const MAX_STACK: usize = 4096;

/// The spans that a thread has entered and not left, as far as its records tell.
///
/// An event states the depth that the stack has after it, which puts right what lost events made wrong: a stack that is
/// too deep is cut, and one that is too flat gets unknown spans ([`NO_SPAN`]) on its top, where the lost ones were
/// entered.
///
/// # Examples
/// ```
/// use stenolog_format::span::SpanStack;
///
/// let mut stack = SpanStack::default();
/// stack.enter(7, 1);
/// stack.enter(9, 3); // the event of the one between them was lost
/// assert_eq!(stack.iter().collect::<Vec<_>>(), [7, 0, 9]);
/// stack.exit(9, 2);
/// assert_eq!(stack.innermost(), Some(0));
/// stack.exit(8, 1); // the span between them
/// assert_eq!(stack.innermost(), Some(7));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanStack {
    /// Outermost first.
    ids: Vec<u64>,
}

impl SpanStack {
    /// The stack with these spans, outermost first: at most [`MAX_STACK`] of them.
    pub fn of(spans: impl IntoIterator<Item = u64>) -> Self {
        Self { ids: spans.into_iter().take(MAX_STACK).collect() }
    }

    /// The number of spans on it, unknown ones included.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.ids.len()
    }

    /// The spans on it, outermost first; [`NO_SPAN`] for those that are unknown.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.ids.iter().copied()
    }

    /// The span that was entered last, if one was. [`NO_SPAN`] if it is unknown.
    #[must_use]
    pub fn innermost(&self) -> Option<u64> {
        self.ids.last().copied()
    }

    /// Enters a span: the stack has `depth` spans afterwards.
    pub fn enter(&mut self, id: u64, depth: u64) {
        self.heal(clamp(depth.saturating_sub(1)));
        if self.depth() < MAX_STACK {
            self.ids.push(id);
        }
    }

    /// Leaves a span, wherever it is on the stack, which has `depth` spans afterwards.
    pub fn exit(&mut self, id: u64, depth: u64) {
        if let Some(at) = self.ids.iter().rposition(|&on| on == id) {
            self.ids.remove(at);
        }
        self.heal(clamp(depth));
    }

    /// Cuts the top, or puts unknown spans there: events that were lost changed the top only.
    fn heal(&mut self, depth: usize) {
        self.ids.resize(depth, NO_SPAN);
    }
}

fn clamp(depth: u64) -> usize {
    usize::try_from(depth).unwrap_or(MAX_STACK).min(MAX_STACK)
}
