//! Plans of call sites: how to pack their records, worked out once.

use crate::dictionary::{CallSite, Slot, TimeSource};
use crate::types::Type;
use crate::value::{Cursor, Encoding, ValueError, pack, put_int, put_uint, unpack};

/// How the records of a call site are packed: its types, flattened.
///
/// Making one allocates; packing by it does so only to grow what is packed into.
#[derive(Clone, Debug)]
pub struct SitePlan {
    pub(super) tag: u32,
    /// The bit of the level; 0 for loss statements.
    pub(super) level: u8,
    pub(super) is_unix: bool,
    pub(super) fields: Vec<Field>,
    /// The types of the call site's slots.
    types: Vec<Type>,
    /// The length of the values in raw layout, if it is always the same.
    pub(super) fixed_bytes: Option<usize>,
    /// The most bytes that a record takes in packed rows, without its time and the bytes after lengths.
    pub(super) row_bytes: usize,
}

/// A part of the values.
#[derive(Clone, Debug)]
pub(super) enum Field {
    /// This many bytes, the same in both layouts.
    Bytes(usize),
    /// A float of 4 or 8 bytes, the same in both layouts. It may change little from record to record.
    Float(usize),
    /// An unsigned integer of 2, 4 or 8 bytes, packed as a varint.
    Uint(usize),
    /// A signed integer of 2, 4 or 8 bytes, packed as a zigzag varint.
    Int(usize),
    /// A length of 4 bytes, packed as a varint, and that many bytes.
    Text,
    /// Any other value.
    Value(Type),
}

/// Composites with more parts are packed as a whole.
const MAX_FIELDS: usize = 64;

impl SitePlan {
    /// The plan for a call site.
    #[must_use]
    pub fn new(site: &CallSite) -> Self {
        let mut fields = Vec::new();
        for slot in &site.slots {
            let start = fields.len();
            if !flatten(&slot.ty, &mut fields) {
                fields.truncate(start);
                fields.push(Field::Value(slot.ty.clone()));
            }
        }
        let types = site.slots.iter().map(|slot| slot.ty.clone()).collect();
        let is_unix = site.time == TimeSource::UnixNanos;
        Self { types, ..Self::of(site.id, site.level.bit(), is_unix, fields) }
    }

    pub(super) const fn is_loss(&self) -> bool {
        self.tag == CallSite::LOSS_ID
    }

    pub(super) fn loss() -> Self {
        Self::of(CallSite::LOSS_ID, 0, false, vec![Field::Float(8); 10])
    }

    fn of(tag: u32, level: u8, is_unix: bool, fields: Vec<Field>) -> Self {
        let fixed_bytes = fields.iter().map(Field::fixed_bytes).sum();
        let row_bytes = 5 + 5 + fields.iter().map(Field::row_bytes).sum::<usize>();
        Self { tag, level, is_unix, fields, types: Vec::new(), fixed_bytes, row_bytes }
    }

    /// For each slot of a call site, the columns in which groups have its values, and whether each of them can
    /// hold text: in one piece, as it was logged.
    #[must_use]
    pub fn columns_of_slots(site: &CallSite) -> Vec<Vec<bool>> {
        let plan = |slot: &Slot| Self::new(&CallSite { slots: vec![slot.clone()], ..site.clone() });
        let has_text = |field: &Field| matches!(field, Field::Text | Field::Value(_));
        let of_plan = |plan: Self| plan.fields.iter().map(has_text).collect();
        site.slots.iter().map(plan).map(of_plan).collect()
    }

    /// Appends packed values in raw layout. After an error `out` may hold a part of them.
    pub(super) fn unpack(&self, values: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut packed = Cursor::new(values, Encoding::Packed);
        self.types.iter().try_for_each(|ty| unpack(&mut packed, ty, out))?;
        if packed.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }

    /// Appends raw values, packed. After an error `out` may hold a part of them.
    #[inline]
    pub(super) fn pack(&self, values: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut raw = Raw(values);
        for field in &self.fields {
            match field {
                Field::Bytes(n) | Field::Float(n) => out.extend_from_slice(raw.take(*n)?),
                Field::Uint(2) => put_uint(out, u16::from_le_bytes(raw.array()?).into()),
                Field::Uint(4) => put_uint(out, u32::from_le_bytes(raw.array()?).into()),
                Field::Uint(_) => put_uint(out, u64::from_le_bytes(raw.array()?)),
                Field::Int(2) => put_int(out, i16::from_le_bytes(raw.array()?).into()),
                Field::Int(4) => put_int(out, i32::from_le_bytes(raw.array()?).into()),
                Field::Int(_) => put_int(out, i64::from_le_bytes(raw.array()?)),
                Field::Text => {
                    let text = raw.text()?;
                    put_uint(out, text.len() as u64);
                    out.extend_from_slice(text);
                }
                Field::Value(ty) => raw.value(ty, out)?,
            }
        }
        if raw.0.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }
}

impl Field {
    /// The length in raw layout, if it is always the same.
    pub(super) const fn fixed_bytes(&self) -> Option<usize> {
        match self {
            Self::Bytes(n) | Self::Float(n) | Self::Uint(n) | Self::Int(n) => Some(*n),
            Self::Text | Self::Value(_) => None,
        }
    }

    const fn row_bytes(&self) -> usize {
        match self {
            Self::Bytes(n) | Self::Float(n) => *n,
            Self::Uint(2) | Self::Int(2) => 3,
            Self::Uint(4) | Self::Int(4) | Self::Text => 5,
            Self::Uint(_) | Self::Int(_) => 10,
            Self::Value(_) => 0,
        }
    }
}

/// Values in raw layout that were not read yet.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> Raw<'a> {
    #[inline]
    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], ValueError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(ValueError::End)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ValueError::End)?;
        self.0 = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a [u8], ValueError> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    pub(super) fn value(&mut self, ty: &Type, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut cursor = Cursor::new(self.0, Encoding::Raw);
        pack(&mut cursor, ty, out)?;
        self.0 = cursor.rest();
        Ok(())
    }
}

/// Appends the parts of a type; `false` if there are too many, or if they differ between values.
fn flatten(ty: &Type, fields: &mut Vec<Field>) -> bool {
    match ty {
        Type::Unit => {}
        Type::Bool | Type::U8 | Type::I8 => fields.push(Field::Bytes(1)),
        Type::U16 => fields.push(Field::Uint(2)),
        Type::U32 => fields.push(Field::Uint(4)),
        Type::U64 => fields.push(Field::Uint(8)),
        Type::I16 => fields.push(Field::Int(2)),
        Type::I32 => fields.push(Field::Int(4)),
        Type::I64 => fields.push(Field::Int(8)),
        Type::F32 => fields.push(Field::Float(4)),
        Type::F64 => fields.push(Field::Float(8)),
        Type::Str | Type::Formatted | Type::Serde(_) => fields.push(Field::Text),
        Type::Duration => fields.extend([Field::Uint(8), Field::Uint(4)]),
        Type::SystemTime => fields.extend([Field::Int(8), Field::Uint(4)]),
        Type::Ipv4 => fields.push(Field::Bytes(4)),
        Type::Ipv6 => fields.push(Field::Bytes(16)),
        Type::SocketV4 => fields.push(Field::Bytes(6)),
        Type::SocketV6 => fields.push(Field::Bytes(26)),
        Type::Tuple(of) => return of.iter().all(|ty| flatten(ty, fields)),
        Type::Struct(of) => return of.fields.iter().all(|(_, ty)| flatten(ty, fields)),
        Type::Array(of, n) => {
            let start = fields.len();
            if *n == 0 || !flatten(of, fields) || *n as usize > MAX_FIELDS {
                return *n == 0;
            }
            // Elements without bytes are looked at once.
            let has_parts = fields.len() > start;
            return !has_parts || (1..*n).all(|_| flatten(of, fields));
        }
        Type::U128
        | Type::I128
        | Type::Char
        | Type::Option(_)
        | Type::Slice(_)
        | Type::Map(..)
        | Type::Enum(_)
        | Type::Ip
        | Type::Socket => return false,
    }
    fields.len() <= MAX_FIELDS
}
