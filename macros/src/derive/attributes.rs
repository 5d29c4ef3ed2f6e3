//! Attributes of the derive, `#[record(..)]`.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, LitStr, Member, Path};

use crate::errors::Errors;

/// How a field is recorded.
#[derive(Clone)]
pub(super) enum How {
    /// As its type is.
    Value,
    /// As a self-describing value, because its type contains that of the field.
    Recursive,
    /// As a mark; the value is not read.
    Redacted,
    /// Its `Display`, formatted at the call.
    Display,
    /// Its `Debug`, formatted at the call.
    Debug,
    /// Hexadecimal digits, made at the call.
    Hex,
    /// Bytes as text with escapes, made at the call.
    Ascii,
    /// The result of a function, called at the call.
    With(Path),
}

/// The attributes of a field.
pub(super) struct FieldAttributes {
    /// `None` if it is skipped.
    pub(super) how: Option<How>,
    pub(super) rename: Option<LitStr>,
}

const OF_FIELDS: &str = "`skip`, `redact`, `display`, `debug`, `hex`, `ascii`, `recursive`, `with = path` or `rename = \"name\"`";

/// `#[record(crate = path)]`
pub(super) fn of_container(attributes: &[Attribute], errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    each(attributes, errors, |meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error(format!(
                "unknown attribute, expected `crate = path`; on fields there are {OF_FIELDS}"
            )));
        }
        let path = meta.value()?.call(Path::parse_mod_style)?;
        match krate.replace(path) {
            None => Ok(()),
            Some(_) => Err(meta.error("`crate` is given twice")),
        }
    });
    krate
}

/// Refuses attributes of a variant.
pub(super) fn of_variant(attributes: &[Attribute], errors: &mut Errors) {
    each(attributes, errors, |meta| {
        let text = format!("a variant takes no such attribute; its fields take {OF_FIELDS}");
        Err(meta.error(text))
    });
}

/// The attributes of a field, if they agree.
pub(super) fn of_field(
    attributes: &[Attribute],
    member: &Member,
    errors: &mut Errors,
) -> FieldAttributes {
    let mut forms: Vec<(Span, &'static str, Option<How>)> = Vec::new();
    let mut rename: Option<LitStr> = None;
    each(attributes, errors, |meta| {
        if meta.path.is_ident("rename") {
            let name: LitStr = meta.value()?.parse()?;
            if matches!(member, Member::Unnamed(_)) {
                return Err(meta.error("a field without a name cannot be renamed"));
            }
            if name.value().is_empty() {
                return Err(syn::Error::new(name.span(), "a field needs a name"));
            }
            return match rename.replace(name) {
                None => Ok(()),
                Some(_) => Err(meta.error("`rename` is given twice")),
            };
        }
        let (word, how) = form(&meta)?;
        match forms.first() {
            None => {}
            Some((_, first, _)) if *first == word => {
                return Err(meta.error(format!("`{word}` is given twice")));
            }
            Some((_, first, _)) => {
                return Err(meta.error(format!(
                    "`{word}` contradicts `{first}`: a field is recorded in one way"
                )));
            }
        }
        forms.push((meta.path.span(), word, how));
        Ok(())
    });
    let how = match forms.pop() {
        None => Some(How::Value),
        Some((_, _, how)) => how,
    };
    if how.is_none()
        && let Some(name) = &rename
    {
        let text = "a field that is skipped has no name in the log";
        errors.push(name.span(), text);
    }
    FieldAttributes { how, rename }
}

/// One of the ways to record a field; `None` for not at all.
fn form(meta: &ParseNestedMeta<'_>) -> syn::Result<(&'static str, Option<How>)> {
    Ok(match meta.path.get_ident().map(ToString::to_string).as_deref() {
        Some("skip") => ("skip", None),
        Some("redact") => ("redact", Some(How::Redacted)),
        Some("display") => ("display", Some(How::Display)),
        Some("debug") => ("debug", Some(How::Debug)),
        Some("hex") => ("hex", Some(How::Hex)),
        Some("ascii") => ("ascii", Some(How::Ascii)),
        Some("recursive") => ("recursive", Some(How::Recursive)),
        Some("with") => ("with", Some(How::With(meta.value()?.parse()?))),
        Some("crate") => {
            return Err(meta.error("`crate = path` belongs on the struct or enum, not on a field"));
        }
        _ => return Err(meta.error(format!("unknown attribute, expected {OF_FIELDS}"))),
    })
}

/// Parses all `#[record(..)]`, each up to its first error.
fn each(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut read: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("record")) {
        if let Err(error) = attribute.parse_nested_meta(&mut read) {
            errors.add(error);
        }
    }
}
