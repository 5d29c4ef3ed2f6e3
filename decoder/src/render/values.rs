//! Undecoded values of a record.

use stenolog_format::value::{Cursor, Encoding, Scalar, ScalarType, ValueError};

use crate::model::site::MAX_SCALARS;

/// Undecoded values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValues<'a> {
    /// As they stand in a record.
    Bytes(&'a [u8], Encoding),
    /// Those of a call site with [scalars](crate::Site::scalars).
    Words(Words<'a>),
}

/// Values that were read out of columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// From the first value on.
    pub(crate) words: &'a [u64],
    /// How far each is behind the one before.
    pub(crate) stride: usize,
    /// Whether all that are no texts are what the call site says.
    pub(crate) are_sound: bool,
    /// What the texts are in.
    pub(crate) body: &'a [u8],
}

impl<'a> Words<'a> {
    #[inline]
    pub(crate) fn word(&self, slot: usize) -> u64 {
        self.words.get(slot * self.stride).copied().unwrap_or_default()
    }

    /// Where the text of a slot stands in the body, and how long it is.
    #[inline]
    pub(crate) fn place(&self, slot: usize) -> (usize, usize) {
        let word = self.word(slot);
        ((word >> 32) as usize, word as u32 as usize)
    }

    /// The text of a slot, which may be none.
    #[inline]
    pub(crate) fn text(&self, slot: usize) -> &'a [u8] {
        let (start, length) = self.place(slot);
        self.body.get(start..).and_then(|behind| behind.get(..length)).unwrap_or_default()
    }

    /// The length of the text of a slot.
    #[inline]
    pub(crate) fn text_bytes(&self, slot: usize) -> usize {
        self.place(slot).1
    }

    /// The value of a slot.
    ///
    /// # Errors
    /// If it is none of this type.
    #[inline]
    pub(crate) fn scalar(&self, slot: usize, ty: ScalarType) -> Result<Scalar<'a>, ValueError> {
        Scalar::from_word(ty, self.word(slot), self.body)
    }
}

impl<'a> RawValues<'a> {
    /// All values, of which there are as many as types. Only texts may still be none.
    ///
    /// # Errors
    /// If they are not what the types say.
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
                    // The first that is wrong says what is wrong.
                    for (slot, &ty) in types.iter().enumerate() {
                        words.scalar(slot, ty)?;
                    }
                }
                Ok(*words)
            }
        }
    }
}
