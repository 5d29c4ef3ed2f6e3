//! Scenarios of `tests/lifecycle.rs`.

use std::alloc::{GlobalAlloc, Layout, System};
#[cfg(unix)]
use std::ffi::{CStr, CString};
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stenolog::{Builder, OnFull, info, trace};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match (call.name, call.rest) {
        ("restart", [second]) => restart(call.dump, Path::new(second)),
        ("unheard", []) => unheard(call.dump),
        ("destructors", []) => destructors(call.dump),
        ("allocator", []) => allocator(call.dump),
        ("account", []) => account(call.dump),
        #[cfg(unix)]
        ("plugin", [library]) => plugin(call.dump, library),
        _ => call.unknown(),
    }
}

/// Two global loggers, one after the other, for call sites and threads that outlive the first.
fn restart(first: &Path, second: &Path) -> Outcome {
    let (to_thread, orders) = std::sync::mpsc::channel::<u32>();
    let (done, answers) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        for round in orders {
            info!("thread in round {round}");
            let _ = done.send(());
        }
    });
    for (round, path) in [first, second].into_iter().enumerate() {
        let log = Builder::new(path).start()?;
        let refused = Builder::new(path).start();
        println!("{}", refused.err().ok_or("a second logger started")?);
        info!("main in round {round}");
        to_thread.send(round as u32)?;
        answers.recv()?;
        log.close()?;
    }
    drop(to_thread);
    thread.join().map_err(|_| "the thread panicked")?;
    Ok(())
}

/// Calls before the start, and after the end.
fn unheard(path: &Path) -> Outcome {
    let call = || info!("called");
    (0..3).for_each(|_| call());
    println!("{}", stenolog::stats().unheard);
    println!("{}", stenolog::flush().unwrap_err());
    let log = Builder::new(path).start()?;
    call();
    log.close()?;
    (0..2).for_each(|_| call());
    println!("{}", stenolog::stats().unheard);
    Ok(())
}

/// Calls from destructors of thread-locals, which run before and after the logger's own.
fn destructors(path: &Path) -> Outcome {
    struct Logs(&'static str);
    impl Drop for Logs {
        fn drop(&mut self) {
            info!("destructor {}", self.0);
        }
    }
    thread_local! {
        static EARLY: Logs = const { Logs("registered before the ring") };
        static LATE: Logs = const { Logs("registered after the ring") };
    }
    let log = Builder::new(path).start()?;
    let thread = std::thread::Builder::new().name("short".into()).spawn(|| {
        EARLY.with(|_| ());
        info!("alive");
        LATE.with(|_| ());
    })?;
    thread.join().map_err(|_| "the thread panicked")?;
    log.close()?;
    println!("{}", stenolog::stats().unheard);
    Ok(())
}

/// Loggers that start and end while threads come, log once and go: every call is accounted for.
fn account(path: &Path) -> Outcome {
    let calls = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> Outcome {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let thread = std::thread::spawn(|| info!("once"));
                    calls.fetch_add(1, Ordering::Relaxed);
                    let _ = thread.join();
                }
            });
        }
        for round in 0..50 {
            let path = path.with_extension(format!("{round}.steno"));
            let log = Builder::new(path).start()?;
            std::thread::yield_now();
            log.close()?;
        }
        done.store(true, Ordering::Relaxed);
        Ok(())
    })?;
    let stats = stenolog::stats();
    println!("{} {}", calls.load(Ordering::Relaxed), stats.unheard + stats.late);
    Ok(())
}

/// An allocator that logs, once it is told to: its calls come from within the logger too.
struct LoggingAllocator;

static ALLOCATOR_LOGS: AtomicBool = AtomicBool::new(false);

// SAFETY: all is the system's allocator's work.
unsafe impl GlobalAlloc for LoggingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ALLOCATOR_LOGS.load(Ordering::Relaxed) {
            trace!("{} bytes", layout.size());
        }
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: LoggingAllocator = LoggingAllocator;

/// First calls, losses and scopes, all of which allocate, under an allocator that logs.
fn allocator(path: &Path) -> Outcome {
    let log = Builder::new(path).ring_capacity_bytes(1 << 12).on_full(OnFull::Drop).start()?;
    let beside = Builder::new(path.with_extension("beside.steno")).start_detached()?;
    ALLOCATOR_LOGS.store(true, Ordering::Relaxed);
    for n in 0..1000 {
        info!("record {}", n.to_string());
        let scope = beside.enter();
        info!("beside {n}");
        drop(scope);
    }
    ALLOCATOR_LOGS.store(false, Ordering::Relaxed);
    beside.close()?;
    log.close()?;
    Ok(())
}

#[cfg(unix)]
/// A program and a library that it loads, each with a Stenolog of its own, log at once.
fn plugin(path: &Path, library: &str) -> Outcome {
    type Run = unsafe extern "C" fn(*const libc::c_char) -> libc::c_int;

    let library = CString::new(library)?;
    // SAFETY: the library is the one of `tests/plugin`, which does nothing as it is loaded, is
    // never unloaded, and has a function of this name and type.
    let run: Run = unsafe {
        let library = libc::dlopen(library.as_ptr(), libc::RTLD_NOW);
        let symbol = if library.is_null() {
            std::ptr::null_mut()
        } else {
            libc::dlsym(library, c"stenolog_tests_plugin_run".as_ptr())
        };
        if symbol.is_null() {
            return Err(CStr::from_ptr(libc::dlerror()).to_string_lossy().into());
        }
        std::mem::transmute::<*mut libc::c_void, Run>(symbol)
    };
    let run = |path: &Path| -> Result<libc::c_int, Box<dyn std::error::Error>> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: the path ends with a zero, and lives until the call returns.
        Ok(unsafe { run(path.as_ptr()) })
    };
    let log = Builder::new(path).on_full(OnFull::Block).start()?;
    println!("{}", run(path)?);
    let program = std::thread::spawn(|| (0..10_000).for_each(|n| info!("program {n}")));
    println!("{}", run(&path.with_extension("plugin.steno"))?);
    program.join().map_err(|_| "the thread panicked")?;
    log.close()?;
    Ok(())
}
