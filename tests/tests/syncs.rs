//! A record that is said to be on the disk is there: the system was asked to put it there, and its refusal
//! counts.
//!
//! The simulated disk of the logger's own tests shows what follows from a sync. Here the system calls
//! are refused to a thread, and to the drain's that it starts, by a filter.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use stenolog::{Builder, FlushError, info};
use stenolog_tests::scenario;

/// Does `work` in a thread whose system calls of these numbers fail with `EIO`.
fn refused<R: Send>(calls: &[libc::c_long], work: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            refuse(calls);
            work()
        });
        thread.join().unwrap()
    })
}

/// Has system calls of these numbers fail in this thread, and in those that it starts.
fn refuse(calls: &[libc::c_long]) {
    let statement =
        |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter { code: code as u16, jt, jf, k };
    let (load, jump, give) = (
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
        libc::BPF_RET | libc::BPF_K,
    );
    // The number comes first in what the filter is given.
    let mut program = vec![statement(load, 0, 0, 0)];
    for &call in calls {
        program.push(statement(jump, u32::try_from(call).unwrap(), 0, 1));
        program.push(statement(give, libc::SECCOMP_RET_ERRNO | libc::EIO as u32, 0, 0));
    }
    program.push(statement(give, libc::SECCOMP_RET_ALLOW, 0, 0));
    let program = libc::sock_fprog {
        len: u16::try_from(program.len()).unwrap(),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program and its statements live until the calls return, which only read them.
    let results = unsafe {
        [
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program),
        ]
    };
    assert_eq!(results, [0, 0], "{}", std::io::Error::last_os_error());
}

/// What the first sync of a logger says.
fn first_sync(refuse: &[libc::c_long]) -> Result<(), FlushError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    refused(refuse, || {
        let logger = Builder::new(path).on_error(|_| {}).start_detached().unwrap();
        let scope = logger.enter();
        info!("one");
        logger.flush().unwrap();
        let result = logger.sync();
        drop(scope);
        let _ = logger.close();
        result
    })
}

#[test]
fn a_sync_puts_the_file_and_its_name_on_the_disk() {
    first_sync(&[]).unwrap();
    // The file, with either call; then the folder.
    let error = first_sync(&[libc::SYS_fdatasync, libc::SYS_fsync]).unwrap_err().to_string();
    assert!(error.contains("cannot sync the dump"), "{error}");
    let error = first_sync(&[libc::SYS_fdatasync]).unwrap_err().to_string();
    assert!(error.contains("cannot sync the dump"), "{error}");
    let error = first_sync(&[libc::SYS_fsync]).unwrap_err().to_string();
    assert!(error.contains("cannot sync the dump"), "{error}");
}

/// Else a loss of power would take what was in both.
#[test]
fn rings_stay_until_the_dump_that_has_their_records_is_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("rings")).unwrap();
    let killed = scenario!("unread_rings/killed", at("app.steno"), at("rings"), "some");
    let output = killed.output();
    assert!(!output.status.success());
    let rings = || -> Vec<PathBuf> {
        let entries = fs::read_dir(at("rings")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let before = rings();
    assert_eq!(before.len(), 1);
    let start = |refuse: &[libc::c_long]| {
        let told = Arc::<Mutex<Vec<String>>>::default();
        let hears = Arc::clone(&told);
        let builder = Builder::new(at("app.steno"))
            .rings_in(at("rings"))
            .on_error(move |error| hears.lock().unwrap().push(error.to_string()));
        refused(refuse, || builder.start_detached().unwrap().close().unwrap());
        let told = told.lock().unwrap();
        told.clone()
    };
    let told = start(&[libc::SYS_fdatasync, libc::SYS_fsync]);
    assert!(told.len() == 1 && told[0].contains(".rings: the dump: "), "{told:?}");
    assert_eq!(rings(), before);
    // The next one on what is now the earlier dump's path finds both.
    fs::rename(at("app.1.steno"), at("app.steno")).unwrap();
    assert_eq!(start(&[]), Vec::<String>::new());
    assert_eq!(rings(), Vec::<PathBuf>::new());
}
