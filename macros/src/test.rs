//! Test: `#[stenolog::test]`, which gives a test what it logs.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{ItemFn, Path, ReturnType, Token};

use crate::errors::Errors;

/// The test function that calls the annotated one.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    build(arguments, &item).unwrap_or_else(|error| {
        let error = error.to_compile_error();
        quote!(#error #item)
    })
}

fn build(arguments: TokenStream, item: &TokenStream) -> syn::Result<TokenStream> {
    let krate = parse_arguments(arguments)?;
    let function: ItemFn = syn::parse2(item.clone())?;
    check(&function)?;
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let (name, output, inputs) = (&sig.ident, &sig.output, &sig.inputs);
    let argument = (!inputs.is_empty()).then(|| quote!(log.clone()));
    let returned = match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, returned) => quote!(#returned),
    };
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() #output {
            fn test(#inputs) #output #block
            let log = #krate::testing::capture();
            let outcome: #returned = test(#argument);
            #krate::testing::tell_if_failed(&log, &outcome);
            outcome
        }
    })
}

/// `crate = path`
fn parse_arguments(arguments: TokenStream) -> syn::Result<TokenStream> {
    if arguments.is_empty() {
        return Ok(quote!(::stenolog));
    }
    let parse = |input: syn::parse::ParseStream<'_>| {
        if !input.peek(Token![crate]) {
            return Err(input.error("expected nothing, or `crate = path`"));
        }
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        input.call(Path::parse_mod_style)
    };
    let path = syn::parse::Parser::parse2(parse, arguments)?;
    Ok(quote!(#path))
}

fn check(function: &ItemFn) -> syn::Result<()> {
    let mut errors = Errors::default();
    let signature = &function.sig;
    if let Some(asyncness) = &signature.asyncness {
        let text = "an async test takes the attribute of its runtime, and calls `stenolog::testing::capture()`";
        errors.push(asyncness.span(), text);
    }
    if signature.inputs.len() > 1 {
        errors.push(
            signature.inputs.span(),
            "a test takes `stenolog::testing::Captured` and nothing else",
        );
    }
    if !signature.generics.params.is_empty() {
        errors.push(signature.generics.span(), "a test has no generic parameters");
    }
    let is_test = |attribute: &&syn::Attribute| attribute.path().is_ident("test");
    if let Some(test) = function.attrs.iter().find(is_test) {
        errors.push(test.span(), "`#[stenolog::test]` makes it a test already");
    }
    errors.none_or(())
}
