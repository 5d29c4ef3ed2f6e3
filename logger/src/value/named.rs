//! Types with a reserved name: structs whose parts are those of a tuple, or of std's ranges.

use std::marker::PhantomData;
use std::ops::{Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};

use stenolog_format::types::{Fields, Shape, Type, reserved};

use super::as_record::{AsRecord, Prepared, Shown};
use super::text::Buffer;
use super::{Text, Value, debug_text};

/// The description of a struct that has this name and the parts of a tuple.
pub(super) fn described(name: &str, shape: Shape, names: &[&str], parts: Type) -> Type {
    let types = match parts {
        Type::Tuple(types) => types,
        lone => vec![lone],
    };
    let names = names.iter().copied().chain(std::iter::repeat(""));
    let fields = names.map(str::to_owned).zip(types).collect();
    Type::Struct(Fields { name: name.to_owned(), shape, fields })
}

/// Types that are recorded as a struct of this name, with the parts that the expression makes of a value.
///
/// The expression calls nothing but accessors of the type, which yield the same for the same value.
macro_rules! named {
    ($([$($generics:tt)*] $ty:ty $(where [$($bounds:tt)*])?: $name:expr, $shape:ident $names:expr,
        |$value:ident| $parts:expr => $tuple:ty;)+) => {$(
        // SAFETY: the parts, as their tuple writes them, which keeps the contract; and the accessors that make
        // them yield the same parts as long as the value is borrowed.
        unsafe impl<$($generics)*> $crate::value::Value for $ty $(where $($bounds)*)? {
            const SIGNATURE: u64 = $crate::value::signature::mix_str(
                <$tuple as $crate::value::Value>::SIGNATURE,
                $name,
            );
            const FIXED_SIZE: Option<usize> = <$tuple as $crate::value::Value>::FIXED_SIZE;
            const BOUND: $crate::value::Bound = $crate::value::Bound::product(
                $name,
                &$names,
                &[<$tuple as $crate::value::Value>::BOUND],
            );

            fn describe() -> stenolog_format::types::Type {
                $crate::value::named::described(
                    $name,
                    stenolog_format::types::Shape::$shape,
                    &$names,
                    <$tuple as $crate::value::Value>::describe(),
                )
            }

            #[inline]
            fn size(&self) -> usize {
                match Self::FIXED_SIZE {
                    Some(size) => size,
                    None => {
                        let $value = self;
                        $crate::value::Value::size(&$parts)
                    }
                }
            }

            #[inline]
            fn is_short(&self) -> bool {
                match Self::FIXED_SIZE {
                    Some(size) => size <= $crate::value::SHORT_BYTES,
                    None => {
                        let $value = self;
                        $crate::value::Value::is_short(&$parts)
                    }
                }
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                let $value = self;
                // SAFETY: the caller grants the size of the parts.
                unsafe { $crate::value::Value::write(&$parts, out) }
            }
        }
    )+};
}
pub(super) use named;

const BOTH: [&str; 2] = ["start", "end"];
const START: [&str; 1] = ["start"];
const END: [&str; 1] = ["end"];

named! {
    [T: Value] Range<T>: reserved::RANGE, Struct BOTH, |range| (&range.start, &range.end) => (&T, &T);
    [T: Value] RangeInclusive<T>: reserved::RANGE_INCLUSIVE, Struct BOTH,
        |range| (range.start(), range.end()) => (&T, &T);
    [T: Value] RangeFrom<T>: reserved::RANGE_FROM, Struct START, |range| (&range.start,) => (&T,);
    [T: Value] RangeTo<T>: reserved::RANGE_TO, Struct END, |range| (&range.end,) => (&T,);
    [T: Value] RangeToInclusive<T>: reserved::RANGE_TO_INCLUSIVE, Struct END,
        |range| (&range.end,) => (&T,);
}

macro_rules! ranges {
    ($($name:ident: $($bound:ident)+;)+) => {$(
        impl<T: AsRecord> AsRecord for $name<T> {
            type As<'a>
                = Prepared<$name<T::As<'a>>>
            where
                Self: 'a;

            fn as_record(&self) -> Self::As<'_> {
                Prepared::of(self)
            }

            fn prepare(&self, into: &mut Buffer) {
                $(self.$bound.prepare(into);)+
            }
        }

        impl<T: Shown> Shown for $name<T> {}
    )+};
}

ranges! {
    Range: start end;
    RangeFrom: start;
    RangeTo: end;
    RangeToInclusive: end;
}

impl<T: AsRecord> AsRecord for RangeInclusive<T> {
    type As<'a>
        = Prepared<RangeInclusive<T::As<'a>>>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        Prepared::of(self)
    }

    fn prepare(&self, into: &mut Buffer) {
        self.start().prepare(into);
        self.end().prepare(into);
    }
}

impl<T: Shown> Shown for RangeInclusive<T> {}

/// The name of the type that a [`PhantomData`] is about.
#[derive(Debug)]
pub struct Phantom(Text);

named! {
    [] Phantom: reserved::PHANTOM, Tuple [], |phantom| (&phantom.0,) => (&Text,);
}

impl<T: ?Sized> AsRecord for PhantomData<T> {
    type As<'a>
        = Phantom
    where
        Self: 'a;

    fn as_record(&self) -> Phantom {
        Phantom(debug_text(self))
    }
}

impl<T: ?Sized> Shown for PhantomData<T> {}
