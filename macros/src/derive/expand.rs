//! Expansion of the derive: from the model to tokens.
//!
//! ```text
//!   Value      only for types whose fields are all values: they are written one after the other, straight
//!              from memory
//!   AsRecord   always: fields are written to a buffer as they are recorded, at the call
//!   Derived    the description of what AsRecord writes
//! ```
//!
//! `Value` is unsafe to implement by hand, and right by construction here: it hands the fields, all
//! `Value`s, to functions of the runtime that lay them out. `#![forbid(unsafe_code)]` in the caller
//! does not object, since rustc does not apply a caller's lints to what a macro of another crate
//! wrote.
//!
//! Items of the caller must not interfere: every type and function, primitive types and `Option` included, is
//! named through the runtime's crate, and patterns bind names that no constant has.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use stenolog_format::shape::Shape;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{GenericParam, Lifetime, LifetimeParam, Member, WhereClause, parse_quote};

use super::attributes::How;
use super::model::{Body, Field, Product, Record};
use crate::respan::respan;

/// The implementations.
pub(super) fn expand(record: &Record<'_>) -> TokenStream {
    let krate = match &record.krate {
        Some(path) => path.to_token_stream(),
        None => quote!(::stenolog),
    };
    let expansion = Expansion {
        record,
        private: quote!(#krate::__private),
        out: Ident::new("__stenolog_out", Span::mixed_site()),
        borrow: Lifetime::new("'__stenolog", Span::mixed_site()),
    };
    let value = record.is_plain().then(|| expansion.value());
    let as_record = expansion.as_record();
    let derived = expansion.derived();
    quote! {
        #value
        #as_record
        #derived
    }
}

struct Expansion<'a> {
    record: &'a Record<'a>,
    private: TokenStream,
    /// The pointer to write to.
    out: Ident,
    /// The lifetime of a borrowed value.
    borrow: Lifetime,
}

impl Expansion<'_> {
    fn value(&self) -> TokenStream {
        let Self { record, private, out, .. } = self;
        let ident = record.ident;
        let (impl_generics, type_generics, _) = record.generics.split_for_impl();
        let bounds = self.value_bounds();
        let of = |field: &Field<'_>, constant: &str| {
            let (ty, constant) = (self.plain_type(field), format_ident!("{constant}"));
            quote!(<#ty as #private::Value>::#constant)
        };
        let layout = self.layout(
            &|field| of(field, "SIGNATURE"),
            &|field| of(field, "FIXED_SIZE"),
            &|field| of(field, "BOUND"),
            &|field| {
                let ty = self.plain_type(field);
                quote!(<#ty as #private::Value>::describe())
            },
        );
        let size = self.size();
        let is_short = self.each_product(&|product, is_variant| {
            let short = product.fields.iter().map(|field| {
                let value = self.plain_place(field, is_variant);
                quote!(&& #private::Value::is_short(#value))
            });
            quote!(true #(#short)*)
        });
        let indices = self.indices();
        let write = self.each_product(&|product, is_variant| {
            let index = is_variant.map(|at| {
                let index = &indices[at];
                quote!(let #out = #private::write_index(#out, #index);)
            });
            let writes = product.fields.iter().map(|field| {
                let value = self.plain_place(field, is_variant);
                quote!(let #out = #private::Value::write(#value, #out);)
            });
            quote!({ #index #(#writes)* #out })
        });
        quote! {
            // SAFETY: the fields are written one after the other, and their sizes are added up.
            #[automatically_derived]
            unsafe impl #impl_generics #private::Value for #ident #type_generics #bounds {
                #layout

                #[inline]
                fn size(&self) -> #private::usize {
                    #private::fixed_or(<Self as #private::Value>::FIXED_SIZE, || #size)
                }

                #[inline]
                fn is_short(&self) -> #private::bool {
                    #is_short
                }

                #[inline]
                unsafe fn write(&self, #out: *mut #private::u8) -> *mut #private::u8 {
                    unsafe { let _ = #out; #write }
                }
            }
        }
    }

    /// The sum of the fields' sizes.
    fn size(&self) -> TokenStream {
        let private = &self.private;
        let size = self.each_product(&|product, is_variant| {
            let sizes = product.fields.iter().map(|field| {
                let value = self.plain_place(field, is_variant);
                quote!(#private::Value::size(#value))
            });
            quote!(#private::sum_sizes([#(#sizes),*]))
        });
        match self.record.body {
            Body::Struct(_) => size,
            Body::Enum(_) => quote!(#private::variant_size(#size)),
        }
    }

    fn as_record(&self) -> TokenStream {
        let Self { record, private, out, borrow } = self;
        let ident = record.ident;
        let (impl_generics, type_generics, _) = record.generics.split_for_impl();
        let (bounds, silent) = (self.bounds(), self.silent_bounds());
        let indices = self.indices();
        let prepare = self.each_product(&|product, is_variant| {
            let index = is_variant.map(|at| {
                let index = &indices[at];
                quote!(#private::Buffer::put(#out, &#index);)
            });
            let fields = product.fields.iter().map(|field| {
                let place = self.place(field, is_variant);
                match &field.how {
                    How::Value => quote!(#private::AsRecord::prepare(#place, #out);),
                    How::Recursive => {
                        quote!(#private::Buffer::put(#out, &#private::recursive(#place));)
                    }
                    How::Redacted => quote!(#private::Buffer::put(#out, &#private::Redacted);),
                    How::Display => {
                        quote!(#private::Buffer::put(#out, &#private::display_text(#place));)
                    }
                    How::Debug => {
                        quote!(#private::Buffer::put(#out, &#private::debug_text(#place));)
                    }
                    How::Hex => quote!(#private::Buffer::put(#out, &#private::hex_text(#place));),
                    How::Ascii => {
                        quote!(#private::Buffer::put(#out, &#private::ascii_text(#place));)
                    }
                    How::With(path) => {
                        // Errors about the function point at its path.
                        let call = quote!(#private::AsRecord::prepare(&#path(#place), #out););
                        respan(&call, path.span())
                    }
                }
            });
            quote!({ #index #(#fields)* })
        });
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::AsRecord for #ident #type_generics #bounds {
                type As<#borrow> = #private::Prepared<#private::Laid<#borrow, Self>>
                where
                    Self: #borrow;

                #[inline]
                fn as_record(&self) -> Self::As<'_> {
                    #private::Prepared::of(self)
                }

                #[inline]
                fn prepare(&self, #out: &mut #private::Buffer) {
                    let _ = &mut *#out;
                    #prepare
                }
            }

            #[automatically_derived]
            impl #impl_generics #private::Shown for #ident #type_generics #silent {}
        }
    }

    fn derived(&self) -> TokenStream {
        let Self { record, private, borrow, .. } = self;
        let ident = record.ident;
        let (_, type_generics, _) = record.generics.split_for_impl();
        let mut generics = record.generics.clone();
        let param = GenericParam::Lifetime(LifetimeParam::new(borrow.clone()));
        generics.params.insert(0, param);
        let (impl_generics, ..) = generics.split_for_impl();
        let mut bounds = self.silent_bounds();
        bounds.predicates.push(parse_quote!(Self: #borrow));
        let of = |field: &Field<'_>, constant: &str| {
            let constant = format_ident!("{constant}");
            match &field.how {
                How::With(path) => {
                    // A closure also accepts a function that takes what the field derefs to.
                    let (ty, field) =
                        (field.ty, Ident::new("__stenolog_field", Span::mixed_site()));
                    respan(
                        &quote!(#private::with::<#borrow, #ty, _>(|#field| #path(#field)).#constant),
                        path.span(),
                    )
                }
                _ => {
                    let ty = self.recorded_type(field);
                    quote!(<#ty as #private::Value>::#constant)
                }
            }
        };
        let with_constant = |field: &Field<'_>, constant: &str, name: &str| match field.how {
            How::With(_) => of(field, name),
            _ => of(field, constant),
        };
        let layout = self.layout(
            &|field| with_constant(field, "SIGNATURE", "signature"),
            &|field| with_constant(field, "FIXED_SIZE", "fixed_size"),
            &|field| with_constant(field, "BOUND", "bound"),
            &|field| match &field.how {
                How::With(_) => {
                    let describe = of(field, "describe");
                    quote!((#describe)())
                }
                _ => {
                    let ty = self.recorded_type(field);
                    quote!(<#ty as #private::Value>::describe())
                }
            },
        );
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::Derived<#borrow> for #ident #type_generics #bounds {
                #layout
            }
        }
    }

    /// The constants and the description of the type, from those of the fields.
    fn layout(
        &self,
        signature: &dyn Fn(&Field<'_>) -> TokenStream,
        fixed_size: &dyn Fn(&Field<'_>) -> TokenStream,
        bound: &dyn Fn(&Field<'_>) -> TokenStream,
        describe: &dyn Fn(&Field<'_>) -> TokenStream,
    ) -> TokenStream {
        let private = &self.private;
        let list = |product: &Product<'_>, of: &dyn Fn(&Field<'_>) -> TokenStream| {
            let fields = product.fields.iter().map(of);
            quote!(&[#(#fields),*])
        };
        let parts = |product: &Product<'_>| {
            let name = product.ident.unraw().to_string();
            let shape = match product.shape {
                Shape::Unit => quote!(Unit),
                Shape::Tuple => quote!(Tuple),
                Shape::Struct => quote!(Struct),
            };
            let fields = product.fields.iter().map(|field| &field.name);
            quote!(#name, #private::Shape::#shape, &[#(#fields),*])
        };
        let signature_of = |product: &Product<'_>| {
            let (parts, types) = (parts(product), list(product, signature));
            quote!(#private::product_signature(#parts, #types))
        };
        let fixed_of = |product: &Product<'_>| {
            let sizes = list(product, fixed_size);
            quote!(#private::product_fixed_size(#sizes))
        };
        let bound_of = |product: &Product<'_>| {
            let (parts, bounds) = (parts(product), list(product, bound));
            quote!(#private::product_bound(#parts, #bounds))
        };
        let fields_of = |product: &Product<'_>| {
            let parts = parts(product);
            let types = product.fields.iter().map(describe);
            quote!(#private::describe_fields(#parts, [#(#types),*]))
        };
        let products = self.record.body.products();
        let (signatures, sizes) =
            (products.iter().map(signature_of), products.iter().map(fixed_of));
        let (bounds, fields) = (products.iter().map(bound_of), products.iter().map(fields_of));
        let (signature, fixed_size, bound, describe) = match &self.record.body {
            Body::Struct(_) => (
                quote!(#(#signatures)*),
                quote!(#(#sizes)*),
                quote!(#(#bounds)*),
                quote!(#private::describe_struct(#(#fields)*)),
            ),
            Body::Enum(_) => {
                let name = self.record.ident.unraw().to_string();
                (
                    quote!(#private::enum_signature(#name, &[#(#signatures),*])),
                    quote!(#private::enum_fixed_size(&[#(#sizes),*])),
                    quote!(#private::enum_bound(#name, &[#(#bounds),*])),
                    quote!(#private::describe_enum(#name, [#(#fields),*])),
                )
            }
        };
        quote! {
            const SIGNATURE: #private::u64 = #signature;
            const FIXED_SIZE: #private::Option<#private::usize> = #fixed_size;
            const BOUND: #private::Bound = #bound;

            fn describe() -> #private::Type {
                #describe
            }
        }
    }

    /// Code for the struct, or an arm for each variant, with its index.
    fn each_product(
        &self,
        code: &dyn Fn(&Product<'_>, Option<usize>) -> TokenStream,
    ) -> TokenStream {
        match &self.record.body {
            Body::Struct(product) => code(product, None),
            Body::Enum(variants) if variants.is_empty() => quote!(match *self {}),
            Body::Enum(variants) => {
                let arms = variants.iter().enumerate().map(|(at, variant)| {
                    let (pattern, code) = (pattern(variant), code(variant, Some(at)));
                    quote!(#pattern => #code,)
                });
                quote!(match self { #(#arms)* })
            }
        }
    }

    /// The numbers of the variants.
    fn indices(&self) -> Vec<TokenStream> {
        (0..=u16::MAX).zip(self.record.body.products()).map(|(at, _)| quote!(#at)).collect()
    }

    /// A reference to a field that is not redacted.
    fn place(&self, field: &Field<'_>, variant: Option<usize>) -> TokenStream {
        let member = &field.member;
        match variant {
            Some(_) => binding(field).into_token_stream(),
            None if self.record.is_packed => quote!(&{ self.#member }),
            None => quote!(&self.#member),
        }
    }

    /// A reference to the recorded value of a field.
    fn plain_place(&self, field: &Field<'_>, variant: Option<usize>) -> TokenStream {
        let private = &self.private;
        match field.how {
            How::Redacted => quote!(&#private::Redacted),
            _ => self.place(field, variant),
        }
    }

    /// The type that is recorded for a field straight from memory.
    fn plain_type(&self, field: &Field<'_>) -> TokenStream {
        let private = &self.private;
        match field.how {
            How::Redacted => quote!(#private::Redacted),
            _ => field.ty.to_token_stream(),
        }
    }

    /// The type that is made of a field at the call, except by functions of the caller.
    fn recorded_type(&self, field: &Field<'_>) -> TokenStream {
        let Self { private, borrow, .. } = self;
        let ty = field.ty;
        match field.how {
            How::Value | How::With(_) => quote!(<#ty as #private::AsRecord>::As<#borrow>),
            How::Recursive => quote!(#private::Serialized),
            How::Redacted => quote!(#private::Redacted),
            How::Display | How::Debug | How::Hex | How::Ascii => quote!(#private::Text),
        }
    }

    /// The bounds of the fields' types. Those that depend on a type parameter are bounds of the implementation;
    /// for others rustc checks them here and only here, so a type that cannot be recorded is one error, at the
    /// field.
    fn bounds(&self) -> WhereClause {
        self.each_bound(&|field| {
            let ty = field.ty;
            let bound = respan(&self.bound(field)?, ty.span());
            Some(parse_quote!(#ty: #bound))
        })
    }

    /// The bound of a field's type.
    fn bound(&self, field: &Field<'_>) -> Option<TokenStream> {
        let private = &self.private;
        Some(match field.how {
            How::Value => quote!(#private::AsRecord),
            How::Display => quote!(#private::Display),
            How::Debug => quote!(#private::Debug),
            How::Hex => quote!(#private::Hex),
            How::Ascii => quote!(#private::Ascii),
            // A bound that depends on itself has no end.
            How::Recursive | How::Redacted | How::With(_) => return None,
        })
    }

    /// The same, but an unmet bound leaves out the implementation instead of being an error: rustc checks at
    /// once only bounds that depend on nothing, not even a lifetime.
    fn silent_bounds(&self) -> WhereClause {
        let unused = self.unused();
        self.each_bound(&|field| {
            let (ty, bound) = (field.ty, self.bound(field)?);
            Some(parse_quote!(for<#unused> #ty: #bound))
        })
    }

    /// As [`silent_bounds`](Self::silent_bounds): all fields are values.
    fn value_bounds(&self) -> WhereClause {
        let (private, unused) = (&self.private, self.unused());
        self.each_bound(&|field| {
            let ty = field.ty;
            matches!(field.how, How::Value).then(|| parse_quote!(for<#unused> #ty: #private::Value))
        })
    }

    fn unused(&self) -> Lifetime {
        Lifetime::new(&format!("'{}_unused", self.borrow.ident), Span::mixed_site())
    }

    fn each_bound(&self, bound: &dyn Fn(&Field<'_>) -> Option<syn::WherePredicate>) -> WhereClause {
        let mut bounds =
            self.record.generics.where_clause.clone().unwrap_or_else(|| parse_quote!(where));
        let fields = self.record.body.products().iter().flat_map(|product| &product.fields);
        bounds.predicates.extend(fields.filter_map(bound));
        bounds
    }
}

/// `Self::Name { x: .., .. }`, which binds the fields that are read.
fn pattern(product: &Product<'_>) -> TokenStream {
    let ident = product.ident;
    let fields = product.fields.iter().filter(|field| !matches!(field.how, How::Redacted));
    let (members, bindings): (Vec<_>, Vec<_>) =
        fields.map(|field| (&field.member, binding(field))).unzip();
    quote!(Self::#ident { #(#members: #bindings,)* .. })
}

/// A name that no constant has.
fn binding(field: &Field<'_>) -> Ident {
    let member = match &field.member {
        Member::Named(name) => name.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    };
    format_ident!("__stenolog_field_{member}", span = Span::mixed_site())
}
