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
/// # fn f(first: Dump, second: Dump) {
/// let both = [first, second];
/// let borrowed = Decoder::new(&both);
/// let owned = Decoder::new(both);
/// # }
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

impl IntoDumps for &Vec<Dump> {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.as_slice().into()
    }
}

impl IntoDumps for &[Dump] {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.into()
    }
}

impl<const N: usize> IntoDumps for [Dump; N] {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.into()
    }
}

impl<const N: usize> IntoDumps for &[Dump; N] {
    fn into_dumps(self) -> Arc<[Dump]> {
        self.as_slice().into()
    }
}
