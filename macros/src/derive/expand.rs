//! Model in, tokens out.
//!
//! The implementation is unsafe to write by hand, as `Value` is an unsafe trait, and is right by
//! construction here: it hands the fields, all `Value`s, to functions of the runtime that lay them
//! out. `#![forbid(unsafe_code)]` in the caller does not object, since rustc does not apply a
//! caller's lints to what a macro of another crate wrote.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use stenolog_format::types::Shape;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{WhereClause, parse_quote};

use super::model::{Body, Product, Record};
use crate::locate::locate;

/// The implementation of `Value`.
pub(super) fn expand(record: &Record<'_>) -> TokenStream {
    let Record { ident, generics, .. } = record;
    let krate = match &record.krate {
        Some(path) => path.to_token_stream(),
        None => quote!(::stenolog),
    };
    let private = quote!(#krate::__private);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let bounds = bounds(record, where_clause, &private);
    let Methods { signature, fixed_size, describe, size, is_short, write } = match &record.body {
        Body::Struct(product) => of_struct(product, record.is_packed, &private),
        Body::Enum(variants) => of_enum(ident, variants, &private),
    };
    quote! {
        // SAFETY: the runtime writes the fields one after the other and adds up their sizes.
        #[automatically_derived]
        unsafe impl #impl_generics #private::Value for #ident #type_generics #bounds {
            const SIGNATURE: u64 = #signature;
            const FIXED_SIZE: ::core::option::Option<usize> = #fixed_size;

            fn describe() -> #private::Type {
                #describe
            }

            #[inline]
            fn size(&self) -> usize {
                #size
            }

            #[inline]
            fn is_short(&self) -> bool {
                #is_short
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                #write
            }
        }
    }
}

/// Each field's type must be recordable. For one that depends on a type parameter this is a bound
/// of the implementation; for others it is a check, which rustc makes here and only here, so that
/// a type that is not recordable is one error, at the field.
fn bounds(
    record: &Record<'_>,
    where_clause: Option<&WhereClause>,
    private: &TokenStream,
) -> WhereClause {
    let mut bounds = where_clause.cloned().unwrap_or_else(|| parse_quote!(where));
    for field in record.body.products().iter().flat_map(|product| &product.fields) {
        let ty = field.ty;
        let bound = locate(&quote!(#private::Value), ty.span());
        bounds.predicates.push(parse_quote!(#ty: #bound));
    }
    bounds
}

/// The items of the implementation.
struct Methods {
    signature: TokenStream,
    fixed_size: TokenStream,
    describe: TokenStream,
    size: TokenStream,
    is_short: TokenStream,
    write: TokenStream,
}

fn of_struct(product: &Product<'_>, is_packed: bool, private: &TokenStream) -> Methods {
    let types = types(product);
    let parts = parts(product, private);
    let values = list(product.fields.iter().map(|field| {
        let member = &field.member;
        if is_packed { quote!(&{ self.#member }) } else { quote!(&self.#member) }
    }));
    Methods {
        signature: quote!(#private::product_signature::<#types>(#parts)),
        fixed_size: quote!(<#types as #private::Args>::FIXED_SIZE),
        describe: quote!(#private::describe_struct::<#types>(#parts)),
        size: quote!(#private::Args::size(&#values)),
        is_short: quote!(#private::Args::is_short(&#values)),
        write: quote!(unsafe { #private::Args::write(&#values, out) }),
    }
}

fn of_enum(ident: &Ident, variants: &[Product<'_>], private: &TokenStream) -> Methods {
    let name = ident.unraw().to_string();
    let types: Vec<_> = variants.iter().map(types).collect();
    let parts: Vec<_> = variants.iter().map(|variant| parts(variant, private)).collect();
    let patterns: Vec<_> = variants.iter().map(pattern).collect();
    let values: Vec<_> = variants
        .iter()
        .map(|variant| list(bindings(variant).map(ToTokens::into_token_stream)))
        .collect();
    let indices = 0_u16..=u16::MAX;
    let (size, is_short, write) = if variants.is_empty() {
        (
            quote!(match *self {}),
            quote!(match *self {}),
            quote!({
                let _ = out;
                match *self {}
            }),
        )
    } else {
        (
            quote!(match self { #(#patterns => #private::variant_size(&#values),)* }),
            quote!(match self { #(#patterns => #private::Args::is_short(&#values),)* }),
            quote!(unsafe {
                match self { #(#patterns => #private::write_variant(out, #indices, &#values),)* }
            }),
        )
    };
    Methods {
        signature: quote! {
            #private::enum_signature(#name, &[#(#private::product_signature::<#types>(#parts)),*])
        },
        fixed_size: quote! {
            #private::enum_fixed_size(&[#(<#types as #private::Args>::FIXED_SIZE),*])
        },
        describe: quote! {
            #private::describe_enum(#name, [#(#private::describe_fields::<#types>(#parts)),*])
        },
        size,
        is_short,
        write,
    }
}

/// Name, shape and names of the fields, as the runtime takes them.
fn parts(product: &Product<'_>, private: &TokenStream) -> TokenStream {
    let name = product.ident.unraw().to_string();
    let shape = match product.shape {
        Shape::Unit => quote!(Unit),
        Shape::Tuple => quote!(Tuple),
        Shape::Struct => quote!(Struct),
    };
    let fields = product.field_names();
    quote!(#name, #private::Shape::#shape, &[#(#fields),*])
}

/// `(A, (B, ()))`
fn types(product: &Product<'_>) -> TokenStream {
    list(product.fields.iter().map(|field| field.ty.to_token_stream()))
}

/// `Self::Name { x: f0, y: f1 }`
fn pattern(product: &Product<'_>) -> TokenStream {
    let ident = product.ident;
    let members = product.fields.iter().map(|field| &field.member);
    let bindings = bindings(product);
    quote!(Self::#ident { #(#members: #bindings),* })
}

fn bindings(product: &Product<'_>) -> impl DoubleEndedIterator<Item = Ident> {
    (0..product.fields.len()).map(|index| format_ident!("f{index}", span = Span::mixed_site()))
}

fn list(items: impl DoubleEndedIterator<Item = TokenStream>) -> TokenStream {
    items.rev().fold(quote!(()), |rest, item| quote!((#item, #rest)))
}
