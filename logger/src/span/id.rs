//! Ids of spans, and what can name a span.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use stenolog_format::span::NO_SPAN;

use super::current::current;
use crate::call::capture::{Chosen, Next};

/// How many ids a thread takes at once.
const STRETCH: u64 = 1 << 10;

static NEXT_STRETCH: AtomicU64 = AtomicU64::new(NO_SPAN + 1);

thread_local! {
    /// The next id of this thread, and the end of its stretch.
    static STRETCH_LEFT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// An id that no other span of this process has.
#[inline]
pub(crate) fn next_id() -> u64 {
    STRETCH_LEFT.with(|left| {
        let (mut next, mut end) = left.get();
        if next == end {
            next = NEXT_STRETCH.fetch_add(STRETCH, Ordering::Relaxed);
            end = next + STRETCH;
        }
        left.set((next + 1, end));
        next
    })
}

/// The id of a span: it names the span on any thread, also after it has ended.
///
/// # Examples
/// ```
/// use stenolog::{Span, SpanId, info, span};
///
/// let request = span!("request");
/// let id = Span::current();
/// assert_eq!(id, request.id());
/// std::thread::spawn(move || info!(parent: id, "on another thread")).join().unwrap();
/// assert!(SpanId::NONE.is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub(super) u64);

impl SpanId {
    /// No span: the parent of a root.
    pub const NONE: Self = Self(NO_SPAN);

    /// Whether it names no span: one that is disabled has this id.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == NO_SPAN
    }

    /// As in the dump: `span.id` in filters. 0 for none.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The id with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The span that this thread is in.
    #[must_use]
    pub fn current() -> Self {
        Self(current())
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({})", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What names a span: for `parent:` and `follows_from`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no span",
    label = "expected a `Span`, a `SpanHandle` or a `SpanId`"
)]
pub trait SpanRef {
    /// The id of the span; [`SpanId::NONE`] if there is none.
    fn span_id(&self) -> SpanId;
}

impl SpanRef for SpanId {
    fn span_id(&self) -> SpanId {
        *self
    }
}

impl<T: SpanRef + ?Sized> SpanRef for &T {
    fn span_id(&self) -> SpanId {
        (**self).span_id()
    }
}

impl<T: SpanRef> SpanRef for Option<T> {
    fn span_id(&self) -> SpanId {
        self.as_ref().map_or(SpanId::NONE, SpanRef::span_id)
    }
}

/// A tier of `parent:`: a value that names a span, or any other.
pub trait ParentOf<A> {
    /// The id of the parent.
    fn parent_id(&self) -> u64;
}

impl<T: SpanRef + ?Sized> ParentOf<(Chosen, ())> for T {
    #[inline]
    fn parent_id(&self) -> u64 {
        self.span_id().0
    }
}

/// What names no span of this crate says nothing: the record belongs to the current one.
impl<T: ?Sized> ParentOf<(Next, ())> for T {
    #[inline]
    fn parent_id(&self) -> u64 {
        current()
    }
}

/// The id of the span that `parent:` names. `A` is chosen by inference, as in `call::capture`.
#[inline]
pub fn parent_of<T: ParentOf<(A, ())> + ?Sized, A>(value: &T, _: A) -> u64 {
    value.parent_id()
}
