//! A ring file is its owner's alone, never replaces another file, and never half made.

use std::fs;
use std::path::Path;
use std::process::Command;

use stenolog_ringbuf::file::{Kind, Options, RecoverError, Recovered};
use stenolog_ringbuf::queue::{mpsc, spsc};

#[test]
fn the_header_says_what_was_put_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let options = Options::new(1000).ring_id(7).thread_id(u64::MAX).user_words([9; 24]);
    let (producer, consumer) = options.create_mpsc(&path).unwrap();
    producer.set_user_word(0, 1);
    consumer.set_user_word(23, 2);
    let recovered = Recovered::open(&path).unwrap();
    assert_eq!((recovered.kind(), recovered.capacity()), (Kind::ManyProducers, 1024));
    assert_eq!((recovered.ring_id(), recovered.thread_id()), (7, u64::MAX));
    assert_eq!(recovered.process_id(), u64::from(std::process::id()));
    let mut expected = [9; 24];
    (expected[0], expected[23]) = (1, 2);
    assert_eq!(recovered.user_words(), expected);
    assert_eq!(fs::metadata(&path).unwrap().len(), 4096 + 1024);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let _ring = Options::new(1 << 20).create_spsc(&path).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(metadata.blocks() * 512 >= 1 << 20, "its blocks are reserved");
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    fs::write(&path, "precious").unwrap();
    assert!(Options::new(512).create_spsc(&path).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

/// Neither is what the link leads to, whether it exists or not.
#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (link, target) = (dir.path().join("ring"), dir.path().join("target"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for content in [None, Some("precious")] {
        if let Some(content) = content {
            fs::write(&target, content).unwrap();
        }
        let error = Options::new(512).create_mpsc(&link).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).ok().as_deref(), content.map(str::as_bytes));
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn no_directory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Options::new(512).create_spsc(dir.path().join("none/ring")).is_err());
    assert!(Options::new(512).create_spsc(dir.path()).is_err());
    assert!(matches!(Recovered::open(dir.path()), Err(RecoverError::Io(_))));
}

/// Not a test by itself: creates a ring under a limit on the size of files, and does not
/// ignore the signal of that limit.
#[test]
fn child_without_room() {
    let Some(path) = std::env::var_os("RING_WITHOUT_ROOM") else { return };
    let error = Options::new(1 << 20).create_spsc(Path::new(&path)).unwrap_err();
    assert!(error.raw_os_error().is_some(), "{error}");
}

#[cfg(unix)]
#[test]
fn no_room_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 64; exec \"$0\" --exact creating::child_without_room -q"])
        .arg(std::env::current_exe().unwrap())
        .env("RING_WITHOUT_ROOM", &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    assert!(!path.exists());
}

#[test]
fn too_large_a_capacity_panics() {
    assert!(std::panic::catch_unwind(|| Options::new((1 << 30) + 1)).is_err());
}

#[test]
fn user_words_that_are_none_panic() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let panics = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).is_err();
    let (producer, consumer) = spsc::new(64);
    assert!(
        !panics(&|| producer.set_user_word(23, 1)) && panics(&|| producer.set_user_word(24, 1))
    );
    assert!(
        !panics(&|| consumer.set_user_word(23, 1)) && panics(&|| consumer.set_user_word(24, 1))
    );
    let (producer, _consumer) = mpsc::new(64);
    assert!(
        !panics(&|| producer.set_user_word(23, 1)) && panics(&|| producer.set_user_word(24, 1))
    );
    spsc::Producer::disconnected().set_user_word(24, 1);
}

/// No claim waits for a page, nor for a block.
#[cfg(target_os = "linux")]
#[test]
fn the_pages_of_a_new_ring_are_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let _ring = Options::new(4 << 20).create_spsc(&path).unwrap();
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let (_, ours) = maps.split_once(path.to_str().unwrap()).expect("it is mapped");
    let resident = ours.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    let resident = resident.trim().strip_suffix(" kB").unwrap();
    assert_eq!(resident.parse(), Ok(4 * 1024 + 4));
}
