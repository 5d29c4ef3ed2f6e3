//! Flat types, as the dictionary stores them: a list of nodes with inner types before outer ones, like reverse
//! Polish notation. Reading one takes a stack instead of recursion.

use serde::{Deserialize, Serialize};

use super::{EnumType, Fields, MAX_TYPE_DEPTH, Shape, Type};

/// The nodes of one type, the outermost last.
#[derive(Serialize, Deserialize)]
pub(super) struct FlatType(Vec<Node>);

/// Calls a macro with the types without parts, in the order of their numbers.
macro_rules! with_leaves {
    ($make:ident $($arguments:tt)*) => {
        $make! {
            [Unit Bool Char U8 U16 U32 U64 U128 I8 I16 I32 I64 I128 F32 F64 Str Formatted Duration SystemTime
             Ipv4 Ipv6 Ip SocketV4 SocketV6 Socket]
            $($arguments)*
        }
    };
}

macro_rules! define {
    ([$($leaf:ident)+] $($others:tt)+) => {
        /// One node. Variants are only ever appended: their order is part of the dump format.
        #[derive(Serialize, Deserialize)]
        enum Node {
            $($leaf,)+
            $($others)+
        }

        /// The types without parts, each at the place of its number as a node.
        pub(crate) static LEAVES: &[Type] = &[$(Type::$leaf),+];
    };
}

with_leaves! { define
    Option,
    Slice,
    Serde,
    /// Takes the key, then the value, from the stack.
    Map,
    Array(u32),
    Tuple(u32),
    Struct(Names),
    Enum(String, Vec<Names>),
}

/// A match of types or nodes to the other, of which the leaves are left out.
macro_rules! convert {
    ([$($leaf:ident)+] $from:ident => $to:ident, match $value:ident { $($others:tt)+ }) => {
        match $value {
            $($from::$leaf => $to::$leaf,)+
            $($others)+
        }
    };
}

/// A product without the types of its fields, which are on the stack.
#[derive(Serialize, Deserialize)]
struct Names {
    name: String,
    shape: Shape,
    fields: Vec<String>,
}

/// Why a list of nodes is not a type.
#[derive(Debug, thiserror::Error)]
pub(super) enum FlatTypeError {
    #[error("node {0} needs more inner types than there are")]
    Missing(usize),
    #[error("the nodes make {0} types, not one")]
    NotOne(usize),
    #[error("node {0} nests deeper than {MAX_TYPE_DEPTH} levels")]
    TooDeep(usize),
}

impl From<Type> for FlatType {
    fn from(ty: Type) -> Self {
        let mut nodes = Vec::new();
        flatten(ty, &mut nodes);
        Self(nodes)
    }
}

fn flatten(ty: Type, nodes: &mut Vec<Node>) {
    let node = with_leaves! { convert Type => Node, match ty {
        Type::Option(of) => {
            flatten(*of, nodes);
            Node::Option
        }
        Type::Slice(of) => {
            flatten(*of, nodes);
            Node::Slice
        }
        Type::Serde(of) => {
            flatten(*of, nodes);
            Node::Serde
        }
        Type::Map(key, value) => {
            flatten(*key, nodes);
            flatten(*value, nodes);
            Node::Map
        }
        Type::Array(of, n) => {
            flatten(*of, nodes);
            Node::Array(n)
        }
        Type::Tuple(of) => {
            let count = of.len() as u32;
            of.into_iter().for_each(|ty| flatten(ty, nodes));
            Node::Tuple(count)
        }
        Type::Struct(of) => Node::Struct(flatten_fields(of, nodes)),
        Type::Enum(of) => {
            let variants = of.variants.into_iter();
            Node::Enum(of.name, variants.map(|variant| flatten_fields(variant, nodes)).collect())
        }
    }};
    nodes.push(node);
}

fn flatten_fields(of: Fields, nodes: &mut Vec<Node>) -> Names {
    let Fields { name, shape, fields } = of;
    let names = fields.into_iter().map(|(field, ty)| {
        flatten(ty, nodes);
        field
    });
    Names { name, shape, fields: names.collect() }
}

impl TryFrom<FlatType> for Type {
    type Error = FlatTypeError;

    fn try_from(flat: FlatType) -> Result<Self, FlatTypeError> {
        let mut stack = Stack { types: Vec::new(), node: 0 };
        for (index, node) in flat.0.into_iter().enumerate() {
            stack.node = index;
            stack.apply(node)?;
        }
        match stack.types.pop() {
            Some((ty, _)) if stack.types.is_empty() => Ok(ty),
            Some(_) => Err(FlatTypeError::NotOne(stack.types.len() + 1)),
            None => Err(FlatTypeError::NotOne(0)),
        }
    }
}

/// Types whose container has not been read yet, with their depths.
struct Stack {
    types: Vec<(Type, usize)>,
    node: usize,
}

impl Stack {
    fn apply(&mut self, node: Node) -> Result<(), FlatTypeError> {
        let mut depth = 0;
        let ty = with_leaves! { convert Node => Type, match node {
            Node::Option => Type::Option(Box::new(self.pop(&mut depth)?)),
            Node::Slice => Type::Slice(Box::new(self.pop(&mut depth)?)),
            Node::Serde => Type::Serde(Box::new(self.pop(&mut depth)?)),
            Node::Map => {
                let value = self.pop(&mut depth)?;
                Type::Map(Box::new(self.pop(&mut depth)?), Box::new(value))
            }
            Node::Array(n) => Type::Array(Box::new(self.pop(&mut depth)?), n),
            Node::Tuple(n) => Type::Tuple(self.pop_many(n as usize, &mut depth)?),
            Node::Struct(names) => Type::Struct(self.pop_fields(names, &mut depth)?),
            Node::Enum(name, variants) => {
                let mut fields = variants
                    .into_iter()
                    .rev()
                    .map(|names| self.pop_fields(names, &mut depth))
                    .collect::<Result<Vec<_>, _>>()?;
                fields.reverse();
                Type::Enum(EnumType { name, variants: fields })
            }
        }};
        if depth >= MAX_TYPE_DEPTH {
            return Err(FlatTypeError::TooDeep(self.node));
        }
        self.types.push((ty, depth + 1));
        Ok(())
    }

    fn pop(&mut self, depth: &mut usize) -> Result<Type, FlatTypeError> {
        let (ty, inner) = self.types.pop().ok_or(FlatTypeError::Missing(self.node))?;
        *depth = inner.max(*depth);
        Ok(ty)
    }

    fn pop_many(&mut self, n: usize, depth: &mut usize) -> Result<Vec<Type>, FlatTypeError> {
        let start = self.types.len().checked_sub(n).ok_or(FlatTypeError::Missing(self.node))?;
        let popped = self.types.drain(start..);
        Ok(popped
            .map(|(ty, inner)| {
                *depth = inner.max(*depth);
                ty
            })
            .collect())
    }

    fn pop_fields(&mut self, names: Names, depth: &mut usize) -> Result<Fields, FlatTypeError> {
        let types = self.pop_many(names.fields.len(), depth)?;
        Ok(Fields {
            name: names.name,
            shape: names.shape,
            fields: names.fields.into_iter().zip(types).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ty: &Type) {
        let bytes = postcard::to_allocvec(ty).unwrap();
        assert_eq!(&postcard::from_bytes::<Type>(&bytes).unwrap(), ty);
    }

    fn fields(name: &str, shape: Shape, of: &[(&str, Type)]) -> Fields {
        let fields = of.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        Fields { name: name.to_owned(), shape, fields }
    }

    #[test]
    fn types_survive_the_dictionary() {
        check(&Type::U32);
        check(&Type::Tuple(vec![]));
        check(&Type::Option(Box::new(Type::Array(Box::new(Type::F64), 3))));
        check(&Type::Map(Box::new(Type::Str), Box::new(Type::Slice(Box::new(Type::U8)))));
        check(&Type::Tuple(vec![Type::U8, Type::Tuple(vec![Type::Str, Type::Bool]), Type::I8]));
        check(&Type::Enum(EnumType {
            name: "Side".into(),
            variants: vec![
                fields("Buy", Shape::Unit, &[]),
                fields("Limit", Shape::Struct, &[("px", Type::F64), ("qty", Type::U32)]),
                fields("Pair", Shape::Tuple, &[("", Type::Char), ("", Type::Unit)]),
            ],
        }));
    }

    #[test]
    fn deep_types_are_refused_without_recursion() {
        let mut nodes = vec![25_u8; 1_000_000]; // `Node::Option`
        nodes[0] = 0;
        let mut bytes = postcard::to_allocvec(&(nodes.len() as u32)).unwrap();
        bytes.extend(nodes);
        assert!(postcard::from_bytes::<Type>(&bytes).is_err());
    }

    #[test]
    fn nodes_that_are_not_one_type_are_refused() {
        assert!(postcard::from_bytes::<Type>(&[0]).is_err());
        assert!(postcard::from_bytes::<Type>(&[2, 0, 0]).is_err());
        assert!(postcard::from_bytes::<Type>(&[1, 25]).is_err());
    }
}
