//! Futures in spans.

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::guard::{EnteredSpan, OpenSpan, Span, SpanHandle};

/// A future in a span: each poll enters the span and leaves it. See [`Span::within`].
///
/// Its destructor runs in the span, too, if the future has not finished.
#[must_use = "futures do nothing unless they are polled"]
pub struct WithinSpan<F> {
    /// Pinned whenever the whole is. Dropped in place, in the span.
    future: ManuallyDrop<F>,
    span: HeldSpan,
    is_done: bool,
}

enum HeldSpan {
    Own(OpenSpan),
    Shared(SpanHandle),
}

impl HeldSpan {
    fn enter(&self) -> EnteredSpan<'_> {
        match self {
            Self::Own(span) => span.enter(),
            Self::Shared(span) => span.enter(),
        }
    }
}

impl<F> WithinSpan<F> {
    pub(super) const fn own(span: OpenSpan, future: F) -> Self {
        Self { future: ManuallyDrop::new(future), span: HeldSpan::Own(span), is_done: false }
    }

    pub(super) const fn shared(span: SpanHandle, future: F) -> Self {
        Self { future: ManuallyDrop::new(future), span: HeldSpan::Shared(span), is_done: false }
    }
}

impl<F: Future> Future for WithinSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out of it. The future is pinned with it: it is only borrowed here, and dropped in
        // place.
        let this = unsafe { self.get_unchecked_mut() };
        let _entered = this.span.enter();
        // SAFETY: see above.
        let polled = unsafe { Pin::new_unchecked(&mut *this.future) }.poll(context);
        this.is_done = polled.is_ready();
        polled
    }
}

impl<F> Drop for WithinSpan<F> {
    fn drop(&mut self) {
        let _entered = (!self.is_done).then(|| self.span.enter());
        // SAFETY: it is not used afterwards.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

impl<F> fmt::Debug for WithinSpan<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithinSpan").finish_non_exhaustive()
    }
}

/// Puts futures in spans, with the span last, as `tracing` has it.
///
/// # Examples
/// ```
/// use stenolog::{Instrument, info, info_span};
///
/// let task = async { info!("working") }.instrument(info_span!("task", id = 3));
/// # let mut task = std::pin::pin!(task);
/// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(task.as_mut().poll(&mut context).is_ready());
/// # use std::future::Future;
/// ```
pub trait Instrument: Sized {
    /// Runs the future in a span: see [`Span::within`].
    fn instrument(self, span: Span) -> WithinSpan<Self>
    where
        Self: Future,
    {
        span.within(self)
    }
}

impl<F: Future> Instrument for F {}
