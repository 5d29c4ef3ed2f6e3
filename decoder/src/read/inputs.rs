//! Inputs of a decoder: one dump, a list, or a shared list.

use std::sync::Arc;

use crate::dump::Dump;

/// Dumps for a [`Decoder`](crate::Decoder): owned, shared or borrowed, one or many.
///
/// A [`Dump`] is cheap to clone, so a borrowed list costs as little as an owned one.
///
/// ```
/// use stenolog_decoder::{Decoder, Dump};
///
/// # let first = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// # let second = first.clone();
/// let both = [first, second];
/// let borrowed = Decoder::new(&both);
/// let owned = Decoder::new(both);
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
pub trait IntoDumps {
    /// Converts the inputs to a shared list.
    fn into_dumps(self) -> Arc<[Dump]>;
}

impl IntoDumps for Arc<[Dump]> {
    fn into_dumps(self) -> Arc<[Dump]> {
        self
    }
}

impl IntoDumps for Dump {
    fn into_dumps(self) -> Arc<[Dump]> {
        [self].into()
    }
}

impl IntoDumps for &Dump {
    fn into_dumps(self) -> Arc<[Dump]> {
        [self.clone()].into()
    }
}

impl IntoDumps for Vec<Dump> {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.into()
    }
}

impl<const N: usize> IntoDumps for [Dump; N] {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.into()
    }
}

/// Slices, vectors, arrays, and pointers to any of them.
impl<T: AsRef<[Dump]> + ?Sized> IntoDumps for &T {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_any_list_is_a_list() {
        let shared: Arc<[Dump]> = Arc::new([]);
        let (list, boxed) = (Vec::new(), Box::<[Dump]>::from([]));
        let slice: &[Dump] = &list;
        let lists = [
            (&shared).into_dumps(),
            (&list).into_dumps(),
            (&boxed).into_dumps(),
            slice.into_dumps(),
            (&slice).into_dumps(),
            (&[] as &[Dump; 0]).into_dumps(),
        ];
        assert!(lists.iter().all(|list| list.is_empty()));
    }
}
