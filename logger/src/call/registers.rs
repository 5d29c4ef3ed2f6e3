//! Registers: how the values of a call are passed to the hot path.
//!
//! A call site hands over references, because it must not move what it logs. If they stayed references,
//! each number would have to be in memory for the hot path. So a call site converts its list once more, in
//! code that is inlined:
//!
//! ```text
//!   (&u32, (&&str, (&&T, (&Text, ()))))       what was captured, by reference
//!   u32, &str, &T, &Text, Nothing, ()         what travels: five parameters of a function and
//!                                             the rest of the list
//! ```
//!
//! Numbers and strings are passed by value, everything else by address. The passed form is recorded as the same
//! type as the captured value: the signatures are equal.

use std::borrow::Cow;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use stenolog_format::types::Type;

#[cfg(feature = "serde")]
use crate::value::Encoded;
use crate::value::{Args, Bound, ErrorChain, Recorded, Text, Value};

/// A type whose values are passed by value: numbers, characters and strings, through any pointer.
pub trait ByValue {
    /// The passed value. It is recorded as the same type.
    type InRegister<'a>: Value + Captured
    where
        Self: 'a;

    /// The passed form of a value.
    fn by_value(&self) -> Self::InRegister<'_>;
}

/// A captured value.
pub trait Captured {
    /// The passed form of it.
    type InRegister<'a>: Value
    where
        Self: 'a;

    /// The passed form.
    fn in_register(&self) -> Self::InRegister<'_>;
}

macro_rules! numbers {
    ($($ty:ty)+) => {$(
        impl ByValue for $ty {
            type InRegister<'a> = $ty;

            #[inline(always)]
            fn by_value(&self) -> $ty {
                *self
            }
        }

        impl Captured for $ty {
            type InRegister<'a> = $ty;

            #[inline(always)]
            fn in_register(&self) -> $ty {
                *self
            }
        }
    )+};
}

numbers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char }

macro_rules! non_zeros {
    ($($ty:ty)+) => {$(
        impl ByValue for NonZero<$ty> {
            type InRegister<'a> = $ty;

            #[inline(always)]
            fn by_value(&self) -> $ty {
                self.get()
            }
        }
    )+};
}

non_zeros! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

macro_rules! strings {
    ($($ty:ty)+) => {$(
        impl ByValue for $ty {
            type InRegister<'a>
                = &'a str
            where
                Self: 'a;

            #[inline(always)]
            fn by_value(&self) -> &str {
                self
            }
        }
    )+};
}

strings! { str String Cow<'_, str> }

macro_rules! pointers {
    ($($ty:ty)+) => {$(
        impl<T: ByValue + ?Sized> ByValue for $ty {
            type InRegister<'a>
                = T::InRegister<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn by_value(&self) -> T::InRegister<'_> {
                T::by_value(self)
            }
        }
    )+};
}

pointers! { &T &mut T Box<T> Rc<T> Arc<T> }

impl<'r, T: Value + ?Sized> Captured for &'r T {
    type InRegister<'a>
        = &'r T
    where
        Self: 'a;

    #[inline(always)]
    fn in_register(&self) -> &'r T {
        self
    }
}

/// A value that was created at the call stays in place and is passed by reference.
macro_rules! owned {
    ($([$($generics:tt)*] $ty:ty;)+) => {$(
        impl<$($generics)*> Captured for $ty {
            type InRegister<'a>
                = &'a Self
            where
                Self: 'a;

            #[inline(always)]
            fn in_register(&self) -> &Self {
                self
            }
        }
    )+};
}

owned! {
    [] Text;
    [] ErrorChain;
    [] Nothing;
}

#[cfg(feature = "serde")]
owned! {
    [T: postcard_schema::Schema + ?Sized] Encoded<T>;
}

impl<V: Value> Captured for Recorded<V> {
    type InRegister<'a>
        = &'a V
    where
        Self: 'a;

    #[inline(always)]
    fn in_register(&self) -> &V {
        &self.0
    }
}

/// No value: in place of parameters that a call has no values for, and of an argument that cannot be printed,
/// in a program that does not compile.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

// SAFETY: nothing is written, and the size is 0.
unsafe impl Value for Nothing {
    const SIGNATURE: u64 = 0;
    const FIXED_SIZE: Option<usize> = Some(0);

    fn describe() -> Type {
        Type::Unit
    }

    #[inline(always)]
    fn size(&self) -> usize {
        0
    }

    #[inline(always)]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        out
    }
}

/// The captured values: `(a, (b, ()))`.
pub trait CapturedList {
    /// The same by reference.
    type Refs<'a>: PassInRegisters
    where
        Self: 'a;

    /// By reference.
    fn refs(&self) -> Self::Refs<'_>;
}

impl CapturedList for () {
    type Refs<'a> = ();

    #[inline(always)]
    fn refs(&self) {}
}

impl<P: Captured, L: CapturedList> CapturedList for (P, L) {
    type Refs<'a>
        = (&'a P, L::Refs<'a>)
    where
        Self: 'a;

    #[inline(always)]
    fn refs(&self) -> Self::Refs<'_> {
        (&self.0, self.1.refs())
    }
}

/// The recorded values of a call: `(&a, (&b, ()))`, each as it was captured.
pub trait PassInRegisters {
    /// The list of what is recorded, by which its types are described.
    type List: Args;
    /// The first value; each of the first five may be [`Nothing`].
    type A: Value;
    /// The second.
    type B: Value;
    /// The third.
    type C: Value;
    /// The fourth.
    type D: Value;
    /// The fifth.
    type E: Value;
    /// The values after these.
    type Rest: Args;

    /// Takes the list apart.
    fn into_registers(self) -> Registers<Self>;
}

/// The parts of a list.
pub(crate) type Registers<L> = (
    <L as PassInRegisters>::A,
    <L as PassInRegisters>::B,
    <L as PassInRegisters>::C,
    <L as PassInRegisters>::D,
    <L as PassInRegisters>::E,
    <L as PassInRegisters>::Rest,
);

impl PassInRegisters for () {
    type List = ();
    type A = Nothing;
    type B = Nothing;
    type C = Nothing;
    type D = Nothing;
    type E = Nothing;
    type Rest = ();

    #[inline(always)]
    fn into_registers(self) -> Registers<Self> {
        (Nothing, Nothing, Nothing, Nothing, Nothing, ())
    }
}

impl<'a, P: Captured, L: PassInRegisters> PassInRegisters for (&'a P, L) {
    type List = (P::InRegister<'a>, L::List);
    type A = P::InRegister<'a>;
    type B = L::A;
    type C = L::B;
    type D = L::C;
    type E = L::D;
    type Rest = (L::E, L::Rest);

    #[inline(always)]
    fn into_registers(self) -> Registers<Self> {
        let (captured, list) = self;
        let (b, c, d, e, f, rest) = list.into_registers();
        (captured.in_register(), b, c, d, e, (f, rest))
    }
}

/// A list and what follows it: the arguments of a call that has many.
#[derive(Debug)]
pub struct Concat<L, Rest>(pub L, pub Rest);

impl<L: CapturedList, Rest: CapturedList> CapturedList for Concat<L, Rest> {
    type Refs<'a>
        = Concat<L::Refs<'a>, Rest::Refs<'a>>
    where
        Self: 'a;

    #[inline]
    fn refs(&self) -> Self::Refs<'_> {
        Concat(self.0.refs(), self.1.refs())
    }
}

/// All values of a list, with its first five in front.
type Flat<L> = (
    <L as PassInRegisters>::A,
    (
        <L as PassInRegisters>::B,
        (
            <L as PassInRegisters>::C,
            (<L as PassInRegisters>::D, (<L as PassInRegisters>::E, <L as PassInRegisters>::Rest)),
        ),
    ),
);

#[inline]
fn flat<L: PassInRegisters>(list: L) -> Flat<L> {
    let (a, b, c, d, e, rest) = list.into_registers();
    (a, (b, (c, (d, (e, rest)))))
}

impl<L: PassInRegisters, M: PassInRegisters> PassInRegisters for Concat<L, M> {
    type List = Concat<L::List, M::List>;
    type A = Nothing;
    type B = Nothing;
    type C = Nothing;
    type D = Nothing;
    type E = Nothing;
    type Rest = Concat<Flat<L>, Flat<M>>;

    #[inline]
    fn into_registers(self) -> Registers<Self> {
        let rest = Concat(flat(self.0), flat(self.1));
        (Nothing, Nothing, Nothing, Nothing, Nothing, rest)
    }
}

// SAFETY: both lists keep V1 and V2; what is written is one after the other.
unsafe impl<A: Args, B: Args> Args for Concat<A, B> {
    const SIGNATURE: u64 =
        A::SIGNATURE.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ B::SIGNATURE;
    const FIXED_SIZE: Option<usize> = match (A::FIXED_SIZE, B::FIXED_SIZE) {
        (Some(a), Some(b)) => a.checked_add(b),
        _ => None,
    };
    const BOUND: Bound = A::BOUND.and(B::BOUND);

    fn describe(types: &mut Vec<Type>) {
        A::describe(types);
        B::describe(types);
    }

    #[inline]
    fn size(&self) -> usize {
        self.0.size().saturating_add(self.1.size())
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.0.is_short() && self.1.is_short()
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the sum of both sizes, and the first takes its own (V1).
        unsafe { self.1.write(self.0.write(out)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The passed form of a value must describe itself as the value does.
    #[track_caller]
    fn check_in_register<V: Value + ByValue + ?Sized>(value: &V) {
        fn described<V: Value>(value: V) -> (u64, Option<usize>, Type, Vec<u8>) {
            let mut bytes = vec![0; value.size()];
            // SAFETY: there is room for the size.
            unsafe { value.write(bytes.as_mut_ptr()) };
            (V::SIGNATURE, V::FIXED_SIZE, V::describe(), bytes)
        }
        assert_eq!(described(value), described(value.by_value()));
    }

    #[test]
    fn what_travels_is_what_is_recorded() {
        check_in_register(&7_u8);
        check_in_register(&-7_i128);
        check_in_register(&usize::MAX);
        check_in_register(&1.5_f32);
        check_in_register(&true);
        check_in_register(&'x');
        check_in_register(&NonZero::new(7_u64).unwrap());
        check_in_register(&&mut &Box::new(Rc::new(Arc::new(7_u16))));
        check_in_register("text");
        check_in_register(&String::from("text"));
        check_in_register(&Cow::Borrowed("text"));
        check_in_register(&Arc::<str>::from("text"));
    }
}
