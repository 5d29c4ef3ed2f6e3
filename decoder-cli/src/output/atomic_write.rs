//! A file that appears whole or not at all.
//!
//! On Linux the file has no name while it is written, so nothing of it is left if the program is interrupted.
//! Elsewhere, and where the file system has no such files, it has a temporary name.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// How much is collected before it is written.
const BUFFER_BYTES: usize = 1 << 18;

/// Lets `write` write a file in the folder of `path`, and gives it that name when all of it is on the disk. Only
/// its owner can read it.
///
/// # Errors
/// If it cannot be written; [`io::ErrorKind::AlreadyExists`] if the file exists and `replace` is `false`.
pub(crate) fn write_new<R>(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<R>,
) -> io::Result<R> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let result = match unnamed::create(folder) {
        Some(mut file) => {
            let result = fill(&mut file, write)?;
            unnamed::persist(&mut file, folder, path, replace)?;
            result
        }
        None => {
            let mut file = temporary(folder)?;
            let result = fill(file.as_file_mut(), write)?;
            persist(file, path, replace)?;
            result
        }
    };
    if cfg!(unix) {
        // The name is safe only when the directory is on the disk.
        File::open(folder)?.sync_all()?;
    }
    Ok(result)
}

/// Writes a file to the disk.
fn fill<R>(file: &mut File, write: impl FnOnce(&mut dyn Write) -> io::Result<R>) -> io::Result<R> {
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, &mut *file);
    let result = write(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(result)
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".steno-").tempfile_in(folder)
}

fn persist(file: NamedTempFile, path: &Path, replace: bool) -> io::Result<()> {
    let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map(|_| ()).map_err(|error| error.error)
}

#[cfg(target_os = "linux")]
mod unnamed {
    use std::io::Seek as _;
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};

    use super::*;

    /// A file without a name; `None` if the file system has none.
    pub(super) fn create(folder: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR).ok().map(File::from)
    }

    /// Gives it a name.
    pub(super) fn persist(
        file: &mut File,
        folder: &Path,
        path: &Path,
        replace: bool,
    ) -> io::Result<()> {
        let open = format!("/proc/self/fd/{}", file.as_raw_fd());
        let link = |to: &Path| {
            linkat(CWD, open.as_str(), CWD, to, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
        };
        let linked = if replace {
            // A link replaces nothing, but a rename does.
            let named = Builder::new().prefix(".steno-").make_in(folder, link);
            named
                .and_then(|named| named.into_temp_path().persist(path).map_err(|error| error.error))
        } else {
            link(path)
        };
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // Without /proc there is no way to the name, but the bytes are there.
                let mut copy = temporary(folder)?;
                file.rewind()?;
                io::copy(file, copy.as_file_mut())?;
                copy.as_file().sync_all()?;
                super::persist(copy, path, replace)
            }
            linked => linked,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod unnamed {
    use super::*;

    pub(super) fn create(_: &Path) -> Option<File> {
        None
    }

    pub(super) fn persist(_: &mut File, _: &Path, _: &Path, _: bool) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for text in ["first", "second"] {
            let written = write_new(&path, true, |out| {
                out.write_all(text.as_bytes())?;
                // Elsewhere there is a temporary name.
                if cfg!(target_os = "linux") {
                    assert_eq!(names(folder.path()).len(), usize::from(text == "second"));
                }
                Ok(7)
            });
            assert_eq!(written.unwrap(), 7);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(names(folder.path()), ["a"]);
        }
    }

    #[test]
    fn a_file_is_only_replaced_if_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "old").unwrap();
        let error = write_new(&path, false, |out| out.write_all(b"new")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn nothing_is_left_of_a_file_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let fail = |_: &mut dyn Write| Err::<(), _>(io::ErrorKind::Other.into());
        assert!(write_new(&folder.path().join("a"), true, fail).is_err());
        assert!(names(folder.path()).is_empty());
    }
}
