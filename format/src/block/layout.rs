//! Layouts of columns, in both encodings that have columns.
//!
//! `FORMAT.md` specifies each of them.

use super::columns::read::{Bytes, Malformed, Read};
use crate::value::put_uint;

/// The layout of a column: how its values are stored, and what they are in a row.
///
/// Those up to [`Pieces`](Self::Pieces) are in both encodings, the others in groups only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// Varints.
    Varints,
    /// Zigzags of the difference to the value before.
    Differences,
    /// Values of this many bytes: all first bytes, then all second ones, and so on.
    Planes(usize),
    /// The same for zigzags of the difference to the value before; 4 or 8 bytes.
    DifferencePlanes(usize),
    /// The length of all lengths, the lengths, then the bytes; a row has the length as well.
    Texts,
    /// The same; a row has the bytes only.
    Pieces,
    /// Integers as this many planes, 1 to 8: the lowest byte of each, and so on. A row has varints.
    IntegerPlanes(u8),
    /// The same for zigzags of the difference to the value before.
    IntegerDifferencePlanes(u8),
    /// One value, in the form that it has in a row.
    Constant,
    /// Indices of entries of the pools; a row has the entry's length and the entry.
    PooledTexts(Integers),
    /// The same; a row has the entry only.
    PooledPieces(Integers),
    /// Zigzags of integers n; a row has the `f64` that is nearest to n / 10^d.
    Decimals(u8, Integers),
}

/// The layout of integers.
///
/// ```
/// use stenolog_format::block::{Integers, Layout};
///
/// assert_eq!(Layout::IntegerPlanes(3).integers(), Some(Integers::Planes(3)));
/// assert_eq!(Layout::PooledTexts(Integers::Varints).integers(), Some(Integers::Varints));
/// assert_eq!(Layout::Texts.integers(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Integers {
    /// Varints.
    Varints,
    /// Zigzags of the difference to the value before.
    Differences,
    /// This many planes, 1 to 8: the lowest byte of each integer, and so on.
    Planes(u8),
    /// The same for zigzags of the difference to the value before.
    DifferencePlanes(u8),
    /// One varint.
    Constant,
}

/// The greatest power of ten by which [`Layout::Decimals`] divides: all up to it are exact as `f64`.
pub(super) const MAX_DECIMALS: u8 = 22;

impl Layout {
    /// The integers that the column holds: values, or indices of entries, or what is divided by a power of ten.
    /// `None` if it holds no integers. The value of a [constant](Self::Constant) may be something else.
    #[must_use]
    pub const fn integers(self) -> Option<Integers> {
        Some(match self {
            Self::Varints => Integers::Varints,
            Self::Differences => Integers::Differences,
            Self::IntegerPlanes(width) => Integers::Planes(width),
            Self::IntegerDifferencePlanes(width) => Integers::DifferencePlanes(width),
            Self::Constant => Integers::Constant,
            Self::PooledTexts(of) | Self::PooledPieces(of) | Self::Decimals(_, of) => of,
            Self::Planes(_) | Self::DifferencePlanes(_) | Self::Texts | Self::Pieces => {
                return None;
            }
        })
    }

    /// Whether the column holds indices of entries of pools.
    #[must_use]
    pub const fn is_pooled(self) -> bool {
        matches!(self, Self::PooledTexts(_) | Self::PooledPieces(_))
    }

    /// Appends the layout with its parameters.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Varints => out.push(0),
            Self::Differences => out.push(1),
            Self::Planes(width) => {
                out.push(2);
                put_uint(out, width as u64);
            }
            Self::DifferencePlanes(width) => out.extend([3, width as u8]),
            Self::Texts => out.push(4),
            Self::Pieces => out.push(5),
            Self::IntegerPlanes(width) => out.extend([6, width]),
            Self::IntegerDifferencePlanes(width) => out.extend([7, width]),
            Self::Constant => out.push(8),
            Self::PooledTexts(of) => {
                out.push(9);
                Self::from(of).put(out);
            }
            Self::PooledPieces(of) => {
                out.push(10);
                Self::from(of).put(out);
            }
            Self::Decimals(digits, of) => {
                out.extend([11, digits]);
                Self::from(of).put(out);
            }
        }
    }

    /// Reads a layout with its parameters. Those of groups are malformed elsewhere.
    pub(super) fn read(body: &mut Bytes<'_>, is_in_group: bool) -> Read<Self> {
        let number = body.uint()?;
        if number > 5 && !is_in_group {
            return Err(Malformed);
        }
        Ok(match number {
            0 => Self::Varints,
            1 => Self::Differences,
            2 => Self::Planes(body.length()?),
            3 => match body.uint()? {
                4 => Self::DifferencePlanes(4),
                8 => Self::DifferencePlanes(8),
                _ => return Err(Malformed),
            },
            4 => Self::Texts,
            5 => Self::Pieces,
            6 => Self::IntegerPlanes(width(body)?),
            7 => Self::IntegerDifferencePlanes(width(body)?),
            8 => Self::Constant,
            9 => Self::PooledTexts(Integers::read(body)?),
            10 => Self::PooledPieces(Integers::read(body)?),
            11 => {
                let digits = u8::try_from(body.uint()?).map_err(|_| Malformed)?;
                if digits > MAX_DECIMALS {
                    return Err(Malformed);
                }
                Self::Decimals(digits, Integers::read(body)?)
            }
            _ => return Err(Malformed),
        })
    }
}

impl Integers {
    /// Reads the layout of integers within that of a column.
    fn read(body: &mut Bytes<'_>) -> Read<Self> {
        match body.uint()? {
            0 => Ok(Self::Varints),
            1 => Ok(Self::Differences),
            6 => Ok(Self::Planes(width(body)?)),
            7 => Ok(Self::DifferencePlanes(width(body)?)),
            8 => Ok(Self::Constant),
            _ => Err(Malformed),
        }
    }
}

impl From<Integers> for Layout {
    fn from(integers: Integers) -> Self {
        match integers {
            Integers::Varints => Self::Varints,
            Integers::Differences => Self::Differences,
            Integers::Planes(width) => Self::IntegerPlanes(width),
            Integers::DifferencePlanes(width) => Self::IntegerDifferencePlanes(width),
            Integers::Constant => Self::Constant,
        }
    }
}

/// The number of planes of an integer.
fn width(body: &mut Bytes<'_>) -> Read<u8> {
    match body.uint()? {
        width @ 1..=8 => Ok(width as u8),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_is_read_as_it_was_put() {
        let integers = [
            Integers::Varints,
            Integers::Differences,
            Integers::Planes(1),
            Integers::Planes(8),
            Integers::DifferencePlanes(3),
            Integers::Constant,
        ];
        let mut layouts = vec![
            Layout::Planes(1),
            Layout::Planes(1000),
            Layout::DifferencePlanes(4),
            Layout::DifferencePlanes(8),
            Layout::Texts,
            Layout::Pieces,
        ];
        for of in integers {
            let more = [Layout::PooledTexts(of), Layout::PooledPieces(of), Layout::Decimals(3, of)];
            layouts.extend([Layout::from(of)].into_iter().chain(more));
        }
        for layout in layouts {
            let mut out = Vec::new();
            layout.put(&mut out);
            let mut bytes = Bytes(&out);
            assert_eq!(Layout::read(&mut bytes, true).ok(), Some(layout));
            assert!(bytes.0.is_empty());
            let in_columns = Layout::read(&mut Bytes(&out), false).is_ok();
            assert_eq!(in_columns, out[0] <= 5, "{layout:?}");
        }
    }

    #[test]
    fn wrong_parameters_are_malformed() {
        for wrong in
            [&[3, 5][..], &[6, 0], &[6, 9], &[7, 0], &[9, 2, 1], &[9, 9, 0], &[11, 23, 0], &[12]]
        {
            assert!(Layout::read(&mut Bytes(wrong), true).is_err(), "{wrong:?}");
        }
    }
}
