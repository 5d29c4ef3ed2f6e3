//! Maps, sets, and lists that are not slices.
//!
//! A set is a map from its elements to nothing: see [`set_type`]. Iterating runs no code of elements or
//! hashers, and yields the same elements in the same order as long as nothing changes.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};

use stenolog_format::types::{Type, set_type};
use stenolog_format::value::MAX_UNSIZED_LIST;

use super::as_record::{AsRecord, Prepared, Shown};
use super::bound::Bound;
use super::text::Buffer;
use super::{Value, put, signature};

/// The size of a count and of what `sizes` has.
fn size_of_all(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(4, usize::saturating_add)
}

macro_rules! maps {
    ($([$($generics:tt)*] $name:ident<$($args:ident),+>;)+) => {$(
        // SAFETY: a count of four bytes, then keys and values by turns. What is too long for the count
        // has a size that no ring holds, as each entry has a byte, or there is but one.
        unsafe impl<K: Value, V: Value, $($generics)*> Value for $name<$($args),+> {
            const SIGNATURE: u64 =
                signature::mix(signature::of("Map", K::SIGNATURE), V::SIGNATURE);
            const FIXED_SIZE: Option<usize> = None;
            const BOUND: Bound = Bound::map(K::BOUND, V::BOUND);

            fn describe() -> Type {
                Type::Map(Box::new(K::describe()), Box::new(V::describe()))
            }

            fn size(&self) -> usize {
                size_of_all(self.iter().map(|(key, value)| key.size().saturating_add(value.size())))
            }

            #[inline]
            fn is_short(&self) -> bool {
                false
            }

            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the count and the sizes of all entries.
                unsafe {
                    let mut out = put(out, (self.len() as u32).to_le_bytes());
                    for (key, value) in self {
                        out = value.write(key.write(out));
                    }
                    out
                }
            }
        }

        impl<K: AsRecord, V: AsRecord, $($generics)*> AsRecord for $name<$($args),+> {
            type As<'a>
                = Prepared<$name<K::As<'a>, V::As<'a>>>
            where
                Self: 'a;

            fn as_record(&self) -> Self::As<'_> {
                Prepared::of(self)
            }

            fn prepare(&self, into: &mut Buffer) {
                into.put(&(self.len() as u32));
                for (key, value) in self {
                    key.prepare(into);
                    value.prepare(into);
                }
            }
        }

        impl<K: Shown, V: Shown, $($generics)*> Shown for $name<$($args),+> {}
    )+};
}

maps! {
    [S] HashMap<K, V, S>;
    [] BTreeMap<K, V>;
}

macro_rules! lists {
    ($([$($generics:tt)*] $name:ident<$($args:ident),+>: $kind:literal, $ty:path, $bound:path;)+) => {$(
        // SAFETY: a count of four bytes, then the elements. What is too long for the count has a size
        // that no ring holds, by its elements or, if they take no bytes, by decree.
        unsafe impl<T: Value, $($generics)*> Value for $name<$($args),+> {
            const SIGNATURE: u64 = signature::of($kind, T::SIGNATURE);
            const FIXED_SIZE: Option<usize> = None;
            const BOUND: Bound = $bound(T::BOUND);

            fn describe() -> Type {
                $ty(T::describe())
            }

            fn size(&self) -> usize {
                if T::BOUND.is_empty() && self.len() > MAX_UNSIZED_LIST {
                    return usize::MAX;
                }
                size_of_all(self.iter().map(T::size))
            }

            #[inline]
            fn is_short(&self) -> bool {
                false
            }

            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the count and the sizes of all elements.
                unsafe {
                    let mut out = put(out, (self.len() as u32).to_le_bytes());
                    for element in self {
                        out = element.write(out);
                    }
                    out
                }
            }
        }

        impl<T: AsRecord, $($generics)*> AsRecord for $name<$($args),+> {
            type As<'a>
                = Prepared<$name<T::As<'a>>>
            where
                Self: 'a;

            fn as_record(&self) -> Self::As<'_> {
                Prepared::of(self)
            }

            fn prepare(&self, into: &mut Buffer) {
                super::as_record::prepare_list(self.iter(), into);
            }
        }

        impl<T: Shown, $($generics)*> Shown for $name<$($args),+> {}
    )+};
}

lists! {
    [] VecDeque<T>: "Slice", slice_type, Bound::list;
    [] LinkedList<T>: "Slice", slice_type, Bound::list;
    [] BinaryHeap<T>: "Slice", slice_type, Bound::list;
    [S] HashSet<T, S>: "Set", set_type, Bound::set;
    [] BTreeSet<T>: "Set", set_type, Bound::set;
}

fn slice_type(of: Type) -> Type {
    Type::Slice(Box::new(of))
}
