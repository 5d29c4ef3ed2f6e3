//! Rings of a dead writer, which hold the records that it had not written.

use std::fs::{self, File};
use std::path::PathBuf;

use stenolog_ringbuf::file::Options;
use stenolog_session::layout::{Progress, RingPlace};

use crate::dump::{Dump, TICK, counter, tick};
use crate::program::Workspace;

const NAME: &str = "stenolog-01010101010101010101010101010101.rings";

/// A dump of four records, and a ring with the last two of them and two more.
pub(crate) fn crashed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("app.steno", written());
    put_rings(&workspace, NAME, &written());
    workspace
}

/// What the writer had written: records 0 to 3, in two blocks.
fn written() -> Vec<u8> {
    let mut dump = Dump::new(1).with_ring_positions();
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0), tick(1_000)]);
    dump.block(1, 32, 2, &[tick(2_000), tick(3_000)]);
    dump.unsealed()
}

fn put_rings(workspace: &Workspace, name: &str, written: &[u8]) {
    let mut meta = Dump::new(1);
    meta.thread(1, "main");
    workspace.write(&format!("{name}/meta.steno"), meta.unsealed());
    let whole = written.len() as u64;
    let mut progress = vec![0; Progress::BYTES];
    progress[..8].copy_from_slice(&whole.to_le_bytes());
    progress[Progress::HAS_LIST_AT] = 1;
    progress[Progress::LIST_AT..][..8].copy_from_slice(&RingPlace::File.word(1).to_le_bytes());
    workspace.write(&format!("{name}/progress"), progress);
    let half = u64::from_le_bytes([1; 8]);
    let mut words = [0; 24];
    words[..3].copy_from_slice(&[half, half, 1]);
    // Freed up to record 2.
    words[4..6].copy_from_slice(&[32, 2]);
    words[6] = u64::MAX;
    let path = workspace.path().join(name).join("ring-0");
    let options = Options::new(4096).user_words(words);
    let (mut producer, mut consumer) = options.create_spsc(path).unwrap();
    for number in 0..6 {
        let mut claim = producer.try_claim(8).unwrap();
        claim.copy_from_slice(&counter(number * 1_000).to_le_bytes());
        claim.commit_tagged(TICK);
    }
    consumer.release_to(32);
}

pub(crate) fn rings(workspace: &Workspace) -> PathBuf {
    workspace.path().join(NAME)
}

#[test]
fn rings_complete_a_dump() {
    let workspace = crashed();
    let run = workspace.run(&["app.steno", "--utc"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let seconds: Vec<_> = run.stdout.lines().map(|line| &line[17..19]).collect();
    assert_eq!(seconds, ["00", "01", "02", "03", "04", "05"], "{}", run.stdout);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("app.steno: it is not sealed: its writer was killed or did not close it; 2 records came from its rings"));
    assert!(rings(&workspace).join("ring-0").exists(), "reading takes nothing away");
}

#[test]
fn filters_and_formats_see_them_too() {
    let workspace = crashed();
    let run = workspace.run(&["app.steno", "--json", "-n", "1"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("{\"timestamp\":\"2026-05-31T12:00:05.0"), "{}", run.stdout);
    let run = workspace.run(&["app.steno", "-l", "error"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
}

#[test]
fn without_them_the_dump_is_incomplete_and_says_where_it_looked() {
    let workspace = crashed();
    let run = workspace.run(&["app.steno", "--no-rings"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 4));
    assert!(!run.stderr.contains("--rings"), "{}", run.stderr);

    let elsewhere = workspace.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(rings(&workspace), elsewhere.join(NAME)).unwrap();
    let run = workspace.run(&["app.steno"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 4));
    let folder = workspace.path().canonicalize().unwrap();
    let looked = format!("; its rings are not in {}", folder.display());
    assert!(run.stderr.contains(&looked), "{}", run.stderr);
    assert!(run.stderr.contains("(--rings DIR looks elsewhere)"), "{}", run.stderr);

    for folder in ["elsewhere", &format!("elsewhere/{NAME}"), &format!("elsewhere/{NAME}/")] {
        let run = workspace.run(&["app.steno", "--rings", folder]);
        assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 6), "{}", run.stderr);
        // Named beside the dump it is the same.
        if folder.contains(NAME) {
            let run = workspace.run(&["app.steno", folder]);
            assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 6), "{}", run.stderr);
        }
    }
}

#[test]
fn a_ring_directory_can_be_read_alone() {
    let workspace = crashed();
    fs::remove_file(workspace.path().join("app.steno")).unwrap();
    let run = workspace.run(&[NAME]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 4), "{}", run.stderr);
    assert!(run.stderr.contains("not among the inputs; they hold 4 records"), "{}", run.stderr);
    fs::remove_file(rings(&workspace).join("meta.steno")).unwrap();
    let line = workspace.run(&[NAME]).fails(1);
    assert!(line.contains("is not a ring directory: its meta.steno"), "{line}");
}

#[test]
fn a_running_writer_is_left_alone() {
    let workspace = crashed();
    let lock = File::open(rings(&workspace).join("meta.steno")).unwrap();
    lock.try_lock().unwrap();
    // A copy of the dump of a running writer: the copy itself is not locked.
    let run = workspace.run(&["app.steno"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 4));
    assert!(run.stderr.contains("; its writer is still running: read the file"), "{}", run.stderr);
    let line =
        workspace.run(&["recover", "app.steno", "--to", "out.steno", "--remove-rings"]).fails(1);
    assert!(line.contains("app.steno: its writer is still running"), "{line}");
    drop(lock);
    let lock = File::open(workspace.path().join("app.steno")).unwrap();
    lock.try_lock().unwrap();
    assert_eq!(workspace.run(&["app.steno"]).ok().lines().count(), 4);
    let line = workspace.run(&["recover", "app.steno", "--to", "out.steno"]).fails(1);
    assert!(line.contains("app.steno: its writer is still running"), "{line}");
    assert!(!workspace.path().join("out.steno").exists());
    assert!(rings(&workspace).join("ring-0").exists());
}

#[test]
fn recovering_makes_a_complete_dump() {
    let workspace = crashed();
    let run = workspace.run(&["recover", "app.steno", "--to", "out.steno"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("out.steno: 6 records, "), "{}", run.stdout);
    assert!(run.stdout.ends_with("; sealed\n"), "{}", run.stdout);
    assert!(run.stderr.contains("2 records came from its rings"), "{}", run.stderr);
    let verified = workspace.run(&["verify", "out.steno"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    assert!(verified.stdout.starts_with("out.steno: complete: 6 records, 1 ring, "));
    assert_eq!(workspace.run(&["out.steno"]).ok(), workspace.run(&["app.steno"]).stdout);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(workspace.path().join("out.steno")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // Nothing is replaced without --force, and no partial file is left.
    let line = workspace.run(&["recover", "app.steno", "--to", "out.steno"]).fails(1);
    assert!(line.contains("out.steno: exists; name another file"), "{line}");
    let line = workspace.run(&["recover", "app.steno", "--to", "./app.steno", "--force"]).fails(1);
    assert!(line.contains("is the file to recover"), "{line}");
    let line = workspace.run(&["recover", "app.steno", "--to", "no/out.steno"]).fails(1);
    assert!(line.contains("no/out.steno: cannot be written"), "{line}");
    assert_eq!(fs::read_dir(workspace.path()).unwrap().count(), 3);

    let arguments = ["recover", "app.steno", "--to", "out.steno", "--force", "--remove-rings"];
    assert_eq!(workspace.run(&arguments).code, Some(0));
    assert!(!rings(&workspace).exists());
    assert_eq!(workspace.run(&["out.steno"]).ok().lines().count(), 6);
}

#[cfg(unix)]
#[test]
fn a_link_at_the_path_of_the_new_file_is_replaced_and_not_followed() {
    let workspace = crashed();
    let victim = workspace.write("victim", "precious");
    std::os::unix::fs::symlink(&victim, workspace.path().join("out.steno")).unwrap();
    workspace.run(&["recover", "app.steno", "--to", "out.steno"]).fails(1);
    let run = workspace.run(&["recover", "app.steno", "--to", "out.steno", "--force"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(fs::symlink_metadata(workspace.path().join("out.steno")).unwrap().is_file());
}

#[test]
fn missing_records_are_reported_again_when_the_recovered_dump_is_read() {
    let workspace = crashed();
    fs::remove_dir_all(rings(&workspace)).unwrap();
    let run = workspace.run(&["recover", "app.steno", "--to", "out.steno"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stdout.ends_with("; left without an end mark\n"), "{}", run.stdout);
    assert!(run.stderr.contains("; its rings are not in "), "{}", run.stderr);
    assert_eq!(workspace.run(&["verify", "out.steno"]).code, Some(3));

    // A damaged block: its records are missing, and the ring that is damaged too is kept.
    let workspace = crashed();
    let mut bytes = written();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    let whole = bytes.len() as u64;
    workspace.write("app.steno", bytes);
    let ring = rings(&workspace).join("ring-0");
    let mut ring_bytes = fs::read(&ring).unwrap();
    // The header of record 4.
    ring_bytes[4096 + 64] ^= 0xff;
    ring_bytes[4096 + 67] ^= 0x40;
    fs::write(&ring, ring_bytes).unwrap();
    let arguments = ["recover", "app.steno", "--to", "out.steno", "--remove-rings"];
    let run = workspace.run(&arguments);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("ring 1 is damaged at position 64"), "{}", run.stderr);
    assert!(run.stderr.contains("is kept: not everything in it could be read"), "{}", run.stderr);
    assert!(ring.exists() && whole > 0);
    // Records 2 and 3, whose block is damaged, come from the ring.
    assert_eq!(workspace.run(&["out.steno"]).stdout.lines().count(), 4);
}

#[test]
fn verifying_looks_at_each_ring() {
    let workspace = crashed();
    let run = workspace.run(&["verify", "app.steno"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout, @r"
    app.steno: complete: 6 records, 1 ring, 3 blocks, 672 B; it is not sealed, and 2 records came from its rings
    app.steno: ring 1 (main): complete: records 0 to 5, positions 0 to 96
    ");
    let json = workspace.run(&["verify", "--json", "app.steno"]).ok();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&value["complete"], &value["recovered"]), (&true.into(), &2.into()));
    assert_eq!(value["by_ring"][0]["next_record"], 6);

    // Sealed meanwhile, and the rings left over.
    let run = workspace.run(&["recover", "app.steno", "--to", "out.steno"]);
    assert_eq!(run.code, Some(0));
    let text = workspace.run(&["verify", "out.steno"]).ok();
    assert!(text.contains("its rings were left in "), "{text}");
}

#[test]
fn verifying_names_a_thread_that_only_the_rings_know() {
    let workspace = Workspace::new();
    let mut dump = Dump::new(1).with_ring_positions();
    dump.block(1, 0, 0, &[tick(0), tick(1_000)]);
    let written = dump.unsealed();
    workspace.write("app.steno", &written);
    put_rings(&workspace, NAME, &written);
    let text = workspace.run(&["verify", "app.steno"]).ok();
    assert!(text.contains("ring 1 (main): complete: records 0 to 5"), "{text}");
}

/// A packed copy lies where the dump lay: its rings are looked for there, and not where it is unpacked.
#[test]
fn rings_complete_a_packed_copy() {
    let workspace = crashed();
    let packed = zstd::bulk::compress(&written(), 3).unwrap();
    fs::remove_file(workspace.path().join("app.steno")).unwrap();
    workspace.write("app.steno.zst", packed);
    let run = workspace.run(&["app.steno.zst"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 6), "{}", run.stderr);
    let run = workspace.run(&["recover", "app.steno.zst", "--to", "out.steno"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(workspace.run(&["out.steno"]).ok().lines().count(), 6);
    // The dump beside its copy has the same rings.
    workspace.write("app.steno", written());
    let run = workspace.run(&["app.steno", "app.steno.zst"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 6), "{}", run.stderr);
    for command in ["info", "verify"] {
        let run = workspace.run(&[command, "app.steno", "app.steno.zst"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    }
}

#[test]
fn info_looks_at_the_rings() {
    let workspace = crashed();
    let run = workspace.run(&["info", "app.steno", "--utc"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    for line in [
        "state:      not sealed: its writer died; 2 records more in its rings",
        "records:    4, and 2 in the rings of its writer (DEBUG)",
        "time:       2026-05-31T12:00:00.000000Z to 2026-05-31T12:00:05.000000Z (5.00 s)",
        "lost:       nothing",
    ] {
        assert!(run.stdout.contains(&format!("  {line}\n")), "{line}: {}", run.stdout);
    }
    let json = |args: &[&str]| {
        let run = workspace.run(&[&["info", "--json", "app.steno"], args].concat());
        let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let number = |key: &str| value[key].as_u64();
        (run.code, value["complete"].as_bool(), number("records"), number("recovered"))
    };
    assert_eq!(json(&[]), (Some(0), Some(true), Some(4), Some(2)));
    assert_eq!(json(&["--no-rings"]), (Some(3), Some(false), Some(4), Some(0)));

    // Of rings that are damaged or gone it does not say that all is there.
    let ring = rings(&workspace).join("ring-0");
    let mut bytes = fs::read(&ring).unwrap();
    bytes[4096 + 64] ^= 0xff;
    bytes[4096 + 67] ^= 0x40;
    fs::write(&ring, bytes).unwrap();
    let run = workspace.run(&["info", "app.steno"]);
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert!(run.stdout.contains("ring 1 is damaged at position 64"), "{}", run.stdout);
    assert!(!run.stdout.contains("lost:       nothing"), "{}", run.stdout);
    fs::remove_dir_all(rings(&workspace)).unwrap();
    let run = workspace.run(&["info", "app.steno"]);
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert!(run.stdout.contains("; its rings are not in "), "{}", run.stdout);
}

#[test]
fn hostile_ring_directories_are_bounded() {
    let workspace = crashed();
    for number in 1..=100 {
        File::create(rings(&workspace).join(format!("ring-{number}")))
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
    }
    let run = workspace.run(&["app.steno", "--max-ring-files", "50"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 6), "{}", run.stderr);
    assert!(run.stderr.contains("101 ring files exceed the limit of 50"));
    assert!(run.stderr.contains("has 1099511627776 bytes; the limit is 1073745920"));
    let run = workspace.run(&["app.steno", "--max-ring-bytes", "4K"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 4), "{}", run.stderr);
}
