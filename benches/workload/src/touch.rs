//! Touch: reading the texts of an event and nothing else, the floor of logging it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::Fill;

/// A cache line of this machine's kind.
const LINE: usize = 64;

/// A value that may lie outside of its event.
pub trait Touch {
    /// Reads a byte of each of its cache lines there.
    fn touch(&self) -> usize {
        0
    }
}

impl Touch for str {
    fn touch(&self) -> usize {
        self.as_bytes().iter().step_by(LINE).map(|byte| usize::from(*byte)).sum()
    }
}

impl Touch for String {
    fn touch(&self) -> usize {
        self.as_str().touch()
    }
}

impl Touch for &str {
    fn touch(&self) -> usize {
        (**self).touch()
    }
}

impl Touch for Arc<str> {
    fn touch(&self) -> usize {
        (**self).touch()
    }
}

macro_rules! inside {
    ($($type:ty)*) => {
        $(impl Touch for $type {})*
    };
}

inside!(bool u8 u16 u32 u64 i32 i64 f64 IpAddr Duration Option<u32> [u32; 4] [f64; 3] [f64; 4] Fill);
