//! Records of a real program, read by the real `steno`.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use stenolog::{Builder, Logger, error, info};

fn steno(arguments: &[&str], dump: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steno"))
        .args(arguments)
        .arg(dump)
        .env_remove("NO_COLOR")
        .output()
        .expect("steno starts")
}

fn log_in(logger: &Logger) {
    let _scope = logger.enter();
    let (order_id, price) = (17_u64, 99.5);
    info!("order {order_id} filled {} @ {price:.2}", 300);
    error!(target: "risk", ?order_id, "rejected");
}

#[test]
fn a_dump_comes_out_as_text_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let logger = Builder::new(&path).filter("trace").start_detached().unwrap();
    log_in(&logger);
    logger.close().unwrap();

    let text = steno(&["--utc"], &path);
    assert_eq!((text.status.code(), text.stderr), (Some(0), Vec::new()));
    let text = String::from_utf8(text.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].ends_with("end_to_end: order 17 filled 300 @ 99.50"), "{text}");
    assert!(lines[1].ends_with("risk: rejected order_id=17"), "{text}");

    let json = steno(&["--json", "-l", "error"], &path);
    assert_eq!(json.status.code(), Some(0));
    let record: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(record["message"], "rejected");
    assert_eq!(record["target"], "risk");
    assert_eq!(record["fields"], json!({"order_id": 17}));
    assert_eq!(steno(&["verify"], &path).status.code(), Some(0));
}

#[test]
fn a_dump_that_is_packed_again_says_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let [path, small] = ["app.steno", "small.steno"].map(|name| folder.path().join(name));
    let logger = Builder::new(&path).filter("trace").start_detached().unwrap();
    let logger_ref = &logger;
    std::thread::scope(|threads| {
        for id in 0..3_u64 {
            threads.spawn(move || {
                let _scope = logger_ref.enter();
                for n in 0..500_u64 {
                    info!(n, "thread {id} at {:?}", (n % 3 > 0).then_some(n as f64 / 7.0));
                    error!(at: (n * 1_000) as i64, text = &"0123456789"[..n as usize % 9], "{}", 'ß');
                    if n % 50 == 0 {
                        logger_ref.flush().unwrap();
                    }
                }
            });
        }
    });
    logger.close().unwrap();
    let out = small.to_str().unwrap();
    let export = steno(&["export", "--to", "steno", "-o", out], &path);
    assert_eq!((export.status.code(), export.stderr), (Some(0), Vec::new()));
    let [before, after] = [&path, &small].map(|path| steno(&["--json"], path));
    assert_eq!(before.stdout.iter().filter(|byte| **byte == b'\n').count(), 3000);
    assert!(before.stdout == after.stdout);
    assert_eq!(steno(&["verify"], &small).status.code(), Some(0));
    let length = |path: &Path| std::fs::metadata(path).unwrap().len();
    assert!(length(&small) * 2 < length(&path), "{} of {}", length(&small), length(&path));
}

#[test]
fn a_dump_is_complete_while_its_writer_runs_and_incomplete_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let logger = Builder::new(&path).filter("trace").start_detached().unwrap();
    log_in(&logger);
    logger.flush().unwrap();
    let running = steno(&[], &path);
    if cfg!(unix) {
        assert_eq!((running.status.code(), running.stderr), (Some(0), Vec::new()));
    }
    let lines = String::from_utf8(running.stdout).unwrap().lines().count();
    assert_eq!(lines, 2);

    // A killed writer leaves the same bytes, without a lock.
    let left = folder.path().join("left.steno");
    std::fs::copy(&path, &left).unwrap();
    let dead = steno(&[], &left);
    assert_eq!(dead.status.code(), Some(3));
    assert_eq!(String::from_utf8(dead.stdout).unwrap().lines().count(), 2);
    assert!(String::from_utf8(dead.stderr).unwrap().contains("without an end mark"));
    logger.close().unwrap();
}
