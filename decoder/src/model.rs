//! Records, losses, call sites and damage: the facts that a dump holds, without any rendered text.

pub(crate) mod damage;
pub(crate) mod entry;
pub(crate) mod loss;
pub(crate) mod origin;
pub(crate) mod owned;
pub(crate) mod raw_values;
pub(crate) mod record;
pub(crate) mod site;
pub(crate) mod span;
pub(crate) mod span_event;
pub(crate) mod state;
