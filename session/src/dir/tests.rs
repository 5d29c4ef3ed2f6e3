use super::*;

/// Tests that every platform's handle passes; on Unix the portable one too.
macro_rules! handles {
    ($($name:ident: $handle:ty),*) => {$(
        mod $name {
            use super::super::*;

            type Handle = $handle;

            #[test]
            fn files_are_opened_listed_and_removed() {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("ring-1"), "a").unwrap();
                fs::create_dir(folder.path().join("ring-2")).unwrap();
                let handle = Handle::open(folder.path()).unwrap();
                for access in [Access::Read, Access::ReadWrite] {
                    let file = handle.open_file("ring-1".as_ref(), access).unwrap();
                    assert_eq!(read_at_most(&file, 10).unwrap(), b"a");
                }
                let missing = handle.open_file("ring-3".as_ref(), Access::Read).unwrap_err();
                assert!(missing.is_not_found());
                let directory = handle.open_file("ring-2".as_ref(), Access::ReadWrite);
                assert!(matches!(directory, Err(FileError::Foreign)));
                drop(handle.create_file("left".as_ref()).unwrap());
                drop(handle.create_file("left".as_ref()).unwrap());
                assert!(matches!(handle.create_file("ring-2".as_ref()), Err(FileError::Foreign)));
                let mut names: Vec<_> = handle
                    .entries()
                    .unwrap()
                    .map(Result::unwrap)
                    .filter(|name| name != "." && name != "..")
                    .collect();
                names.sort();
                assert_eq!(names, ["left", "ring-1", "ring-2"]);
                handle.remove_file("ring-1".as_ref()).unwrap();
                assert!(!folder.path().join("ring-1").exists());
                assert!(handle.is_same(&Handle::open(&folder.path().join("ring-2/..")).unwrap()));
                assert!(!handle.is_same(&Handle::open(&folder.path().join("ring-2")).unwrap()));
                assert!(Handle::open(&folder.path().join("left")).is_err());
                assert!(handle.metadata().unwrap().is_dir());
                let _: Option<u32> = handle.owner();
            }

            #[cfg(target_os = "linux")]
            #[test]
            fn links_and_pipes_are_foreign() {
                use std::os::unix::fs::symlink;

                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("target"), "a").unwrap();
                symlink(folder.path().join("target"), folder.path().join("ring-1")).unwrap();
                let pipe = folder.path().join("ring-2");
                rustix::fs::mknodat(
                    rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0,
                )
                .unwrap();
                let handle = Handle::open(folder.path()).unwrap();
                for name in ["ring-1", "ring-2"] {
                    let opened = handle.open_file(name.as_ref(), Access::Read);
                    let is_file = |file: File| file.metadata().unwrap().is_file();
                    match opened {
                        // The caller looks at what it is.
                        Ok(file) => assert!(!is_file(file), "{name}"),
                        Err(error) => assert!(matches!(error, FileError::Foreign), "{name}"),
                    }
                }
                handle.remove_file("ring-1".as_ref()).unwrap();
                assert!(folder.path().join("target").exists());
            }
        }
    )*};
}

handles!(portable_handle: portable::Handle, system_handle: sys::Handle);

/// The names of the files that are left.
fn left_in(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn only_files_that_a_logger_creates_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rings");
    fs::create_dir(&path).unwrap();
    for name in ["meta.steno", "progress", "dump", "left", "ring-1", ".new-ring-2", "notes.txt"] {
        fs::write(path.join(name), "").unwrap();
    }
    let mut removed = 0;
    let error = Dir::open(&path).unwrap().remove(|| removed += 1).unwrap_err();
    assert_eq!((removed, &*error.file), (6, &*path));
    assert_eq!(left_in(&path), ["notes.txt"]);
    fs::remove_file(path.join("notes.txt")).unwrap();
    Dir::open(&path).unwrap().remove(|| ()).unwrap();
    assert!(!path.exists());
}

#[test]
fn the_explanations_are_removed_last() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["dump", "ring-1", "meta.steno", "progress"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let mut steps = Vec::new();
    let dir = Dir::open(folder.path()).unwrap();
    dir.remove(|| steps.push(left_in(folder.path()))).unwrap();
    let expected: [&[&str]; 4] =
        [&["dump", "meta.steno", "progress"], &["dump", "meta.steno"], &["meta.steno"], &[]];
    assert_eq!(steps, expected);
}

#[test]
fn names_are_counted_beyond_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ring-1", "ring-2", "ring-3", "other"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let dir = Dir::open(folder.path()).unwrap();
    let found = dir.names(2, |name| name.starts_with("ring-")).unwrap();
    assert_eq!((found.names.len(), found.total), (2, 3));
}

#[test]
fn a_progress_is_missing_empty_cut_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let dir = Dir::open(folder.path()).unwrap();
    let owners = Owners::this_user();
    assert!(dir.progress(&owners).unwrap_err().is_not_found());
    let read = |bytes: &[u8]| {
        fs::write(folder.path().join(PROGRESS_FILE), bytes).unwrap();
        dir.progress(&owners)
    };
    assert!(matches!(read(&[]), Ok(None)));
    assert!(matches!(read(&[0; 15]), Err(FileError::Io(_))));
    assert_eq!(read(&[0; 16]).unwrap(), Some(Progress::default()));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_directory_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    for path in [link.clone(), link.join("")] {
        assert!(matches!(Dir::open(&path), Err(DirError::Link)), "{}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn files_of_others_are_foreign() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ring-1");
    fs::write(&path, "").unwrap();
    let dir = Dir::open(folder.path()).unwrap();
    assert!(dir.open_file("ring-1", &Owners::this_user()).is_ok());
    // Only root can give a file away.
    if std::os::unix::fs::chown(&path, Some(54_321), None).is_ok() {
        let opened = dir.open_file("ring-1", &Owners::this_user());
        assert!(matches!(opened, Err(FileError::Foreign)));
        assert!(dir.open_file("ring-1", &Owners::of_readers(&path)).is_ok());
    }
}
