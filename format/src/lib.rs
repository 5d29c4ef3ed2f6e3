#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod shape;
pub mod template;

#[cfg(feature = "dump")]
pub mod block;
#[cfg(feature = "dump")]
mod bytes;
#[cfg(feature = "dump")]
pub mod clock;
#[cfg(feature = "dump")]
pub mod dictionary;
#[cfg(feature = "dump")]
pub mod frame;
#[cfg(feature = "dump")]
pub mod index;
#[cfg(feature = "dump")]
pub mod loss;
#[cfg(feature = "dump")]
pub mod recovery;
#[cfg(feature = "dump")]
pub mod span;
#[cfg(feature = "dump")]
pub mod summary;
#[cfg(feature = "dump")]
pub mod types;
#[cfg(feature = "dump")]
pub mod value;
#[cfg(feature = "dump")]
pub mod volatile;
