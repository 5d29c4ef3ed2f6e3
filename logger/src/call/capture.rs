//! How a call site chooses what to record for an argument whose type it does not know.
//!
//! An expansion hands each argument over with answers: `field(x, 0, 0, 0, 0)`. A literal `0` has a
//! type that is open until something settles it, and here the implementations of a trait do:
//!
//! ```text
//! impl<T: Value>              FieldValue<'a, (Yes, R)> for T    Yes is i32, which an open literal
//! impl<T: FieldSerde<'a, R>>  FieldValue<'a, (No,  R)> for T    becomes at the end of a function
//! ```
//!
//! If the type is no [`Value`], only the second can hold, and the literal is a `No`, an `i64`. If it is
//! one, both can hold, the literal stays open, and ends as a `Yes`. As long as the type is not known,
//! neither is chosen: the compiler waits, as it does for `format!`, until code after the call says more.
//! So nothing in an expansion may ask for a method or a field of what is picked, and picking is
//! left to [`emit`](crate::call::emit::emit), for which one open question an argument is all that the compiler
//! has to keep in mind.
//!
//! ```text
//! {} {:>5} {:x} …   Exact as such ─▶ as text by Display, LowerHex … ─▶ (unprintable)
//! %field            Exact as such ─▶ errors ─▶ as text by Display
//! {:?}              Bare as such ─▶ Value by reference ─▶ records ─▶ as text by Debug ─▶ (unprintable)
//! ?field            Bare as such ─▶ Value by reference ─▶ records ─▶ Option ─▶ as text by Debug
//! field             Bare as such ─▶ Value by reference ─▶ AsRecord ─▶ serde ─▶ errors
//!                     ─▶ Option of an error ─▶ Option of what is Display ─▶ as text by Display
//!                     ─▶ Option ─▶ as text by Debug
//! {:p}              as text by Pointer ─▶ (unprintable)
//! width             usize
//! ```
//!
//! Errors are three steps: an error, what derefs to one (`Box<dyn Error>`, `anyhow::Error`), and what derefs
//! to such; options of errors are three as well. Records are derived types that have to be put together at the call: their own `Debug` might
//! show what is redacted.
//!
//! Each arrow is a trait with two implementations, and a literal. To add a step, write a trait between
//! its neighbours, and one more answer of the function that the expansion calls, here and in the constants
//! of `call/expand.rs` in `macros`.
//!
//! What cannot be printed is no error here: the expansion has the user's format string and
//! arguments in a `format_args!` that never runs, and rustc reports there, in its own words. In a
//! generic function only the bounds that the function states count, as they must: which step is
//! meant is settled before the type is known.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use stenolog_format::types::Type;

use crate::call::registers::{Bare, Picked, PickedList};
#[cfg(feature = "serde")]
use crate::value::Encoded;
use crate::value::{AsRecord, AsString, ErrorChain, Recorded, Shown, Text, Value};

/// The answer to a question that can be answered so: what an open integer literal ends as.
type Yes = i32;
/// The answer if no other is left.
type No = i64;

/// A recorded type that the decoder prints as `format!` would, by every trait but `Debug`, for
/// which being a [`Value`] is enough.
pub trait Exact: Value {
    /// What is carried; recorded as the same type.
    type Carried<'a>: Picked
    where
        Self: 'a;

    /// What is carried of a value.
    fn exact(&self) -> Self::Carried<'_>;
}

macro_rules! exact_bare {
    ($($ty:ty),+ $(,)?) => {$(
        impl Exact for $ty {
            type Carried<'a>
                = <Self as Bare>::Carried<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn exact(&self) -> Self::Carried<'_> {
                self.bare()
            }
        }
    )+};
}

exact_bare! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, str, String,
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    Cow<'_, str>,
}

macro_rules! exact {
    ($($ty:ty),+ $(,)?) => {$(
        impl Exact for $ty {
            type Carried<'a>
                = &'a Self
            where
                Self: 'a;

            #[inline(always)]
            fn exact(&self) -> &Self {
                self
            }
        }
    )+};
}

exact! { IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6 }

macro_rules! exact_pointers {
    ($($ty:ty),+) => {$(
        impl<T: Exact + ?Sized> Exact for $ty {
            type Carried<'a>
                = T::Carried<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn exact(&self) -> T::Carried<'_> {
                T::exact(self)
            }
        }
    )+};
}

exact_pointers! { &T, &mut T, Box<T>, Rc<T>, Arc<T> }

/// Stands in for what cannot be printed, in a program that does not compile.
#[derive(Clone, Copy, Debug)]
pub struct Unprintable;

// SAFETY: nothing is written, and the size is 0.
unsafe impl Value for Unprintable {
    const SIGNATURE: u64 = 0;
    const FIXED_SIZE: Option<usize> = Some(0);

    fn describe() -> Type {
        Type::Unit
    }

    fn size(&self) -> usize {
        0
    }

    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        out
    }
}

/// A value that prints as it was told to, by whatever trait it is asked, so that a closure that formats
/// it compiles, or fails to, independent of the argument.
#[derive(Clone, Copy)]
pub struct Printed<'a>(&'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result);

/// Formatting traits, as types.
pub mod by {
    use super::{OrText, Printed, Text, Yes, fmt};

    macro_rules! formats {
        ($($format:ident)+) => {$(
            #[doc = concat!("By `", stringify!($format), "`.")]
            #[derive(Debug)]
            pub struct $format;

            impl<T: fmt::$format + ?Sized, R> OrText<$format, (Yes, R)> for T {
                type Picked = Text;

                #[inline]
                fn pick(&self, text: impl FnOnce(Printed<'_>) -> Text) -> Text {
                    text(Printed(&|f| <T as fmt::$format>::fmt(self, f)))
                }
            }

            impl fmt::$format for Printed<'_> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    (self.0)(f)
                }
            }
        )+};
    }

    formats! { Display Debug LowerHex UpperHex Octal Binary LowerExp UpperExp Pointer }
}

/// What is text, if the type has the formatting trait `F`.
pub trait OrText<F, A> {
    /// What is picked.
    type Picked: Picked;

    /// Picks it.
    fn pick(&self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Picked;
}

impl<T: ?Sized, F, R> OrText<F, (No, R)> for T {
    type Picked = Unprintable;

    fn pick(&self, _: impl FnOnce(Printed<'_>) -> Text) -> Unprintable {
        Unprintable
    }
}

/// What a placeholder other than `{:?}` and `{:p}` records.
pub trait ExactOr<'a, F, A> {
    /// What is picked.
    type Picked: Picked;

    /// Picks it.
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Picked;
}

impl<'a, T: Exact + ?Sized + 'a, F, R> ExactOr<'a, F, (Yes, R)> for T {
    type Picked = T::Carried<'a>;

    #[inline(always)]
    fn pick(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> T::Carried<'a> {
        self.exact()
    }
}

impl<'a, T: OrText<F, R> + ?Sized, F, R> ExactOr<'a, F, (No, R)> for T {
    type Picked = T::Picked;

    #[inline]
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Picked {
        self.pick(text)
    }
}

/// What `{:?}` records.
pub trait BareOr<'a, A> {
    /// What is picked.
    type Picked: Picked;

    /// Picks it.
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Picked;
}

impl<'a, T: Bare + ?Sized + 'a, R> BareOr<'a, (Yes, R)> for T {
    type Picked = T::Carried<'a>;

    #[inline(always)]
    fn pick(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> T::Carried<'a> {
        self.bare()
    }
}

impl<'a, T: ValueOr<'a, R> + ?Sized, R> BareOr<'a, (No, R)> for T {
    type Picked = T::Picked;

    #[inline(always)]
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Picked {
        ValueOr::pick(self, text)
    }
}

/// What `{:?}` records of what is not bare.
pub trait ValueOr<'a, A> {
    /// What is picked.
    type Picked: Picked;

    /// Picks it.
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Picked;
}

impl<'a, T: Value + ?Sized + 'a, R> ValueOr<'a, (Yes, R)> for T {
    type Picked = &'a T;

    #[inline(always)]
    fn pick(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> &'a T {
        self
    }
}

impl<'a, T: RecordOr<'a, R> + ?Sized, R> ValueOr<'a, (No, R)> for T {
    type Picked = T::Picked;

    #[inline]
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Picked {
        RecordOr::pick(self, text)
    }
}

/// What `{:?}` records of what is no [`Value`].
pub trait RecordOr<'a, A> {
    /// What is picked.
    type Picked: Picked;

    /// Picks it.
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Picked;
}

impl<'a, T: Shown + ?Sized + 'a, R> RecordOr<'a, (Yes, R)> for T {
    type Picked = Recorded<T::As<'a>>;

    #[inline]
    fn pick(&'a self, _: impl FnOnce(Printed<'_>) -> Text) -> Self::Picked {
        Recorded(self.as_record())
    }
}

impl<'a, T: OrText<by::Debug, R> + ?Sized, R> RecordOr<'a, (No, R)> for T {
    type Picked = T::Picked;

    #[inline]
    fn pick(&'a self, text: impl FnOnce(Printed<'_>) -> Text) -> T::Picked {
        self.pick(text)
    }
}

/// A step of what a field records.
macro_rules! field_step {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        pub trait $name<'a, A> {
            /// What is picked.
            type Picked: Picked;

            /// Picks it.
            fn pick(&'a self) -> Self::Picked;
        }
    };
    ($(#[$attribute:meta])* $name:ident, else $next:ident) => {
        field_step!($(#[$attribute])* $name);

        impl<'a, T: $next<'a, R> + ?Sized, R> $name<'a, (No, R)> for T {
            type Picked = T::Picked;

            #[inline(always)]
            fn pick(&'a self) -> T::Picked {
                $next::pick(self)
            }
        }
    };
}

field_step! {
    /// What `%value` records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` doesn't implement `Display`",
        label = "`{Self}` cannot be formatted with the default formatter"
    )]
    DisplayField, else DisplayFieldError
}

field_step! {
    /// What `%value` records of what only prints.
    DisplayFieldError, else DisplayFieldPointee
}

field_step! {
    /// What `%value` records of what is no error.
    DisplayFieldPointee, else DisplayFieldPointeeOfPointee
}

field_step! {
    /// What `%value` records of what does not deref to an error.
    DisplayFieldPointeeOfPointee, else DisplayFieldText
}

field_step! {
    /// What `%value` records of all else.
    DisplayFieldText
}

impl<'a, T: Exact + ?Sized + 'a, R> DisplayField<'a, (Yes, R)> for T {
    type Picked = T::Carried<'a>;

    #[inline(always)]
    fn pick(&'a self) -> T::Carried<'a> {
        self.exact()
    }
}

impl<'a, T: fmt::Display + ?Sized> DisplayFieldText<'a, ()> for T {
    type Picked = Text;

    #[inline]
    fn pick(&'a self) -> Text {
        OrText::<by::Display, (Yes, ())>::pick(self, display_text)
    }
}

field_step! {
    /// What `?value` records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` doesn't implement `Debug`",
        label = "`{Self}` cannot be formatted using `{{:?}}`",
        note = "add `#[derive(Debug)]` to `{Self}`, or `#[derive(stenolog::Record)]` to record its fields"
    )]
    DebugField, else DebugFieldValue
}

field_step! {
    /// What `?value` records of what is not bare.
    DebugFieldValue, else DebugFieldRecord
}

field_step! {
    /// What `?value` records of what is no [`Value`].
    DebugFieldRecord, else DebugFieldOption
}

field_step! {
    /// What `?value` records of what is no record either.
    DebugFieldOption, else DebugFieldText
}

field_step! {
    /// What `?value` records of what only prints.
    DebugFieldText
}

impl<'a, T: Bare + ?Sized + 'a, R> DebugField<'a, (Yes, R)> for T {
    type Picked = T::Carried<'a>;

    #[inline(always)]
    fn pick(&'a self) -> T::Carried<'a> {
        self.bare()
    }
}

impl<'a, T: Value + ?Sized + 'a, R> DebugFieldValue<'a, (Yes, R)> for T {
    type Picked = &'a T;

    #[inline(always)]
    fn pick(&'a self) -> &'a T {
        self
    }
}

impl<'a, T: Shown + ?Sized + 'a, R> DebugFieldRecord<'a, (Yes, R)> for T {
    type Picked = Recorded<T::As<'a>>;

    #[inline]
    fn pick(&'a self) -> Self::Picked {
        Recorded(self.as_record())
    }
}

impl<'a, T: IsOption<Item: fmt::Debug> + ?Sized, R> DebugFieldOption<'a, (Yes, R)> for T {
    type Picked = Recorded<Option<Text>>;

    fn pick(&'a self) -> Self::Picked {
        let text = |value| OrText::<by::Debug, (Yes, ())>::pick(value, debug_text);
        Recorded(self.as_option().map(text))
    }
}

impl<'a, T: fmt::Debug + ?Sized> DebugFieldText<'a, ()> for T {
    type Picked = Text;

    #[inline]
    fn pick(&'a self) -> Text {
        OrText::<by::Debug, (Yes, ())>::pick(self, debug_text)
    }
}

field_step! {
    /// What a field records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be logged",
        label = "this value has no form in which it can be recorded",
        note = "add `#[derive(stenolog::Record)]` to the type, or implement `serde::Serialize` and \
                `postcard_schema::Schema`, `Display` or `Debug` for it"
    )]
    Field, else FieldValue
}

field_step! {
    /// What a field records of what is not bare.
    FieldValue, else FieldRecord
}

field_step! {
    /// What a field records of what is no [`Value`].
    FieldRecord, else FieldSerde
}

field_step! {
    /// What a field records of what does not say so itself.
    FieldSerde, else FieldError
}

field_step! {
    /// What a field records of what serde does not store.
    FieldError, else FieldPointee
}

field_step! {
    /// What a field records of what is no error.
    FieldPointee, else FieldPointeeOfPointee
}

field_step! {
    /// What a field records of what does not deref to an error.
    FieldPointeeOfPointee, else FieldErrorOption
}

field_step! {
    /// What a field records of all that is no error, by whatever pointer.
    FieldErrorOption, else FieldPointeeOption
}

field_step! {
    /// What a field records of what is no option of an error.
    FieldPointeeOption, else FieldPointeeOfPointeeOption
}

field_step! {
    /// What a field records of what is no option of what derefs to an error.
    FieldPointeeOfPointeeOption, else FieldDisplayOption
}

field_step! {
    /// What a field records of what is no option of an error, by whatever pointer.
    FieldDisplayOption, else FieldDisplay
}

field_step! {
    /// What a field records of what is no option of what is [`Display`](fmt::Display).
    FieldDisplay, else FieldDebugOption
}

field_step! {
    /// What a field records of what is not [`Display`](fmt::Display) itself.
    FieldDebugOption, else FieldDebug
}

field_step! {
    /// What a field records of what is no option.
    FieldDebug
}

impl<'a, T: AsRecord + ?Sized + 'a, R> FieldRecord<'a, (Yes, R)> for T {
    type Picked = Recorded<T::As<'a>>;

    #[inline]
    fn pick(&'a self) -> Self::Picked {
        Recorded(self.as_record())
    }
}

/// Errors, for a field and for `%value`.
macro_rules! errors {
    ($($error:ident $pointee:ident $pointee_of_pointee:ident;)+) => {$(
        impl<'a, T: Error + ?Sized, R> $error<'a, (Yes, R)> for T {
            type Picked = ErrorChain;

            fn pick(&'a self) -> ErrorChain {
                ErrorChain::new(&self)
            }
        }

        impl<'a, T: Deref<Target: Error> + ?Sized, R> $pointee<'a, (Yes, R)> for T {
            type Picked = ErrorChain;

            fn pick(&'a self) -> ErrorChain {
                ErrorChain::new(&&**self)
            }
        }

        impl<'a, T: Deref<Target: Deref<Target: Error>> + ?Sized, R>
            $pointee_of_pointee<'a, (Yes, R)> for T
        {
            type Picked = ErrorChain;

            fn pick(&'a self) -> ErrorChain {
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

impl<'a, T: IsOption<Item: Error> + ?Sized, R> FieldErrorOption<'a, (Yes, R)> for T {
    type Picked = Recorded<Option<ErrorChain>>;

    fn pick(&'a self) -> Self::Picked {
        Recorded(self.as_option().map(|error| ErrorChain::new(&error)))
    }
}

impl<'a, T: IsOption<Item: Deref<Target: Error>> + ?Sized, R> FieldPointeeOption<'a, (Yes, R)>
    for T
{
    type Picked = Recorded<Option<ErrorChain>>;

    fn pick(&'a self) -> Self::Picked {
        Recorded(self.as_option().map(|pointer| ErrorChain::new(&&**pointer)))
    }
}

impl<'a, T: IsOption<Item: Deref<Target: Deref<Target: Error>>> + ?Sized, R>
    FieldPointeeOfPointeeOption<'a, (Yes, R)> for T
{
    type Picked = Recorded<Option<ErrorChain>>;

    fn pick(&'a self) -> Self::Picked {
        Recorded(self.as_option().map(|pointer| ErrorChain::new(&&***pointer)))
    }
}

impl<'a, T: IsOption<Item: fmt::Display> + ?Sized, R> FieldDisplayOption<'a, (Yes, R)> for T {
    type Picked = Recorded<Option<AsString>>;

    fn pick(&'a self) -> Self::Picked {
        let text = |value| OrText::<by::Display, (Yes, ())>::pick(value, display_text);
        Recorded(self.as_option().map(text).map(AsString))
    }
}

impl<'a, T: IsOption<Item: fmt::Debug> + ?Sized, R> FieldDebugOption<'a, (Yes, R)> for T {
    type Picked = Recorded<Option<Text>>;

    fn pick(&'a self) -> Self::Picked {
        let text = |value| OrText::<by::Debug, (Yes, ())>::pick(value, debug_text);
        Recorded(self.as_option().map(text))
    }
}

impl<'a, T: Bare + ?Sized + 'a, R> Field<'a, (Yes, R)> for T {
    type Picked = T::Carried<'a>;

    #[inline(always)]
    fn pick(&'a self) -> T::Carried<'a> {
        self.bare()
    }
}

impl<'a, T: Value + ?Sized + 'a, R> FieldValue<'a, (Yes, R)> for T {
    type Picked = &'a T;

    #[inline(always)]
    fn pick(&'a self) -> &'a T {
        self
    }
}

#[cfg(feature = "serde")]
impl<'a, T, R> FieldSerde<'a, (Yes, R)> for T
where
    T: serde::Serialize + postcard_schema::Schema + ?Sized,
{
    type Picked = Encoded<T>;

    fn pick(&'a self) -> Encoded<T> {
        Encoded::new(self)
    }
}

impl<'a, T: fmt::Display + ?Sized, R> FieldDisplay<'a, (Yes, R)> for T {
    type Picked = Text;

    #[inline]
    fn pick(&'a self) -> Text {
        OrText::<by::Display, (Yes, ())>::pick(self, display_text)
    }
}

impl<'a, T: fmt::Debug + ?Sized> FieldDebug<'a, ()> for T {
    type Picked = Text;

    #[inline]
    fn pick(&'a self) -> Text {
        OrText::<by::Debug, (Yes, ())>::pick(self, debug_text)
    }
}

/// Not generic, so that a call site has no code of its own for it.
fn display_text(value: Printed<'_>) -> Text {
    Text::new(format_args!("{value}"))
}

fn debug_text(value: Printed<'_>) -> Text {
    Text::new(format_args!("{value:?}"))
}

/// An argument of which is still to be picked what it records.
pub trait Pick {
    /// What is picked.
    type Picked: Picked;

    /// Picks it; here the user's formatting code runs.
    fn pick(self) -> Self::Picked;
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
macro_rules! sheet {
    () => { () };
    ($first:ident $($rest:ident)*) => { ($first, sheet!($($rest)*)) };
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
        ) -> Arg<'_, $kind, T, sheet!($($answer)+)> {
            Arg::new(value, ())
        }

        impl<'a, T: $step + ?Sized, A> Pick for Arg<'a, $kind, T, A> {
            type Picked = T::Picked;

            #[inline(always)]
            fn pick(self) -> T::Picked {
                self.value.pick($($text)?)
            }
        }
    )+};
}

plain_arguments! {
    #[expect(clippy::too_many_arguments, reason = "one for each question")]
    "A field." field(B, V, A, S, E, P, Q, F, H, I, G, D, O) AsField: Field<'a, A>;
    "`%value`" display_field(X, E, P, Q) AsDisplayField: DisplayField<'a, A>;
    "`?value`" debug_field(B, V, K, O) AsDebugField: DebugField<'a, A>;
    "`{}`" display(E, D) AsDisplay: ExactOr<'a, by::Display, A>, display_text;
    "`{:?}`" debug(B, V, K, D) AsDebug: BareOr<'a, A>, debug_text;
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
        ) -> Arg<'_, $kind, T, sheet!($($answer)+), F>
        where
            F: FnOnce(Printed<'_>) -> Text,
        {
            Arg::new(value, format)
        }

        impl<'a, T, A, $($by,)? F> Pick for Arg<'a, $kind, T, A, F>
        where
            T: $step + ?Sized,
            F: FnOnce(Printed<'_>) -> Text,
        {
            type Picked = T::Picked;

            #[inline(always)]
            fn pick(self) -> T::Picked {
                self.value.pick(self.format)
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
    "`{:>5}`, `{:x}` …" exact(E, D; By) AsExact<By>: ExactOr<'a, By, A>;
    "`{:#?}`, `{:x?}` …" debug_with(B, V, K, D) AsDebugWith: BareOr<'a, A>;
    "`{:p}`: what an address says is gone with the process, so it is always text." pointer(D) AsPointer: OrText<by::Pointer, A>;
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

impl Pick for Count {
    type Picked = usize;

    #[inline(always)]
    fn pick(self) -> usize {
        self.0
    }
}

/// A message that was formatted at the call.
#[derive(Debug)]
pub struct Whole(Text);

/// A message that was formatted at the call.
#[inline(always)]
#[must_use]
pub const fn whole(text: Text) -> Whole {
    Whole(text)
}

impl Pick for Whole {
    type Picked = Text;

    #[inline(always)]
    fn pick(self) -> Text {
        self.0
    }
}

/// The end of a long list: a list, and what follows it.
#[derive(Debug)]
pub struct More<L, Rest>(pub L, pub Rest);

impl<L: List, Rest: List> List for More<L, Rest> {
    type Picked = More<L::Picked, Rest::Picked>;

    #[inline]
    fn pick(self) -> Self::Picked {
        let Self(list, rest) = self;
        More(list.pick(), rest.pick())
    }
}

/// The arguments of a call: `(a, (b, ()))`.
pub trait List {
    /// What is picked, as such a list.
    type Picked: PickedList;

    /// Picks it from first to last.
    fn pick(self) -> Self::Picked;
}

impl List for () {
    type Picked = ();

    #[inline(always)]
    fn pick(self) {}
}

impl<P: Pick, L: List> List for (P, L) {
    type Picked = (P::Picked, L::Picked);

    #[inline(always)]
    fn pick(self) -> Self::Picked {
        let (first, rest) = self;
        (first.pick(), rest.pick())
    }
}
