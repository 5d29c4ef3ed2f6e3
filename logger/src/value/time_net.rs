//! Durations, points in time, and internet addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stenolog_format::types::Type;

use super::{Value, put, signature};

/// Types whose parts are written one after the other.
macro_rules! parts {
    ($($ty:ident: $kind:ident = $size:literal, |$value:ident| [$($part:expr),+];)+) => {$(
        // SAFETY: the parts have the sizes that `$size` adds up, as the tests check.
        unsafe impl Value for $ty {
            const SIGNATURE: u64 = signature::leaf(stringify!($kind));
            const FIXED_SIZE: Option<usize> = Some($size);

            fn describe() -> Type {
                Type::$kind
            }

            #[inline]
            fn size(&self) -> usize {
                $size
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                let $value = self;
                // SAFETY: the caller grants the bytes.
                unsafe {
                    $(let out = put(out, $part);)+
                    out
                }
            }
        }
    )+};
}

parts! {
    Duration: Duration = 12, |value|
        [value.as_secs().to_le_bytes(), value.subsec_nanos().to_le_bytes()];
    Ipv4Addr: Ipv4 = 4, |value| [value.octets()];
    Ipv6Addr: Ipv6 = 16, |value| [value.octets()];
    SocketAddrV4: SocketV4 = 6, |value| [value.ip().octets(), value.port().to_le_bytes()];
    SocketAddrV6: SocketV6 = 26, |value| [
        value.ip().octets(),
        value.port().to_le_bytes(),
        value.flowinfo().to_le_bytes(),
        value.scope_id().to_le_bytes()
    ];
}

// SAFETY: a number of eight bytes and one of four.
unsafe impl Value for SystemTime {
    const SIGNATURE: u64 = signature::leaf("SystemTime");
    const FIXED_SIZE: Option<usize> = Some(12);

    fn describe() -> Type {
        Type::SystemTime
    }

    #[inline]
    fn size(&self) -> usize {
        12
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        let (seconds, nanos) = since_epoch(*self);
        // SAFETY: the caller grants the bytes.
        unsafe { put(put(out, seconds.to_le_bytes()), nanos.to_le_bytes()) }
    }
}

/// Seconds since the Unix epoch, rounded down, and nanoseconds.
#[inline]
fn since_epoch(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (after.as_secs() as i64, after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            // No platform has times further from the epoch than an `i64` counts seconds.
            let seconds = (before.as_secs() as i64).wrapping_neg();
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanos => (seconds.wrapping_sub(1), 1_000_000_000 - nanos),
            }
        }
    }
}

/// Types of two versions: the number of the version, then what that version writes.
macro_rules! versions {
    ($($ty:ident: $kind:ident;)+) => {$(
        // SAFETY: a byte, then an address that keeps the contract.
        unsafe impl Value for $ty {
            const SIGNATURE: u64 = signature::leaf(stringify!($kind));
            const FIXED_SIZE: Option<usize> = None;

            fn describe() -> Type {
                Type::$kind
            }

            #[inline]
            fn size(&self) -> usize {
                1 + match self {
                    Self::V4(address) => address.size(),
                    Self::V6(address) => address.size(),
                }
            }

            #[inline]
            fn is_short(&self) -> bool {
                true
            }

            #[inline]
            unsafe fn write(&self, out: *mut u8) -> *mut u8 {
                // SAFETY: the caller grants a byte and the size of the address.
                unsafe {
                    match self {
                        Self::V4(address) => address.write(put(out, [4])),
                        Self::V6(address) => address.write(put(out, [6])),
                    }
                }
            }
        }
    )+};
}

versions! {
    IpAddr: Ip;
    SocketAddr: Socket;
}
