//! Everything that expansions may name. Not part of the public interface: anything here may change in
//! any release.

pub use std::{column, concat, file, format_args, line, module_path};

pub use stenolog_format::dictionary::{Level, Role};
pub use stenolog_format::types::{Fields, Shape, Type};
pub use stenolog_macros::{call, record_span, span as span_call};

pub use crate::call::ceiling::statically_enabled;
pub use crate::call::emit::emit;
pub use crate::call::rate::Rate;
pub use crate::call::targets::Targets;
pub use crate::call::time::{Now, at};
pub use crate::registry::site::{Meta, Site, SlotMeta};
pub use crate::value::{
    Args, AsRecord, Ascii, Bound, Buffer, Derived, Hex, Laid, Prepared, Redacted, Serialized,
    Shown, Text, Value, With, ascii_text, debug_text, describe_enum, describe_fields,
    describe_struct, display_text, enum_bound, enum_fixed_size, enum_signature, fixed_or, hex_text,
    product_bound, product_fixed_size, product_signature, recursive, sum_sizes, variant_size, with,
    write_index,
};
#[cfg(feature = "__fault_points")]
pub use stenolog_session::failpoint::Step;

pub use core::fmt::{Debug, Display};
pub use core::option::Option;
pub use core::primitive::{bool, u8, u64, usize};

/// Functions that capture arguments.
pub mod capture {
    pub use crate::call::capture::{
        LeftOut, Suppressed, by, count, debug, debug_field, debug_with, display, display_field,
        exact, field, message, pointer,
    };
    pub use crate::call::registers::Concat;
}

/// Spans.
pub mod span {
    pub use stenolog_format::span::{NO_SPAN, SpanEvent};

    pub use crate::call::capture::hidden;
    pub use crate::span::{Beginning, ParentOf, Span, SpanId, SpanRef, at_home, parent_of};
}

/// Which levels the program was compiled with, as constants: these the compiler drops early.
pub mod compiled {
    use super::{Level, statically_enabled};

    /// Whether errors are compiled in.
    pub const ERROR: bool = statically_enabled(Level::Error);
    /// Whether warnings are compiled in.
    pub const WARN: bool = statically_enabled(Level::Warn);
    /// Whether information is compiled in.
    pub const INFO: bool = statically_enabled(Level::Info);
    /// Whether debugging is compiled in.
    pub const DEBUG: bool = statically_enabled(Level::Debug);
    /// Whether tracing is compiled in.
    pub const TRACE: bool = statically_enabled(Level::Trace);
}

/// The description of an `event!`, once for each level.
#[must_use]
pub const fn metas(of: &Meta) -> [Meta; 5] {
    const fn at(level: Level, of: &Meta) -> Meta {
        Meta { level, ..*of }
    }
    let [error, warn, info, debug, trace] = Level::ALL;
    [at(error, of), at(warn, of), at(info, of), at(debug, of), at(trace, of)]
}

/// The statics of an `event!`, by [`Level::index`].
#[must_use]
pub const fn sites(metas: &'static [Meta; 5]) -> [Site; 5] {
    let [error, warn, info, debug, trace] = metas;
    [Site::new(error), Site::new(warn), Site::new(info), Site::new(debug), Site::new(trace)]
}

/// Fails to compile where the macros could not read a format string that rustc could.
pub const fn unreadable_format_string() {
    panic!("this format string is not one that Stenolog can read")
}
