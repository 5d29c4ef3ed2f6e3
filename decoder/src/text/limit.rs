//! Limit on the length of a message.

use stenolog_format::value::{Product, Value};

/// The length after which a message gets no further padding, argument or text, regardless of its values.
///
/// Messages with few values end much earlier: after a mebibyte, to which each value adds 1024 bytes,
/// each byte of text 12, and each byte of a name 2. This is far above what a program logs: it bounds
/// what a hostile dump can make of a few bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// The length that any message may have: enough for some of the widest paddings.
const FREE_BYTES: usize = 1 << 20;

/// The longest float has 309 digits; pretty printing indents by up to 256.
const BYTES_PER_VALUE: usize = 1024;

/// `Debug` may write an escape of ten bytes for a character.
const BYTES_PER_TEXT_BYTE: usize = 12;

/// A name is printed verbatim; in a list, something precedes and follows it.
const BYTES_PER_NAME_BYTE: usize = 2;

/// The end of a message that would have been too long.
pub(crate) const CUT: &str = "… <cut: too long>";

/// Calls `write` to append a message of `values`, up to a length of `out`. If `write` returns `false`
/// because the message is longer, the message ends in [`CUT`].
pub(super) fn within(
    out: &mut String,
    values: &[Value<'_>],
    mut write: impl FnMut(&mut String, usize) -> bool,
) {
    let start = out.len();
    // Nearly all messages are far shorter, so measuring their values is unnecessary.
    if write(out, start.saturating_add(FREE_BYTES)) {
        return;
    }
    out.truncate(start);
    let more = values.iter().map(text_bytes).fold(FREE_BYTES, usize::saturating_add);
    if !write(out, start.saturating_add(more.min(MAX_MESSAGE_BYTES))) {
        out.push_str(CUT);
    }
}

/// Whether a message of these values may be longer than two mebibytes.
pub(crate) fn may_be_long(values: &[Value<'_>]) -> bool {
    sum(values.iter().map(text_bytes)) > FREE_BYTES
}

/// An upper bound of the length of a value's text without padding.
fn text_bytes(value: &Value<'_>) -> usize {
    let within = match value {
        Value::Str(text) | Value::Formatted(text) => text.len().saturating_mul(BYTES_PER_TEXT_BYTE),
        Value::Bytes(bytes) => bytes.len().saturating_mul(BYTES_PER_VALUE),
        Value::Some(inner) => text_bytes(inner),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            sum(items.iter().map(text_bytes))
        }
        Value::Map(entries) => {
            sum(entries.iter().flat_map(|(k, v)| [text_bytes(k), text_bytes(v)]))
        }
        Value::Struct(product) | Value::Variant(product) => product_bytes(product),
        _ => 0,
    };
    within.saturating_add(BYTES_PER_VALUE)
}

fn product_bytes(product: &Product<'_>) -> usize {
    let name = |name: &str| name.len().saturating_mul(BYTES_PER_NAME_BYTE);
    let fields =
        product.fields.iter().map(|(of, value)| name(of).saturating_add(text_bytes(value)));
    name(product.name).saturating_add(sum(fields))
}

fn sum(bytes: impl Iterator<Item = usize>) -> usize {
    bytes.fold(0, usize::saturating_add)
}
