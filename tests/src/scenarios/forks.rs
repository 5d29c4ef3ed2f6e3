//! Scenarios of `tests/forks.rs`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use stenolog::{Builder, ForkedChild, OnFull, info};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match (call.name, call.rest) {
        ("fork", []) => fork(call.dump),
        ("fork-own", []) => fork_own(call.dump),
        ("fork-captured", [how]) => fork_captured(call.dump, how),
        ("orphan", []) => orphan(call.dump),
        #[cfg(target_os = "linux")]
        ("clone", [how]) => clone(call.dump, how),
        _ => call.unknown(),
    }
}

/// A child that logs on after a fork; the parent's dump must not know of it.
fn fork(path: &Path) -> Outcome {
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
fn fork_own(path: &Path) -> Outcome {
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

/// A child whose first call is one of another crate's, at a call site that its parent has not reached, while other
/// threads change decisions.
fn fork_captured(path: &Path, how: &str) -> Outcome {
    let log = Builder::new(path)
        .filter("info")
        .forked_child(ForkedChild::OwnDump)
        .capture_log()
        .capture_tracing()
        .start()?;
    let is_done = AtomicBool::new(false);
    let log = std::thread::scope(|scope| {
        let change = || {
            while !is_done.load(Ordering::Relaxed) {
                let _ = stenolog::set_filter("info");
            }
        };
        scope.spawn(change);
        let span = tracing::info_span!("over_the_fork");
        let _entered = span.enter();
        for n in 0..20 {
            // SAFETY: the child only logs and leaves without running anything else's destructors.
            match unsafe { libc::fork() } {
                -1 => {
                    is_done.store(true, Ordering::Relaxed);
                    return Err(std::io::Error::last_os_error());
                }
                0 => {
                    match how {
                        "log" => log::info!("child {n}"),
                        "log-enabled" => assert!(log::log_enabled!(log::Level::Info)),
                        _ => tracing::info!("child {n}"),
                    }
                    tracing::info!("after it");
                    tracing::info_span!("of the child").in_scope(|| log::info!("in a span"));
                    tracing::debug!("disabled");
                    let is_heard = stenolog::flush().is_ok() && log.close().is_ok();
                    // SAFETY: nothing of this process is needed any more.
                    unsafe { libc::_exit(i32::from(!is_heard)) }
                }
                child => {
                    println!("{child}");
                    let mut status = 0;
                    // SAFETY: the status lives on this stack.
                    unsafe { libc::waitpid(child, &raw mut status, 0) };
                    if status != 0 {
                        is_done.store(true, Ordering::Relaxed);
                        return Err(std::io::Error::other(format!(
                            "the child ended with {status}"
                        )));
                    }
                }
            }
        }
        is_done.store(true, Ordering::Relaxed);
        Ok(log)
    })?;
    log.close()?;
    Ok(())
}

/// A process that is killed while a child that it has forked lives on.
fn orphan(path: &Path) -> Outcome {
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

/// A child that no handler of `pthread_atfork` has seen.
#[cfg(target_os = "linux")]
fn clone(path: &Path, how: &str) -> Outcome {
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
