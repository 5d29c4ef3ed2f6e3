//! A temporary folder with files in it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary folder, removed with all its files when the fixture is dropped.
///
/// ```
/// use stenolog_testkit::TempDirFixture;
///
/// let folder = TempDirFixture::with("logs/app.steno", b"not a dump");
/// assert!(folder.path().join("logs/app.steno").exists());
/// ```
#[derive(Debug)]
pub struct TempDirFixture(TempDir);

impl TempDirFixture {
    /// An empty folder.
    ///
    /// # Panics
    /// If no temporary folder can be created.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a folder on disk is no default value")]
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with one file.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn with(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let folder = Self::new();
        folder.write(name, bytes);
        folder
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, creates the folders it needs, and returns its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("folders can be created");
        }
        fs::write(&path, bytes).expect("a file can be written");
        path
    }
}
