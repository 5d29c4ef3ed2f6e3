//! The records of enter, exit, close and follows: a call site each, which all spans share.

use stenolog_format::dictionary::{Level, Role};
use stenolog_format::span::{EVENT_TARGET, SpanEvent};

use super::current::{depth, pop, push};
use super::home::{at_home, depth_of, leave};
use crate::call::capture::hidden;
use crate::call::emit::emit;
use crate::call::time::Now;
use crate::registry::site::{Meta, Site, SlotMeta};

const HIDDEN: SlotMeta = SlotMeta { name: "", role: Role::Count };

macro_rules! sites {
    ($($name:ident $meta:ident $event:ident $word:literal $hidden:expr;)+) => {$(
        static $meta: Meta = Meta {
            level: Level::Trace,
            target: EVENT_TARGET,
            module: module_path!(),
            file: file!(),
            line: line!(),
            column: column!(),
            template: Some($word),
            slots: &$hidden,
            event: Some(SpanEvent::$event),
        };
        static $name: Site = Site::new(&$meta);
    )+};
}

sites! {
    ENTER ENTER_META Enter "enter" [HIDDEN; 2];
    EXIT EXIT_META Exit "exit" [HIDDEN; 2];
    END END_META ExitClose "exit, close" [HIDDEN; 2];
    CLOSE CLOSE_META Close "close" [HIDDEN; 1];
    FOLLOWS FOLLOWS_META Follows "follows from" [HIDDEN; 2];
}

/// This thread enters a span.
#[inline]
pub(crate) fn enter(id: u64) {
    let depth = depth_of(id, depth()) + 1;
    at_home(id, || emit(&ENTER, Now, (hidden(id), (hidden(depth), ()))));
    push(id);
}

/// This thread leaves a span.
#[inline]
pub(crate) fn exit(id: u64) {
    let depth = depth_of(id, pop(id));
    at_home(id, || emit(&EXIT, Now, (hidden(id), (hidden(depth), ()))));
}

/// This thread leaves a span, which ends.
#[inline]
pub(crate) fn exit_and_close(id: u64) {
    let depth = depth_of(id, pop(id));
    at_home(id, || emit(&END, Now, (hidden(id), (hidden(depth), ()))));
    leave(id);
}

/// A span ends.
#[inline]
pub(crate) fn close(id: u64) {
    at_home(id, || emit(&CLOSE, Now, (hidden(id), ())));
    leave(id);
}

/// A span follows from another one.
#[inline]
pub(crate) fn follows(id: u64, other: u64) {
    at_home(id, || emit(&FOLLOWS, Now, (hidden(id), (hidden(other), ()))));
}
