//! Lengths of records: constant, known at run time, or random.

use std::hint::black_box;

pub static PAYLOAD: [u8; 4096] = [0xab; 4096];

/// A length that the compiler knows, or one that it doesn't.
pub trait Len: Copy + Send + Sync + 'static {
    fn payload(self, index: usize) -> &'static [u8];
    fn max(self) -> usize;
    fn mean(self) -> usize {
        self.max()
    }
}

#[derive(Clone, Copy)]
pub struct Constant<const N: usize>;
#[derive(Clone, Copy)]
pub struct RunTime(pub usize);
/// From 8 to 1024, the same sequence for all.
#[derive(Clone, Copy)]
pub struct Random;

impl<const N: usize> Len for Constant<N> {
    #[inline(always)]
    fn payload(self, _: usize) -> &'static [u8] {
        &PAYLOAD[..N]
    }
    fn max(self) -> usize {
        N
    }
}
impl Len for RunTime {
    #[inline(always)]
    fn payload(self, _: usize) -> &'static [u8] {
        &PAYLOAD[..black_box(self.0)]
    }
    fn max(self) -> usize {
        self.0
    }
}
impl Len for Random {
    #[inline(always)]
    fn payload(self, index: usize) -> &'static [u8] {
        let random = (index as u32).wrapping_mul(2_654_435_761) >> 8;
        &PAYLOAD[..8 + random as usize % 1017]
    }
    fn max(self) -> usize {
        1024
    }
    fn mean(self) -> usize {
        516
    }
}
