//! Integers of a group's columns.

use crate::block::columns::read::{Bytes, Malformed, Read, unzigzag};
use crate::block::columns::walk::read::sum_up;
use crate::block::columns::walk::words::{check_varints, read_planes, read_varints};
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

/// Reads all integers of a column.
pub(super) fn read_integers(layout: Integers, data: &[u8], out: &mut [u64]) -> Read<()> {
    let read_planes = |width: u8, out: &mut [u64]| {
        let width = usize::from(width);
        if Some(data.len()) != width.checked_mul(out.len()) {
            return Err(Malformed);
        }
        if width == 1 {
            out.iter_mut().zip(data).for_each(|(word, byte)| *word = (*byte).into());
            return Ok(());
        }
        read_planes(data, out.len(), width, 0, out)
    };
    match layout {
        Integers::Varints | Integers::Differences => {
            check_varints(data, out.len())?;
            read_varints(data, out)?;
        }
        Integers::Planes(width) | Integers::DifferencePlanes(width) => read_planes(width, out)?,
        Integers::Constant => out.fill(IntegerCursor::new(layout, data)?.before),
    }
    if matches!(layout, Integers::Differences | Integers::DifferencePlanes(_)) {
        sum_up(out, 0);
    }
    Ok(())
}
