//! Undecoded values of a record.

use stenolog_format::value::{Cursor, Encoding, IN_RESTORED, Value, ValueError, WordPlan, Words};

use crate::model::site::CompiledSite;

/// Undecoded values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValues<'a> {
    /// As a record holds them.
    Bytes(&'a [u8], Encoding),
    /// As the [`WordPlan`] of the call site says.
    Words(Words<'a>),
}

impl<'a> RawValues<'a> {
    /// Decodes the values of all slots of a call site.
    ///
    /// # Errors
    /// If the values do not have the types of the slots. `values` then holds those that do.
    #[inline]
    pub(crate) fn decode(
        &self,
        site: &'a CompiledSite,
        values: &mut Vec<Value<'a>>,
    ) -> Result<(), ValueError> {
        match *self {
            Self::Bytes(bytes, encoding) => read_values(Cursor::new(bytes, encoding), site, values),
            Self::Words(words) => {
                // There are words of call sites with a plan only.
                let plan = site.words().ok_or(ValueError::End)?;
                site.call_site().slots.iter().enumerate().try_for_each(|(at, slot)| {
                    values.push(plan.value(at, &slot.ty, &words)?);
                    Ok(())
                })
            }
        }
    }
}

/// Reads the values of all slots.
pub(crate) fn read_values<'a>(
    mut cursor: Cursor<'a>,
    site: &'a CompiledSite,
    values: &mut Vec<Value<'a>>,
) -> Result<(), ValueError> {
    for slot in &site.call_site().slots {
        values.push(Value::read(&mut cursor, &slot.ty)?);
    }
    // No version writes anything after the last value.
    if cursor.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
}

/// Reuses the memory of a vector for values of another lifetime: `collect` keeps the allocation of the
/// vector that it consumes.
pub(crate) fn recycle<'a>(mut values: Vec<Value<'_>>) -> Vec<Value<'a>> {
    values.clear();
    values.into_iter().map_while(|_| None).collect()
}

/// Undecoded values that own their bytes.
#[derive(Clone, Debug)]
pub(crate) enum OwnedValues {
    Bytes(Box<[u8]>, Encoding),
    /// Words without a distance, and the bytes that their places refer to.
    Words(Box<[u64]>, Box<[u8]>, Encoding),
}

impl OwnedValues {
    /// Copies the values of a record of `site`.
    pub(crate) fn copy_of(values: &RawValues<'_>, site: &CompiledSite) -> Self {
        let of = match *values {
            RawValues::Bytes(bytes, encoding) => return Self::Bytes(bytes.into(), encoding),
            RawValues::Words(words) => words,
        };
        let (mut words, mut bytes) = (Vec::new(), Vec::new());
        for leaf in site.words().map(WordPlan::leaves).unwrap_or_default() {
            let at = words.len();
            words.extend((at..at + leaf.words()).map(|at| of.word(at)));
            if leaf.is_place() {
                let copied = of.bytes(at);
                // A start that does not fit cannot be, as a record is far shorter.
                words[at] = (bytes.len() as u64) << 32 & !IN_RESTORED | copied.len() as u64;
                bytes.extend_from_slice(copied);
            }
        }
        Self::Words(words.into(), bytes.into(), of.encoding)
    }

    /// The values, borrowed.
    pub(crate) fn as_raw(&self) -> RawValues<'_> {
        match self {
            Self::Bytes(bytes, encoding) => RawValues::Bytes(bytes, *encoding),
            Self::Words(words, body, encoding) => {
                let encoding = *encoding;
                RawValues::Words(Words { words, stride: 1, body, restored: &[], encoding })
            }
        }
    }
}
