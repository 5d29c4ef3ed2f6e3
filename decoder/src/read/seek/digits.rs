//! Search for digits: columns whose numbers are too short to have all of them are passed.
//!
//! A run of digits is in the whole part of a number or after its point, never in both.

use stenolog_format::block::{BlockError, GroupColumn, GroupKind, Integers, Layout};
use stenolog_format::template::Trait;
use stenolog_format::types::Type;

use super::Seeker;
use super::bits::Bits;
use super::numbers::Shown;
use crate::filter::{Leaf, LeafKind};
use crate::text::ResolvedSpec;

/// Decimals with fewer digits than these are the shortest text of the `f64` that is nearest to them.
const EXACT: u64 = 1_000_000_000_000_000;

/// The shortest text of an `f64` has at most this many digits, without zeros at either end.
const MOST_DIGITS: usize = 17;

/// The most digits after the point of a duration, unless more are asked for.
const NANO_DIGITS: usize = 9;

impl Shown<'_> {
    /// No float below this has the digits of the piece in its whole part, rounded or not; `None` if the piece is not
    /// made of digits alone.
    pub(super) fn limit(&self) -> Option<f64> {
        // Of more digits than this, all floats are as good as whole numbers.
        let beyond = 1e20;
        self.is_decimal().then(|| self.least().map_or(beyond, |least| least as f64 - 1.0))
    }

    /// Whether a float in such a column may have the digits of the piece after the point.
    fn may_be_after_point(&self, layout: Layout, precision: Option<u16>) -> bool {
        let zeros = self.piece.iter().take_while(|&&byte| byte == b'0').count();
        let most = match (precision, layout) {
            (Some(precision), _) => precision.into(),
            (None, Layout::Decimals(digits, _)) => digits.into(),
            (None, _) => zeros + MOST_DIGITS,
        };
        self.piece.len() <= most
    }
}

impl Seeker<'_> {
    /// Whether no integer of a type in a column has all digits of a piece, so far as the layout says.
    pub(super) fn are_short_integers(column: &GroupColumn, shown: &Shown<'_>) -> bool {
        match column.layout {
            Layout::IntegerPlanes(width @ 0..8) if shown.is_decimal() => {
                // A zigzag is not smaller than its integer.
                shown.least().is_none_or(|least| least >= 1 << (8 * width))
            }
            _ => false,
        }
    }

    /// Whether no `f64` of a column has all digits of a piece.
    pub(super) fn are_short_floats(
        &mut self,
        kind: &GroupKind,
        column: &GroupColumn,
        shown: &Shown<'_>,
        precision: Option<u16>,
    ) -> Result<bool, BlockError> {
        let Some(limit) = shown.limit() else { return Ok(false) };
        if shown.may_be_after_point(column.layout, precision) {
            return Ok(false);
        }
        match column.layout {
            Layout::Decimals(digits, integers) => {
                let scale = 10_f64.powi(digits.into());
                let is_short = |most: u64| most < EXACT && (most as f64) / scale < limit;
                if let Integers::Planes(width @ 1..8) = integers
                    && is_short(1 << (8 * width - 1))
                {
                    return Ok(true);
                }
                self.read_integers(kind, column)?;
                // Half of a zigzag, rounded up.
                let most = self.integers.iter().max().map_or(0, |most| most / 2 + most % 2);
                Ok(is_short(most))
            }
            Layout::Planes(8) => {
                let count = kind.count as usize;
                let planes = self.plain(column)?;
                if planes.len() != 8 * count || limit < 1.0 {
                    return Ok(false);
                }
                // The upper bits of the exponent; not a number is beyond all.
                let least = (limit.to_bits() >> 56) as u8;
                let highest = planes.get(7 * count..).unwrap_or_default();
                Ok(highest.iter().all(|byte| byte & 0x7f < least))
            }
            _ => Ok(false),
        }
    }

    /// Whether no duration has all digits of a piece. Its columns are the seconds and the rest.
    pub(super) fn are_short_durations(
        &mut self,
        kind: &GroupKind,
        columns: &[GroupColumn],
        shown: &Shown<'_>,
        precision: Option<u16>,
    ) -> Result<bool, BlockError> {
        let after_point = NANO_DIGITS.max(precision.unwrap_or(0).into());
        let ([seconds, _], LeafKind::Duration(_), true) =
            (columns, shown.leaf.kind, shown.is_decimal())
        else {
            return Ok(false);
        };
        if shown.piece.len() <= after_point {
            return Ok(false);
        }
        match seconds.layout {
            Layout::Varints
            | Layout::Differences
            | Layout::IntegerPlanes(_)
            | Layout::IntegerDifferencePlanes(_)
            | Layout::Constant => self.read_integers(kind, seconds)?,
            _ => return Ok(false),
        }
        let least = shown.least().unwrap_or(u64::MAX);
        Ok(self.integers.iter().all(|&of| of < least - 1))
    }

    /// Adds the records that print digits in a part of a value with a column for each part; `None` if it has none, or
    /// if the digits may be printed in another way. Signs separate the parts.
    pub(super) fn find_in_parts(
        &mut self,
        kind: &GroupKind,
        columns: &[GroupColumn],
        ty: &Type,
        shown: &Shown<'_>,
        found: &mut Bits,
    ) -> Result<Option<bool>, BlockError> {
        let Some(spec) = shown.leaf.spec.filter(|spec| spec.width == 0 && !spec.zero) else {
            return Ok(None);
        };
        let is_number = matches!(shown.leaf.kind, LeafKind::Integer(_) | LeafKind::Float);
        let is_decimal = matches!(spec.format, Trait::Display | Trait::Debug);
        let mut parts = Vec::new();
        if !is_number
            || !is_decimal
            || !shown.is_decimal()
            || !matches!(ty, Type::Array(..) | Type::Tuple(_) | Type::Struct(_))
            || !add_parts(ty, columns.len(), &mut parts)
            || parts.len() != columns.len()
        {
            return Ok(None);
        }
        // Parts are printed by `Debug`.
        let spec = ResolvedSpec { precision: spec.precision, ..ResolvedSpec::new(Trait::Debug) };
        let leaf = Leaf { spec: Some(spec), ..*shown.leaf };
        let shown = Shown { leaf: &leaf, piece: shown.piece, starts: false, ends: false };
        for (column, ty) in columns.iter().zip(parts) {
            let is_float = matches!(ty, Type::F32 | Type::F64);
            if is_float != (leaf.kind == LeafKind::Float) || matches!(ty, Type::Str | Type::Bool) {
                continue;
            }
            if !self.find_shown(kind, std::slice::from_ref(column), ty, &shown, found)? {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }
}

/// Appends the types of the parts of a value that have one column each; `false` if there are others, or too many.
pub(super) fn add_parts<'t>(ty: &'t Type, most: usize, parts: &mut Vec<&'t Type>) -> bool {
    match ty {
        Type::Tuple(of) => of.iter().all(|ty| add_parts(ty, most, parts)),
        Type::Struct(of) => of.fields.iter().all(|(_, ty)| add_parts(ty, most, parts)),
        Type::Array(of, count) => {
            *count as usize <= most && (0..*count).all(|_| add_parts(of, most, parts))
        }
        Type::Bool
        | Type::U8
        | Type::I8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I16
        | Type::I32
        | Type::I64
        | Type::F32
        | Type::F64
        | Type::Str => {
            parts.push(ty);
            parts.len() <= most
        }
        _ => false,
    }
}
