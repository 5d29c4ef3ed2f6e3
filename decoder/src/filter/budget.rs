//! Bounds on the work spent on call sites before any record is read.
//!
//! The filter works out what a call site can print so that it can skip records and whole blocks. A hostile
//! dictionary can make that more expensive than reading everything. So each byte of the dictionaries pays for
//! a fixed number of steps. A call site for which no steps are left is assumed to print anything: its records
//! are read.

use stenolog_format::dictionary::CallSite;
use stenolog_format::types::{Fields, Type};

/// Steps that any filter may take: enough for the call sites of large programs. A step takes some
/// nanoseconds.
const STEPS_AT_FIRST: i64 = 1 << 25;

/// Steps that a byte of a dictionary pays for.
const STEPS_PER_BYTE: i64 = 64;

/// Steps that are left; negative if the last question took more than there were.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    left: i64,
    #[cfg(test)]
    pub(super) spent: i64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: STEPS_AT_FIRST,
            #[cfg(test)]
            spent: 0,
        }
    }
}

impl Budget {
    /// Adds the steps that the bytes of a call site pay for.
    pub(crate) fn earn(&mut self, site: &CallSite) {
        self.left = self.left.saturating_add(STEPS_PER_BYTE.saturating_mul(bytes_of(site)));
    }

    /// Counts steps that were taken.
    pub(super) fn spend(&mut self, steps: usize) {
        let steps = i64::try_from(steps).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(steps);
        #[cfg(test)]
        {
            self.spent += steps;
        }
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.left <= 0
    }
}

/// The length of a call site in a dictionary, roughly.
pub(super) fn bytes_of(site: &CallSite) -> i64 {
    let CallSite { target, module, file, template, slots, .. } = site;
    let texts = target.len() + module.len() + file.len() + template.as_ref().map_or(0, String::len);
    let mut left = usize::MAX - texts;
    for slot in slots {
        left = left.saturating_sub(slot.name.len());
        left = take(&slot.ty, left).unwrap_or(0);
    }
    i64::try_from(usize::MAX - left).unwrap_or(i64::MAX)
}

/// Whether a type has no more parts and bytes of names than `most`. Takes no longer if it has.
pub(super) fn is_within(ty: &Type, most: usize) -> bool {
    take(ty, most).is_some()
}

/// The steps left of `left` after the type was counted.
fn take(ty: &Type, left: usize) -> Option<usize> {
    fn fields(of: &Fields, left: usize) -> Option<usize> {
        let left = left.checked_sub(of.name.len())?;
        of.fields.iter().try_fold(left, |left, (name, ty)| take(ty, left.checked_sub(name.len())?))
    }
    let left = left.checked_sub(1)?;
    match ty {
        Type::Option(of) | Type::Array(of, _) | Type::Slice(of) | Type::Serde(of) => take(of, left),
        Type::Map(key, value) => take(value, take(key, left)?),
        Type::Tuple(of) => of.iter().try_fold(left, |left, ty| take(ty, left)),
        Type::Struct(of) => fields(of, left),
        Type::Enum(of) => {
            let left = left.checked_sub(of.name.len())?;
            of.variants.iter().try_fold(left, |left, of| fields(of, left.checked_sub(1)?))
        }
        _ => Some(left),
    }
}

#[cfg(test)]
mod tests;
