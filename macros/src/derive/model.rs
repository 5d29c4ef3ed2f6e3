//! Model of a type that keeps every rule of the derive. Makes no tokens; `syn` parses the syntax.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use stenolog_format::shape::Shape;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, Member, Path, Type};

use super::attributes::{self, FieldAttributes, How};
use crate::errors::Errors;

/// A type that keeps every rule.
pub(super) struct Record<'a> {
    /// The path of `stenolog`.
    pub(super) krate: Option<Path>,
    pub(super) ident: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) body: Body<'a>,
    /// Whether fields cannot be borrowed in place.
    pub(super) is_packed: bool,
}

/// The body of the type.
pub(super) enum Body<'a> {
    Struct(Product<'a>),
    Enum(Vec<Product<'a>>),
}

/// A struct or a variant.
pub(super) struct Product<'a> {
    pub(super) ident: &'a Ident,
    pub(super) shape: Shape,
    /// The fields that are not skipped.
    pub(super) fields: Vec<Field<'a>>,
}

/// A field of a struct or of a variant.
pub(super) struct Field<'a> {
    pub(super) member: Member,
    /// Its name in the dump; empty in a tuple.
    pub(super) name: String,
    pub(super) ty: &'a Type,
    pub(super) how: How,
}

impl<'a> Record<'a> {
    /// Checks a type, and reports every rule that it breaks.
    pub(super) fn check(input: &'a DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let krate = attributes::of_container(&input.attrs, &mut errors);
        let body = match &input.data {
            Data::Struct(data) => {
                Body::Struct(Product::new(&input.ident, &input.ident, &data.fields, &mut errors))
            }
            Data::Enum(data) => {
                let mut variant = |it: &'a syn::Variant| {
                    attributes::of_variant(&it.attrs, &mut errors);
                    Product::new(&it.ident, &input.ident, &it.fields, &mut errors)
                };
                Body::Enum(data.variants.iter().map(&mut variant).collect())
            }
            Data::Union(data) => {
                let text = "a union cannot be recorded: nothing says which field is valid";
                return Err(syn::Error::new(data.union_token.span, text));
            }
        };
        if let Body::Enum(variants) = &body
            && let Some(variant) = variants.get(usize::from(u16::MAX) + 1)
        {
            let text = "an enum with more than 65,536 variants cannot be recorded";
            errors.push(variant.ident.span(), text);
        }
        errors.none_or(())?;
        Ok(Self {
            krate,
            ident: &input.ident,
            generics: &input.generics,
            body,
            is_packed: is_packed(&input.attrs),
        })
    }

    /// Whether all fields are recorded straight from memory, without a conversion at the call.
    pub(super) fn is_plain(&self) -> bool {
        let fields = self.body.products().iter().flat_map(|product| &product.fields);
        fields.into_iter().all(|field| matches!(field.how, How::Value | How::Redacted))
    }
}

impl<'a> Body<'a> {
    /// The struct, or the variants.
    pub(super) fn products(&self) -> &[Product<'a>] {
        match self {
            Self::Struct(product) => std::slice::from_ref(product),
            Self::Enum(variants) => variants,
        }
    }
}

impl<'a> Product<'a> {
    /// `of` is the type that the product belongs to.
    fn new(ident: &'a Ident, of: &Ident, fields: &'a Fields, errors: &mut Errors) -> Self {
        let shape = match fields {
            Fields::Named(_) => Shape::Struct,
            Fields::Unnamed(_) => Shape::Tuple,
            Fields::Unit => Shape::Unit,
        };
        let mut recorded: Vec<Field<'a>> = Vec::new();
        for (field, member) in fields.iter().zip(fields.members()) {
            let FieldAttributes { how, rename } =
                attributes::of_field(&field.attrs, &member, errors);
            let how = match how {
                None => continue,
                Some(How::Value) if names_itself(&field.ty, of) => How::Recursive,
                Some(how) => how,
            };
            let name = match (&rename, &member) {
                (Some(name), _) => name.value(),
                (None, Member::Named(name)) => name.unraw().to_string(),
                (None, Member::Unnamed(_)) => String::new(),
            };
            if shape == Shape::Struct && recorded.iter().any(|other| other.name == name) {
                let text = format!("two fields would be recorded as `{name}`");
                let span = rename.map_or_else(|| member.span(), |name| name.span());
                errors.push(span, text);
            }
            recorded.push(Field { member, name, ty: &field.ty, how });
        }
        Self { ident, shape, fields: recorded }
    }
}

fn is_packed(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("repr"))
        .any(|attribute| mentions_word(attribute.meta.to_token_stream(), "packed"))
}

/// Whether a type contains the type of that name, in the most common ways to write it. Other ways need
/// `#[record(recursive)]`, and without it are errors of rustc's, about a cycle.
///
/// `Self::Item`, `Self::LEN` and `<Self as Trait>::Item` name an item of the type, not the type.
fn names_itself(ty: &Type, ident: &Ident) -> bool {
    fn scan(tokens: TokenStream, ident: &Ident) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                // `module::Name` is another type.
                TokenTree::Ident(name)
                    if (name == ident || name == "Self")
                        && !(at > 0 && is_punct(&tokens, at - 1, ':'))
                        && !is_front_of_path(&tokens, at + 1) =>
                {
                    return true;
                }
                TokenTree::Group(group) if scan(group.stream(), ident) => return true,
                TokenTree::Punct(punct) if punct.as_char() == '<' => {
                    // `<Type as Trait>` is not a part of the type.
                    let end = angle_end(&tokens, at);
                    let is_as =
                        |token: &TokenTree| matches!(token, TokenTree::Ident(word) if word == "as");
                    if tokens[at..end].iter().any(is_as) && is_front_of_path(&tokens, end) {
                        at = end;
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        false
    }

    scan(ty.to_token_stream(), ident)
}

fn is_punct(tokens: &[TokenTree], at: usize, char: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

/// Whether `::` follows, possibly after generic arguments.
fn is_front_of_path(tokens: &[TokenTree], mut at: usize) -> bool {
    if is_punct(tokens, at, '<') {
        at = angle_end(tokens, at);
    }
    is_punct(tokens, at, ':') && is_punct(tokens, at + 1, ':')
}

/// The index after the `>` that closes the `<` at `at`.
fn angle_end(tokens: &[TokenTree], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < tokens.len() {
        if is_punct(tokens, at, '<') {
            depth += 1;
        } else if is_punct(tokens, at, '>') && !(at > 0 && is_punct(tokens, at - 1, '-')) {
            depth = depth.saturating_sub(1);
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

fn mentions_word(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions_word(group.stream(), word),
        _ => false,
    })
}
