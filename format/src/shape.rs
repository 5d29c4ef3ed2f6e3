//! Roles of values and shapes of products: what the macros tell about a call site and a derived type.

/// The use of a recorded value.
///
/// # Examples
///
/// ```
/// use stenolog_format::shape::Role;
///
/// // `info!(user, ?state, "took {n:>width$}")`
/// let roles = [Role::Field, Role::DebugField, Role::Argument, Role::Count];
/// assert_eq!(roles.iter().filter(|role| **role == Role::Argument).count(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "dump", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
    /// The message prints it.
    Argument,
    /// A field, printed as `Display` would.
    Field,
    /// A field, printed as `Debug` would (`?value`).
    DebugField,
    /// Only the width or the precision of another argument.
    Count,
}

/// The form of a product in Rust.
///
/// # Examples
///
/// ```
/// use stenolog_format::shape::Shape;
///
/// // `struct Point { x: f32, y: f32 }`
/// assert_ne!(Shape::Struct, Shape::Tuple);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "dump", derive(serde::Serialize, serde::Deserialize))]
pub enum Shape {
    /// `Name`
    Unit,
    /// `Name(a, b)`
    Tuple,
    /// `Name { x: a, y: b }`
    Struct,
}
