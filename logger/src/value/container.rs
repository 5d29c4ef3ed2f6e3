//! Options, arrays, slices and tuples.

use stenolog_format::types::Type;
use stenolog_format::value::MAX_UNSIZED_LIST;

use super::bound::Bound;
use super::{SHORT_BYTES, Value, add_fixed, put, put_bytes, signature};

// SAFETY: a byte that says whether a value follows, then the value.
unsafe impl<T: Value> Value for Option<T> {
    const SIGNATURE: u64 = signature::of("Option", T::SIGNATURE);
    const FIXED_SIZE: Option<usize> = match T::FIXED_SIZE {
        Some(0) => Some(1),
        _ => None,
    };
    const BOUND: Bound = Bound::option(T::BOUND);

    fn describe() -> Type {
        Type::Option(Box::new(T::describe()))
    }

    #[inline]
    fn size(&self) -> usize {
        self.as_ref().map_or(1, |value| value.size().saturating_add(1))
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.as_ref().is_none_or(T::is_short)
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants a byte and the size of the value, if there is one.
        unsafe {
            match self {
                Some(value) => value.write(put(out, [1])),
                None => put(out, [0]),
            }
        }
    }
}

// SAFETY: the elements, one after the other; how many there are is in the type.
unsafe impl<T: Value, const N: usize> Value for [T; N] {
    const SIGNATURE: u64 = signature::mix(signature::of("Array", T::SIGNATURE), N as u64);
    const FIXED_SIZE: Option<usize> = match T::FIXED_SIZE {
        _ if N == 0 => Some(0),
        Some(size) => size.checked_mul(N),
        None => None,
    };
    const IS_PLAIN: bool = T::IS_PLAIN;
    const BOUND: Bound = Bound::array(T::BOUND, N);

    fn describe() -> Type {
        // A longer one is not recorded: it has no bytes, or more than any ring.
        Type::Array(Box::new(T::describe()), u32::try_from(N).unwrap_or(u32::MAX))
    }

    #[inline]
    fn size(&self) -> usize {
        elements_size(self)
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the size of the elements.
        unsafe { write_elements(self, out) }
    }
}

// SAFETY: a count of four bytes, then the elements. A slice that is too long for the count has a
// size above `u32::MAX`, by its elements or, if they take no bytes, by decree: no ring holds it.
unsafe impl<T: Value> Value for [T] {
    const SIGNATURE: u64 = signature::of("Slice", T::SIGNATURE);
    const FIXED_SIZE: Option<usize> = None;
    const BOUND: Bound = Bound::list(T::BOUND);

    fn describe() -> Type {
        Type::Slice(Box::new(T::describe()))
    }

    #[inline]
    fn size(&self) -> usize {
        // Nothing but this bounds what takes no bytes: no ring can hold what no reader takes.
        if T::BOUND.is_empty() && self.len() > MAX_UNSIZED_LIST {
            return usize::MAX;
        }
        elements_size(self).saturating_add(4)
    }

    #[inline]
    fn is_short(&self) -> bool {
        // Any number of elements without bytes would be short, whatever `size` says (V4).
        T::IS_PLAIN && size_of::<T>() != 0 && size_of_val(self) <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the count and the size of the elements.
        unsafe { write_elements(self, put(out, (self.len() as u32).to_le_bytes())) }
    }
}

#[inline]
fn elements_size<T: Value>(elements: &[T]) -> usize {
    match T::FIXED_SIZE {
        Some(size) => size.saturating_mul(elements.len()),
        None => elements.iter().map(T::size).fold(0, usize::saturating_add),
    }
}

/// # Safety
/// [`elements_size`] bytes from `out` on may be written.
#[inline]
unsafe fn write_elements<T: Value>(elements: &[T], mut out: *mut u8) -> *mut u8 {
    // SAFETY: the caller grants the bytes. Plain elements are in memory what is to be written
    // (V3); others take what their sizes add up to (V1).
    unsafe {
        if T::IS_PLAIN {
            let size = size_of_val(elements);
            return put_bytes(out, elements.as_ptr().cast(), size);
        }
        for element in elements {
            out = element.write(out);
        }
        out
    }
}

// SAFETY: nothing is written, and the size is 0.
unsafe impl Value for () {
    const SIGNATURE: u64 = signature::leaf("Unit");
    const FIXED_SIZE: Option<usize> = Some(0);

    fn describe() -> Type {
        Type::Unit
    }

    #[inline]
    fn size(&self) -> usize {
        0
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        out
    }
}

macro_rules! tuple {
    ($($element:ident $index:tt),+) => {
        // SAFETY: the elements, one after the other.
        unsafe impl<$($element: Value),+> Value for ($($element,)+) {
            const SIGNATURE: u64 = {
                let state = signature::leaf("Tuple");
                $(let state = signature::mix(state, $element::SIGNATURE);)+
                state
            };
            const FIXED_SIZE: Option<usize> = {
                let size = Some(0);
                $(let size = add_fixed(size, $element::FIXED_SIZE);)+
                size
            };
            const BOUND: Bound = Bound::product("", &[], &[$($element::BOUND),+]);

            fn describe() -> Type {
                Type::Tuple(vec![$($element::describe()),+])
            }

            #[inline]
            fn size(&self) -> usize {
                0_usize$(.saturating_add(self.$index.size()))+
            }

            #[inline]
            fn is_short(&self) -> bool {
                true $(&& self.$index.is_short())+
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants the sum of the sizes, and each takes its own (V1).
                unsafe {
                    $(let out = self.$index.write(out);)+
                    out
                }
            }
        }
    };
}

super::for_tuples!(tuple);
