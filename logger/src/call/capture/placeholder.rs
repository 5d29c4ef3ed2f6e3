//! Placeholders of the message record an argument by its traits.

use crate::call::capture::exact::ExactDisplay;
use crate::call::capture::tier::{Chosen, FormatTier, Next, Printed, by};
use crate::call::registers::{ByValue, Captured};
use crate::value::{Recorded, Shown, Text, Value};

/// Placeholders other than `{:?}` and `{:p}`, for any type.
pub trait ExactTier<'a, F, A> {
    /// The captured value.
    type Captured: Captured;

    /// Captures it.
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Captured;
}

impl<'a, T: ExactDisplay + ?Sized + 'a, F, R> ExactTier<'a, F, (Chosen, R)> for T {
    type Captured = T::InRegister<'a>;

    #[inline(always)]
    fn capture(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> T::InRegister<'a> {
        self.exact_display()
    }
}

impl<'a, T: FormatTier<F, R> + ?Sized, F, R> ExactTier<'a, F, (Next, R)> for T {
    type Captured = T::Captured;

    #[inline]
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Captured {
        self.capture(text)
    }
}

/// `{:?}`, for any type.
pub trait ByValueTier<'a, A> {
    /// The captured value.
    type Captured: Captured;

    /// Captures it.
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Captured;
}

impl<'a, T: ByValue + ?Sized + 'a, R> ByValueTier<'a, (Chosen, R)> for T {
    type Captured = T::InRegister<'a>;

    #[inline(always)]
    fn capture(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> T::InRegister<'a> {
        self.by_value()
    }
}

impl<'a, T: ValueTier<'a, R> + ?Sized, R> ByValueTier<'a, (Next, R)> for T {
    type Captured = T::Captured;

    #[inline(always)]
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Captured {
        ValueTier::capture(self, text)
    }
}

/// `{:?}`, for types that are not passed by value.
pub trait ValueTier<'a, A> {
    /// The captured value.
    type Captured: Captured;

    /// Captures it.
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Captured;
}

impl<'a, T: Value + ?Sized + 'a, R> ValueTier<'a, (Chosen, R)> for T {
    type Captured = &'a T;

    #[inline(always)]
    fn capture(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> &'a T {
        self
    }
}

impl<'a, T: RecordTier<'a, R> + ?Sized, R> ValueTier<'a, (Next, R)> for T {
    type Captured = T::Captured;

    #[inline]
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Captured {
        RecordTier::capture(self, text)
    }
}

/// `{:?}`, for types that are not a [`Value`].
pub trait RecordTier<'a, A> {
    /// The captured value.
    type Captured: Captured;

    /// Captures it.
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Captured;
}

impl<'a, T: Shown + ?Sized + 'a, R> RecordTier<'a, (Chosen, R)> for T {
    type Captured = Recorded<T::As<'a>>;

    #[inline]
    fn capture(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> Self::Captured {
        Recorded(self.as_record())
    }
}

impl<'a, T: FormatTier<by::Debug, R> + ?Sized, R> RecordTier<'a, (Next, R)> for T {
    type Captured = T::Captured;

    #[inline]
    fn capture(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Captured {
        self.capture(text)
    }
}
