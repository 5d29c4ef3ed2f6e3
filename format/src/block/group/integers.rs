//! Integers of a group's columns.

use crate::block::columns::read::{Bytes, Malformed, Read, unzigzag};
use crate::block::layout::Integers;

/// A walk over the integers of a column.
#[derive(Clone, Copy)]
pub(super) struct IntegerCursor<'a> {
    layout: Integers,
    /// Varints, or planes.
    data: Bytes<'a>,
    /// The number of integers, and the place of the next one, if they are in planes.
    values: usize,
    at: usize,
    /// The integer before the next one, or the only one.
    before: u64,
}

impl<'a> IntegerCursor<'a> {
    pub(super) fn new(layout: Integers, data: &'a [u8]) -> Read<Self> {
        let mut this = Self { layout, data: Bytes(data), values: 0, at: 0, before: 0 };
        match layout {
            Integers::Planes(width) | Integers::DifferencePlanes(width) => {
                let width = usize::from(width);
                this.values = data.len().checked_div(width).ok_or(Malformed)?;
                if this.values * width != data.len() {
                    return Err(Malformed);
                }
            }
            Integers::Constant => {
                this.before = this.data.uint()?;
                if !this.data.0.is_empty() {
                    return Err(Malformed);
                }
            }
            Integers::Varints | Integers::Differences => {}
        }
        Ok(this)
    }

    #[inline]
    pub(super) fn next(&mut self) -> Read<u64> {
        match self.layout {
            Integers::Varints => self.data.uint(),
            Integers::Differences => {
                self.before = self.before.wrapping_add(unzigzag(self.data.uint()?));
                Ok(self.before)
            }
            Integers::Planes(width) => self.plane_word(width),
            Integers::DifferencePlanes(width) => {
                self.before = self.before.wrapping_add(unzigzag(self.plane_word(width)?));
                Ok(self.before)
            }
            Integers::Constant => Ok(self.before),
        }
    }

    /// The next integer of planes.
    #[inline]
    fn plane_word(&mut self, width: u8) -> Read<u64> {
        let at = self.at;
        if at >= self.values {
            return Err(Malformed);
        }
        self.at += 1;
        let planes = (0..usize::from(width)).rev();
        Ok(planes
            .fold(0, |word, plane| word << 8 | u64::from(self.data.0[at + plane * self.values])))
    }

    /// Whether all integers were read. A constant has no end.
    pub(super) const fn is_read(&self) -> bool {
        match self.layout {
            Integers::Planes(_) | Integers::DifferencePlanes(_) => self.at == self.values,
            _ => self.data.0.is_empty(),
        }
    }
}
