#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod codec;
pub mod dir;
pub mod failpoint;
pub mod frames;
pub mod layout;
pub mod leftover;
pub mod lock;
mod positioned;
pub mod spans;
pub mod tail;
pub mod unread;
pub mod writer;
