//! A serializer that checks a value against its schema.
//!
//! `#[derive(Schema)]` ignores `#[serde(..)]`, so the two can differ: through `skip`,
//! `skip_serializing_if`, `flatten`, `with`, `tag` or `untagged`. The bytes would then decode to something
//! else, perhaps something plausible. So each serializer call is compared with its place in the schema
//! before a byte is written.
//!
//! The encoding matters, not the names: a newtype equals its content, a struct equals a tuple of the same
//! parts, and names may differ (`rename`), unless the name is that of another field. Any other difference
//! is an error, and the value is then not recorded.

use postcard::ser_flavors::Flavor;
use postcard::{Error, Serializer};
use postcard_schema::Schema;
use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType, NamedValue};
use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

/// The error where value and schema differ. Any error will do, because only [`super::Encoded`] sees it.
const DIFFERS: Error = Error::SerializeBufferFull;

/// The serializer of a value at one place in the schema.
pub(super) struct Checked<'s, F: Flavor> {
    to: &'s mut Serializer<F>,
    schema: &'static NamedType,
    differs: &'s mut bool,
}

/// Serialises, and says whether it was as the schema says.
pub(super) fn serialize<F: Flavor, T: Serialize + ?Sized>(
    value: &T,
    schema: &'static NamedType,
    flavor: F,
) -> Result<F::Output, Failure> {
    let mut serializer = Serializer { output: flavor };
    let mut differs = false;
    let result = value.serialize(Checked { to: &mut serializer, schema, differs: &mut differs });
    match (result, differs) {
        (_, true) => Err(Failure::Differs),
        (Err(_), false) => Err(Failure::Refused),
        (Ok(()), false) => serializer.output.finalize().map_err(|_| Failure::Refused),
    }
}

/// Why there are no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The value's own code said so.
    Refused,
    /// The schema says otherwise.
    Differs,
}

/// The parts of the compound at a place in the schema.
#[derive(Clone, Copy)]
enum Parts {
    /// By name.
    Named(&'static [&'static NamedValue]),
    /// In order.
    Unnamed(&'static [&'static NamedType]),
    /// Only one, by whatever name.
    One(&'static NamedType),
    /// None.
    Nothing,
}

impl Parts {
    const fn len(self) -> usize {
        match self {
            Self::Named(of) => of.len(),
            Self::Unnamed(of) => of.len(),
            Self::One(_) => 1,
            Self::Nothing => 0,
        }
    }

    /// The part at a place, unless it goes by the name of another one.
    fn get(self, at: usize, name: Option<&str>) -> Option<&'static NamedType> {
        match self {
            Self::Named(of) => {
                let part = of.get(at)?;
                let is_misplaced =
                    |name: &str| part.name != name && of.iter().any(|other| other.name == name);
                (!name.is_some_and(is_misplaced)).then_some(part.ty)
            }
            Self::Unnamed(of) => of.get(at).copied(),
            Self::One(of) => (at == 0).then_some(of),
            Self::Nothing => None,
        }
    }
}

/// The parts of a type, if it is a compound of a fixed number of them.
fn parts(schema: &'static NamedType) -> Option<Parts> {
    Some(match schema.ty {
        DataModelType::Unit | DataModelType::UnitStruct => Parts::Nothing,
        DataModelType::NewtypeStruct(of) => Parts::One(of),
        DataModelType::Tuple(of) | DataModelType::TupleStruct(of) => Parts::Unnamed(of),
        DataModelType::Struct(of) => Parts::Named(of),
        _ => return None,
    })
}

/// The type without its wrappers, which have no bytes of their own.
fn unwrapped(mut schema: &'static NamedType) -> &'static NamedType {
    while let Some(parts) = parts(schema)
        && parts.len() == 1
        && let Some(inner) = parts.get(0, None)
    {
        schema = inner;
    }
    schema
}

/// Whether values take no bytes.
fn is_empty(schema: &'static NamedType) -> bool {
    parts(schema)
        .is_some_and(|parts| (0..parts.len()).all(|at| parts.get(at, None).is_some_and(is_empty)))
}

impl<'s, F: Flavor> Checked<'s, F> {
    /// The schema says otherwise.
    fn differs<T>(self) -> Result<T, Error> {
        *self.differs = true;
        Err(DIFFERS)
    }

    /// Goes on if the schema says so.
    fn if_is(
        self,
        is: impl FnOnce(&DataModelType) -> bool,
        serialize: impl FnOnce(&'s mut Serializer<F>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if is(unwrapped(self.schema).ty) { serialize(self.to) } else { self.differs() }
    }

    /// A compound with this many parts.
    fn compound(self, len: usize) -> Result<Compound<'s, F>, Error> {
        let mut schema = self.schema;
        loop {
            let parts = match parts(schema) {
                Some(parts) => parts,
                // What is no compound is as good as one that holds nothing else.
                None => Parts::One(schema),
            };
            if parts.len() == len {
                return Ok(Compound { to: self.to, parts, at: 0, differs: self.differs });
            }
            match parts.get(0, None) {
                Some(inner) if parts.len() == 1 && !std::ptr::eq(inner, schema) => schema = inner,
                _ => return self.differs(),
            }
        }
    }

    /// A variant of an enum, with what it holds.
    fn variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'s, F>, Error> {
        let DataModelType::Enum(variants) = unwrapped(self.schema).ty else {
            return self.differs();
        };
        let Some(of) = variants.get(index as usize) else { return self.differs() };
        let is_misplaced = of.name != variant && variants.iter().any(|other| other.name == variant);
        let parts = match of.ty {
            DataModelVariant::UnitVariant => Parts::Nothing,
            DataModelVariant::NewtypeVariant(of) => Parts::One(of),
            DataModelVariant::TupleVariant(of) => Parts::Unnamed(of),
            DataModelVariant::StructVariant(of) => Parts::Named(of),
        };
        if parts.len() != len || is_misplaced {
            return self.differs();
        }
        // Postcard's variants are their index, then their parts.
        ser::Serializer::serialize_unit_variant(&mut *self.to, name, index, variant)?;
        Ok(Compound { to: self.to, parts, at: 0, differs: self.differs })
    }
}

macro_rules! leaves {
    ($($method:ident($ty:ty): $($kind:ident)|+;)+) => {$(
        fn $method(self, value: $ty) -> Result<(), Error> {
            self.if_is(
                |ty| matches!(ty, $(DataModelType::$kind)|+),
                |to| ser::Serializer::$method(to, value),
            )
        }
    )+};
}

impl<'s, F: Flavor> ser::Serializer for Checked<'s, F> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Elements<'s, F>;
    type SerializeTuple = Compound<'s, F>;
    type SerializeTupleStruct = Compound<'s, F>;
    type SerializeTupleVariant = Compound<'s, F>;
    type SerializeMap = MapEntries<'s, F>;
    type SerializeStruct = Compound<'s, F>;
    type SerializeStructVariant = Compound<'s, F>;

    leaves! {
        serialize_bool(bool): Bool;
        serialize_i8(i8): I8;
        serialize_i16(i16): I16;
        serialize_i32(i32): I32;
        serialize_i64(i64): I64 | Isize;
        serialize_i128(i128): I128;
        serialize_u8(u8): U8;
        serialize_u16(u16): U16;
        serialize_u32(u32): U32;
        serialize_u64(u64): U64 | Usize;
        serialize_u128(u128): U128;
        serialize_f32(f32): F32;
        serialize_f64(f64): F64;
        serialize_char(char): Char;
        serialize_str(&str): String;
    }

    fn is_human_readable(&self) -> bool {
        // As postcard itself: types have another form for it.
        false
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        let is = |ty: &DataModelType| match ty {
            DataModelType::ByteArray => true,
            DataModelType::Seq(of) => matches!(of.ty, DataModelType::U8),
            _ => false,
        };
        self.if_is(is, |to| ser::Serializer::serialize_bytes(to, value))
    }

    fn serialize_none(self) -> Result<(), Error> {
        let is = |ty: &DataModelType| matches!(ty, DataModelType::Option(_));
        self.if_is(is, ser::Serializer::serialize_none)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        let DataModelType::Option(of) = unwrapped(self.schema).ty else { return self.differs() };
        // The byte that postcard puts in front.
        ser::Serializer::serialize_u8(&mut *self.to, 1)?;
        value.serialize(Checked { schema: of, ..self })
    }

    fn serialize_unit(self) -> Result<(), Error> {
        if is_empty(self.schema) { Ok(()) } else { self.differs() }
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.variant(name, index, variant, 0).map(drop)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        // It has no bytes of its own, and what it holds is compared.
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut compound = self.variant(name, index, variant, 1)?;
        compound.part(None, value)?;
        compound.finish()
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'s, F>, Error> {
        let of = match unwrapped(self.schema).ty {
            DataModelType::Seq(of) => *of,
            DataModelType::ByteArray => u8::SCHEMA,
            _ => return self.differs(),
        };
        ser::Serializer::serialize_seq(&mut *self.to, len)?;
        Ok(Elements { to: self.to, of, left: len.unwrap_or_default(), differs: self.differs })
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'s, F>, Error> {
        self.compound(len)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Compound<'s, F>, Error> {
        self.compound(len)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'s, F>, Error> {
        self.variant(name, index, variant, len)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapEntries<'s, F>, Error> {
        let DataModelType::Map { key, val } = unwrapped(self.schema).ty else {
            return self.differs();
        };
        ser::Serializer::serialize_map(&mut *self.to, len)?;
        let left = len.unwrap_or_default();
        Ok(MapEntries { to: self.to, key, value: val, left, differs: self.differs })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Compound<'s, F>, Error> {
        self.compound(len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'s, F>, Error> {
        self.variant(name, index, variant, len)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.if_is(
            |ty| matches!(ty, DataModelType::String),
            |to| ser::Serializer::collect_str(to, value),
        )
    }
}

/// A compound with a fixed number of parts, at the next of them.
pub(super) struct Compound<'s, F: Flavor> {
    to: &'s mut Serializer<F>,
    parts: Parts,
    at: usize,
    differs: &'s mut bool,
}

impl<F: Flavor> Compound<'_, F> {
    fn part<T: Serialize + ?Sized>(&mut self, name: Option<&str>, value: &T) -> Result<(), Error> {
        let Some(schema) = self.parts.get(self.at, name) else {
            *self.differs = true;
            return Err(DIFFERS);
        };
        self.at += 1;
        value.serialize(Checked { to: self.to, schema, differs: self.differs })
    }

    fn finish(self) -> Result<(), Error> {
        if self.at == self.parts.len() {
            Ok(())
        } else {
            *self.differs = true;
            Err(DIFFERS)
        }
    }
}

macro_rules! compounds {
    ($($of:ident::$method:ident($($name:ident)?);)+) => {$(
        impl<F: Flavor> $of for Compound<'_, F> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Error> {
                let name: Option<&str> = None;
                $(let name = name.or(Some($name));)?
                self.part(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish()
            }
        }
    )+};
}

compounds! {
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(key);
    SerializeStructVariant::serialize_field(key);
}

/// A list whose length is written.
pub(super) struct Elements<'s, F: Flavor> {
    to: &'s mut Serializer<F>,
    of: &'static NamedType,
    /// How many are still expected.
    left: usize,
    differs: &'s mut bool,
}

impl<F: Flavor> SerializeSeq for Elements<'_, F> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        count_down(&mut self.left, self.differs)?;
        value.serialize(Checked { to: self.to, schema: self.of, differs: self.differs })
    }

    fn end(self) -> Result<(), Error> {
        none_left(self.left, self.differs)
    }
}

/// A map whose length is written.
pub(super) struct MapEntries<'s, F: Flavor> {
    to: &'s mut Serializer<F>,
    key: &'static NamedType,
    value: &'static NamedType,
    /// How many are still expected.
    left: usize,
    differs: &'s mut bool,
}

impl<F: Flavor> SerializeMap for MapEntries<'_, F> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        count_down(&mut self.left, self.differs)?;
        key.serialize(Checked { to: self.to, schema: self.key, differs: self.differs })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Checked { to: self.to, schema: self.value, differs: self.differs })
    }

    fn end(self) -> Result<(), Error> {
        none_left(self.left, self.differs)
    }
}

/// Notes an element of those that were announced.
fn count_down(left: &mut usize, differs: &mut bool) -> Result<(), Error> {
    *left = left.checked_sub(1).ok_or_else(|| {
        *differs = true;
        DIFFERS
    })?;
    Ok(())
}

/// All that were announced must have come.
fn none_left(left: usize, differs: &mut bool) -> Result<(), Error> {
    if left == 0 {
        Ok(())
    } else {
        *differs = true;
        Err(DIFFERS)
    }
}
