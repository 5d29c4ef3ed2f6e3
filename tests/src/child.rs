//! Processes that the tests start because what they do cannot be undone in a test's own process:
//! environment variables, limits, forks, the global logger.
//!
//! `child SCENE DUMP [ARGUMENT]`; what a scene reports goes to standard output, a line each.
#![expect(clippy::print_stdout, reason = "its output is what the tests read")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stenolog::{Builder, OnFull, debug, error, info, trace, warn};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scene, path, rest @ ..] = &arguments[..] else { return Err("child SCENE DUMP".into()) };
    let path = Path::new(path);
    match (scene.as_str(), rest) {
        ("levels", []) => levels(path),
        ("restart", [second]) => restart(path, Path::new(second)),
        ("unheard", []) => unheard(path),
        ("destructors", []) => destructors(path),
        ("allocator", []) => allocator(path),
        ("account", []) => account(path),
        #[cfg(unix)]
        ("full-disk", []) => unix::full_disk(path),
        #[cfg(unix)]
        ("file-size-in-hand", []) => unix::file_size_in_hand(path),
        #[cfg(unix)]
        ("stuck", []) => unix::stuck(path),
        #[cfg(unix)]
        ("file-size", []) => unix::file_size(path),
        ("change-folder", []) => change_folder(path),
        ("without-bytes", []) => without_bytes(path),
        #[cfg(unix)]
        ("fork", []) => unix::fork(path),
        #[cfg(unix)]
        ("fork-own", []) => unix::fork_own(path),
        #[cfg(unix)]
        ("orphan", []) => unix::orphan(path),
        #[cfg(unix)]
        ("signals", []) => unix::signals(path),
        #[cfg(unix)]
        ("replaced", []) => unix::replaced(path),
        #[cfg(unix)]
        ("killed", [rings, more]) => unix::killed(path, Path::new(rings), more),
        #[cfg(target_os = "linux")]
        ("clone", [how]) => unix::clone(path, how),
        #[cfg(unix)]
        ("kept", [how]) => unix::kept(path, how),
        #[cfg(unix)]
        ("short", [rings]) => unix::short(path, Path::new(rings)),
        #[cfg(unix)]
        ("left", [rings, how]) => unix::left(path, Path::new(rings), how == "unread"),
        #[cfg(unix)]
        ("next", [rings]) => unix::next(path, Path::new(rings), None),
        #[cfg(unix)]
        ("next", [rings, limit]) => unix::next(path, Path::new(rings), Some(limit.parse()?)),
        #[cfg(unix)]
        ("plugin", [library]) => unix::plugin(path, library),
        _ => Err(format!("no scene `{scene}` with {} arguments", rest.len()).into()),
    }
}

/// Lists of elements that take no bytes, at a call site that has logged before.
fn without_bytes(path: &Path) -> Result<(), Box<dyn Error>> {
    let log = Builder::new(path).start()?;
    for length in [0_usize, 3, 4096, 4097, 1 << 32, 5] {
        let list = vec![[0_u8; 0]; length];
        info!("{} {:?} {}", length, list, "a text behind it");
    }
    log.close()?;
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
fn allocator(path: &Path) -> Result<(), Box<dyn Error>> {
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

/// Loggers that start and end while threads come, log once and go: every call is accounted for.
fn account(path: &Path) -> Result<(), Box<dyn Error>> {
    let calls = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
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

/// One record of each level, with whatever filter the environment gives. Prints what it is told.
fn levels(path: &Path) -> Result<(), Box<dyn Error>> {
    let log = Builder::new(path).on_event(|event| println!("{event}")).start()?;
    error!("error");
    warn!("warn");
    info!("info");
    debug!("debug");
    trace!("trace");
    trace!(target: "other::place", "elsewhere");
    log.close()?;
    Ok(())
}

/// Two global loggers, one after the other, for call sites and threads that outlive the first.
fn restart(first: &Path, second: &Path) -> Result<(), Box<dyn Error>> {
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
fn unheard(path: &Path) -> Result<(), Box<dyn Error>> {
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
fn destructors(path: &Path) -> Result<(), Box<dyn Error>> {
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

/// A relative path, and another working folder from then on.
fn change_folder(path: &Path) -> Result<(), Box<dyn Error>> {
    let log = Builder::new(path).start()?;
    info!("before");
    log.flush()?;
    std::env::set_current_dir("/")?;
    info!("after");
    log.sync()?;
    log.close()?;
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::ffi::{CStr, CString};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use stenolog::ForkedChild;

    use stenolog::{Logger, Rings};

    use super::{Builder, Error, OnFull, Path, info};

    /// A file that may not grow for a while, then may again.
    pub(super) fn full_disk(path: &Path) -> Result<(), Box<dyn Error>> {
        let log = Builder::new(path).ring_capacity_bytes(1 << 14).on_full(OnFull::Drop).start()?;
        info!("before");
        log.flush()?;
        limit_file_size(Some(std::fs::metadata(path)?.len()))?;
        // More than the ring holds, so that some must be dropped whatever the drain does.
        (0..10_000_u32).for_each(|n| info!("record {n}"));
        println!("{}", log.flush().err().ok_or("a flush to a full disk succeeded")?);
        println!("{}", log.stats().lost);
        limit_file_size(None)?;
        log.flush()?;
        info!("after");
        log.close()?;
        Ok(())
    }

    /// Threads that come and go while the drain cannot write: some have a ring already, one has
    /// lost its last records.
    pub(super) fn stuck(path: &Path) -> Result<(), Box<dyn Error>> {
        let log = Builder::new(path).ring_capacity_bytes(1 << 14).on_full(OnFull::Drop).start()?;
        info!("before");
        let barrier = std::sync::Barrier::new(5);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let barrier = &barrier;
                scope.spawn(move || {
                    info!("early {thread} 0");
                    barrier.wait();
                    barrier.wait();
                    let count = if thread == 3 { 10_000 } else { 10 };
                    (1..count).for_each(|n| info!("early {thread} {n}"));
                });
            }
            barrier.wait();
            log.flush()?;
            limit_file_size(Some(std::fs::metadata(path)?.len()))?;
            barrier.wait();
            Ok::<_, Box<dyn Error>>(())
        })?;
        for thread in 0..100 {
            let late = move || (0..10).for_each(|n| info!("late {thread} {n}"));
            std::thread::spawn(late).join().map_err(|_| "a thread has panicked")?;
        }
        log.flush().err().ok_or("a flush to a full disk succeeded")?;
        println!("{}", log.stats().lost);
        limit_file_size(None)?;
        log.close()?;
        Ok(())
    }

    /// A file that may not grow for a while, in a process that does nothing about `SIGXFSZ`.
    pub(super) fn file_size(path: &Path) -> Result<(), Box<dyn Error>> {
        let report = |error: &stenolog::DrainError| println!("{error}");
        set_file_size(Some(10))?;
        let refused =
            Builder::new(path.with_extension("refused.steno")).rings(Rings::Memory).start();
        println!("{}", refused.err().ok_or("a dump of 10 bytes was begun")?);
        set_file_size(None)?;
        let log = Builder::new(path).on_error(report).start()?;
        info!("before");
        log.flush()?;
        set_file_size(Some(std::fs::metadata(path)?.len() + 10))?;
        info!("during");
        log.flush().err().ok_or("a flush beyond the limit succeeded")?;
        set_file_size(None)?;
        log.flush()?;
        info!("after");
        log.close()?;
        Ok(())
    }

    /// The same with a drain that this thread polls, whose signals are not blocked otherwise.
    pub(super) fn file_size_in_hand(path: &Path) -> Result<(), Box<dyn Error>> {
        let (log, mut drain) = Builder::new(path).start_manual()?;
        info!("before");
        drain.flush()?;
        set_file_size(Some(std::fs::metadata(path)?.len() + 10))?;
        info!("during");
        println!("{}", drain.flush().err().ok_or("a flush beyond the limit succeeded")?);
        set_file_size(None)?;
        drain.flush()?;
        info!("after");
        drop(log);
        drain.close()?;
        Ok(())
    }

    fn set_file_size(bytes: Option<u64>) -> Result<(), Box<dyn Error>> {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the limit lives on this stack.
        let result = unsafe {
            libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit);
            limit.rlim_cur = bytes.unwrap_or(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit)
        };
        if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().into()) }
    }

    fn limit_file_size(bytes: Option<u64>) -> Result<(), Box<dyn Error>> {
        // SAFETY: ignoring a signal runs no code.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        set_file_size(bytes)
    }

    /// A child that logs on after a fork; the parent's dump must not know of it.
    pub(super) fn fork(path: &Path) -> Result<(), Box<dyn Error>> {
        let log = Builder::new(path).on_full(OnFull::Block).start()?;
        info!("before the fork");
        let beside = Builder::new(path.with_extension("beside.steno")).start_detached()?;
        let scope = beside.enter();
        // SAFETY: the child only logs, prints, and leaves without running anything else's
        // destructors.
        match unsafe { libc::fork() } {
            -1 => Err(std::io::Error::last_os_error().into()),
            0 => {
                drop(scope);
                (0..100_000_u32).for_each(|n| info!("child {n}"));
                println!("{}", stenolog::stats().unheard);
                println!("{}", log.flush().unwrap_err());
                println!("{}", stenolog::flush().unwrap_err());
                println!("{}", log.close().unwrap_err());
                let own = Builder::new(path.with_extension("child.steno")).start().unwrap();
                info!("the child's own");
                own.close().unwrap();
                // SAFETY: nothing of this process is needed any more.
                unsafe { libc::_exit(0) }
            }
            child => {
                let mut status = 0;
                // SAFETY: the status lives on this stack.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                drop(scope);
                info!("after the fork, child ended with {status}");
                log.close()?;
                beside.close()?;
                Ok(())
            }
        }
    }

    /// A child that gets a dump of its own, and ends it with its copy of the guard.
    pub(super) fn fork_own(path: &Path) -> Result<(), Box<dyn Error>> {
        let log =
            Builder::new(path).forked_child(ForkedChild::OwnDump).on_full(OnFull::Block).start()?;
        info!("before the fork");
        // SAFETY: the child only logs, prints, and leaves without running anything else's
        // destructors.
        match unsafe { libc::fork() } {
            -1 => return Err(std::io::Error::last_os_error().into()),
            0 => {
                (0..1000).for_each(|n| info!("child {n}"));
                println!("{}", std::process::id());
                stenolog::flush().unwrap();
                // A child of its own gets one as well.
                // SAFETY: as above.
                match unsafe { libc::fork() } {
                    0 => {
                        info!("grandchild");
                        println!("{}", std::process::id());
                        let is_heard = stenolog::flush().is_ok() && log.close().is_ok();
                        // SAFETY: nothing of this process is needed any more.
                        unsafe { libc::_exit(i32::from(!is_heard)) }
                    }
                    grandchild => {
                        let mut status = 0;
                        // SAFETY: the status lives on this stack.
                        unsafe { libc::waitpid(grandchild, &raw mut status, 0) };
                        if status != 0 {
                            // SAFETY: as above.
                            unsafe { libc::_exit(1) }
                        }
                    }
                }
                log.close().unwrap();
                // SAFETY: nothing of this process is needed any more.
                unsafe { libc::_exit(0) }
            }
            child => {
                (0..1000).for_each(|n| info!("parent {n}"));
                let mut status = 0;
                // SAFETY: the status lives on this stack.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                info!("the child ended with {status}");
                log.close()?;
            }
        }
        Ok(())
    }

    /// A process that is killed while a child that it has forked lives on.
    pub(super) fn orphan(path: &Path) -> Result<(), Box<dyn Error>> {
        let folder = path.parent().ok_or("a path in a folder")?;
        let _log = Builder::new(path).rings_in(folder).start()?;
        info!("committed");
        // SAFETY: the child only waits until its standard input ends.
        match unsafe { libc::fork() } {
            -1 => Err(std::io::Error::last_os_error().into()),
            0 => {
                println!("child");
                let _ = std::io::stdin().read_line(&mut String::new());
                // SAFETY: nothing of this process is needed any more.
                unsafe { libc::_exit(0) }
            }
            _ => {
                println!("parent");
                // SAFETY: it ends this process at once.
                unsafe { libc::raise(libc::SIGKILL) };
                Err("the process lives on".into())
            }
        }
    }

    /// Two threads, of which the dump has a part of what they log, when the process is killed: with
    /// `full`, one of them loses records too. `alive` is killed when its standard input ends.
    pub(super) fn killed(path: &Path, rings: &Path, more: &str) -> Result<(), Box<dyn Error>> {
        let log = Builder::new(path)
            .rings_in(rings)
            .ring_capacity_bytes(1 << 15)
            .on_full(OnFull::Block)
            .on_full_at(stenolog::Level::Debug, OnFull::Drop)
            .deliver_within(std::time::Duration::from_secs(3600))
            .start()?;
        let call = |name: &str, n: u32| info!(half = f64::from(n) / 2.0, "{name} {n}");
        let round = |numbers: std::ops::Range<u32>| {
            std::thread::scope(|scope| {
                scope.spawn(|| numbers.clone().for_each(|n| call("other", n)));
                numbers.clone().for_each(|n| call("main", n));
            });
        };
        if more != "early" {
            round(0..200);
            log.flush()?;
        }
        // After a pass that finds nothing the drain sleeps for an hour, unless a ring is half full.
        log.flush()?;
        round(200..400);
        if more == "full" {
            let text = "x".repeat(1 << 17);
            (0..3).for_each(|_| stenolog::debug!("{text}"));
        }
        println!("{}", log.stats().lost);
        if more == "alive" {
            let _ = std::io::stdin().read_line(&mut String::new());
        }
        // SAFETY: it ends this process at once.
        unsafe { libc::raise(libc::SIGKILL) };
        Err("the process lives on".into())
    }

    /// A child that no handler of `pthread_atfork` has seen.
    #[cfg(target_os = "linux")]
    pub(super) fn clone(path: &Path, how: &str) -> Result<(), Box<dyn Error>> {
        let log =
            Builder::new(path).on_full(OnFull::Block).forked_child(ForkedChild::OwnDump).start()?;
        // At the same call sites as its parent: on the hot path there is nothing more to be asked.
        let say = |who: &str, n: u64| info!("{who} {n}");
        let say_at = |who: &str, n: u64| info!(at: std::time::SystemTime::now(), "{who} {n}");
        let log_and_clone = || -> Result<libc::c_int, stenolog::FlushError> {
            (0..3).for_each(|n| say("parent before", n));
            say_at("parent before", 3);
            log.flush()?;
            // SAFETY: as `fork`, of which it is the system call, and without its handlers.
            let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
            if child == 0 {
                (0..4).for_each(|n| say("child", n));
                say_at("child", 4);
                let is_refused = log.flush().is_err() && stenolog::flush().is_err();
                let is_counted = stenolog::stats().unheard == 5;
                // SAFETY: it ends this process at once, without its parent's destructors.
                unsafe { libc::_exit(if is_refused && is_counted { 0 } else { 1 }) };
            }
            let mut status = 0;
            // SAFETY: the status lives on this stack.
            unsafe { libc::waitpid(child as libc::pid_t, &raw mut status, 0) };
            say_at("parent after", 0);
            (1..4).for_each(|n| say("parent after", n));
            Ok(status)
        };
        let status = match how {
            "thread" => std::thread::scope(|scope| scope.spawn(log_and_clone).join()),
            _ => Ok(log_and_clone()),
        };
        let status = status.map_err(|_| "the thread panicked")??;
        info!("the child ended with {status}");
        // SAFETY: as above. Here it is asked what a child does that drops its parent's logger.
        let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
        if child == 0 {
            // It joins no drain that is not there, nor does it seal what is the parent's.
            drop(log);
            std::process::exit(0);
        }
        let mut status = 0;
        // SAFETY: the status lives on this stack.
        unsafe { libc::waitpid(child as libc::pid_t, &raw mut status, 0) };
        info!("the other ended with {status}");
        log.close()?;
        Ok(())
    }

    /// A logger in a static, in a process that ends as it is told to. Prints the ring directory.
    pub(super) fn kept(path: &Path, how: &str) -> Result<(), Box<dyn Error>> {
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
        info!("main");
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

    /// A process that has no descriptor left when its logger ends. It is killed then.
    pub(super) fn short(path: &Path, rings: &Path) -> Result<(), Box<dyn Error>> {
        let log = Builder::new(path).rings_in(rings).start()?;
        let call = |n: u32| info!("thread {n}");
        (0..3).for_each(|n| {
            std::thread::scope(|scope| {
                scope.spawn(|| call(n));
            });
        });
        let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
        // SAFETY: the limit lives on this stack.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        log.close()?;
        // SAFETY: it ends this process at once.
        unsafe { libc::raise(libc::SIGKILL) };
        Err("the process lives on".into())
    }

    /// A process that is killed when its dump has all that it logged, or all but a record.
    pub(super) fn left(path: &Path, rings: &Path, unread: bool) -> Result<(), Box<dyn Error>> {
        let log = Builder::new(path)
            .rings_in(rings)
            .deliver_within(std::time::Duration::from_secs(3600))
            .start()?;
        info!("written");
        log.flush()?;
        // After a pass that finds nothing the drain sleeps for an hour.
        log.flush()?;
        if unread {
            info!("unread");
        }
        // SAFETY: it ends this process at once.
        unsafe { libc::raise(libc::SIGKILL) };
        Err("the process lives on".into())
    }

    /// A run on a path where there was another, perhaps when no file may grow beyond a limit.
    pub(super) fn next(
        path: &Path,
        rings: &Path,
        limit: Option<u64>,
    ) -> Result<(), Box<dyn Error>> {
        if limit.is_some() {
            limit_file_size(limit)?;
        }
        let log =
            Builder::new(path).rings_in(rings).on_error(|error| println!("{error}")).start()?;
        info!("next");
        log.close()?;
        Ok(())
    }

    /// A program and a library that it loads, each with a Stenolog of its own, log at once.
    pub(super) fn plugin(path: &Path, library: &str) -> Result<(), Box<dyn Error>> {
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
        let run = |path: &Path| -> Result<libc::c_int, Box<dyn Error>> {
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

    /// Handlers that log, as often as a timer fires, while their thread logs too.
    pub(super) fn signals(path: &Path) -> Result<(), Box<dyn Error>> {
        const SIGNALS: u64 = 2000;
        static HANDLED: AtomicU64 = AtomicU64::new(0);

        fn report(n: u64) {
            info!("handler {n}");
        }

        extern "C" fn handle(_: libc::c_int) {
            let n = HANDLED.fetch_add(1, Ordering::Relaxed);
            stenolog::in_signal_handler(|| report(n));
            // Here: where a signal takes longer than the time between two, only handlers get on.
            if n + 1 == SIGNALS {
                set_timer(0);
            }
        }

        fn set_timer(every_micros: libc::suseconds_t) {
            let every = libc::timeval { tv_sec: 0, tv_usec: every_micros };
            let timer = libc::itimerval { it_interval: every, it_value: every };
            // SAFETY: the structure lives on this stack, and what the timer was is not asked for.
            unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
        }

        let log = Builder::new(path).on_full(OnFull::Block).start()?;
        // The first call of a site takes memory.
        report(u64::MAX);
        // SAFETY: the handler does what handlers may do, and the structure lives on this stack.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut());
        }
        set_timer(50);
        let mut logged = 0_u64;
        while HANDLED.load(Ordering::Relaxed) < SIGNALS {
            info!("thread {logged}");
            logged += 1;
        }
        let handled = HANDLED.load(Ordering::Relaxed);
        let unheard = stenolog::stats().unheard;
        log.close()?;
        println!("{logged}");
        println!("{handled}");
        println!("{unheard}");
        Ok(())
    }

    /// Another logger becomes the global one while a thread is stopped in a call, and a handler on that
    /// thread is the first to log to it. Prints for each time how many calls came behind that one, and
    /// how many records the new logger got.
    pub(super) fn replaced(path: &Path) -> Result<(), Box<dyn Error>> {
        const CALLS: u64 = 20_000;
        static CALLED: AtomicU64 = AtomicU64::new(0);
        static STAGE: AtomicU64 = AtomicU64::new(0);
        const CALLING: u64 = 1;
        const STOPPED: u64 = 2;
        const REPLACED: u64 = 3;
        const CALLED_ALL: u64 = 4;

        extern "C" fn handle(_: libc::c_int) {
            reach(STOPPED);
            wait_for(REPLACED);
            info!("handler");
        }

        fn reach(stage: u64) {
            STAGE.store(stage, Ordering::SeqCst);
        }

        fn wait_for(stage: u64) {
            while STAGE.load(Ordering::SeqCst) != stage {
                std::hint::spin_loop();
            }
        }

        // A burst fits a half of the ring: none of its calls takes the cold path.
        let start = |round: u64| {
            let path = path.with_extension(format!("{round}.steno"));
            Builder::new(path).ring_capacity_bytes(1 << 25).start()
        };
        // SAFETY: the structure lives on this stack; the handler allocates, which nothing that it
        // interrupts here does.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
        }
        for round in 0..10 {
            let mut log = start(2 * round)?;
            CALLED.store(0, Ordering::SeqCst);
            let thread = std::thread::spawn(|| {
                let call = |n: u64| {
                    info!("call {n}");
                    CALLED.store(n, Ordering::Relaxed);
                };
                call(0);
                reach(CALLING);
                (1..=CALLS).for_each(call);
                wait_for(REPLACED);
                reach(CALLED_ALL);
            });
            wait_for(CALLING);
            while CALLED.load(Ordering::Relaxed) < 1000 + round {
                std::hint::spin_loop();
            }
            // SAFETY: the thread is not joined yet.
            unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGUSR1) };
            wait_for(STOPPED);
            let before = CALLED.load(Ordering::Relaxed);
            log.close()?;
            log = start(2 * round + 1)?;
            reach(REPLACED);
            wait_for(CALLED_ALL);
            println!("{} {}", CALLS - before, stenolog::stats().unheard);
            thread.join().map_err(|_| "the thread panicked")?;
            log.close()?;
        }
        Ok(())
    }
}
