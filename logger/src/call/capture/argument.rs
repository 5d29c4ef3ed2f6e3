//! The arguments of a call, as its expansion hands them over.

use std::marker::PhantomData;

use crate::call::capture::field::{DebugField, DisplayField, Field};
use crate::call::capture::placeholder::{ByValueTier, ExactTier};
use crate::call::capture::tier::{FormatTier, Printed, by, debug_text, display_text};
use crate::call::registers::{Captured, CapturedList, Concat};
use crate::value::{Empty, Recorded, Text, Value};

/// An argument that is still to be captured.
pub trait Capture {
    /// What is captured.
    type Captured: Captured;

    /// Captures it. The user's formatting code runs here.
    fn capture(self) -> Self::Captured;
}

/// An argument of a kind, the answers `A`, and how it is formatted if it has to be.
#[expect(missing_debug_implementations, reason = "only expansions have one")]
pub struct Arg<'a, Kind, T: ?Sized, A, F = ()> {
    value: &'a T,
    format: F,
    kind: PhantomData<(Kind, A)>,
}

impl<'a, Kind, T: ?Sized, A, F> Arg<'a, Kind, T, A, F> {
    #[inline(always)]
    const fn new(value: &'a T, format: F) -> Self {
        Self { value, format, kind: PhantomData }
    }
}

/// The types of the answers, one after the other.
macro_rules! answers {
    () => { () };
    ($first:ident $($rest:ident)*) => { ($first, answers!($($rest)*)) };
}

/// Arguments that are recorded without a closure of the call's.
macro_rules! plain_arguments {
    ($($(#[$attribute:meta])* $what:literal $function:ident($($answer:ident),+) $kind:ident: $step:path $(, $text:ident)?;)+) => {$(
        #[doc = $what]
        #[derive(Debug)]
        pub enum $kind {}

        #[doc = $what]
        $(#[$attribute])*
        #[inline(always)]
        pub fn $function<T: ?Sized, $($answer),+>(
            value: &T,
            $(_: $answer),+
        ) -> Arg<'_, $kind, T, answers!($($answer)+)> {
            Arg::new(value, ())
        }

        impl<'a, T: $step + ?Sized, A> Capture for Arg<'a, $kind, T, A> {
            type Captured = T::Captured;

            #[inline(always)]
            fn capture(self) -> T::Captured {
                self.value.capture($($text)?)
            }
        }
    )+};
}

plain_arguments! {
    #[expect(clippy::too_many_arguments, reason = "one for each question")]
    "A field." field(B, V, A, S, E, P, Q, F, H, I, G, D, O) AsField: Field<'a, A>;
    "`%value`" display_field(X, E, P, Q) AsDisplayField: DisplayField<'a, A>;
    "`?value`" debug_field(B, V, K, O) AsDebugField: DebugField<'a, A>;
    "`{}`" display(E, D) AsDisplay: ExactTier<'a, by::Display, A>, display_text;
    "`{:?}`" debug(B, V, K, D) AsDebug: ByValueTier<'a, A>, debug_text;
}

/// Arguments for which the call has a closure that formats them as the placeholder says.
macro_rules! formatted_arguments {
    ($($what:literal $function:ident($($answer:ident),+ $(; $by:ident)?) $kind:ty: $step:path;)+) => {$(
        #[doc = $what]
        #[inline(always)]
        pub fn $function<T: ?Sized, $($answer,)+ $($by,)? F>(
            value: &T,
            $(_: $answer,)+
            $(_: $by,)?
            format: F,
        ) -> Arg<'_, $kind, T, answers!($($answer)+), F>
        where
            F: FnOnce(Printed<'_>) -> Text,
        {
            Arg::new(value, format)
        }

        impl<'a, T, A, $($by,)? F> Capture for Arg<'a, $kind, T, A, F>
        where
            T: $step + ?Sized,
            F: FnOnce(Printed<'_>) -> Text,
        {
            type Captured = T::Captured;

            #[inline(always)]
            fn capture(self) -> T::Captured {
                self.value.capture(self.format)
            }
        }
    )+};
}

/// An argument of a placeholder other than `{:?}` and `{:p}`.
#[derive(Debug)]
pub struct AsExact<By>(PhantomData<By>);

/// An argument of `{:?}` with a spec.
#[derive(Debug)]
pub enum AsDebugWith {}

/// An argument of `{:p}`.
#[derive(Debug)]
pub enum AsPointer {}

formatted_arguments! {
    "`{:>5}`, `{:x}` …" exact(E, D; By) AsExact<By>: ExactTier<'a, By, A>;
    "`{:#?}`, `{:x?}` …" debug_with(B, V, K, D) AsDebugWith: ByValueTier<'a, A>;
    "`{:p}`: what an address says is gone with the process, so it is always text." pointer(D) AsPointer: FormatTier<by::Pointer, A>;
}

/// A width or a precision.
#[derive(Debug)]
pub struct Count(usize);

/// A width or a precision.
#[inline(always)]
#[must_use]
pub const fn count(value: &usize) -> Count {
    Count(*value)
}

impl Capture for Count {
    type Captured = usize;

    #[inline(always)]
    fn capture(self) -> usize {
        self.0
    }
}

/// How many calls a rate limit held back.
#[derive(Debug)]
pub struct Suppressed(pub u64);

impl Capture for Suppressed {
    type Captured = u64;

    #[inline(always)]
    fn capture(self) -> u64 {
        self.0
    }
}

/// A field that is left out of the record.
#[derive(Debug)]
pub struct LeftOut;

impl Capture for LeftOut {
    type Captured = Recorded<Empty>;

    #[inline(always)]
    fn capture(self) -> Recorded<Empty> {
        Recorded(Empty)
    }
}

/// A hidden word of a span event.
#[derive(Debug)]
pub struct HiddenWord(u64);

/// A hidden word of a span event.
#[inline(always)]
#[must_use]
pub const fn hidden(word: u64) -> HiddenWord {
    HiddenWord(word)
}

impl Capture for HiddenWord {
    type Captured = u64;

    #[inline(always)]
    fn capture(self) -> u64 {
        self.0
    }
}

/// A value of a type that is known to be recordable.
pub(crate) struct RecordedValue<'a, V: ?Sized>(&'a V);

/// A value of a type that is known to be recordable.
pub(crate) const fn recorded<V: Value + ?Sized>(value: &V) -> RecordedValue<'_, V> {
    RecordedValue(value)
}

impl<'a, V: Value + ?Sized> Capture for RecordedValue<'a, V> {
    type Captured = &'a V;

    #[inline(always)]
    fn capture(self) -> &'a V {
        self.0
    }
}

/// A message that was formatted at the call.
#[derive(Debug)]
pub struct FormattedMessage(Text);

/// A message that was formatted at the call.
#[inline(always)]
#[must_use]
pub const fn message(text: Text) -> FormattedMessage {
    FormattedMessage(text)
}

impl Capture for FormattedMessage {
    type Captured = Text;

    #[inline(always)]
    fn capture(self) -> Text {
        self.0
    }
}

/// The arguments of a call: `(a, (b, ()))`.
pub trait CaptureList {
    /// The captured values, as such a list.
    type Captured: CapturedList;

    /// Captures it from first to last.
    fn capture(self) -> Self::Captured;
}

impl CaptureList for () {
    type Captured = ();

    #[inline(always)]
    fn capture(self) {}
}

impl<P: Capture, L: CaptureList> CaptureList for (P, L) {
    type Captured = (P::Captured, L::Captured);

    #[inline(always)]
    fn capture(self) -> Self::Captured {
        let (first, rest) = self;
        (first.capture(), rest.capture())
    }
}

impl<L: CaptureList, Rest: CaptureList> CaptureList for Concat<L, Rest> {
    type Captured = Concat<L::Captured, Rest::Captured>;

    #[inline]
    fn capture(self) -> Self::Captured {
        let Self(list, rest) = self;
        Concat(list.capture(), rest.capture())
    }
}
