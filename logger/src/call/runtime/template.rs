//! Messages that are described at run time, and their normalized form, in which placeholders name slots by index.

use stenolog_format::template::{Argument, Count, Piece, Precision, Template};

/// Literal text as a template: its braces are doubled.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A template whose placeholders name slots by index, and which slots these are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Normalized {
    pub(super) template: String,
    /// Whether the message prints the value.
    pub(super) is_printed: Vec<bool>,
}

/// Normalizes a message for a record with `values` values, the last of which have these names.
///
/// As in `format!`, values without a name come first. If there are as many names as values, `{}` refers to the
/// values in order. A message that is no template, or that refers to something else, is literal text.
pub(super) fn normalize(message: &str, names: &[&str], values: usize) -> Normalized {
    let mut is_printed = vec![false; values];
    let template = Template::parse(message).ok();
    let template = template.and_then(|parsed| write(message, &parsed, names, &mut is_printed));
    let template = template.unwrap_or_else(|| {
        is_printed.fill(false);
        escaped(message)
    });
    Normalized { template, is_printed }
}

/// The number of values in front of those with names.
pub(super) const fn unnamed(names: &[&str], values: usize) -> usize {
    values.saturating_sub(names.len())
}

fn write(
    message: &str,
    parsed: &Template<'_>,
    names: &[&str],
    is_printed: &mut [bool],
) -> Option<String> {
    let first = unnamed(names, is_printed.len());
    let mut next = 0;
    let mut text = String::new();
    for piece in &parsed.pieces {
        let place = match piece {
            Piece::Literal(literal) => {
                text.push_str(&escaped(literal));
                continue;
            }
            Piece::Placeholder(place) => place,
        };
        let by_value = |count: &Count<'_>| matches!(count, Count::Argument(_));
        let by_count = place.spec.width.as_ref().is_some_and(by_value)
            || place.spec.precision.as_ref().is_some_and(
                |precision| !matches!(precision, Precision::Count(count) if !by_value(count)),
            );
        if by_count {
            return None;
        }
        let slot = match place.argument {
            Argument::Next => {
                next += 1;
                next - 1
            }
            Argument::Index(index) => index,
            Argument::Name(name) => first + names.iter().position(|known| *known == name)?,
        };
        *is_printed.get_mut(slot)? = true;
        let spec = message.get(place.span.clone())?;
        let spec = spec.find(':').map_or("}", |colon| &spec[colon..]);
        text.push_str(&format!("{{{slot}{spec}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, names: &[&str], values: usize, expected: &str) {
        assert_eq!(normalize(message, names, values).template, expected);
    }

    #[test]
    fn placeholders_name_slots_by_index() {
        check("msg {} {a}", &["a", "user.id"], 3, "msg {0} {1}");
        check("msg {} {a}", &["a", "user.id"], 2, "msg {0} {0}");
        check("{a:>5} {{x}} {1:.2}", &["a", "b"], 2, "{0:>5} {{x}} {1:.2}");
        check("{b} {c}", &["b"], 1, "{{b}} {{c}}");
        check("open {", &[], 0, "open {{");
        check("{} {}", &[], 1, "{{}} {{}}");
        check("{:1$}", &[], 2, "{{:1$}}");
        check("plain", &["a"], 1, "plain");
    }
}
