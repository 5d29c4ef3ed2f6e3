//! Conditions on the spans that a record is in: `span.NAME=VALUE`.

use super::field::FieldMatch;
use crate::model::site::CompiledSite;
use crate::model::span::Span;

impl FieldMatch {
    /// Whether it may be met by a span that a record is in.
    pub(super) const fn is_of_spans(&self) -> bool {
        self.of_span.is_some()
    }

    /// Whether it is a condition on spans, and the call site gives spans such a field.
    pub(super) fn is_known_to_spans(&self, site: &CompiledSite) -> bool {
        let Some(of) = &self.of_span else { return false };
        let event = site.span_event().filter(|_| site.is_span_event());
        event.is_some_and(|event| event.begins() && of.is_built_in() || of.names_slot_of(site))
    }

    /// Whether the name is that of something which every span has.
    fn is_built_in(&self) -> bool {
        matches!(self.name(), "name" | "id")
    }

    /// Whether a span meets the condition, whose name is without `span.`.
    pub(super) fn is_met(&self, span: &Span<'_>, text: &mut String) -> bool {
        match self.name() {
            "name" => span.name().is_some_and(|name| self.is_text(name)),
            "id" => self.is_integer(span.id().into()),
            _ => span.named_values().iter().any(|(field, value)| {
                let path = self.path_in(&field.name, field);
                path.is_some_and(|path| self.matches_in(value, path, text))
            }),
        }
    }
}
