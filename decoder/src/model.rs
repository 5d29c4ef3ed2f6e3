//! Records, losses, call sites and damage: the facts that a dump holds, without any text.

pub(crate) mod damage;
pub(crate) mod entry;
pub(crate) mod site;
pub(crate) mod state;
