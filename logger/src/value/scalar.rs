//! Numbers, characters, strings and what points to a value.

use std::borrow::Cow;
use std::num::{NonZero, Saturating, Wrapping};
use std::rc::Rc;
use std::sync::Arc;

use stenolog_format::types::Type;

use super::bound::Bound;
use super::{SHORT_BYTES, Value, put, put_counted, signature};

macro_rules! number {
    ($($ty:ident: $kind:ident),+ $(,)?) => {$(
        // SAFETY: as many bytes as the type has, which are those in memory if the target is
        // little-endian.
        unsafe impl Value for $ty {
            const SIGNATURE: u64 = signature::leaf(stringify!($kind));
            const FIXED_SIZE: Option<usize> = Some(size_of::<$ty>());
            const IS_PLAIN: bool = cfg!(target_endian = "little");

            fn describe() -> Type {
                Type::$kind
            }

            #[inline]
            fn size(&self) -> usize {
                size_of::<$ty>()
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the bytes.
                unsafe { put(out, self.to_le_bytes()) }
            }
        }
    )+};
}

number! {
    u8: U8, u16: U16, u32: U32, u64: U64, u128: U128,
    i8: I8, i16: I16, i32: I32, i64: I64, i128: I128,
    f32: F32, f64: F64,
}

#[cfg(target_pointer_width = "64")]
number! { usize: U64, isize: I64 }

#[cfg(target_pointer_width = "32")]
number! { usize: U32, isize: I32 }

macro_rules! non_zero {
    ($($ty:ident)+) => {$(
        // SAFETY: a `NonZero` has the layout of its number, which keeps the contract.
        unsafe impl Value for NonZero<$ty> {
            const SIGNATURE: u64 = <$ty>::SIGNATURE;
            const FIXED_SIZE: Option<usize> = <$ty>::FIXED_SIZE;
            const IS_PLAIN: bool = <$ty>::IS_PLAIN;

            fn describe() -> Type {
                <$ty>::describe()
            }

            #[inline]
            fn size(&self) -> usize {
                size_of::<$ty>()
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the bytes.
                unsafe { self.get().write(out) }
            }
        }
    )+};
}

non_zero! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

// SAFETY: one byte, 0 or 1, as in memory.
unsafe impl Value for bool {
    const SIGNATURE: u64 = signature::leaf("Bool");
    const FIXED_SIZE: Option<usize> = Some(1);
    const IS_PLAIN: bool = true;

    fn describe() -> Type {
        Type::Bool
    }

    #[inline]
    fn size(&self) -> usize {
        1
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the byte.
        unsafe { put(out, [u8::from(*self)]) }
    }
}

// SAFETY: four bytes, which are those in memory if the target is little-endian.
unsafe impl Value for char {
    const SIGNATURE: u64 = signature::leaf("Char");
    const FIXED_SIZE: Option<usize> = Some(4);
    const IS_PLAIN: bool = cfg!(target_endian = "little");

    fn describe() -> Type {
        Type::Char
    }

    #[inline]
    fn size(&self) -> usize {
        4
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { put(out, u32::from(*self).to_le_bytes()) }
    }
}

// SAFETY: a count of four bytes and the string, whose length cannot change while it is borrowed.
// The sum cannot overflow, because no slice is longer than `isize::MAX`.
unsafe impl Value for str {
    const SIGNATURE: u64 = signature::leaf("Str");
    const FIXED_SIZE: Option<usize> = None;

    fn describe() -> Type {
        Type::Str
    }

    #[inline]
    fn size(&self) -> usize {
        4 + self.len()
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.len() <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { put_counted(out, self.as_bytes()) }
    }
}

/// Types that deref to a value are recorded as that value.
macro_rules! delegate {
    ($([$($generics:tt)*] $ty:ty => $target:ty;)+) => {$(
        // SAFETY: the standard library's pointers deref to the same value as long as they are
        // borrowed, and that value keeps the contract.
        unsafe impl<$($generics)*> Value for $ty {
            const SIGNATURE: u64 = <$target>::SIGNATURE;
            const FIXED_SIZE: Option<usize> = <$target>::FIXED_SIZE;
            const BOUND: Bound = <$target>::BOUND;

            fn describe() -> Type {
                <$target>::describe()
            }

            #[inline]
            fn size(&self) -> usize {
                <$target>::size(self)
            }

            #[inline]
            fn is_short(&self) -> bool {
                <$target>::is_short(self)
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the bytes.
                unsafe { <$target>::write(self, out) }
            }
        }
    )+};
}

delegate! {
    [] String => str;
    [T: Value + ?Sized] &T => T;
    [T: Value + ?Sized] &mut T => T;
    [T: Value + ?Sized] Box<T> => T;
    [T: Value + ?Sized] Rc<T> => T;
    [T: Value + ?Sized] Arc<T> => T;
    [T: Value] Vec<T> => [T];
    // Not every `Cow`: its deref runs the owned type's `Borrow`, which may be anybody's code.
    [] Cow<'_, str> => str;
    [T: Value + Clone] Cow<'_, [T]> => [T];
}

#[cfg(feature = "smallvec")]
delegate! {
    [A: smallvec::Array<Item: Value>] smallvec::SmallVec<A> => [A::Item];
}

#[cfg(feature = "ordered-float")]
delegate! {
    [] ordered_float::OrderedFloat<f32> => f32;
    [] ordered_float::OrderedFloat<f64> => f64;
    [] ordered_float::NotNan<f32> => f32;
    [] ordered_float::NotNan<f64> => f64;
}

/// Types that print as their only field are recorded as that.
macro_rules! transparent {
    ($($ty:ident)+) => {$(
        // SAFETY: the field keeps the contract.
        unsafe impl<T: Value> Value for $ty<T> {
            const SIGNATURE: u64 = T::SIGNATURE;
            const FIXED_SIZE: Option<usize> = T::FIXED_SIZE;
            const BOUND: Bound = T::BOUND;

            fn describe() -> Type {
                T::describe()
            }

            #[inline]
            fn size(&self) -> usize {
                self.0.size()
            }

            #[inline]
            fn is_short(&self) -> bool {
                self.0.is_short()
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the bytes.
                unsafe { self.0.write(out) }
            }
        }
    )+};
}

transparent! { Wrapping Saturating }
