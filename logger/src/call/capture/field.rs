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

/// A step of what a field records.
macro_rules! tier {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        pub trait $name<'a, A> {
            /// What is captured.
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
    /// What `%value` records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` doesn't implement `Display`",
        label = "`{Self}` cannot be formatted with the default formatter"
    )]
    DisplayField, else DisplayFieldError
}

tier! {
    /// What `%value` records of what only prints.
    DisplayFieldError, else DisplayFieldPointee
}

tier! {
    /// What `%value` records of what is no error.
    DisplayFieldPointee, else DisplayFieldPointeeOfPointee
}

tier! {
    /// What `%value` records of what does not deref to an error.
    DisplayFieldPointeeOfPointee, else DisplayFieldText
}

tier! {
    /// What `%value` records of all else.
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
    /// What `?value` records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` doesn't implement `Debug`",
        label = "`{Self}` cannot be formatted using `{{:?}}`",
        note = "add `#[derive(Debug)]` to `{Self}`, or `#[derive(stenolog::Record)]` to record its fields"
    )]
    DebugField, else DebugFieldValue
}

tier! {
    /// What `?value` records of what does not travel by value.
    DebugFieldValue, else DebugFieldRecord
}

tier! {
    /// What `?value` records of what is no [`Value`].
    DebugFieldRecord, else DebugFieldOption
}

tier! {
    /// What `?value` records of what is no record either.
    DebugFieldOption, else DebugFieldText
}

tier! {
    /// What `?value` records of what only prints.
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
    /// What a field records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be logged",
        label = "this value has no form in which it can be recorded",
        note = "add `#[derive(stenolog::Record)]` to the type, or implement `serde::Serialize` and \
                `postcard_schema::Schema`, `Display` or `Debug` for it"
    )]
    Field, else FieldValue
}

tier! {
    /// What a field records of what does not travel by value.
    FieldValue, else FieldRecord
}

tier! {
    /// What a field records of what is no [`Value`].
    FieldRecord, else FieldSerde
}

tier! {
    /// What a field records of what does not say so itself.
    FieldSerde, else FieldError
}

tier! {
    /// What a field records of what serde does not store.
    FieldError, else FieldPointee
}

tier! {
    /// What a field records of what is no error.
    FieldPointee, else FieldPointeeOfPointee
}

tier! {
    /// What a field records of what does not deref to an error.
    FieldPointeeOfPointee, else FieldErrorOption
}

tier! {
    /// What a field records of all that is no error, by whatever pointer.
    FieldErrorOption, else FieldPointeeOption
}

tier! {
    /// What a field records of what is no option of an error.
    FieldPointeeOption, else FieldPointeeOfPointeeOption
}

tier! {
    /// What a field records of what is no option of what derefs to an error.
    FieldPointeeOfPointeeOption, else FieldDisplayOption
}

tier! {
    /// What a field records of what is no option of an error, by whatever pointer.
    FieldDisplayOption, else FieldDisplay
}

tier! {
    /// What a field records of what is no option of what is [`Display`](fmt::Display).
    FieldDisplay, else FieldDebugOption
}

tier! {
    /// What a field records of what is not [`Display`](fmt::Display) itself.
    FieldDebugOption, else FieldDebug
}

tier! {
    /// What a field records of what is no option.
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
