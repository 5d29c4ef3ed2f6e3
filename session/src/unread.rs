//! The rings of a dead writer, judged against its dump.

mod judge;

pub use judge::{
    DumpSide, NotARing, Share, ShareDamage, end_number, identify, judge, read_ring, share_records,
};
