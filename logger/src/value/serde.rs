//! Values of `serde`, stored as postcard bytes with their schema in the dictionary.

mod check;

use std::marker::PhantomData;

use ::serde::Serialize;
use postcard_schema::Schema;
use postcard_schema::schema::{DataModelType, DataModelVariant, NamedType, NamedValue};
use stenolog_format::types::{EnumType, Fields, Shape, Type};
use stenolog_format::value::{Cursor, Encoding, NOT_AS_ITS_SCHEMA};

use self::check::Failure;
use super::bound::Bound;
use super::text::Buffer;
use super::{SHORT_BYTES, Value, put_counted, signature};

/// A `T` as postcard bytes, serialised at the call, before anything was claimed.
#[derive(Debug)]
pub struct Encoded<T: ?Sized> {
    bytes: Buffer,
    of: PhantomData<fn(&T)>,
}

impl<T: Serialize + Schema + ?Sized> Encoded<T> {
    /// Serialises. A value whose `Serialize` reports an error, or does not do what the schema says,
    /// leaves bytes that tell the reader so.
    pub fn new(value: &T) -> Self {
        let mut bytes = Buffer::new();
        if let Err(failure) = check::serialize(value, T::SCHEMA, Flavor(&mut bytes)) {
            bytes = match failure {
                Failure::Refused => Buffer::new(),
                Failure::Differs => unreadable(T::SCHEMA),
            };
        }
        Self { bytes, of: PhantomData }
    }
}

/// Bytes that are no value of a type.
#[cold]
fn unreadable(schema: &NamedType) -> Buffer {
    let ty = Type::Serde(Box::new(describe(schema)));
    // Too long for a varint, and neither a flag, a length nor an index. Only numbers of fixed size can be
    // made of them, and then they are as long as few types are.
    for length in [11, 12] {
        let mut bytes = Buffer::new();
        bytes.push(&[0xff; 12][..length]);
        let mut raw = Buffer::new();
        raw.put(&(length as u32));
        raw.push(bytes.as_bytes());
        let mut cursor = Cursor::new(raw.as_bytes(), Encoding::Raw);
        let read = stenolog_format::value::Value::read(&mut cursor, &ty);
        if read == Ok(stenolog_format::value::Value::Formatted(NOT_AS_ITS_SCHEMA)) {
            return bytes;
        }
    }
    Buffer::new()
}

struct Flavor<'a>(&'a mut Buffer);

impl postcard::ser_flavors::Flavor for Flavor<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(&[data]);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

// SAFETY: a count of four bytes and the bytes, which do not change any more.
unsafe impl<T: Schema + ?Sized> Value for Encoded<T> {
    const SIGNATURE: u64 = signature::of("Serde", schema_signature(T::SCHEMA));
    const FIXED_SIZE: Option<usize> = None;
    const BOUND: Bound = Bound::serde(schema_bound(T::SCHEMA));

    fn describe() -> Type {
        Type::Serde(Box::new(describe(T::SCHEMA)))
    }

    #[inline]
    fn size(&self) -> usize {
        4 + self.bytes.as_bytes().len()
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.bytes.as_bytes().len() <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { put_counted(out, self.bytes.as_bytes()) }
    }
}

/// What a reader needs for such values.
const fn schema_bound(schema: &NamedType) -> Bound {
    match schema.ty {
        DataModelType::Unit => Bound::leaf(Some(0)),
        DataModelType::UnitStruct => Bound::product(schema.name, &[], &[]),
        DataModelType::ByteArray => Bound::list(Bound::leaf(None)),
        DataModelType::Option(of) => Bound::option(schema_bound(of)),
        DataModelType::NewtypeStruct(of) => Bound::named(sum_of(&[of]), schema.name.len()),
        DataModelType::Seq(of) => Bound::serde_list(schema_bound(of)),
        DataModelType::Tuple(of) => Bound::named(sum_of(of), 0),
        DataModelType::TupleStruct(of) => Bound::named(sum_of(of), schema.name.len()),
        DataModelType::Map { key, val } => {
            Bound::serde_list(schema_bound(key).and(schema_bound(val)))
        }
        DataModelType::Struct(of) => {
            let (sum, names) = sum_of_named(of);
            Bound::named(sum, names + schema.name.len())
        }
        DataModelType::Enum(variants) => {
            let mut bound = Bound::no_variant(schema.name);
            let mut at = 0;
            while at < variants.len() {
                let (sum, names) = match variants[at].ty {
                    DataModelVariant::UnitVariant => (Bound::nothing(), 0),
                    DataModelVariant::NewtypeVariant(of) => (sum_of(&[of]), 0),
                    DataModelVariant::TupleVariant(of) => (sum_of(of), 0),
                    DataModelVariant::StructVariant(of) => sum_of_named(of),
                };
                bound = bound.or(Bound::named(sum, names + variants[at].name.len()));
                at += 1;
            }
            bound
        }
        _ => Bound::leaf(None),
    }
}

const fn sum_of(types: &[&NamedType]) -> Bound {
    let mut sum = Bound::nothing();
    let mut at = 0;
    while at < types.len() {
        sum = sum.and(schema_bound(types[at]));
        at += 1;
    }
    sum
}

/// The same of named ones, and how long their names are.
const fn sum_of_named(values: &[&NamedValue]) -> (Bound, usize) {
    let (mut sum, mut names) = (Bound::nothing(), 0);
    let mut at = 0;
    while at < values.len() {
        sum = sum.and(schema_bound(values[at].ty));
        names += values[at].name.len();
        at += 1;
    }
    (sum, names)
}

/// Hashes the whole schema. A constant cannot contain itself, so the recursion has an end.
const fn schema_signature(schema: &NamedType) -> u64 {
    let state = signature::leaf(schema.name);
    match schema.ty {
        DataModelType::Bool => signature::mix(state, 1),
        DataModelType::I8 => signature::mix(state, 2),
        DataModelType::U8 => signature::mix(state, 3),
        DataModelType::I16 => signature::mix(state, 4),
        DataModelType::I32 => signature::mix(state, 5),
        DataModelType::I64 => signature::mix(state, 6),
        DataModelType::I128 => signature::mix(state, 7),
        DataModelType::U16 => signature::mix(state, 8),
        DataModelType::U32 => signature::mix(state, 9),
        DataModelType::U64 => signature::mix(state, 10),
        DataModelType::U128 => signature::mix(state, 11),
        DataModelType::Usize => signature::mix(state, 12),
        DataModelType::Isize => signature::mix(state, 13),
        DataModelType::F32 => signature::mix(state, 14),
        DataModelType::F64 => signature::mix(state, 15),
        DataModelType::Char => signature::mix(state, 16),
        DataModelType::String => signature::mix(state, 17),
        DataModelType::ByteArray => signature::mix(state, 18),
        DataModelType::Unit => signature::mix(state, 19),
        DataModelType::UnitStruct => signature::mix(state, 20),
        DataModelType::Option(of) => mix_schema(signature::mix(state, 21), of),
        DataModelType::NewtypeStruct(of) => mix_schema(signature::mix(state, 22), of),
        DataModelType::Seq(of) => mix_schema(signature::mix(state, 23), of),
        DataModelType::Tuple(of) => mix_schemas(signature::mix(state, 24), of),
        DataModelType::TupleStruct(of) => mix_schemas(signature::mix(state, 25), of),
        DataModelType::Map { key, val } => {
            mix_schema(mix_schema(signature::mix(state, 26), key), val)
        }
        DataModelType::Struct(of) => mix_values(signature::mix(state, 27), of),
        DataModelType::Enum(variants) => {
            let mut state = signature::mix(state, 28);
            let mut at = 0;
            while at < variants.len() {
                state = signature::mix_str(state, variants[at].name);
                state = match variants[at].ty {
                    DataModelVariant::UnitVariant => signature::mix(state, 1),
                    DataModelVariant::NewtypeVariant(of) => {
                        mix_schema(signature::mix(state, 2), of)
                    }
                    DataModelVariant::TupleVariant(of) => mix_schemas(signature::mix(state, 3), of),
                    DataModelVariant::StructVariant(of) => mix_values(signature::mix(state, 4), of),
                };
                at += 1;
            }
            signature::mix(state, variants.len() as u64)
        }
        DataModelType::Schema => panic!("a value that holds a postcard schema cannot be logged"),
    }
}

const fn mix_schema(state: u64, schema: &NamedType) -> u64 {
    signature::mix(state, schema_signature(schema))
}

const fn mix_schemas(mut state: u64, schemas: &[&NamedType]) -> u64 {
    let mut at = 0;
    while at < schemas.len() {
        state = mix_schema(state, schemas[at]);
        at += 1;
    }
    signature::mix(state, schemas.len() as u64)
}

const fn mix_values(mut state: u64, values: &[&NamedValue]) -> u64 {
    let mut at = 0;
    while at < values.len() {
        state = signature::mix_str(state, values[at].name);
        state = mix_schema(state, values[at].ty);
        at += 1;
    }
    signature::mix(state, values.len() as u64)
}

fn describe(schema: &NamedType) -> Type {
    let product =
        |shape, fields| Type::Struct(Fields { name: schema.name.to_owned(), shape, fields });
    match schema.ty {
        DataModelType::Bool => Type::Bool,
        DataModelType::I8 => Type::I8,
        DataModelType::U8 => Type::U8,
        DataModelType::I16 => Type::I16,
        DataModelType::I32 => Type::I32,
        DataModelType::I64 | DataModelType::Isize => Type::I64,
        DataModelType::I128 => Type::I128,
        DataModelType::U16 => Type::U16,
        DataModelType::U32 => Type::U32,
        DataModelType::U64 | DataModelType::Usize => Type::U64,
        DataModelType::U128 => Type::U128,
        DataModelType::F32 => Type::F32,
        DataModelType::F64 => Type::F64,
        DataModelType::Char => Type::Char,
        DataModelType::String => Type::Str,
        DataModelType::ByteArray => Type::Slice(Box::new(Type::U8)),
        DataModelType::Unit => Type::Unit,
        DataModelType::UnitStruct => product(Shape::Unit, Vec::new()),
        DataModelType::Option(of) => Type::Option(Box::new(describe(of))),
        DataModelType::NewtypeStruct(of) => product(Shape::Tuple, unnamed(&[of])),
        DataModelType::Seq(of) => Type::Slice(Box::new(describe(of))),
        DataModelType::Tuple(of) => describe_tuple(schema.name, of),
        DataModelType::TupleStruct(of) => product(Shape::Tuple, unnamed(of)),
        DataModelType::Map { key, val } => {
            Type::Map(Box::new(describe(key)), Box::new(describe(val)))
        }
        DataModelType::Struct(of) => product(Shape::Struct, named(of)),
        DataModelType::Enum(of) => {
            let variants = of.iter().map(|variant| {
                let (shape, fields) = match variant.ty {
                    DataModelVariant::UnitVariant => (Shape::Unit, Vec::new()),
                    DataModelVariant::NewtypeVariant(of) => (Shape::Tuple, unnamed(&[of])),
                    DataModelVariant::TupleVariant(of) => (Shape::Tuple, unnamed(of)),
                    DataModelVariant::StructVariant(of) => (Shape::Struct, named(of)),
                };
                Fields { name: variant.name.to_owned(), shape, fields }
            });
            Type::Enum(EnumType { name: schema.name.to_owned(), variants: variants.collect() })
        }
        // Refused when the signature was computed.
        DataModelType::Schema => Type::Unit,
    }
}

/// The schema of an array is a tuple with this name and as many equal parts.
fn describe_tuple(name: &str, of: &[&NamedType]) -> Type {
    match (of, u32::try_from(of.len())) {
        ([first, rest @ ..], Ok(count))
            if name == "[T; N]" && rest.iter().all(|ty| ty == first) =>
        {
            Type::Array(Box::new(describe(first)), count)
        }
        _ => Type::Tuple(of.iter().map(|ty| describe(ty)).collect()),
    }
}

fn unnamed(types: &[&NamedType]) -> Vec<(String, Type)> {
    types.iter().map(|ty| (String::new(), describe(ty))).collect()
}

fn named(values: &[&NamedValue]) -> Vec<(String, Type)> {
    values.iter().map(|value| (value.name.to_owned(), describe(value.ty))).collect()
}
