//! How the values of a call get to the hot path: in registers.
//!
//! A call site hands over references, as it must not move what it logs. Where they stayed
//! references, each number would have to lie in memory for the hot path to find it there. So a call
//! site turns its list around once more, in code that is inlined:
//!
//! ```text
//!   (&u32, (&&str, (&&T, (&Text, ()))))       what was picked, by reference
//!   u32, &str, &T, &Text, Nothing, ()         what is carried: five parameters of a function and
//!                                             the rest of the list
//! ```
//!
//! A number and a string travel as such, all else as the address where it lies. What is carried is
//! recorded as the same type as what it stands for: the signatures are equal.

use std::borrow::Cow;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use stenolog_format::types::Type;

use crate::call::capture::{More, Unprintable};
#[cfg(feature = "serde")]
use crate::value::Encoded;
use crate::value::{Args, Bound, ErrorChain, Recorded, Text, Value};

/// A type whose values are carried as such: numbers, characters, and strings, by whatever pointer.
pub trait Bare {
    /// What is carried; recorded as the same type.
    type Carried<'a>: Value + Picked
    where
        Self: 'a;

    /// What is carried of a value.
    fn bare(&self) -> Self::Carried<'_>;
}

/// What is picked for recording.
pub trait Picked {
    /// What is carried of it.
    type Carried<'a>: Value
    where
        Self: 'a;

    /// What is carried.
    fn carried(&self) -> Self::Carried<'_>;
}

macro_rules! numbers {
    ($($ty:ty)+) => {$(
        impl Bare for $ty {
            type Carried<'a> = $ty;

            #[inline(always)]
            fn bare(&self) -> $ty {
                *self
            }
        }

        impl Picked for $ty {
            type Carried<'a> = $ty;

            #[inline(always)]
            fn carried(&self) -> $ty {
                *self
            }
        }
    )+};
}

numbers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 bool char }

macro_rules! non_zeros {
    ($($ty:ty)+) => {$(
        impl Bare for NonZero<$ty> {
            type Carried<'a> = $ty;

            #[inline(always)]
            fn bare(&self) -> $ty {
                self.get()
            }
        }
    )+};
}

non_zeros! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

macro_rules! strings {
    ($($ty:ty)+) => {$(
        impl Bare for $ty {
            type Carried<'a>
                = &'a str
            where
                Self: 'a;

            #[inline(always)]
            fn bare(&self) -> &str {
                self
            }
        }
    )+};
}

strings! { str String Cow<'_, str> }

macro_rules! pointers {
    ($($ty:ty)+) => {$(
        impl<T: Bare + ?Sized> Bare for $ty {
            type Carried<'a>
                = T::Carried<'a>
            where
                Self: 'a;

            #[inline(always)]
            fn bare(&self) -> T::Carried<'_> {
                T::bare(self)
            }
        }
    )+};
}

pointers! { &T &mut T Box<T> Rc<T> Arc<T> }

impl<'r, T: Value + ?Sized> Picked for &'r T {
    type Carried<'a>
        = &'r T
    where
        Self: 'a;

    #[inline(always)]
    fn carried(&self) -> &'r T {
        self
    }
}

/// What was made at the call stays where it was made.
macro_rules! owned {
    ($([$($generics:tt)*] $ty:ty;)+) => {$(
        impl<$($generics)*> Picked for $ty {
            type Carried<'a>
                = &'a Self
            where
                Self: 'a;

            #[inline(always)]
            fn carried(&self) -> &Self {
                self
            }
        }
    )+};
}

owned! {
    [] Text;
    [] ErrorChain;
    [] Unprintable;
}

#[cfg(feature = "serde")]
owned! {
    [T: postcard_schema::Schema + ?Sized] Encoded<T>;
}

impl<V: Value> Picked for Recorded<V> {
    type Carried<'a>
        = &'a V
    where
        Self: 'a;

    #[inline(always)]
    fn carried(&self) -> &V {
        &self.0
    }
}

/// Stands where a call has fewer values than the hot path has parameters.
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

/// What was picked: `(a, (b, ()))`.
pub trait PickedList {
    /// The same by reference.
    type Refs<'a>: Carry
    where
        Self: 'a;

    /// By reference.
    fn refs(&self) -> Self::Refs<'_>;
}

impl PickedList for () {
    type Refs<'a> = ();

    #[inline(always)]
    fn refs(&self) {}
}

impl<P: Picked, L: PickedList> PickedList for (P, L) {
    type Refs<'a>
        = (&'a P, L::Refs<'a>)
    where
        Self: 'a;

    #[inline(always)]
    fn refs(&self) -> Self::Refs<'_> {
        (&self.0, self.1.refs())
    }
}

/// What a call records: `(&a, (&b, ()))`, each as it was picked.
pub trait Carry {
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
    /// The values behind these.
    type Rest: Args;

    /// Takes the list apart.
    fn carry(self) -> Carried<Self>;
}

/// The parts of a list.
pub(crate) type Carried<L> = (
    <L as Carry>::A,
    <L as Carry>::B,
    <L as Carry>::C,
    <L as Carry>::D,
    <L as Carry>::E,
    <L as Carry>::Rest,
);

impl Carry for () {
    type List = ();
    type A = Nothing;
    type B = Nothing;
    type C = Nothing;
    type D = Nothing;
    type E = Nothing;
    type Rest = ();

    #[inline(always)]
    fn carry(self) -> Carried<Self> {
        (Nothing, Nothing, Nothing, Nothing, Nothing, ())
    }
}

impl<'a, P: Picked, L: Carry> Carry for (&'a P, L) {
    type List = (P::Carried<'a>, L::List);
    type A = P::Carried<'a>;
    type B = L::A;
    type C = L::B;
    type D = L::C;
    type E = L::D;
    type Rest = (L::E, L::Rest);

    #[inline(always)]
    fn carry(self) -> Carried<Self> {
        let (picked, list) = self;
        let (b, c, d, e, f, rest) = list.carry();
        (picked.carried(), b, c, d, e, (f, rest))
    }
}

impl<L: PickedList, Rest: PickedList> PickedList for More<L, Rest> {
    type Refs<'a>
        = More<L::Refs<'a>, Rest::Refs<'a>>
    where
        Self: 'a;

    #[inline]
    fn refs(&self) -> Self::Refs<'_> {
        More(self.0.refs(), self.1.refs())
    }
}

/// All that was carried of a list.
type Whole<L> = (
    <L as Carry>::A,
    (<L as Carry>::B, (<L as Carry>::C, (<L as Carry>::D, (<L as Carry>::E, <L as Carry>::Rest)))),
);

#[inline]
fn whole<L: Carry>(list: L) -> Whole<L> {
    let (a, b, c, d, e, rest) = list.carry();
    (a, (b, (c, (d, (e, rest)))))
}

impl<L: Carry, M: Carry> Carry for More<L, M> {
    type List = More<L::List, M::List>;
    type A = Nothing;
    type B = Nothing;
    type C = Nothing;
    type D = Nothing;
    type E = Nothing;
    type Rest = More<Whole<L>, Whole<M>>;

    #[inline]
    fn carry(self) -> Carried<Self> {
        let rest = More(whole(self.0), whole(self.1));
        (Nothing, Nothing, Nothing, Nothing, Nothing, rest)
    }
}

// SAFETY: both lists keep V1 and V2; what is written is one after the other.
unsafe impl<A: Args, B: Args> Args for More<A, B> {
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
