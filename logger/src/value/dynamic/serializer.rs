//! Serializer of serde that writes self-describing values.

use std::fmt;

use serde::ser::{self, Serialize};
use stenolog_format::types::{Shape, Type};
use stenolog_format::value::NOT_SERIALISED;
use stenolog_format::value::dynamic::{Open, TOO_DEEP, WRITTEN_DEPTH, Writer};

use super::Serialized;

/// Records any value that is `serde::Serialize`, with its structure: nested in JSON, as `Debug` would print it
/// in text, and with fields that filters reach by their paths.
///
/// The names of the fields are stored with each record, since serde has no description of a type before there is
/// a value. Types with `postcard_schema::Schema` need no `serde(..)`, and types of your own are smaller and
/// faster with [`#[derive(Record)]`](derive@crate::Record). What is nested deeper than 48 levels, and a value whose
/// `Serialize` fails, become a text that says so.
///
/// The cost is that of serializing to a vector, once per enabled call.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// #[derive(serde::Serialize)]
/// struct Reply { status: u16, headers: Vec<(String, String)> }
///
/// let _log = stenolog::Builder::new(path).start()?;
/// let reply = Reply { status: 200, headers: vec![] };
/// stenolog::info!(reply = stenolog::serde(&reply), "served"); // "reply":{"status":200,"headers":[]}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn serde<T: Serialize + ?Sized>(value: &T) -> Serialized {
    let mut writer = Writer::default();
    if let Err(Failed(message)) = value.serialize(Serializer { writer: &mut writer, depth: 1 }) {
        writer.truncate(0);
        let text = NOT_SERIALISED.trim_end_matches('>');
        writer.formatted(&format!("{text}: {message}>"));
    }
    Serialized { bytes: writer.into_bytes() }
}

/// The error of a `Serialize`.
#[derive(Debug)]
struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes one value.
struct Serializer<'w> {
    writer: &'w mut Writer,
    depth: usize,
}

/// Writes the values of a list, a map, a struct …
struct Compound<'w> {
    writer: &'w mut Writer,
    depth: usize,
    open: Open,
}

impl<'w> Serializer<'w> {
    /// A value without parts.
    fn leaf(self, ty: &Type, raw: &[u8]) -> Result<(), Failed> {
        self.writer.leaf(ty, raw);
        Ok(())
    }

    fn compound(self, open: Open) -> Compound<'w> {
        Compound { writer: self.writer, depth: self.depth, open }
    }

    /// A value within this one.
    fn nested<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failed> {
        nested(self.writer, self.depth, value)
    }

    /// A struct or variant with one field without a name.
    fn newtype<T: Serialize + ?Sized>(
        self,
        is_variant: bool,
        name: &str,
        value: &T,
    ) -> Result<(), Failed> {
        let mut open = self.writer.product(is_variant, name, Shape::Tuple);
        nested(self.writer, self.depth, value)?;
        open.add();
        self.writer.end(open);
        Ok(())
    }

    fn unit(self, is_variant: bool, name: &str) -> Result<(), Failed> {
        let open = self.writer.product(is_variant, name, Shape::Unit);
        self.writer.end(open);
        Ok(())
    }
}

fn nested<T: Serialize + ?Sized>(
    writer: &mut Writer,
    depth: usize,
    value: &T,
) -> Result<(), Failed> {
    if depth >= WRITTEN_DEPTH {
        writer.formatted(TOO_DEEP);
        return Ok(());
    }
    value.serialize(Serializer { writer, depth: depth + 1 })
}

macro_rules! numbers {
    ($($function:ident: $ty:ty = $kind:ident;)+) => {$(
        fn $function(self, value: $ty) -> Result<(), Failed> {
            self.leaf(&Type::$kind, &value.to_le_bytes())
        }
    )+};
}

impl<'w> ser::Serializer for Serializer<'w> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Compound<'w>;
    type SerializeStructVariant = Compound<'w>;

    numbers! {
        serialize_u8: u8 = U8;
        serialize_u16: u16 = U16;
        serialize_u32: u32 = U32;
        serialize_u64: u64 = U64;
        serialize_u128: u128 = U128;
        serialize_i8: i8 = I8;
        serialize_i16: i16 = I16;
        serialize_i32: i32 = I32;
        serialize_i64: i64 = I64;
        serialize_i128: i128 = I128;
        serialize_f32: f32 = F32;
        serialize_f64: f64 = F64;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Failed> {
        self.leaf(&Type::Bool, &[value.into()])
    }

    fn serialize_char(self, value: char) -> Result<(), Failed> {
        self.leaf(&Type::Char, &u32::from(value).to_le_bytes())
    }

    fn serialize_str(self, value: &str) -> Result<(), Failed> {
        self.writer.str(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failed> {
        self.writer.byte_array(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Failed> {
        self.writer.none();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failed> {
        self.writer.some();
        self.nested(value)
    }

    fn serialize_unit(self) -> Result<(), Failed> {
        self.leaf(&Type::Unit, &[])
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Failed> {
        self.unit(false, name)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failed> {
        self.unit(true, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.newtype(false, name, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.newtype(true, variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w>, Failed> {
        let open = self.writer.list();
        Ok(self.compound(open))
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w>, Failed> {
        let open = self.writer.tuple();
        Ok(self.compound(open))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Compound<'w>, Failed> {
        let open = self.writer.product(false, name, Shape::Tuple);
        Ok(self.compound(open))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w>, Failed> {
        let open = self.writer.product(true, variant, Shape::Tuple);
        Ok(self.compound(open))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w>, Failed> {
        let open = self.writer.map();
        Ok(self.compound(open))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Compound<'w>, Failed> {
        let open = self.writer.product(false, name, Shape::Struct);
        Ok(self.compound(open))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w>, Failed> {
        let open = self.writer.product(true, variant, Shape::Struct);
        Ok(self.compound(open))
    }
}

impl Compound<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.open.add();
        nested(self.writer, self.depth, value)
    }

    fn finish(self) -> Result<(), Failed> {
        self.writer.end(self.open);
        Ok(())
    }
}

macro_rules! elements {
    ($($name:ident: $function:ident;)+) => {$(
        impl ser::$name for Compound<'_> {
            type Ok = ();
            type Error = Failed;

            fn $function<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                self.add(value)
            }

            fn end(self) -> Result<(), Failed> {
                self.finish()
            }
        }
    )+};
}

elements! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! fields {
    ($($name:ident;)+) => {$(
        impl ser::$name for Compound<'_> {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Failed> {
                self.writer.name(key);
                self.add(value)
            }

            fn end(self) -> Result<(), Failed> {
                self.finish()
            }
        }
    )+};
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        nested(self.writer, self.depth, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Result<(), Failed> {
        self.finish()
    }
}
