//! Tables of call sites, which only grow. Readers take no lock.

use std::sync::OnceLock;

/// The number of chains.
const CHAINS: usize = 1 << 11;

/// Call sites by a hash of what identifies them.
pub(super) struct Table<E: 'static> {
    chains: [OnceLock<&'static Node<E>>; CHAINS],
}

/// A call site in a chain.
struct Node<E: 'static> {
    entry: E,
    next: OnceLock<&'static Node<E>>,
}

impl<E> Table<E> {
    pub(super) const fn new() -> Self {
        Self { chains: [const { OnceLock::new() }; CHAINS] }
    }

    /// The chain of a hash: by its upper bits, which a multiplication mixes best.
    #[inline]
    fn chain(&self, hash: u64) -> &OnceLock<&'static Node<E>> {
        &self.chains[(hash >> 53) as usize % CHAINS]
    }

    /// The entry with this hash that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&E) -> bool) -> Option<&'static E> {
        let mut next = self.chain(hash);
        while let Some(node) = next.get() {
            if is_it(&node.entry) {
                return Some(&node.entry);
            }
            next = &node.next;
        }
        None
    }

    /// Adds an entry. It may be there twice if two threads add it at once: the first is found from then on.
    pub(super) fn add(&self, hash: u64, entry: E) -> &'static E {
        let node: &'static Node<E> = Box::leak(Box::new(Node { entry, next: OnceLock::new() }));
        let mut next = self.chain(hash);
        // Not `get_or_init`: an allocator that logs could come here again.
        while next.set(node).is_err() {
            if let Some(node) = next.get() {
                next = &node.next;
            }
        }
        &node.entry
    }

    /// All entries.
    #[cfg(all(feature = "log", feature = "tracing"))]
    pub(super) fn entries(&self) -> impl Iterator<Item = &'static E> {
        let chains = self.chains.iter();
        let nodes = chains.flat_map(|chain| {
            std::iter::successors(chain.get().copied(), |node| node.next.get().copied())
        });
        nodes.map(|node| &node.entry)
    }
}

/// A word mixed into a hash.
#[inline]
pub(super) const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_however_many_share_a_chain() {
        static TABLE: Table<u64> = Table::new();
        for n in 0..5000 {
            TABLE.add(mix(0, n), n);
            TABLE.add(7, n);
        }
        for n in 0..5000 {
            assert_eq!(TABLE.find(mix(0, n), |&entry| entry == n), Some(&n));
            assert_eq!(TABLE.find(7, |&entry| entry == n), Some(&n));
        }
        assert_eq!(TABLE.find(8, |&entry| entry == 5000), None);
    }
}
