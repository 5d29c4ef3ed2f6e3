//! Measures what calls cost beside time: one thread makes them, under a filter that lets the system
//! end the process at its first system call, while another looks at the thread from outside.
//!
//! `hot_child DUMP WHAT`; prints the allocations and the page faults of the thread, the records
//! that there should be, and 1 if a ring is on a disk, whose pages the system takes away to write them.

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;
    use std::hint::{black_box, spin_loop};
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use stenolog::{Builder, Record, Rings, info, trace};

    /// How often each statement runs.
    const ROUNDS: u64 = 1_000;
    /// Twice what the calls take, and little enough for several children in a small `/dev/shm`.
    const RING_BYTES: usize = 1 << 22;

    thread_local! {
        static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    }

    struct Counting;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    fn count() {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    }

    // SAFETY: all is left to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count();
            // SAFETY: as the caller vouches.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
            count();
            // SAFETY: as the caller vouches.
            unsafe { System.dealloc(at, layout) }
        }

        unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            count();
            // SAFETY: as the caller vouches.
            unsafe { System.realloc(at, layout, size) }
        }
    }

    /// How far the thread is.
    static STAGE: AtomicU64 = AtomicU64::new(0);
    static THREAD: AtomicU64 = AtomicU64::new(0);
    static COUNTED: AtomicU64 = AtomicU64::new(0);
    const READY: u64 = 1;
    const GO: u64 = 2;
    const DONE: u64 = 3;

    #[derive(Record)]
    struct Order<'a> {
        id: u64,
        side: Option<char>,
        account: &'a str,
    }

    /// Each kind of thing that the hot path writes; and, last, what it leaves to the slow one.
    fn log(n: u64) {
        let text = black_box("a string of thirty-nine bytes, exactly.");
        info!("a static string");
        info!("one string: {}", text);
        info!("one number: {}", n as i32);
        info!("two numbers: {} and {}", n as u32, n as u32 ^ 0x55);
        info!("a float: {:.6}", n as f64 * 0.37);
        info!("six: {} {} {} {} {} {}", n, n as u32, 7_u8, true, 'x', n as f64);
        info!(at: n, "with a time of the caller's: {n}");
        info!(
            n,
            bytes = &[1_u8, 2, 3][..],
            order = Order { id: n, side: Some('b'), account: text },
            "fields"
        );
        trace!("not heard: {n}");
        info!("a long string: {}", black_box(LONG));
    }

    const HEARD: u64 = 9;
    const LONG: &str = "This one is longer than what the hot path copies with moves of its own, so that \
        the slow path does it, which looks at the consumer's position, and calls memcpy.";

    fn measured(what: &str) {
        match what {
            "calls" | "calls, memory" | "calls, huge pages" => (0..ROUNDS).for_each(log),
            "allocation" => drop(black_box(Box::new(1))),
            // SAFETY: takes nothing, and cannot fail.
            "system call" => drop(unsafe { libc::getppid() }),
            "page fault" => {
                static FRESH: [AtomicU64; 1 << 16] = [const { AtomicU64::new(0) }; 1 << 16];
                FRESH.iter().step_by(1 << 12).for_each(|word| word.store(1, Ordering::Relaxed));
            }
            _ => panic!("nothing is called {what}"),
        }
    }

    fn thread(what: &str) {
        // SAFETY: takes nothing, and cannot fail.
        THREAD.store(unsafe { libc::gettid() } as u64, Ordering::Relaxed);
        assert!(stenolog::prepare_thread(), "the logger runs");
        // The first calls of each call site, and with them all pages of code.
        (0..2).for_each(log);
        end_at_a_system_call();
        STAGE.store(READY, Ordering::Release);
        wait_for(GO);
        let before = ALLOCATIONS.get();
        measured(what);
        COUNTED.store(ALLOCATIONS.get() - before, Ordering::Relaxed);
        STAGE.store(DONE, Ordering::Release);
        // To end would take a system call.
        wait_for(u64::MAX);
    }

    fn wait_for(stage: u64) {
        while STAGE.load(Ordering::Acquire) < stage {
            spin_loop();
        }
    }

    /// From now on a system call of this thread ends the process, by SIGSYS.
    fn end_at_a_system_call() {
        let mut program = [libc::sock_filter {
            code: (libc::BPF_RET | libc::BPF_K) as u16,
            jt: 0,
            jf: 0,
            k: libc::SECCOMP_RET_KILL_PROCESS,
        }];
        let filter = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
        // SAFETY: the filter is a program of one instruction, which lives until the call returns.
        let results = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter),
            ]
        };
        assert_eq!(results, [0, 0], "the system has no filters for system calls");
    }

    fn faults() -> u64 {
        let path = format!("/proc/self/task/{}/stat", THREAD.load(Ordering::Relaxed));
        let stat = std::fs::read_to_string(path).expect("the thread is there");
        // After the name, which is in brackets and may be anything: the state, and minor faults as
        // the eighth, major ones as the tenth.
        let fields: Vec<&str> =
            stat.rsplit_once(')').expect("a name").1.split_ascii_whitespace().collect();
        [7, 9].map(|at| fields[at].parse::<u64>().expect("a number")).iter().sum()
    }

    /// Whether the ring, the only large file that is mapped for writing, is not in memory.
    fn ring_is_on_a_disk() -> bool {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("the process is there");
        maps.lines().any(|line| line.contains(".rings/") && !line.contains(" /dev/shm/"))
    }

    pub(super) fn main() {
        let arguments: Vec<String> = std::env::args().collect();
        let [_, dump, what] = &arguments[..] else { panic!("DUMP WHAT are missing") };
        assert!(!stenolog::prepare_thread(), "no logger runs");
        // The calls fit its first half, and the drain does not look before they are done.
        let builder = Builder::new(dump);
        let log = match what.as_str() {
            // A process that dies would leave its rings.
            "system call" => builder.rings(Rings::Memory),
            "calls, memory" => builder.rings(Rings::Memory).prefault(true),
            "calls, huge pages" => builder.rings(Rings::Memory).huge_pages(true),
            _ => builder,
        };
        let log = log
            .filter("info")
            .ring_capacity_bytes(RING_BYTES)
            .deliver_within(Duration::from_secs(3600))
            .start()
            .expect("the logger starts");
        let what = what.clone();
        std::thread::spawn(move || thread(&what));
        let poll = |stage| {
            while STAGE.load(Ordering::Acquire) < stage {
                std::thread::sleep(Duration::from_micros(100));
            }
        };
        poll(READY);
        let before = faults();
        STAGE.store(GO, Ordering::Release);
        poll(DONE);
        let faults = faults() - before;
        let on_a_disk = u64::from(ring_is_on_a_disk());
        log.close().expect("the dump is written");
        let records = (ROUNDS + 2) * HEARD;
        let counted = COUNTED.load(Ordering::Relaxed);
        writeln!(std::io::stdout(), "{counted} {faults} {records} {on_a_disk}")
            .expect("the parent listens");
        // The thread cannot end by itself.
        std::process::exit(0);
    }
}
