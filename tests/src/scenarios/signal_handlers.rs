//! Scenarios of `tests/signal_handlers.rs`.

use std::os::unix::thread::JoinHandleExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use stenolog::{Builder, OnFull, info};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match call.name {
        "signals" => signals(call.dump),
        "replaced" => replaced(call.dump),
        _ => call.unknown(),
    }
}

/// Handlers that log, as often as a timer fires, while their thread logs too.
fn signals(path: &Path) -> Outcome {
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
/// thread is the first to log to it. Prints for each time how many calls came after that one, and
/// how many records the new logger got.
fn replaced(path: &Path) -> Outcome {
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
