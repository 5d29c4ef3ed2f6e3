//! What reports on dumps share.

use serde_json::{Value, json};
use stenolog_decoder::Damage;

/// The damage as a list of objects.
pub(super) fn damage_json(damage: &[Damage]) -> Value {
    let object = |damage: &Damage| {
        json!({
            "offset": damage.offset,
            "bytes": damage.bytes,
            "cause": damage.cause.to_string(),
        })
    };
    damage.iter().map(object).collect()
}
