//! Types of recorded values, as the dictionary states them.

mod flat;
pub mod reserved;

use serde::{Deserialize, Serialize};

pub(crate) use self::flat::LEAVES;
pub use crate::shape::Shape;

/// The type of a recorded value, by which its bytes are read and printed.
///
/// The dictionary stores types flat, inner ones before outer ones, so a hostile dump cannot exhaust a
/// reader's stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "flat::FlatType", try_from = "flat::FlatType")]
#[non_exhaustive]
pub enum Type {
    /// `()`
    Unit,
    /// `bool`
    Bool,
    /// `char`
    Char,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`, and `usize` where it has 64 bits
    U64,
    /// `u128`
    U128,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`, and `isize` where it has 64 bits
    I64,
    /// `i128`
    I128,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `str`, `String` and types that deref to them
    Str,
    /// Text that was formatted at the call: printed unchanged, regardless of the spec.
    Formatted,
    /// `Option<T>`
    Option(Box<Type>),
    /// `[T; N]`
    Array(Box<Type>, u32),
    /// `[T]`, `Vec<T>`
    Slice(Box<Type>),
    /// `(A, B, …)`
    Tuple(Vec<Type>),
    /// `std::time::Duration`
    Duration,
    /// `std::time::SystemTime`
    SystemTime,
    /// `std::net::Ipv4Addr`
    Ipv4,
    /// `std::net::Ipv6Addr`
    Ipv6,
    /// `std::net::IpAddr`
    Ip,
    /// `std::net::SocketAddrV4`
    SocketV4,
    /// `std::net::SocketAddrV6`
    SocketV6,
    /// `std::net::SocketAddr`
    Socket,
    /// A struct with `#[derive(Record)]`.
    Struct(Fields),
    /// An enum with `#[derive(Record)]`.
    Enum(EnumType),
    /// A map with keys and values of one type each; a [set](Type::is_set) is a map to the empty type.
    Map(Box<Type>, Box<Type>),
    /// A `serde` value: postcard bytes with the layout of the inner type.
    Serde(Box<Type>),
}

/// A named product: a struct, or a variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fields {
    /// The name of the struct or of the variant.
    pub name: String,
    /// Whether and how the fields are named.
    pub shape: Shape,
    /// Name and type of each field, in order; the names of a tuple are empty.
    pub fields: Vec<(String, Type)>,
}

/// An enum with `#[derive(Record)]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumType {
    /// The name of the enum.
    pub name: String,
    /// Its variants; a value has the index of one.
    pub variants: Vec<Fields>,
}

/// The deepest nesting of types that a reader accepts.
pub const MAX_TYPE_DEPTH: usize = 64;

impl Type {
    /// The fewest bytes that a value takes in raw encoding; may be 0.
    #[must_use]
    pub fn min_size(&self) -> usize {
        match self {
            Self::Unit => 0,
            Self::Bool | Self::U8 | Self::I8 | Self::Option(_) => 1,
            Self::U16 | Self::I16 => 2,
            Self::Char | Self::U32 | Self::I32 | Self::F32 => 4,
            Self::Str | Self::Formatted | Self::Slice(_) | Self::Map(..) | Self::Serde(_) => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::U128 | Self::I128 => 16,
            Self::Duration | Self::SystemTime => 12,
            Self::Ipv4 => 4,
            Self::Ipv6 => 16,
            Self::Ip => 5,
            Self::SocketV4 => 6,
            Self::SocketV6 => 26,
            Self::Socket => 7,
            Self::Array(of, n) => of.min_size().saturating_mul(*n as usize),
            Self::Tuple(of) => of.iter().map(Self::min_size).fold(0, usize::saturating_add),
            Self::Struct(of) => of.min_size(),
            Self::Enum(_) => 2,
        }
    }

    /// The number of types within this one, including itself.
    #[must_use]
    pub fn nodes(&self) -> usize {
        fn fields(of: &Fields) -> usize {
            of.fields.iter().map(|(_, ty)| ty.nodes()).sum()
        }
        1 + match self {
            Self::Option(of) | Self::Array(of, _) | Self::Slice(of) | Self::Serde(of) => of.nodes(),
            Self::Map(key, value) => key.nodes() + value.nodes(),
            Self::Tuple(of) => of.iter().map(Self::nodes).sum(),
            Self::Struct(of) => fields(of),
            Self::Enum(of) => of.variants.iter().map(fields).sum(),
            _ => 0,
        }
    }

    /// The depth of nesting; readers accept up to [`MAX_TYPE_DEPTH`].
    #[must_use]
    pub fn depth(&self) -> usize {
        fn deepest<'a>(of: impl Iterator<Item = &'a Type>) -> usize {
            of.map(Type::depth).max().unwrap_or_default()
        }
        fn fields(of: &Fields) -> impl Iterator<Item = &Type> {
            of.fields.iter().map(|(_, ty)| ty)
        }
        1 + match self {
            Self::Option(of) | Self::Array(of, _) | Self::Slice(of) | Self::Serde(of) => of.depth(),
            Self::Map(key, value) => key.depth().max(value.depth()),
            Self::Tuple(of) => deepest(of.iter()),
            Self::Struct(of) => deepest(fields(of)),
            Self::Enum(of) => deepest(of.variants.iter().flat_map(fields)),
            _ => 0,
        }
    }

    /// Whether this is the empty type, a struct without name and fields, which no program has. Maps to it are
    /// sets, and fields of it are left out.
    #[must_use]
    pub fn is_nothing_at_all(&self) -> bool {
        matches!(self, Self::Struct(of) if of.name.is_empty() && of.shape == Shape::Unit)
    }

    /// Whether this is a map whose keys are the elements of a set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self, Self::Map(_, value) if value.is_nothing_at_all())
    }

    /// Whether this is a struct with a [reserved] name, which is shown in a way of its own.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        matches!(self, Self::Struct(of) if reserved::is_reserved(&of.name))
    }

    /// Whether a part of the value is formatted or serialized at the call, which makes calls slow.
    #[must_use]
    pub fn formats(&self) -> bool {
        let of_fields = |of: &Fields| of.fields.iter().any(|(_, ty)| ty.formats());
        match self {
            Self::Formatted | Self::Serde(_) => true,
            Self::Option(of) | Self::Array(of, _) | Self::Slice(of) => of.formats(),
            Self::Map(key, value) => key.formats() || value.formats(),
            Self::Tuple(of) => of.iter().any(Self::formats),
            Self::Struct(of) => of.name == reserved::DYNAMIC || of_fields(of),
            Self::Enum(of) => of.variants.iter().any(of_fields),
            _ => false,
        }
    }

    /// Whether the value is formatted at the call, which makes calls slow.
    #[must_use]
    pub const fn is_formatted(&self) -> bool {
        matches!(self, Self::Formatted)
    }
}

/// The type of errors with their sources: a struct without a name, which no program has, with a `message` and
/// a list of `sources`, outermost first, all formatted.
#[must_use]
pub fn error_type() -> Type {
    let fields = vec![
        ("message".to_owned(), Type::Formatted),
        ("sources".to_owned(), Type::Slice(Box::new(Type::Formatted))),
    ];
    Type::Struct(Fields { name: String::new(), shape: Shape::Struct, fields })
}

/// The type of a field that is left out: it has no value.
#[must_use]
pub fn empty_type() -> Type {
    Type::Struct(Fields { name: String::new(), shape: Shape::Unit, fields: Vec::new() })
}

/// The type of sets whose elements have this type.
#[must_use]
pub fn set_type(of: Type) -> Type {
    Type::Map(Box::new(of), Box::new(empty_type()))
}

impl Fields {
    fn min_size(&self) -> usize {
        self.fields.iter().map(|(_, ty)| ty.min_size()).fold(0, usize::saturating_add)
    }
}
