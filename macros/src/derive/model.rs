//! Every rule of the derive; makes no tokens. The syntax before it is `syn`'s.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use stenolog_format::types::Shape;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, Member, Path, Type};

/// A type that keeps all rules.
pub(super) struct Record<'a> {
    /// Where `stenolog` is.
    pub(super) krate: Option<Path>,
    pub(super) ident: &'a Ident,
    pub(super) generics: &'a Generics,
    pub(super) body: Body<'a>,
    /// Fields cannot be borrowed where they lie.
    pub(super) is_packed: bool,
}

/// What the type is made of.
pub(super) enum Body<'a> {
    Struct(Product<'a>),
    Enum(Vec<Product<'a>>),
}

/// A struct or a variant.
pub(super) struct Product<'a> {
    pub(super) ident: &'a Ident,
    pub(super) shape: Shape,
    pub(super) fields: Vec<Field<'a>>,
}

/// A field of a struct or of a variant.
pub(super) struct Field<'a> {
    pub(super) member: Member,
    pub(super) ty: &'a Type,
}

impl<'a> Record<'a> {
    /// Checks a type by all rules and reports every one that is broken.
    pub(super) fn check(input: &'a DeriveInput) -> syn::Result<Self> {
        let mut errors = Vec::new();
        let krate = parse_attributes(&input.attrs).unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        let body = match &input.data {
            Data::Struct(data) => Body::Struct(Product::new(&input.ident, &data.fields)),
            Data::Enum(data) => Body::Enum(
                data.variants.iter().map(|it| Product::new(&it.ident, &it.fields)).collect(),
            ),
            Data::Union(data) => {
                let text = "a union cannot be recorded: nothing says which field is valid";
                return Err(syn::Error::new(data.union_token.span, text));
            }
        };
        if let Body::Enum(variants) = &body
            && let Some(variant) = variants.get(usize::from(u16::MAX) + 1)
        {
            let text = "an enum with more than 65,536 variants cannot be recorded";
            errors.push(syn::Error::new(variant.ident.span(), text));
        }
        for field in body.products().iter().flat_map(|product| &product.fields) {
            if names_itself(field.ty, &input.ident) {
                let text = "a type that contains itself cannot be recorded as typed values; log it \
                            as text with `?value` or `%value`";
                errors.push(syn::Error::new(field.ty.span(), text));
            }
        }
        let errors = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        let record = Self {
            krate,
            ident: &input.ident,
            generics: &input.generics,
            body,
            is_packed: is_packed(&input.attrs),
        };
        errors.map_or(Ok(record), Err)
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
    fn new(ident: &'a Ident, fields: &'a Fields) -> Self {
        let shape = match fields {
            Fields::Named(_) => Shape::Struct,
            Fields::Unnamed(_) => Shape::Tuple,
            Fields::Unit => Shape::Unit,
        };
        let fields = fields.iter().zip(fields.members());
        let fields = fields.map(|(field, member)| Field { member, ty: &field.ty }).collect();
        Self { ident, shape, fields }
    }

    /// The names of the fields; those of a tuple are empty.
    pub(super) fn field_names(&self) -> impl Iterator<Item = String> {
        self.fields.iter().map(|field| match &field.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(_) => String::new(),
        })
    }
}

/// `#[record(crate = path)]`
fn parse_attributes(attributes: &[Attribute]) -> syn::Result<Option<Path>> {
    let mut krate = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown attribute, expected `crate = path`"));
            }
            let path = meta.value()?.call(Path::parse_mod_style)?;
            match krate.replace(path) {
                None => Ok(()),
                Some(_) => Err(meta.error("`crate` is given twice")),
            }
        })?;
    }
    Ok(krate)
}

fn is_packed(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("repr"))
        .any(|attribute| mentions_word(attribute.meta.to_token_stream(), "packed"))
}

/// Whether a type contains the type of that name in the most common ways to say so. What slips
/// through is an error as well, but rustc's, about a cycle of constants.
fn names_itself(ty: &Type, ident: &Ident) -> bool {
    struct Finder<'a>(&'a Ident, bool);

    impl Finder<'_> {
        fn scan(&mut self, tokens: TokenStream) {
            let mut before = None;
            for token in tokens {
                match &token {
                    TokenTree::Ident(name)
                        if before != Some(':') && (name == self.0 || name == "Self") =>
                    {
                        self.1 = true;
                    }
                    TokenTree::Group(group) => self.scan(group.stream()),
                    _ => {}
                }
                before = match &token {
                    TokenTree::Punct(punct) => Some(punct.as_char()),
                    _ => None,
                };
            }
        }
    }

    let mut finder = Finder(ident, false);
    finder.scan(ty.to_token_stream());
    finder.1
}

fn mentions_word(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions_word(group.stream(), word),
        _ => false,
    })
}
