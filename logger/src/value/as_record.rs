//! Types that are converted to another type when they are recorded.

use std::borrow::Cow;
use std::cell::{Ref, RefMut};
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::num::{Saturating, Wrapping};
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, MutexGuard, RwLockReadGuard, RwLockWriteGuard};

use stenolog_format::types::{Shape, Type};
use stenolog_format::value::MAX_UNSIZED_LIST;

use super::bound::Bound;
use super::text::Buffer;
use super::{
    SHORT_BYTES, Value, describe_enum, describe_fields, enum_bound, enum_fixed_size,
    enum_signature, product_bound, product_signature, put_bytes,
};

/// A type that chooses how it is recorded: as numbers, strings, tuples of these, or any other [`Value`].
///
/// Implement it for types that cannot have `#[derive(Record)]`, such as a wrapper around another crate's type.
/// It is safe to implement: [`as_record`](Self::as_record) runs once per call, before the call claims space in
/// a ring, and may do anything, even panic.
///
/// Readers see the recorded value: its `Debug` in text, nested in JSON. As an argument of a message, the
/// type still prints through its own `Display` or `Debug`, formatted at the call, as with `format!`. Such
/// types may be fields of a [`#[derive(Record)]`](derive@crate::Record) type, and may be inside `Option`,
/// `Result`, `Vec`, arrays, tuples, pointers, `Pin` and the guards of cells and locks.
///
/// The cost is one call of `as_record` and one copy. Lists, and derived types with such a field, are first
/// assembled in a buffer, which is on the stack up to 192 bytes.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{AsRecord, Record, info};
///
/// struct Price { ticks: i64, symbol: String }
///
/// impl AsRecord for Price {
///     type As<'a> = (f64, &'a str);
///
///     fn as_record(&self) -> Self::As<'_> {
///         (self.ticks as f64 / 100.0, &self.symbol)
///     }
/// }
///
/// #[derive(Record)]
/// struct Order { id: u64, limit: Option<Price>, legs: Vec<Price> }
///
/// let _log = stenolog::Builder::new(path).start()?;
/// let price = Price { ticks: 9950, symbol: "ABC".into() };
/// info!(price, "quote"); // "price":[99.5,"ABC"]
/// let order = Order { id: 7, limit: Some(price), legs: vec![] };
/// info!(order, "placed"); // "order":{"id":7,"limit":[99.5,"ABC"],"legs":[]}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded as a typed value",
    label = "this type is neither a standard type that prints nor one with `#[derive(Record)]`",
    note = "add `#[derive(stenolog::Record)]` to `{Self}`, or implement `stenolog::AsRecord` for it; a field \
            of another type takes `#[record(debug)]`, `#[record(display)]`, `#[record(with = path)]` or \
            `#[record(skip)]`"
)]
pub trait AsRecord {
    /// The recorded type: any [`Value`], such as a number, a string, a tuple, or a struct with
    /// `#[derive(Record)]`. It may borrow from the value.
    type As<'a>: Value
    where
        Self: 'a;

    /// Converts the value to the recorded type.
    fn as_record(&self) -> Self::As<'_>;

    /// Appends the recorded value.
    #[doc(hidden)]
    #[inline]
    fn prepare(&self, into: &mut Buffer) {
        into.put(&self.as_record());
    }
}

/// Types that `{:?}` and `?value` record in the same way as a field: derived types, and types made of them.
/// Their own `Debug` might show redacted values.
///
/// A type that implements [`AsRecord`] by hand prints by its own `Debug`.
pub trait Shown: AsRecord {}

/// How `#[derive(Record)]` records a type that is borrowed for `'a`.
pub trait Derived<'a> {
    /// As in [`Value`].
    const SIGNATURE: u64;
    /// As in [`Value`].
    const FIXED_SIZE: Option<usize>;
    /// As in [`Value`].
    const BOUND: Bound;

    /// As in [`Value`].
    fn describe() -> Type;
}

/// The layout of a derived type. There are no values of it, only [`Prepared`] bytes.
pub struct Laid<'a, T: ?Sized>(Infallible, PhantomData<fn(&'a T)>);

// SAFETY: there are no values.
unsafe impl<'a, T: Derived<'a> + ?Sized> Value for Laid<'a, T> {
    const SIGNATURE: u64 = T::SIGNATURE;
    const FIXED_SIZE: Option<usize> = T::FIXED_SIZE;
    const BOUND: Bound = T::BOUND;

    fn describe() -> Type {
        T::describe()
    }

    fn size(&self) -> usize {
        match self.0 {}
    }

    unsafe fn write(&self, _: *mut u8) -> *mut u8 {
        match self.0 {}
    }
}

/// The bytes of a value of a layout, put together at the call.
pub struct Prepared<V: ?Sized> {
    bytes: Buffer,
    of: PhantomData<fn(&V)>,
}

impl<V: ?Sized> fmt::Debug for Prepared<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.bytes).finish()
    }
}

impl<V: Value + ?Sized> Prepared<V> {
    /// Prepares a value, whose [`AsRecord::prepare`] writes what the layout says.
    #[must_use]
    pub fn of<T: AsRecord + ?Sized>(value: &T) -> Self {
        let mut bytes = Buffer::new();
        value.prepare(&mut bytes);
        Self { bytes, of: PhantomData }
    }
}

// SAFETY: the bytes, which do not change any more. What they are is for readers to judge, not for the
// ring: whatever they are, as many are written as the size says. Where all values have one size, they
// were all written by a `Value` with that size.
unsafe impl<V: Value + ?Sized> Value for Prepared<V> {
    const SIGNATURE: u64 = V::SIGNATURE;
    const FIXED_SIZE: Option<usize> = None;
    const BOUND: Bound = V::BOUND;

    fn describe() -> Type {
        V::describe()
    }

    #[inline]
    fn size(&self) -> usize {
        self.bytes.size()
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.size() <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        let bytes = self.bytes.as_bytes();
        // SAFETY: the caller grants the bytes, which are new space and overlap nothing.
        unsafe { put_bytes(out, bytes.as_ptr(), bytes.len()) }
    }
}

/// Values that are recorded as they are.
macro_rules! themselves {
    ($($ty:ty),+ $(,)?) => {$(
        impl AsRecord for $ty {
            type As<'a>
                = &'a Self
            where
                Self: 'a;

            #[inline]
            fn as_record(&self) -> &Self {
                self
            }

            #[inline]
            fn prepare(&self, into: &mut Buffer) {
                into.put(self);
            }
        }

        impl Shown for $ty {}
    )+};
}

themselves! {
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, bool, char, str, String, (),
    std::num::NonZero<u8>, std::num::NonZero<u16>, std::num::NonZero<u32>, std::num::NonZero<u64>,
    std::num::NonZero<u128>, std::num::NonZero<usize>,
    std::num::NonZero<i8>, std::num::NonZero<i16>, std::num::NonZero<i32>, std::num::NonZero<i64>,
    std::num::NonZero<i128>, std::num::NonZero<isize>,
    std::time::Duration, std::time::SystemTime,
    std::net::IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr,
    std::net::SocketAddr, std::net::SocketAddrV4, std::net::SocketAddrV6,
    Cow<'_, str>,
}

/// Types that deref to a recordable type are recorded as that type.
macro_rules! delegate {
    ($([$($generics:tt)*] $ty:ty => $target:ty;)+) => {$(
        impl<$($generics)*> AsRecord for $ty {
            type As<'a>
                = <$target as AsRecord>::As<'a>
            where
                Self: 'a;

            #[inline]
            fn as_record(&self) -> Self::As<'_> {
                <$target>::as_record(self)
            }

            #[inline]
            fn prepare(&self, into: &mut Buffer) {
                <$target>::prepare(self, into);
            }
        }

        impl<$($generics)*> Shown for $ty where $target: Shown {}
    )+};
}

delegate! {
    [T: AsRecord + ?Sized] &T => T;
    [T: AsRecord + ?Sized] &mut T => T;
    [T: AsRecord + ?Sized] Box<T> => T;
    [T: AsRecord + ?Sized] Rc<T> => T;
    [T: AsRecord + ?Sized] Arc<T> => T;
    [T: AsRecord] Vec<T> => [T];
    [T: AsRecord + Clone] Cow<'_, [T]> => [T];
    [P: Deref<Target: AsRecord>] Pin<P> => P::Target;
    [T: AsRecord + ?Sized] Ref<'_, T> => T;
    [T: AsRecord + ?Sized] RefMut<'_, T> => T;
    [T: AsRecord + ?Sized] MutexGuard<'_, T> => T;
    [T: AsRecord + ?Sized] RwLockReadGuard<'_, T> => T;
    [T: AsRecord + ?Sized] RwLockWriteGuard<'_, T> => T;
}

#[cfg(feature = "smallvec")]
delegate! {
    [A: smallvec::Array<Item: AsRecord>] smallvec::SmallVec<A> => [A::Item];
}

#[cfg(feature = "ordered-float")]
themselves! {
    ordered_float::OrderedFloat<f32>, ordered_float::OrderedFloat<f64>,
    ordered_float::NotNan<f32>, ordered_float::NotNan<f64>,
}

/// Types that print as their only field are recorded as that.
macro_rules! transparent {
    ($($ty:ident)+) => {$(
        impl<T: AsRecord> AsRecord for $ty<T> {
            type As<'a>
                = T::As<'a>
            where
                Self: 'a;

            #[inline]
            fn as_record(&self) -> Self::As<'_> {
                self.0.as_record()
            }

            #[inline]
            fn prepare(&self, into: &mut Buffer) {
                self.0.prepare(into);
            }
        }

        impl<T: Shown> Shown for $ty<T> {}
    )+};
}

transparent! { Wrapping Saturating }

impl<T: Shown> Shown for Option<T> {}
impl<T: Shown> Shown for [T] {}
impl<T: Shown, const N: usize> Shown for [T; N] {}

impl<T: AsRecord> AsRecord for Option<T> {
    type As<'a>
        = Option<T::As<'a>>
    where
        Self: 'a;

    #[inline]
    fn as_record(&self) -> Self::As<'_> {
        // A closure: Rust 1.89 does not accept `map(T::as_record)`.
        self.as_ref().map(|value| value.as_record())
    }

    #[inline]
    fn prepare(&self, into: &mut Buffer) {
        into.put(&self.is_some());
        if let Some(value) = self {
            value.prepare(into);
        }
    }
}

/// The layout of a [`Result`], as of a derived enum. There are no values of it.
pub struct Outcome<T, E>(Infallible, PhantomData<fn(T, E)>);

// SAFETY: there are no values.
unsafe impl<T: Value, E: Value> Value for Outcome<T, E> {
    const SIGNATURE: u64 = enum_signature(
        "Result",
        &[
            product_signature("Ok", Shape::Tuple, &[""], &[T::SIGNATURE]),
            product_signature("Err", Shape::Tuple, &[""], &[E::SIGNATURE]),
        ],
    );
    const FIXED_SIZE: Option<usize> = enum_fixed_size(&[T::FIXED_SIZE, E::FIXED_SIZE]);
    const BOUND: Bound = enum_bound(
        "Result",
        &[
            product_bound("Ok", Shape::Tuple, &[""], &[T::BOUND]),
            product_bound("Err", Shape::Tuple, &[""], &[E::BOUND]),
        ],
    );

    fn describe() -> Type {
        let variant = |name, of| describe_fields(name, Shape::Tuple, &[""], [of]);
        describe_enum("Result", [variant("Ok", T::describe()), variant("Err", E::describe())])
    }

    fn size(&self) -> usize {
        match self.0 {}
    }

    unsafe fn write(&self, _: *mut u8) -> *mut u8 {
        match self.0 {}
    }
}

impl<T: AsRecord, E: AsRecord> AsRecord for Result<T, E> {
    type As<'a>
        = Prepared<Outcome<T::As<'a>, E::As<'a>>>
    where
        Self: 'a;

    #[inline]
    fn as_record(&self) -> Self::As<'_> {
        Prepared::of(self)
    }

    fn prepare(&self, into: &mut Buffer) {
        match self {
            Ok(value) => {
                into.put(&0_u16);
                value.prepare(into);
            }
            Err(error) => {
                into.put(&1_u16);
                error.prepare(into);
            }
        }
    }
}

impl<T: Shown, E: Shown> Shown for Result<T, E> {}

impl<T: AsRecord> AsRecord for [T] {
    type As<'a>
        = Prepared<[T::As<'a>]>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        Prepared::of(self)
    }

    fn prepare(&self, into: &mut Buffer) {
        prepare_list(self.iter(), into);
    }
}

impl<T: AsRecord, const N: usize> AsRecord for [T; N] {
    type As<'a>
        = Prepared<[T::As<'a>; N]>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        Prepared::of(self)
    }

    fn prepare(&self, into: &mut Buffer) {
        self.iter().for_each(|element| element.prepare(into));
    }
}

/// Appends a list of what is recorded of its elements.
pub(super) fn prepare_list<'a, T: AsRecord + 'a>(
    elements: impl ExactSizeIterator<Item = &'a T>,
    into: &mut Buffer,
) {
    let count = elements.len();
    if u32::try_from(count).is_err() || (T::As::<'a>::BOUND.is_empty() && count > MAX_UNSIZED_LIST)
    {
        // What no reader takes is too long for every ring.
        return into.overflow();
    }
    into.put(&(count as u32));
    elements.for_each(|element| element.prepare(into));
}

macro_rules! tuple {
    ($($element:ident $index:tt),+) => {
        impl<$($element: AsRecord),+> AsRecord for ($($element,)+) {
            type As<'a>
                = ($($element::As<'a>,)+)
            where
                Self: 'a;

            #[inline]
            fn as_record(&self) -> Self::As<'_> {
                ($(self.$index.as_record(),)+)
            }

            #[inline]
            fn prepare(&self, into: &mut Buffer) {
                $(self.$index.prepare(into);)+
            }
        }

        impl<$($element: Shown),+> Shown for ($($element,)+) {}
    };
}

super::for_tuples!(tuple);
