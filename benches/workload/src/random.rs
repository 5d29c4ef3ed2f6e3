//! Random: distributions and texts, from one seed.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A source of random values.
#[derive(Clone, Debug)]
pub struct Random {
    source: fastrand::Rng,
    /// The second value of the last pair.
    spare: Option<f64>,
}

impl Random {
    /// A source that gives the same values for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { source: fastrand::Rng::with_seed(seed), spare: None }
    }

    /// All bits random.
    pub fn u64(&mut self) -> u64 {
        self.source.u64(..)
    }

    /// Below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.source.u64(..end)
    }

    /// From zero to one.
    pub fn share(&mut self) -> f64 {
        self.source.f64()
    }

    /// True in this share of the calls.
    pub fn chance(&mut self, share: f64) -> bool {
        self.source.f64() < share
    }

    /// One of some values.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.source.usize(..of.len())]
    }

    /// One of some values, the first ones far more often: what programs meet is not spread evenly.
    pub fn pick_skewed<T: Copy>(&mut self, of: &[T]) -> T {
        of[((self.share().powi(3) * of.len() as f64) as usize).min(of.len() - 1)]
    }

    /// A normal value of mean 0 and deviation 1, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // Above zero, because its logarithm is taken.
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.share()).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }

    /// A log-normal value, with all bits of its mantissa.
    pub fn log_normal(&mut self, median: f64, deviation: f64) -> f64 {
        median * (self.normal() * deviation).exp()
    }

    /// An exponential value.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    /// Lower-case hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let _ = write!(text, "{:016x}", self.u64());
        }
        text.truncate(digits);
        text
    }

    /// A UUID of version 4.
    pub fn uuid(&mut self) -> Arc<str> {
        let (high, low) = (self.u64(), self.u64());
        let version = high & !0xf000 | 0x4000;
        let variant = low & !(0b11 << 62) | 1 << 63;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            version >> 32,
            version >> 16 & 0xffff,
            version & 0xffff,
            variant >> 48,
            variant & 0xffff_ffff_ffff
        )
        .into()
    }

    /// An address of a client: some networks are met more often than others.
    pub fn ip(&mut self) -> IpAddr {
        let [a, b, c, ..] = self.u64().to_le_bytes();
        if self.chance(0.1) {
            let host = self.u64();
            let words = [host as u16, (host >> 16) as u16, (host >> 32) as u16];
            let net = 0x100 | u16::from(a & 15);
            return Ipv6Addr::new(0x2001, 0xdb8, net, 0, 0, words[0], words[1], words[2]).into();
        }
        let first = self.pick_skewed(&[10, 172, 84, 91, 203, 198, 46, 5, 212, 77, 151, 188]);
        Ipv4Addr::new(first, a & 31, b, c).into()
    }
}
