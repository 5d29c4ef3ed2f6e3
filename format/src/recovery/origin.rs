//! The file `dump` of a ring directory: which dump its rings belong to.
//!
//! ```text
//!   0        8        16       24
//!   | device | root: device, inode | path of the dump, to the end |
//! ```
//!
//! It is written once, before anything else in the directory. It tells whether the dump of abandoned rings
//! still exists.

use crate::bytes::Fields;

/// Where a dump is, seen from the process that writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of the device that the dump's folder is on.
    pub device: u64,
    /// Device and inode of the process's root folder: in another container the same path may lead
    /// elsewhere. Zeros where there are no such numbers.
    pub root: [u64; 2],
    /// The absolute path of the dump, in the bytes of the operating system.
    pub path: Vec<u8>,
}

impl Origin {
    /// The name of the file.
    pub const FILE: &str = "dump";

    /// No file of this kind is longer.
    pub const MAX_BYTES: usize = 24 + (1 << 16);

    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [device, inode] = self.root;
        let numbers = [self.device, device, inode].map(u64::to_le_bytes);
        [numbers.as_flattened(), &self.path].concat()
    }

    /// Reads the file; `None` if it is too short to name a dump.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (device, root) = (fields.u64()?, [fields.u64()?, fields.u64()?]);
        let path = fields.0;
        (!path.is_empty()).then(|| Self { device, root, path: path.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_names_nothing() {
        let origin = Origin { device: 2, root: [3, u64::MAX], path: b"/var/log/\xff".to_vec() };
        let bytes = origin.encode();
        assert_eq!(Origin::decode(&bytes), Some(origin));
        for length in 0..=24 {
            assert_eq!(Origin::decode(&bytes[..length]), None, "{length}");
        }
    }
}
