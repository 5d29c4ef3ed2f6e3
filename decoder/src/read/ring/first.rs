//! Times of a block's first record, by its header.

use stenolog_format::block::BlockHeader;

use crate::clock::TimeMap;
use crate::read::order::Key;

/// The smallest key that a record of the block can have.
pub(in crate::read) fn first_key(header: &BlockHeader, map: &TimeMap, hint: &mut usize) -> Key {
    let counter = (header.flags & BlockHeader::HAS_COUNTER != 0)
        .then(|| (map.at(header.counter_first, hint).order_ns, header.counter_first));
    let unix = (header.flags & BlockHeader::HAS_UNIX != 0).then_some((header.unix_first, 0));
    counter.into_iter().chain(unix).min().unwrap_or((i64::MIN, 0))
}

/// The smallest time that a record of the block can have.
pub(super) fn first_unix_ns(header: &BlockHeader, map: &TimeMap) -> i64 {
    let counter = (header.flags & BlockHeader::HAS_COUNTER != 0)
        .then(|| map.at(header.counter_first, &mut 0).unix_ns);
    let unix = (header.flags & BlockHeader::HAS_UNIX != 0).then_some(header.unix_first);
    counter.into_iter().chain(unix).min().unwrap_or_default()
}
