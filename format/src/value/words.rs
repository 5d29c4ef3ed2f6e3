//! Words of a record: all its values as integers of 64 bits, at places that the call site alone decides.

use std::sync::Arc;

use super::leaf::{Leaf, leaves, place, read_leaves, words_of};
use super::skip::skip;
use super::{Cursor, Encoding, Product, Value, ValueError};
use crate::dictionary::Slot;
use crate::types::{EnumType, Fields, Type};

/// The values of a record as words. The [`WordPlan`] of the call site knows what they mean.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// From the first word on.
    pub words: &'a [u64],
    /// The distance from each word to the next one.
    pub stride: usize,
    /// The bytes that places refer to.
    pub body: &'a [u8],
    /// The bytes that places with the bit [`IN_RESTORED`] refer to: those that are not in the body as they are.
    pub restored: &'a [u8],
    /// The encoding of the pieces.
    pub encoding: Encoding,
}

impl<'a> Words<'a> {
    /// A word; 0 if there are fewer.
    #[inline]
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.words.get(index * self.stride).copied().unwrap_or_default()
    }

    /// The bytes, the offset and the length that a word states.
    #[inline]
    #[must_use]
    pub fn place(&self, index: usize) -> (&'a [u8], usize, usize) {
        let word = self.word(index);
        let bytes = if word & IN_RESTORED == 0 { self.body } else { self.restored };
        (bytes, ((word & !IN_RESTORED) >> 32) as usize, (word & MAX_LENGTH) as usize)
    }

    /// The bytes of a text, a byte array or a piece; empty if they are not there.
    #[inline]
    #[must_use]
    pub fn bytes(&self, index: usize) -> &'a [u8] {
        let (bytes, start, length) = self.place(index);
        bytes.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default()
    }
}

/// The bit of a place that says that it is not in the body.
pub const IN_RESTORED: u64 = 1 << 63;

/// The bit of a text's place that says that the text is known to be printable ASCII without `"` and `\`.
pub const IS_CLEAN: u64 = 1 << 31;

/// The bit of a text's place that says besides that it has no space and no `=`, and is not empty.
pub const IS_WORD: u64 = 1 << 30;

/// The bit of a text's place that says that the text is known to have a space or `=`.
pub const HAS_SPACE: u64 = 1 << 29;

/// The greatest length of a place.
pub(crate) const MAX_LENGTH: u64 = HAS_SPACE - 1;

/// Adds [`IS_CLEAN`], [`IS_WORD`] and [`HAS_SPACE`] to the places of texts that lie one after the other in `bytes`,
/// where that is known: of all of them or, if they are not all words, of `run` texts after each other. Together they
/// are checked sooner than one by one.
pub(crate) fn mark_texts(bytes: &[u8], places: &mut [u64], run: usize) {
    let of_all = text_marks(bytes);
    if of_all & IS_WORD != 0 {
        return add_marks(of_all, places);
    }
    let mut rest = bytes;
    for texts in places.chunks_mut(run) {
        let length = texts.iter().map(|place| (place & MAX_LENGTH) as usize).sum();
        let Some((now, after)) = rest.split_at_checked(length) else { return };
        rest = after;
        let marks = text_marks(now);
        // Which of several texts has the space is not known.
        add_marks(if texts.len() == 1 { marks } else { marks & !HAS_SPACE }, texts);
    }
}

/// The marks of a text, or those that hold for all of several but empty ones.
pub(crate) fn text_marks(bytes: &[u8]) -> u64 {
    let mut has_spaces = false;
    for chunk in bytes.chunks(4096) {
        // `|` without an early return compiles to vector instructions.
        let (dirty, spaces) = chunk.iter().fold((0, 0), |(dirty, spaces), &byte| {
            let is_dirty = !matches!(byte, b' '..=b'~') | (byte == b'"') | (byte == b'\\');
            let is_space = (byte == b' ') | (byte == b'=');
            (dirty | u8::from(is_dirty), spaces | u8::from(is_space))
        });
        if dirty != 0 {
            return 0;
        }
        has_spaces |= spaces != 0;
    }
    IS_CLEAN | if has_spaces { HAS_SPACE } else { IS_WORD }
}

/// Adds marks that hold for texts, but [`IS_WORD`] to those only that are not empty.
fn add_marks(marks: u64, places: &mut [u64]) {
    for place in places {
        *place |= if *place & MAX_LENGTH == 0 { marks & !IS_WORD } else { marks };
    }
}

/// How the values of a call site are read as words.
///
/// # Examples
///
/// ```
/// use stenolog_format::dictionary::{Role, Slot};
/// use stenolog_format::types::Type;
/// use stenolog_format::value::{Encoding, Value, WordPlan, Words};
///
/// let slot = |ty| Slot { name: "n".to_owned(), role: Role::Argument, ty };
/// let slots = [slot(Type::Option(Box::new(Type::U8))), slot(Type::Str)];
/// let plan = WordPlan::new(&slots).unwrap();
/// let (bytes, mut words) = (b"\x01\x07\x02hi", Vec::new());
/// plan.read(bytes, Encoding::Packed, &mut words)?;
/// assert_eq!(words, [1, 7, 3 << 32 | 2]);
///
/// let encoding = Encoding::Packed;
/// let words = Words { words: &words, stride: 1, body: bytes, restored: &[], encoding };
/// assert_eq!(plan.value(1, &slots[1].ty, &words)?, Value::Str("hi"));
/// # Ok::<(), stenolog_format::value::ValueError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WordPlan {
    leaves: Box<[Leaf]>,
    slots: Box<[SlotWords]>,
    words: usize,
}

/// The words of a slot.
#[derive(Clone, Debug)]
pub struct SlotWords {
    leaves: (u32, u32),
    /// The index of the first one among those of the record.
    pub first: usize,
    /// The type, if the value is a [piece](Leaf::Piece).
    pub piece: Option<Arc<Type>>,
}

/// A record with more words is read in another way.
const MAX_WORDS: usize = 1024;

/// So is one whose types have more parts, or longer names, than small records may have.
const MAX_TYPE_NODES: usize = 4096;
const MAX_NAME_BYTES: usize = 1 << 16;

impl WordPlan {
    /// The plan of a call site with these slots; `None` if it has too many values. Takes time and memory in
    /// proportion to the types, up to a limit.
    #[must_use]
    pub fn new(slots: &[Slot]) -> Option<Self> {
        let (mut nodes, mut names, mut words) = (0, 0, 0);
        let (mut all, mut of_slots) = (Vec::new(), Vec::new());
        for slot in slots {
            nodes += slot.ty.nodes();
            names += name_bytes(&slot.ty);
            if nodes > MAX_TYPE_NODES || names > MAX_NAME_BYTES || words > MAX_WORDS {
                return None;
            }
            let start = all.len() as u32;
            all.extend(leaves(&slot.ty));
            let of_slot = all.get(start as usize..).unwrap_or_default();
            let piece = (of_slot == [Leaf::Piece]).then(|| Arc::new(slot.ty.clone()));
            let (first, leaves) = (words, (start, all.len() as u32));
            words += words_of(of_slot);
            of_slots.push(SlotWords { leaves, first, piece });
        }
        let (leaves, slots) = (all.into(), of_slots.into());
        (words <= MAX_WORDS).then_some(Self { leaves, slots, words })
    }

    /// The number of words of a record.
    #[must_use]
    pub const fn words(&self) -> usize {
        self.words
    }

    /// The leaves of all slots.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The words of each slot.
    #[must_use]
    pub fn slots(&self) -> &[SlotWords] {
        &self.slots
    }

    /// The leaves of a slot.
    #[must_use]
    pub fn leaves_of(&self, slot: &SlotWords) -> &[Leaf] {
        self.leaves.get(slot.leaves.0 as usize..slot.leaves.1 as usize).unwrap_or_default()
    }

    /// The words of a slot that are the places of texts.
    pub fn texts_of(&self, slot: &SlotWords) -> impl Iterator<Item = u32> {
        let mut word = slot.first as u32;
        self.leaves_of(slot).iter().filter_map(move |leaf| {
            let at = word;
            word += leaf.words() as u32;
            matches!(leaf, Leaf::Str | Leaf::Formatted).then_some(at)
        })
    }

    /// Reads all values of a record and appends their words. Texts are not checked to be UTF-8.
    ///
    /// # Errors
    /// As [`Value::read`], or if bytes are left.
    #[inline]
    pub fn read(
        &self,
        bytes: &[u8],
        encoding: Encoding,
        out: &mut Vec<u64>,
    ) -> Result<(), ValueError> {
        let mut cursor = Cursor::new(bytes, encoding);
        for slot in &self.slots {
            if let Some(ty) = &slot.piece {
                let rest = cursor.rest();
                skip(&mut cursor, ty)?;
                let length = rest.len() - cursor.rest().len();
                out.push(place(rest.get(..length).unwrap_or_default(), bytes));
                continue;
            }
            let (leaves, start) = (self.leaves_of(slot), out.len());
            out.resize(start + words_of(leaves), 0);
            let of_slot = out.get_mut(start..).unwrap_or_default();
            read_leaves(leaves, &mut cursor, bytes, |at, word| {
                if let Some(place) = of_slot.get_mut(at) {
                    *place = word;
                }
            })?;
        }
        if cursor.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }

    /// The value of a slot of type `ty`.
    ///
    /// # Errors
    /// If a text is not UTF-8.
    pub fn value<'a>(
        &self,
        slot: usize,
        ty: &'a Type,
        words: &Words<'a>,
    ) -> Result<Value<'a>, ValueError> {
        let slot = self.slots.get(slot).ok_or(ValueError::End)?;
        if slot.piece.is_some() {
            let mut cursor = Cursor::new(words.bytes(slot.first), words.encoding);
            let value = Value::read(&mut cursor, ty)?;
            return if cursor.is_empty() { Ok(value) } else { Err(ValueError::Trailing) };
        }
        WordReader { words: *words, at: slot.first }.value(ty)
    }
}

fn name_bytes(ty: &Type) -> usize {
    let of_fields = |of: &Fields| {
        let names = of.fields.iter().map(|(name, ty)| name.len() + name_bytes(ty));
        of.name.len() + names.sum::<usize>()
    };
    match ty {
        Type::Option(of) | Type::Slice(of) | Type::Serde(of) => name_bytes(of),
        Type::Array(of, n) => name_bytes(of).saturating_mul(*n as usize),
        Type::Map(key, value) => name_bytes(key).saturating_add(name_bytes(value)),
        Type::Tuple(of) => of.iter().map(name_bytes).fold(0, usize::saturating_add),
        Type::Struct(of) => of_fields(of),
        Type::Enum(of) => of.variants.iter().map(of_fields).fold(0, usize::saturating_add),
        _ => 0,
    }
}

/// A place in the words of a record, from which values of fixed shape are read.
struct WordReader<'a> {
    words: Words<'a>,
    at: usize,
}

impl<'a> WordReader<'a> {
    fn word(&mut self) -> u64 {
        self.at += 1;
        self.words.word(self.at - 1)
    }

    fn text(&mut self) -> Result<&'a str, ValueError> {
        self.at += 1;
        std::str::from_utf8(self.words.bytes(self.at - 1)).map_err(|_| ValueError::Utf8)
    }

    fn wide(&mut self) -> u128 {
        let low = u128::from(self.word());
        low | u128::from(self.word()) << 64
    }

    /// The packed bytes of the next words, as the addresses in them were read.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for part in bytes.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            part.iter_mut().zip(word).for_each(|(place, byte)| *place = byte);
        }
        bytes
    }

    fn value(&mut self, ty: &'a Type) -> Result<Value<'a>, ValueError> {
        Ok(match ty {
            Type::Unit => Value::Unit,
            Type::Bool => Value::Bool(self.word() != 0),
            Type::Char => Value::Char(char::from_u32(self.word() as u32).ok_or(ValueError::Char)?),
            Type::U8 => Value::U8(self.word() as u8),
            Type::U16 => Value::U16(self.word() as u16),
            Type::U32 => Value::U32(self.word() as u32),
            Type::U64 => Value::U64(self.word()),
            Type::U128 => Value::U128(self.wide()),
            Type::I8 => Value::I8(self.word() as i8),
            Type::I16 => Value::I16(self.word() as i16),
            Type::I32 => Value::I32(self.word() as i32),
            Type::I64 => Value::I64(self.word() as i64),
            Type::I128 => Value::I128(self.wide() as i128),
            Type::F32 => Value::F32(f32::from_bits(self.word() as u32)),
            Type::F64 => Value::F64(f64::from_bits(self.word())),
            Type::Str => Value::Str(self.text()?),
            Type::Formatted => Value::Formatted(self.text()?),
            Type::Array(of, _) if matches!(**of, Type::U8) => {
                self.at += 1;
                Value::Bytes(self.words.bytes(self.at - 1))
            }
            Type::Array(of, n) => {
                Value::List((0..*n).map(|_| self.value(of)).collect::<Result<_, _>>()?)
            }
            Type::Tuple(of) => {
                Value::Tuple(of.iter().map(|ty| self.value(ty)).collect::<Result<_, _>>()?)
            }
            Type::Struct(of) => Value::Struct(self.product(of)?),
            Type::Enum(of) => Value::Variant(self.variant(of)?),
            Type::Option(of) => {
                if self.word() != 0 {
                    Value::Some(Box::new(self.value(of)?))
                } else {
                    self.at += words_of(&leaves(of));
                    Value::None
                }
            }
            Type::Serde(of) => {
                self.at += 1;
                let bytes = self.words.bytes(self.at - 1);
                Value::read_serde(&mut Cursor::new(bytes, Encoding::Packed), bytes, of)?
            }
            Type::Slice(_) | Type::Map(..) => return Err(ValueError::End),
            _ => self.time_or_address(ty)?,
        })
    }

    /// The values that are read as from packed bytes.
    fn time_or_address(&mut self, ty: &Type) -> Result<Value<'static>, ValueError> {
        fn of(ty: &Type, bytes: &[u8]) -> Result<Value<'static>, ValueError> {
            let mut cursor = Cursor::new(bytes, Encoding::Packed);
            Ok(match ty {
                Type::Ipv4 => Value::Ip(cursor.array::<4>()?.into()),
                Type::Ipv6 => Value::Ip(cursor.array::<16>()?.into()),
                Type::SocketV4 => Value::Socket(cursor.socket_v4()?),
                _ => Value::Socket(cursor.socket_v6()?),
            })
        }
        match ty {
            Type::Duration => {
                let seconds = self.word();
                // Fewer than a second, so the sum does not overflow.
                let nanos = (self.word() as u32).min(999_999_999);
                Ok(Value::Duration(std::time::Duration::new(seconds, nanos)))
            }
            Type::SystemTime => Ok(Value::SystemTime(self.word() as i64, self.word() as u32)),
            Type::Ipv4 => of(ty, &self.bytes::<4>()),
            Type::SocketV4 => of(ty, &self.bytes::<6>()),
            Type::Ip => {
                let is_v4 = self.word() == 4;
                let bytes = self.bytes::<16>();
                if is_v4 { of(&Type::Ipv4, &bytes) } else { of(&Type::Ipv6, &bytes) }
            }
            Type::Socket => {
                let is_v4 = self.word() == 4;
                let bytes = self.bytes::<26>();
                if is_v4 { of(&Type::SocketV4, &bytes) } else { of(&Type::SocketV6, &bytes) }
            }
            Type::Ipv6 => of(ty, &self.bytes::<16>()),
            _ => of(ty, &self.bytes::<26>()),
        }
    }

    fn product(&mut self, of: &'a Fields) -> Result<Product<'a>, ValueError> {
        let fields = of.fields.iter().map(|(name, ty)| Ok((name.as_str(), self.value(ty)?)));
        let fields = fields.collect::<Result<_, ValueError>>()?;
        Ok(Product { name: &of.name, shape: of.shape, fields })
    }

    fn variant(&mut self, of: &'a EnumType) -> Result<Product<'a>, ValueError> {
        let index = self.word() as usize;
        let variant = of.variants.get(index).ok_or(ValueError::Variant { index })?;
        self.product(variant)
    }
}
