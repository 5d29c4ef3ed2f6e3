//! Fields: `field`, `%field` and `?field` record a value by its traits.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::call::capture::exact::ExactDisplay;
use crate::call::capture::tier::{Chosen, FormatTier, Next, by, debug_text, display_text};
use crate::call::registers::{ByValue, Captured};
#[cfg(feature = "serde")]
use crate::value::Encoded;
use crate::value::{AsRecord, AsString, ErrorChain, Recorded, Shown, Text, Value};

/// A tier: one step of choosing how a field is recorded.
macro_rules! tier {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        pub trait $name<'a, A> {
            /// The captured value.
            type Captured: Captured;

            /// Captures it.
            fn capture(&'a self) -> Self::Captured;
        }
    };
    ($(#[$attribute:meta])* $name:ident, else $next:ident) => {
        tier!($(#[$attribute])* $name);

        impl<'a, T: $next<'a, R> + ?Sized, R> $name<'a, (Next, R)> for T {
            type Captured = T::Captured;

            #[inline(always)]
            fn capture(&'a self) -> T::Captured {
                $next::capture(self)
            }
        }
    };
}

tier! {
    /// `%value`, for any type.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` doesn't implement `Display`",
        label = "`{Self}` cannot be formatted with the default formatter"
    )]
    DisplayField, else DisplayFieldError
}

tier! {
    /// `%value`, for types that can only be printed.
    DisplayFieldError, else DisplayFieldPointee
}

tier! {
    /// `%value`, for types that are not errors.
    DisplayFieldPointee, else DisplayFieldPointeeOfPointee
}

tier! {
    /// `%value`, for types that do not deref to an error.
    DisplayFieldPointeeOfPointee, else DisplayFieldText
}

tier! {
    /// `%value`, for all other types.
    DisplayFieldText
}

impl<'a, T: ExactDisplay + ?Sized + 'a, R> DisplayField<'a, (Chosen, R)> for T {
    type Captured = T::InRegister<'a>;

    #[inline(always)]
    fn capture(&'a self) -> T::InRegister<'a> {
        self.exact_display()
    }
}

impl<'a, T: fmt::Display + ?Sized> DisplayFieldText<'a, ()> for T {
    type Captured = Text;

    #[inline]
    fn capture(&'a self) -> Text {
        FormatTier::<by::Display, (Chosen, ())>::capture(self, display_text)
    }
}

tier! {
    /// `?value`, for any type.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` doesn't implement `Debug`",
        label = "`{Self}` cannot be formatted using `{{:?}}`",
        note = "add `#[derive(Debug)]` to `{Self}`, or `#[derive(stenolog::Record)]` to record its fields"
    )]
    DebugField, else DebugFieldValue
}

tier! {
    /// `?value`, for types that are not passed by value.
    DebugFieldValue, else DebugFieldRecord
}

tier! {
    /// `?value`, for types that are not a [`Value`].
    DebugFieldRecord, else DebugFieldOption
}

tier! {
    /// `?value`, for types that are not recordable.
    DebugFieldOption, else DebugFieldText
}

tier! {
    /// `?value`, for types that can only be printed.
    DebugFieldText
}

impl<'a, T: ByValue + ?Sized + 'a, R> DebugField<'a, (Chosen, R)> for T {
    type Captured = T::InRegister<'a>;

    #[inline(always)]
    fn capture(&'a self) -> T::InRegister<'a> {
        self.by_value()
    }
}

impl<'a, T: Value + ?Sized + 'a, R> DebugFieldValue<'a, (Chosen, R)> for T {
    type Captured = &'a T;

    #[inline(always)]
    fn capture(&'a self) -> &'a T {
        self
    }
}

impl<'a, T: Shown + ?Sized + 'a, R> DebugFieldRecord<'a, (Chosen, R)> for T {
    type Captured = Recorded<T::As<'a>>;

    #[inline]
    fn capture(&'a self) -> Self::Captured {
        Recorded(self.as_record())
    }
}

impl<'a, T: IsOption<Item: fmt::Debug> + ?Sized, R> DebugFieldOption<'a, (Chosen, R)> for T {
    type Captured = Recorded<Option<Text>>;

    fn capture(&'a self) -> Self::Captured {
        let text = |value| FormatTier::<by::Debug, (Chosen, ())>::capture(value, debug_text);
        Recorded(self.as_option().map(text))
    }
}

impl<'a, T: fmt::Debug + ?Sized> DebugFieldText<'a, ()> for T {
    type Captured = Text;

    #[inline]
    fn capture(&'a self) -> Text {
        FormatTier::<by::Debug, (Chosen, ())>::capture(self, debug_text)
    }
}

tier! {
    /// A field of any type.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be logged",
        label = "this value has no form in which it can be recorded",
        note = "add `#[derive(stenolog::Record)]` to the type, or implement `serde::Serialize` and \
                `postcard_schema::Schema`, `Display` or `Debug` for it"
    )]
    Field, else FieldValue
}

tier! {
    /// A field of a type that is not passed by value.
    FieldValue, else FieldRecord
}

tier! {
    /// A field of a type that is not a [`Value`].
    FieldRecord, else FieldSerde
}

tier! {
    /// A field of a type that does not choose itself how it is recorded.
    FieldSerde, else FieldError
}

tier! {
    /// A field of a type that is not stored through serde.
    FieldError, else FieldPointee
}

tier! {
    /// A field of a type that is not an error.
    FieldPointee, else FieldPointeeOfPointee
}

tier! {
    /// A field of a type that does not deref to an error.
    FieldPointeeOfPointee, else FieldErrorOption
}

tier! {
    /// A field of a type that is not an error, through any pointer.
    FieldErrorOption, else FieldPointeeOption
}

tier! {
    /// A field of a type that is not an `Option` of an error.
    FieldPointeeOption, else FieldPointeeOfPointeeOption
}

tier! {
    /// A field of a type that is not an `Option` of a type that derefs to an error.
    FieldPointeeOfPointeeOption, else FieldDisplayOption
}

tier! {
    /// A field of a type that is not an `Option` of an error, through any pointer.
    FieldDisplayOption, else FieldDisplay
}

tier! {
    /// A field of a type that is not an `Option` of a [`Display`](fmt::Display) type.
    FieldDisplay, else FieldDebugOption
}

tier! {
    /// A field of a type that is not [`Display`](fmt::Display) itself.
    FieldDebugOption, else FieldDebug
}

tier! {
    /// A field of a type that is not an `Option`.
    FieldDebug
}

impl<'a, T: AsRecord + ?Sized + 'a, R> FieldRecord<'a, (Chosen, R)> for T {
    type Captured = Recorded<T::As<'a>>;

    #[inline]
    fn capture(&'a self) -> Self::Captured {
        Recorded(self.as_record())
    }
}

/// Errors, for a field and for `%value`.
macro_rules! errors {
    ($($error:ident $pointee:ident $pointee_of_pointee:ident;)+) => {$(
        impl<'a, T: Error + ?Sized, R> $error<'a, (Chosen, R)> for T {
            type Captured = ErrorChain;

            fn capture(&'a self) -> ErrorChain {
                ErrorChain::new(&self)
            }
        }

        impl<'a, T: Deref<Target: Error> + ?Sized, R> $pointee<'a, (Chosen, R)> for T {
            type Captured = ErrorChain;

            fn capture(&'a self) -> ErrorChain {
                ErrorChain::new(&&**self)
            }
        }

        impl<'a, T: Deref<Target: Deref<Target: Error>> + ?Sized, R>
            $pointee_of_pointee<'a, (Chosen, R)> for T
        {
            type Captured = ErrorChain;

            fn capture(&'a self) -> ErrorChain {
                ErrorChain::new(&&***self)
            }
        }
    )+};
}

errors! {
    FieldError FieldPointee FieldPointeeOfPointee;
    DisplayFieldError DisplayFieldPointee DisplayFieldPointeeOfPointee;
}

/// `Option`, by whatever reference.
pub trait IsOption {
    /// What may be in it.
    type Item;

    /// What is in it.
    fn as_option(&self) -> Option<&Self::Item>;
}

impl<T> IsOption for Option<T> {
    type Item = T;

    fn as_option(&self) -> Option<&T> {
        self.as_ref()
    }
}

macro_rules! references {
    ($($ty:ty),+) => {$(
        impl<T: IsOption + ?Sized> IsOption for $ty {
            type Item = T::Item;

            fn as_option(&self) -> Option<&T::Item> {
                T::as_option(self)
            }
        }
    )+};
}

references! { &T, &mut T, Box<T>, Rc<T>, Arc<T> }

impl<'a, T: IsOption<Item: Error> + ?Sized, R> FieldErrorOption<'a, (Chosen, R)> for T {
    type Captured = Recorded<Option<ErrorChain>>;

    fn capture(&'a self) -> Self::Captured {
        Recorded(self.as_option().map(|error| ErrorChain::new(&error)))
    }
}

impl<'a, T: IsOption<Item: Deref<Target: Error>> + ?Sized, R> FieldPointeeOption<'a, (Chosen, R)>
    for T
{
    type Captured = Recorded<Option<ErrorChain>>;

    fn capture(&'a self) -> Self::Captured {
        Recorded(self.as_option().map(|pointer| ErrorChain::new(&&**pointer)))
    }
}

impl<'a, T: IsOption<Item: Deref<Target: Deref<Target: Error>>> + ?Sized, R>
    FieldPointeeOfPointeeOption<'a, (Chosen, R)> for T
{
    type Captured = Recorded<Option<ErrorChain>>;

    fn capture(&'a self) -> Self::Captured {
        Recorded(self.as_option().map(|pointer| ErrorChain::new(&&***pointer)))
    }
}

impl<'a, T: IsOption<Item: fmt::Display> + ?Sized, R> FieldDisplayOption<'a, (Chosen, R)> for T {
    type Captured = Recorded<Option<AsString>>;

    fn capture(&'a self) -> Self::Captured {
        let text = |value| FormatTier::<by::Display, (Chosen, ())>::capture(value, display_text);
        Recorded(self.as_option().map(text).map(AsString))
    }
}

impl<'a, T: IsOption<Item: fmt::Debug> + ?Sized, R> FieldDebugOption<'a, (Chosen, R)> for T {
    type Captured = Recorded<Option<Text>>;

    fn capture(&'a self) -> Self::Captured {
        let text = |value| FormatTier::<by::Debug, (Chosen, ())>::capture(value, debug_text);
        Recorded(self.as_option().map(text))
    }
}

impl<'a, T: ByValue + ?Sized + 'a, R> Field<'a, (Chosen, R)> for T {
    type Captured = T::InRegister<'a>;

    #[inline(always)]
    fn capture(&'a self) -> T::InRegister<'a> {
        self.by_value()
    }
}

impl<'a, T: Value + ?Sized + 'a, R> FieldValue<'a, (Chosen, R)> for T {
    type Captured = &'a T;

    #[inline(always)]
    fn capture(&'a self) -> &'a T {
        self
    }
}

#[cfg(feature = "serde")]
impl<'a, T, R> FieldSerde<'a, (Chosen, R)> for T
where
    T: serde::Serialize + postcard_schema::Schema + ?Sized,
{
    type Captured = Encoded<T>;

    fn capture(&'a self) -> Encoded<T> {
        Encoded::new(self)
    }
}

impl<'a, T: fmt::Display + ?Sized, R> FieldDisplay<'a, (Chosen, R)> for T {
    type Captured = Text;

    #[inline]
    fn capture(&'a self) -> Text {
        FormatTier::<by::Display, (Chosen, ())>::capture(self, display_text)
    }
}

impl<'a, T: fmt::Debug + ?Sized> FieldDebug<'a, ()> for T {
    type Captured = Text;

    #[inline]
    fn capture(&'a self) -> Text {
        FormatTier::<by::Debug, (Chosen, ())>::capture(self, debug_text)
    }
}
