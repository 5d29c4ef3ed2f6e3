//! A call records what it says, evaluates what it is given as `format!` would, and is at home
//! wherever an expression is.

mod arguments;
mod fields;
mod keys;
mod messages;
mod places;
mod serialised;

use std::fmt;
use std::fmt::{Debug, Display};

use stenolog::Record;

#[derive(Debug, Record)]
struct Order<'a, T> {
    id: u64,
    r#type: Option<&'a str>,
    price: T,
    side: Side,
}

#[derive(Clone, Debug, Record)]
enum Side {
    Buy,
    Sell(u8, String),
    Both { r#in: [u8; 2], unit: Unit },
}

#[derive(Clone, Debug, Record)]
struct Unit;

/// Prints, and can only be printed.
struct Shown(&'static str);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({:?})", self.0)
    }
}

impl fmt::LowerHex for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(true, "0x", "5e")
    }
}
