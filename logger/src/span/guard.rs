//! Own spans: the guard that `span!` returns, and what it can become.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;

use stenolog_format::span::NO_SPAN;

use super::current::{current, depth, push};
use super::events::{close, enter, exit, exit_and_close, follows};
use super::home::{at_home, depth_here, settle};
use super::id::{SpanId, SpanRef, next_id};
use super::within::WithinSpan;
use crate::call::capture::{hidden, recorded};
use crate::call::emit::emit;
use crate::call::runtime::record_site;
use crate::call::time::Now;
use crate::value::{AsRecord, Value};

/// A span that this thread has entered: what [`span!`](crate::span!) returns. It ends when it is dropped.
///
/// A guard stays on its thread. [`within`](Self::within) makes it the span of a future, and
/// [`detach`](Self::detach) a handle that any thread can enter. The guard of a disabled span does nothing.
///
/// # Examples
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{info, span};
///
/// let _log = stenolog::Builder::new(path).start()?;
/// let order_id = 17;
/// let _span = span!("match", order_id);
/// info!("filled"); // knows its span, and that span's fields
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It cannot leave its thread:
/// ```compile_fail
/// let span = stenolog::span!("match");
/// std::thread::spawn(move || drop(span));
/// ```
#[must_use = "a span ends when its guard is dropped: `let _span = span!(…)`"]
pub struct Span {
    id: u64,
    /// Keeps the guard on its thread.
    this_thread: PhantomData<*const ()>,
}

impl Span {
    /// A guard that does nothing.
    #[inline]
    pub const fn none() -> Self {
        Self { id: NO_SPAN, this_thread: PhantomData }
    }

    /// The span that this thread is in: the one that it has entered last.
    #[must_use]
    pub fn current() -> SpanId {
        SpanId::current()
    }

    /// The id of the span; [`SpanId::NONE`] if it is disabled.
    #[must_use]
    pub const fn id(&self) -> SpanId {
        SpanId::new(self.id)
    }

    /// Whether nothing is logged of the span.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.id == NO_SPAN
    }

    /// Gives a field a value or a reference to one: a field that was `Empty` when the span began, or any other. Takes
    /// a lock for a moment; [`record!`](crate::record!) does not, and takes every form of a field.
    ///
    /// # Examples
    /// ```
    /// let span = stenolog::span!("match", filled = stenolog::Empty);
    /// let (venue, path) = (String::from("X"), std::path::Path::new("/x"));
    /// span.record("filled", 3).record("venue", &venue).record("path", path);
    /// ```
    #[track_caller]
    pub fn record<V: AsRecord>(&self, field: &str, value: V) -> &Self {
        self.id().record(field, value);
        self
    }

    /// States that the span follows from another one, which caused it but does not contain it.
    pub fn follows_from(&self, other: impl SpanRef) -> &Self {
        self.id().follows_from(other);
        self
    }

    /// Runs a future in the span: each poll enters the span and leaves it, and the span ends with the future. The
    /// calling thread leaves the span now.
    ///
    /// # Examples
    /// ```
    /// use stenolog::{info, span};
    ///
    /// async fn serve(path: &'static str) {
    ///     async { info!("read") }.await
    /// }
    /// let served = span!("request", path = "/x").within(serve("/x"));
    /// # let mut served = std::pin::pin!(served);
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(std::future::Future::poll(served.as_mut(), &mut context).is_ready());
    /// ```
    pub fn within<F: Future>(self, future: F) -> WithinSpan<F> {
        WithinSpan::own(self.leave(), future)
    }

    /// A handle that any thread can enter. The calling thread leaves the span, which ends when the last clone of the
    /// handle is dropped.
    pub fn detach(self) -> SpanHandle {
        SpanHandle(Arc::new(self.leave()))
    }

    /// Leaves the span without ending it.
    fn leave(self) -> OpenSpan {
        let span = ManuallyDrop::new(self);
        if span.id != NO_SPAN {
            exit(span.id);
        }
        OpenSpan(span.id)
    }

    /// The span itself, which is entered already. For programs that are used to `tracing`.
    pub const fn entered(self) -> Self {
        self
    }

    /// A guard without effect, because the span is entered already. For programs that are used to `tracing`.
    pub const fn enter(&self) -> EnteredSpan<'_> {
        EnteredSpan { id: NO_SPAN, span: PhantomData, this_thread: PhantomData }
    }

    /// Runs `work`, in the span. For programs that are used to `tracing`: it is entered already.
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if self.id != NO_SPAN {
            exit_and_close(self.id);
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(&self.id).finish()
    }
}

impl SpanRef for Span {
    fn span_id(&self) -> SpanId {
        self.id()
    }
}

impl SpanId {
    /// Gives a field of the span a value, as [`Span::record`].
    #[track_caller]
    pub fn record<V: AsRecord>(self, field: &str, value: V) -> Self {
        if !self.is_none() {
            record_value(self.get(), field, &value.as_record(), Location::caller());
        }
        self
    }

    /// States that the span follows from another one.
    pub fn follows_from(self, other: impl SpanRef) -> Self {
        let other = other.span_id();
        if !self.is_none() && !other.is_none() {
            follows(self.get(), other.get());
        }
        self
    }
}

/// Logs a record event by a call site that is described at run time.
fn record_value<V: Value>(id: u64, field: &str, value: &V, place: &Location<'_>) {
    // A refusal leaves the field as it was: there are too many call sites already.
    if let Some(site) = record_site(place, field) {
        at_home(id, || emit(site, Now, (hidden(id), (recorded(value), ()))));
    }
}

/// The hidden words of a span that begins and that this thread enters at once.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// Its id.
    pub id: u64,
    /// Its parent.
    pub parent: u64,
    /// The depth of the stack with it.
    pub depth: u64,
}

impl Beginning {
    /// A span whose parent is the current one.
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::child_of(current())
    }

    /// A span with this parent.
    #[inline]
    #[must_use]
    pub fn child_of(parent: u64) -> Self {
        Self { id: next_id(), parent, depth: depth_here(depth()) + 1 }
    }

    /// The hidden words: id, parent, depth.
    #[inline(always)]
    #[must_use]
    pub const fn words(self) -> (u64, u64, u64) {
        (self.id, self.parent, self.depth)
    }

    /// Enters the span, whose record is logged.
    #[inline]
    pub fn enter(self) -> Span {
        push(self.id);
        settle(self.id);
        Span { id: self.id, this_thread: PhantomData }
    }
}

impl Default for Beginning {
    fn default() -> Self {
        Self::new()
    }
}

/// A span that has begun and not ended. 0 if it is disabled.
pub(super) struct OpenSpan(u64);

impl OpenSpan {
    /// Enters it until the guard is dropped.
    pub(super) fn enter(&self) -> EnteredSpan<'_> {
        if self.0 != NO_SPAN {
            enter(self.0);
        }
        EnteredSpan { id: self.0, span: PhantomData, this_thread: PhantomData }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if self.0 != NO_SPAN {
            close(self.0);
        }
    }
}

/// A handle of a span that any number of threads can enter, also at the same time. The span ends when its last clone
/// is dropped.
///
/// # Examples
/// ```
/// use stenolog::{info, span};
///
/// let batch = span!("batch", size = 3).detach();
/// std::thread::scope(|scope| {
///     for n in 0..3 {
///         let batch = &batch;
///         scope.spawn(move || batch.in_scope(|| info!(n, "worked")));
///     }
/// });
/// ```
#[derive(Clone)]
pub struct SpanHandle(Arc<OpenSpan>);

impl SpanHandle {
    /// The id of the span; [`SpanId::NONE`] if it is disabled.
    #[must_use]
    pub fn id(&self) -> SpanId {
        SpanId::new(self.0.0)
    }

    /// Whether nothing is logged of the span.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.id().is_none()
    }

    /// Enters the span until the guard is dropped.
    #[must_use = "the thread leaves the span when the guard is dropped"]
    pub fn enter(&self) -> EnteredSpan<'_> {
        self.0.enter()
    }

    /// Runs `work` in the span.
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        work()
    }

    /// As [`Span::record`].
    #[track_caller]
    pub fn record<V: AsRecord>(&self, field: &str, value: V) -> &Self {
        self.id().record(field, value);
        self
    }

    /// As [`Span::follows_from`].
    pub fn follows_from(&self, other: impl SpanRef) -> &Self {
        self.id().follows_from(other);
        self
    }

    /// As [`Span::within`]: the future holds this handle.
    pub fn within<F: Future>(self, future: F) -> WithinSpan<F> {
        WithinSpan::shared(self, future)
    }
}

impl fmt::Debug for SpanHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpanHandle").field(&self.0.0).finish()
    }
}

impl SpanRef for SpanHandle {
    fn span_id(&self) -> SpanId {
        self.id()
    }
}

/// A guard: the thread leaves the span when it is dropped.
#[must_use = "the thread leaves the span when the guard is dropped"]
pub struct EnteredSpan<'a> {
    id: u64,
    span: PhantomData<&'a ()>,
    this_thread: PhantomData<*const ()>,
}

impl Drop for EnteredSpan<'_> {
    fn drop(&mut self) {
        if self.id != NO_SPAN {
            exit(self.id);
        }
    }
}

impl fmt::Debug for EnteredSpan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnteredSpan").field(&self.id).finish()
    }
}
