//! The file `dump` of a ring directory: which dump its rings belong to.
//!
//! ```text
//!   0        8        16       24
//!   | device | root: device, inode | path of the dump, to the end |
//! ```
//!
//! It is written once, before anything else in the directory. With it, a later process can tell whether the
//! dump of abandoned rings still exists.

use std::path::{Path, PathBuf};

/// Where a dump is, as seen from the process that writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpLocation {
    /// The number of the device that the dump's folder is on.
    pub device: u64,
    /// Device and inode of the process's root folder: in another container the same path may lead
    /// elsewhere. Zeros where there are no such numbers.
    pub root: [u64; 2],
    /// The absolute path of the dump, in the bytes of the operating system.
    pub path: Vec<u8>,
}

impl DumpLocation {
    /// The length of the longest file.
    pub const MAX_BYTES: usize = 24 + (1 << 16);

    /// The location of the dump that this process writes to `path`.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            device: nearest_device(&path).unwrap_or_default(),
            root: root().unwrap_or_default(),
            path: path.into_os_string().into_encoded_bytes(),
        }
    }

    /// Encodes the file.
    ///
    /// # Examples
    ///
    /// ```
    /// use stenolog_session::layout::DumpLocation;
    ///
    /// let location = DumpLocation::of("/var/log/app.steno".as_ref());
    /// assert_eq!(DumpLocation::decode(&location.encode()), Some(location));
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [device, inode] = self.root;
        let numbers = [self.device, device, inode].map(u64::to_le_bytes);
        [numbers.as_flattened(), &self.path].concat()
    }

    /// Decodes the file; `None` if it is too short to name a dump.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, path) = bytes.split_at_checked(24)?;
        let number = |at: usize| numbers[at..].first_chunk().map(|word| u64::from_le_bytes(*word));
        let (device, root) = (number(0)?, [number(8)?, number(16)?]);
        (!path.is_empty()).then(|| Self { device, root, path: path.to_vec() })
    }

    /// The path of the dump; `None` if this system cannot have such a path.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        #[cfg(unix)]
        let path = Some(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&self.path));
        #[cfg(not(unix))]
        let path = std::str::from_utf8(&self.path).ok();
        path.map(PathBuf::from)
    }

    /// Whether this process sees the folder of the dump where the writer saw it: from the same root, and on
    /// the same device. `false` where devices and folders have no numbers.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        let device = self.path().and_then(|path| nearest_device(&path));
        root() == Some(self.root) && device == Some(self.device)
    }
}

/// The device of the nearest folder above `path` that exists; `None` if that cannot be told.
#[cfg(unix)]
fn nearest_device(path: &Path) -> Option<u64> {
    for folder in path.ancestors().skip(1) {
        match std::fs::metadata(folder) {
            Ok(metadata) => return Some(std::os::unix::fs::MetadataExt::dev(&metadata)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    None
}

/// Device and inode of this process's root folder.
#[cfg(unix)]
fn root() -> Option<[u64; 2]> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata("/").ok().map(|root| [root.dev(), root.ino()])
}

#[cfg(not(unix))]
fn nearest_device(_: &Path) -> Option<u64> {
    None
}

#[cfg(not(unix))]
fn root() -> Option<[u64; 2]> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_and_a_cut_file_names_no_dump() {
        let path = b"/var/log/\xff".to_vec();
        let location = DumpLocation { device: 2, root: [3, u64::MAX], path };
        let bytes = location.encode();
        assert_eq!(DumpLocation::decode(&bytes), Some(location));
        for length in 0..=24 {
            assert_eq!(DumpLocation::decode(&bytes[..length]), None, "{length}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_location_is_visible_from_the_root_and_device_of_its_writer_alone() {
        let folder = tempfile::tempdir().unwrap();
        let location = DumpLocation::of(&folder.path().join("gone/app.steno"));
        assert!(location.is_visible());
        assert_eq!(location.path().unwrap(), folder.path().join("gone/app.steno"));
        assert!(!DumpLocation { root: [0, 0], ..location.clone() }.is_visible());
        assert!(!DumpLocation { device: location.device + 1, ..location }.is_visible());
    }
}
