//! How a call site chooses what to record for an argument whose type it does not know.
//!
//! An expansion writes `arg(x).steno_display()` and the compiler's search for a method does the
//! rest: it looks at [`Arg`] first, then at what it derefs to, and takes the first method whose
//! bounds hold.
//!
//! ```text
//!          Arg ────▶ Second ──▶ Third ──────────▶ Fourth ───────▶ Fifth ───────▶ Last
//! {}       Bare      Exact      Display → Text    (unprintable)
//! {:?}     Bare      Value      Debug → Text      (unprintable)
//! {:x} …   Bare      Exact      LowerHex → Text   (unprintable)
//! field    Bare      Value      serde → Encoded   Display → Text  Debug → Text   a clear error
//! %field   Bare      Exact      Display → Text    rustc's error
//! ?field   Bare      Value      Debug → Text      rustc's error
//! width              usize                        (unprintable)
//! ```
//!
//! What is [`Bare`] is picked by value, what is [`Value`] by reference.
//!
//! What cannot be printed is no error here: the expansion has the user's format string and
//! arguments in a `format_args!` that never runs, and rustc reports there, in its own words. In a
//! generic function only the bounds that the function states count, as they must: which method is
//! meant is settled before the type is known.
//!
//! The methods carry a prefix because a trait of the caller's with a blanket implementation would
//! be found before what `Arg` derefs to.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use stenolog_format::types::Type;

use crate::carry::Bare;
#[cfg(feature = "serde")]
use crate::value::Encoded;
use crate::value::{Text, Value};

/// A recorded type that the decoder prints as `format!` would, by every trait but `Debug`, for
/// which being a [`Value`] is enough.
pub trait Exact: Value {}

macro_rules! exact {
    ($($ty:ty),+ $(,)?) => {$(impl Exact for $ty {})+};
}

exact! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, str, String,
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, Cow<'_, str>,
}

impl<T: Exact + ?Sized> Exact for &T {}
impl<T: Exact + ?Sized> Exact for &mut T {}
impl<T: Exact + ?Sized> Exact for Box<T> {}
impl<T: Exact + ?Sized> Exact for Rc<T> {}
impl<T: Exact + ?Sized> Exact for Arc<T> {}

/// An argument whose recording is to be chosen: the first of six steps.
#[derive(Debug)]
pub struct Arg<'a, T: ?Sized>(Second<'a, T>);

/// The second step.
#[derive(Debug)]
pub struct Second<'a, T: ?Sized>(Third<'a, T>);

/// The third step.
#[derive(Debug)]
pub struct Third<'a, T: ?Sized>(Fourth<'a, T>);

/// The fourth step.
#[derive(Debug)]
pub struct Fourth<'a, T: ?Sized>(Fifth<'a, T>);

/// The fifth step.
#[derive(Debug)]
pub struct Fifth<'a, T: ?Sized>(Last<'a, T>);

/// The last step.
#[derive(Debug)]
pub struct Last<'a, T: ?Sized>(&'a T);

/// The first step for an argument.
#[inline(always)]
pub const fn arg<T: ?Sized>(value: &T) -> Arg<'_, T> {
    Arg(Second(Third(Fourth(Fifth(Last(value))))))
}

macro_rules! steps {
    ($($step:ident -> $next:ident),+) => {$(
        impl<'a, T: ?Sized> Deref for $step<'a, T> {
            type Target = $next<'a, T>;

            #[inline(always)]
            fn deref(&self) -> &$next<'a, T> {
                &self.0
            }
        }
    )+};
}

steps!(Arg -> Second, Second -> Third, Third -> Fourth, Fourth -> Fifth, Fifth -> Last);

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

/// The methods for one formatting trait. The closure formats by the whole spec; it takes a trait
/// object so that its body compiles, or fails to, independent of the argument.
macro_rules! formats {
    ($($native:ident $trait:ident: $method:ident;)+) => {$(
        impl<'a, T: Bare + ?Sized> Arg<'a, T> {
            #[inline(always)]
            pub fn $method(&self, _: impl FnOnce(&dyn fmt::$trait) -> Text) -> T::Carried<'a> {
                self.0.0.0.0.0.0.bare()
            }
        }

        impl<'a, T: $native + ?Sized> Second<'a, T> {
            #[inline(always)]
            pub fn $method(&self, _: impl FnOnce(&dyn fmt::$trait) -> Text) -> &'a T {
                self.0.0.0.0.0
            }
        }

        impl<T: fmt::$trait + ?Sized> Third<'_, T> {
            pub fn $method(&self, format: impl FnOnce(&dyn fmt::$trait) -> Text) -> Text {
                // A reference to the reference, as only what is sized becomes a trait object.
                format(&self.0.0.0.0)
            }
        }

        impl<T: ?Sized> Fourth<'_, T> {
            pub fn $method(&self, _: impl FnOnce(&dyn fmt::$trait) -> Text) -> Unprintable {
                Unprintable
            }
        }
    )+};
}

formats! {
    Exact Display: steno_display_with;
    Value Debug: steno_debug_with;
    Exact LowerHex: steno_lower_hex_with;
    Exact UpperHex: steno_upper_hex_with;
    Exact Octal: steno_octal_with;
    Exact Binary: steno_binary_with;
    Exact LowerExp: steno_lower_exp_with;
    Exact UpperExp: steno_upper_exp_with;
}

/// The methods without a spec, for what is carried as such.
macro_rules! bare {
    ($($what:literal $method:ident;)+) => {
        impl<'a, T: Bare + ?Sized> Arg<'a, T> {$(
            #[doc = $what]
            #[inline(always)]
            #[must_use]
            pub fn $method(&self) -> T::Carried<'a> {
                self.0.0.0.0.0.0.bare()
            }
        )+}
    };
}

bare! {
    "`{}`" steno_display;
    "`%value`" steno_display_field;
    "`{:?}`" steno_debug;
    "`?value`" steno_debug_field;
    "A field." steno_field;
}

impl<'a, T: Exact + ?Sized> Second<'a, T> {
    /// `{}`
    #[inline(always)]
    #[must_use]
    pub fn steno_display(&self) -> &'a T {
        self.0.0.0.0.0
    }

    /// `%value`
    #[inline(always)]
    #[must_use]
    pub fn steno_display_field(&self) -> &'a T {
        self.0.0.0.0.0
    }
}

impl<'a, T: Value + ?Sized> Second<'a, T> {
    /// `{:?}`
    #[inline(always)]
    #[must_use]
    pub fn steno_debug(&self) -> &'a T {
        self.0.0.0.0.0
    }

    /// `?value`
    #[inline(always)]
    #[must_use]
    pub fn steno_debug_field(&self) -> &'a T {
        self.0.0.0.0.0
    }

    /// A field.
    #[inline(always)]
    #[must_use]
    pub fn steno_field(&self) -> &'a T {
        self.0.0.0.0.0
    }
}

impl Second<'_, usize> {
    /// A width or a precision.
    #[inline(always)]
    #[must_use]
    pub fn steno_count(&self) -> usize {
        *self.0.0.0.0.0
    }
}

impl<T: fmt::Display + ?Sized> Third<'_, T> {
    /// `{}`
    #[must_use]
    pub fn steno_display(&self) -> Text {
        display(&self.0.0.0.0)
    }

    /// `%value`
    #[must_use]
    pub fn steno_display_field(&self) -> Text {
        display(&self.0.0.0.0)
    }
}

impl<T: fmt::Debug + ?Sized> Third<'_, T> {
    /// `{:?}`
    #[must_use]
    pub fn steno_debug(&self) -> Text {
        debug(&self.0.0.0.0)
    }

    /// `?value`
    #[must_use]
    pub fn steno_debug_field(&self) -> Text {
        debug(&self.0.0.0.0)
    }
}

impl<T: fmt::Pointer + ?Sized> Third<'_, T> {
    /// `{:p}`: what an address says is gone with the process, so it is always text.
    pub fn steno_pointer_with(&self, format: impl FnOnce(Address<'_>) -> Text) -> Text {
        format(Address(&Place(self.0.0.0.0)))
    }
}

/// Prints as what it refers to does: a bare reference would print itself.
#[derive(Clone, Copy)]
pub struct Address<'a>(&'a dyn fmt::Pointer);

impl fmt::Pointer for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The same for a type that may have no size.
struct Place<'a, T: ?Sized>(&'a T);

impl<T: fmt::Pointer + ?Sized> fmt::Pointer for Place<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize + postcard_schema::Schema + ?Sized> Third<'_, T> {
    /// A field.
    #[must_use]
    pub fn steno_field(&self) -> Encoded<T> {
        Encoded::new(self.0.0.0.0)
    }
}

impl<T: fmt::Display + ?Sized> Fourth<'_, T> {
    /// A field.
    #[must_use]
    pub fn steno_field(&self) -> Text {
        display(&self.0.0.0)
    }
}

impl<T: ?Sized> Fourth<'_, T> {
    /// `{}`
    #[must_use]
    pub fn steno_display(&self) -> Unprintable {
        Unprintable
    }

    /// `%value`
    #[must_use]
    pub fn steno_display_field(&self) -> Unprintable
    where
        T: fmt::Display,
    {
        Unprintable
    }

    /// `{:?}`
    #[must_use]
    pub fn steno_debug(&self) -> Unprintable {
        Unprintable
    }

    /// `?value`
    #[must_use]
    pub fn steno_debug_field(&self) -> Unprintable
    where
        T: fmt::Debug,
    {
        Unprintable
    }

    /// `{:p}`
    pub fn steno_pointer_with(&self, _: impl FnOnce(Address<'_>) -> Text) -> Unprintable {
        Unprintable
    }

    /// A width or a precision.
    #[must_use]
    pub fn steno_count(&self) -> usize {
        0
    }
}

impl<T: fmt::Debug + ?Sized> Fifth<'_, T> {
    /// A field.
    #[must_use]
    pub fn steno_field(&self) -> Text {
        debug(&self.0.0)
    }
}

impl<T: ?Sized> Last<'_, T> {
    /// A field.
    #[must_use]
    pub fn steno_field(&self) -> Unprintable
    where
        T: Loggable,
    {
        Unprintable
    }
}

/// What the last step asks for when nothing else is left. Nothing implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be logged",
    label = "this value has no form in which it can be recorded",
    note = "add `#[derive(stenolog::Record)]` to the type, or implement `serde::Serialize` and \
            `postcard_schema::Schema`, `Display` or `Debug` for it"
)]
pub trait Loggable {}

/// Not generic, so that a call site has no code of its own for it.
fn display(value: &dyn fmt::Display) -> Text {
    Text::new(format_args!("{value}"))
}

fn debug(value: &dyn fmt::Debug) -> Text {
    Text::new(format_args!("{value:?}"))
}
