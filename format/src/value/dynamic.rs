//! Self-describing values: bytes that say themselves what they hold.
//!
//! Types without a schema (`stenolog::serde`) and types that contain themselves have no description that a call
//! site could state. Their values are a slice of bytes in a struct with the [reserved name
//! `DYNAMIC`](crate::types::reserved::DYNAMIC), which readers show as the value that the bytes describe.
//!
//! ```text
//!   value  = tag, then
//!     0..=24   a leaf: the packed value of the type with this node number
//!     25       an option: 0, or 1 and a value
//!     26, 33   a list, a set: count, values
//!     28       a map: count, keys and values by turns
//!     29       bytes: str
//!     30       a tuple: count, values
//!     31, 32   a struct, a variant of an enum: its name (str), its shape (1 byte), count, then the values, each
//!              preceded by its name (str) if the shape is that of a struct
//!   count  = u32, little-endian
//! ```

use super::cursor::{Cursor, Encoding};
use super::error::ValueError;
use super::pack::{pack, put_uint};
use super::{Product, Value};
use crate::shape::Shape;
use crate::types::{Fields, LEAVES, Type, reserved};

/// The deepest nesting that readers accept.
pub const MAX_DEPTH: usize = 128;

/// The deepest nesting that writers go into.
pub const WRITTEN_DEPTH: usize = 48;

/// The text in place of what is nested deeper.
pub const TOO_DEEP: &str = "<not recorded: nested too deep>";

/// The text in place of bytes that describe no value.
pub const UNREADABLE: &str = "<not readable: no self-describing value>";

// The tags of types without parts are their places among `LEAVES`, which are also their numbers in the dictionary.
const STR: u8 = 15;
const FORMATTED: u8 = 16;
const OPTION: u8 = 25;
const LIST: u8 = 26;
const MAP: u8 = 28;
const BYTES: u8 = 29;
const TUPLE: u8 = 30;
const STRUCT: u8 = 31;
const VARIANT: u8 = 32;
const SET: u8 = 33;

const _: () = assert!(matches!(LEAVES[STR as usize], Type::Str), "its place in the table");
const _: () =
    assert!(matches!(LEAVES[FORMATTED as usize], Type::Formatted), "its place in the table");
const _: () = assert!(OPTION as usize == LEAVES.len(), "options follow the leaves");

/// The type of self-describing values.
#[must_use]
pub fn dynamic_type() -> Type {
    let bytes = Type::Slice(Box::new(Type::U8));
    let fields = vec![(String::new(), bytes)];
    Type::Struct(Fields { name: reserved::DYNAMIC.to_owned(), shape: Shape::Tuple, fields })
}

/// The value that a product stands for: itself, unless its bytes describe another one.
pub(super) fn resolve(product: Product<'_>) -> Value<'_> {
    if product.name != reserved::DYNAMIC {
        return Value::Struct(product);
    }
    match product.fields.as_slice() {
        [(_, Value::Bytes(bytes))] => read(bytes).unwrap_or(Value::Formatted(UNREADABLE)),
        _ => Value::Struct(product),
    }
}

/// Reads the value that bytes describe.
///
/// # Errors
/// If they describe none, or if bytes are left.
pub fn read(bytes: &[u8]) -> Result<Value<'_>, ValueError> {
    let mut cursor = Cursor::new(bytes, Encoding::Packed);
    let value = read_value(&mut cursor, 1)?;
    if cursor.is_empty() { Ok(value) } else { Err(ValueError::Trailing) }
}

fn read_value<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Value<'a>, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::Count { count: depth });
    }
    let tag = cursor.u8()?;
    if let Some(leaf) = LEAVES.get(usize::from(tag)) {
        return Value::read(cursor, leaf);
    }
    Ok(match tag {
        OPTION if cursor.bool()? => Value::Some(Box::new(read_value(cursor, depth + 1)?)),
        OPTION => Value::None,
        LIST => Value::List(read_values(cursor, depth)?),
        SET => Value::Set(read_values(cursor, depth)?),
        TUPLE => Value::Tuple(read_values(cursor, depth)?),
        BYTES => Value::Bytes(cursor.bytes()?),
        MAP => {
            let count = read_count(cursor)?;
            let entries = (0..count)
                .map(|_| Ok((read_value(cursor, depth + 1)?, read_value(cursor, depth + 1)?)));
            Value::Map(entries.collect::<Result<_, ValueError>>()?)
        }
        // Not resolved again: writers nest no bytes in bytes, and readers go no deeper than one value.
        STRUCT => Value::Struct(read_product(cursor, depth)?),
        VARIANT => Value::Variant(read_product(cursor, depth)?),
        _ => return Err(ValueError::Variant { index: tag.into() }),
    })
}

/// A count of what takes at least a byte each.
fn read_count(cursor: &mut Cursor<'_>) -> Result<usize, ValueError> {
    let count = u32::from_le_bytes(cursor.array()?) as usize;
    if count > cursor.rest().len() { Err(ValueError::Count { count }) } else { Ok(count) }
}

fn read_values<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Vec<Value<'a>>, ValueError> {
    let count = read_count(cursor)?;
    (0..count).map(|_| read_value(cursor, depth + 1)).collect()
}

fn read_product<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Product<'a>, ValueError> {
    let name = cursor.str()?;
    let shape = match cursor.u8()? {
        0 => Shape::Unit,
        1 => Shape::Tuple,
        2 => Shape::Struct,
        found => return Err(ValueError::Flag { found }),
    };
    let count = read_count(cursor)?;
    let fields = (0..count).map(|_| {
        let name = if shape == Shape::Struct { cursor.str()? } else { "" };
        Ok((name, read_value(cursor, depth + 1)?))
    });
    Ok(Product { name, shape, fields: fields.collect::<Result<_, ValueError>>()? })
}

/// A count that is not known yet; see [`Writer::end`].
#[derive(Debug)]
pub struct Open {
    at: usize,
    count: u32,
}

impl Open {
    /// Counts one more value, or entry of a map.
    pub fn add(&mut self) {
        self.count = self.count.saturating_add(1);
    }
}

/// Writes a self-describing value. The caller keeps to the grammar.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The bytes that were written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes that were written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Drops what was written beyond this length, such as a value that could not be finished.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Writes a value without parts, from its [raw](Encoding::Raw) bytes.
    pub fn leaf(&mut self, ty: &Type, raw: &[u8]) {
        let before = self.bytes.len();
        let Some(tag) = LEAVES.iter().position(|leaf| leaf == ty) else { return };
        self.bytes.push(tag as u8);
        if pack(&mut Cursor::new(raw, Encoding::Raw), ty, &mut self.bytes).is_err() {
            self.bytes.truncate(before);
            self.formatted(UNREADABLE);
        }
    }

    /// Writes a string.
    pub fn str(&mut self, text: &str) {
        self.text(STR, text);
    }

    /// Writes formatted text.
    pub fn formatted(&mut self, text: &str) {
        self.text(FORMATTED, text);
    }

    fn text(&mut self, tag: u8, text: &str) {
        self.bytes.push(tag);
        self.name(text);
    }

    /// Writes bytes.
    pub fn byte_array(&mut self, bytes: &[u8]) {
        self.bytes.push(BYTES);
        put_uint(&mut self.bytes, bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes `None`.
    pub fn none(&mut self) {
        self.bytes.extend([OPTION, 0]);
    }

    /// Begins `Some`; its value follows.
    pub fn some(&mut self) {
        self.bytes.extend([OPTION, 1]);
    }

    /// Begins a list.
    pub fn list(&mut self) -> Open {
        self.open(LIST)
    }

    /// Begins a set.
    pub fn set(&mut self) -> Open {
        self.open(SET)
    }

    /// Begins a tuple.
    pub fn tuple(&mut self) -> Open {
        self.open(TUPLE)
    }

    /// Begins a map.
    pub fn map(&mut self) -> Open {
        self.open(MAP)
    }

    /// Begins a struct, or a variant of an enum.
    pub fn product(&mut self, is_variant: bool, name: &str, shape: Shape) -> Open {
        self.bytes.push(if is_variant { VARIANT } else { STRUCT });
        self.name(name);
        self.bytes.push(match shape {
            Shape::Unit => 0,
            Shape::Tuple => 1,
            Shape::Struct => 2,
        });
        self.count()
    }

    /// Writes the name of a field, before its value.
    pub fn name(&mut self, name: &str) {
        put_uint(&mut self.bytes, name.len() as u64);
        self.bytes.extend_from_slice(name.as_bytes());
    }

    /// Ends what was begun, with its count.
    pub fn end(&mut self, open: Open) {
        if let Some(place) = self.bytes.get_mut(open.at..open.at + size_of::<u32>()) {
            place.copy_from_slice(&open.count.to_le_bytes());
        }
    }

    fn open(&mut self, tag: u8) -> Open {
        self.bytes.push(tag);
        self.count()
    }

    fn count(&mut self) -> Open {
        let at = self.bytes.len();
        self.bytes.extend(0_u32.to_le_bytes());
        Open { at, count: 0 }
    }

    /// Writes a value of a type from its raw bytes. Self-describing values within it become part of this one.
    ///
    /// # Errors
    /// If the bytes are not a value of the type. A part of it may then be written.
    pub fn value(&mut self, ty: &Type, raw: &[u8]) -> Result<(), ValueError> {
        let mut cursor = Cursor::new(raw, Encoding::Raw);
        self.transcode(ty, &mut cursor)?;
        if cursor.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }

    fn transcode(&mut self, ty: &Type, raw: &mut Cursor<'_>) -> Result<(), ValueError> {
        match ty {
            Type::Option(of) => {
                if !raw.bool()? {
                    self.none();
                    return Ok(());
                }
                self.some();
                self.transcode(of, raw)?;
            }
            Type::Array(of, n) => self.transcode_list(of, *n as usize, raw)?,
            Type::Slice(of) => {
                let count = raw.length()?;
                self.transcode_list(of, count, raw)?;
            }
            Type::Tuple(of) => {
                let mut open = self.tuple();
                for ty in of {
                    self.transcode(ty, raw)?;
                    open.add();
                }
                self.end(open);
            }
            Type::Map(key, value) => {
                let count = raw.length()?;
                raw.check_count(count, &[key, value])?;
                let is_set = ty.is_set();
                let mut open = if is_set { self.set() } else { self.map() };
                for _ in 0..count {
                    self.transcode(key, raw)?;
                    if !is_set {
                        self.transcode(value, raw)?;
                    }
                    open.add();
                }
                self.end(open);
            }
            Type::Struct(of) if of.name == reserved::DYNAMIC => {
                let bytes = raw.bytes()?;
                self.bytes.extend_from_slice(bytes);
            }
            Type::Struct(of) => self.transcode_fields(false, of, raw)?,
            Type::Enum(of) => {
                let index = raw.variant()?;
                let variant = of.variants.get(index).ok_or(ValueError::Variant { index })?;
                self.transcode_fields(true, variant, raw)?;
            }
            // What serde has written with a schema has no raw form here.
            Type::Serde(_) => {
                raw.bytes()?;
                self.formatted(UNREADABLE);
            }
            leaf => {
                let rest = raw.rest();
                super::skip(raw, leaf)?;
                let length = rest.len() - raw.rest().len();
                self.leaf(leaf, rest.get(..length).unwrap_or_default());
            }
        }
        Ok(())
    }

    fn transcode_list(
        &mut self,
        of: &Type,
        count: usize,
        raw: &mut Cursor<'_>,
    ) -> Result<(), ValueError> {
        if matches!(of, Type::U8) {
            let bytes = raw.take(count)?;
            self.byte_array(bytes);
            return Ok(());
        }
        raw.check_count(count, &[of])?;
        let mut open = self.list();
        for _ in 0..count {
            self.transcode(of, raw)?;
            open.add();
        }
        self.end(open);
        Ok(())
    }

    fn transcode_fields(
        &mut self,
        is_variant: bool,
        of: &Fields,
        raw: &mut Cursor<'_>,
    ) -> Result<(), ValueError> {
        let mut open = self.product(is_variant, &of.name, of.shape);
        for (name, ty) in &of.fields {
            if of.shape == Shape::Struct {
                self.name(name);
            }
            self.transcode(ty, raw)?;
            open.add();
        }
        self.end(open);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
