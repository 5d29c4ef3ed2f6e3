//! Scenario of `tests/process_end.rs`.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use stenolog::{Builder, Logger, info};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match (call.name, call.rest) {
        ("kept", [how]) => kept(call.dump, how),
        _ => call.unknown(),
    }
}

/// A logger in a static, in a process that ends as it is told to. Prints the ring directory.
fn kept(path: &Path, how: &str) -> Outcome {
    static LOG: OnceLock<Logger> = OnceLock::new();
    static HAS_LOGGED: AtomicU64 = AtomicU64::new(0);

    struct Local;

    impl Drop for Local {
        fn drop(&mut self) {
            info!("thread-local");
        }
    }

    thread_local!(static LOCAL: Local = const { Local });

    extern "C" fn early() {
        info!("registered before the start");
    }

    extern "C" fn late() {
        info!("registered after the start");
    }

    // SAFETY: the handlers are functions that live as long as the program.
    unsafe { libc::atexit(early) };
    let log = Builder::new(path).start()?;
    println!("{}", log.ring_dir().ok_or("rings in files")?.display());
    let _ = LOG.set(log);
    // SAFETY: as above.
    unsafe { libc::atexit(late) };
    LOCAL.with(|_| ());
    // Those that sleep do not keep the process from its end.
    std::thread::spawn(|| {
        info!("thread");
        HAS_LOGGED.store(1, Ordering::Release);
        loop {
            std::thread::park();
        }
    });
    while HAS_LOGGED.load(Ordering::Acquire) == 0 {
        std::thread::yield_now();
    }
    for _ in 0..3 {
        info!(once: true, "main");
    }
    match how {
        "exit" => std::process::exit(0),
        // SAFETY: the child does nothing but to end, as the process does that it is a copy of.
        "child" => match unsafe { libc::fork() } {
            -1 => return Err(std::io::Error::last_os_error().into()),
            0 => std::process::exit(0),
            child => {
                let mut status = 0;
                // SAFETY: the status lives on this stack.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                info!("the child ended with {status}");
            }
        },
        // SAFETY: nothing of this process is needed any more.
        "_exit" => unsafe { libc::_exit(0) },
        _ => {}
    }
    Ok(())
}
