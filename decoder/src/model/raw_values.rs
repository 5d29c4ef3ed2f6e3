//! Undecoded values of a record.

use stenolog_format::value::{Cursor, Encoding, Scalar, ScalarType, Value, ValueError};

use crate::model::site::{CompiledSite, MAX_SCALARS};

/// Undecoded values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValues<'a> {
    /// As a record holds them.
    Bytes(&'a [u8], Encoding),
    /// Those of a call site with [scalars](CompiledSite::scalars).
    Words(Words<'a>),
}

/// Values that were read out of columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// From the first value on.
    pub(crate) words: &'a [u64],
    /// The distance from each value to the next.
    pub(crate) stride: usize,
    /// Whether all values except texts are known to have the call site's types.
    pub(crate) are_sound: bool,
    /// The bytes that the texts point into.
    pub(crate) body: &'a [u8],
}

impl<'a> Words<'a> {
    #[inline]
    pub(crate) fn word(&self, slot: usize) -> u64 {
        self.words.get(slot * self.stride).copied().unwrap_or_default()
    }

    /// The start and the length of the text of a slot in the body.
    #[inline]
    pub(crate) fn place(&self, slot: usize) -> (usize, usize) {
        let word = self.word(slot);
        ((word >> 32) as usize, word as u32 as usize)
    }

    /// The text of a slot, which may not be UTF-8.
    #[inline]
    pub(crate) fn text(&self, slot: usize) -> &'a [u8] {
        let (start, length) = self.place(slot);
        self.body.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }

    /// The length of the text of a slot.
    #[inline]
    pub(crate) fn text_bytes(&self, slot: usize) -> usize {
        self.place(slot).1
    }

    /// The value of a slot.
    ///
    /// # Errors
    /// If the word is no value of this type.
    #[inline]
    pub(crate) fn scalar(&self, slot: usize, ty: ScalarType) -> Result<Scalar<'a>, ValueError> {
        Scalar::from_word(ty, self.word(slot), self.body)
    }
}

impl<'a> RawValues<'a> {
    /// All values, one for each type. Only texts are not checked yet.
    ///
    /// # Errors
    /// If the values do not have these types.
    #[inline]
    pub(crate) fn words<'w>(
        &self,
        types: &[ScalarType],
        array: &'w mut [u64; MAX_SCALARS],
    ) -> Result<Words<'w>, ValueError>
    where
        'a: 'w,
    {
        match self {
            Self::Bytes(bytes, encoding) => {
                let mut cursor = Cursor::new(bytes, *encoding);
                for (word, &ty) in array.iter_mut().zip(types) {
                    *word = Scalar::read(&mut cursor, ty)?.to_word(bytes);
                }
                if !cursor.is_empty() {
                    return Err(ValueError::Trailing);
                }
                Ok(Words { words: array, stride: 1, are_sound: true, body: bytes })
            }
            Self::Words(words) => {
                if !words.are_sound {
                    // The first wrong value gives the error.
                    for (slot, &ty) in types.iter().enumerate() {
                        words.scalar(slot, ty)?;
                    }
                }
                Ok(*words)
            }
        }
    }
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
                let types = site.scalars().unwrap_or_default();
                types.iter().enumerate().try_for_each(|(slot, &ty)| {
                    values.push(words.scalar(slot, ty)?.into());
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
    /// A word for each slot. Those of texts point into the bytes.
    Words {
        words: Box<[u64]>,
        are_sound: bool,
        texts: Box<[u8]>,
    },
}

impl OwnedValues {
    /// Copies the values of a record of `site`.
    pub(crate) fn copy_of(values: &RawValues<'_>, site: &CompiledSite) -> Self {
        match *values {
            RawValues::Bytes(bytes, encoding) => Self::Bytes(bytes.into(), encoding),
            RawValues::Words(of) => {
                let (mut words, mut texts) = (Vec::new(), Vec::new());
                for (slot, ty) in site.scalars().unwrap_or_default().iter().enumerate() {
                    let is_text = matches!(ty, ScalarType::Str | ScalarType::Formatted);
                    words.push(if is_text {
                        let (start, text) = (texts.len() as u64, of.text(slot));
                        texts.extend_from_slice(text);
                        start << 32 | text.len() as u64
                    } else {
                        of.word(slot)
                    });
                }
                let (words, texts) = (words.into(), texts.into());
                Self::Words { words, are_sound: of.are_sound, texts }
            }
        }
    }

    /// The values, borrowed.
    pub(crate) fn as_raw(&self) -> RawValues<'_> {
        match self {
            Self::Bytes(bytes, encoding) => RawValues::Bytes(bytes, *encoding),
            Self::Words { words, are_sound, texts } => {
                let (are_sound, body) = (*are_sound, &**texts);
                RawValues::Words(Words { words, stride: 1, are_sound, body })
            }
        }
    }
}
