//! Threads have the names that Rust gave them, else those that the operating system shows.
#![cfg(target_os = "linux")]

use std::ffi::{CStr, c_void};
use std::ops::ControlFlow;
use std::ptr::{null, null_mut};

use stenolog::{Logger, info};
use stenolog_decoder::{Decoder, Dump, Filter};
use stenolog_tests::{LogFixture, message};

fn name_this_thread(name: &CStr) {
    // SAFETY: the name ends with a zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// What a thread of C does: takes a name if it has one, and logs.
struct Order<'a> {
    logger: &'a Logger,
    name: Option<&'a CStr>,
    message: &'a str,
}

extern "C" fn carry_out(order: *mut c_void) -> *mut c_void {
    // SAFETY: the thread's starter waits for its end, and keeps the order until then.
    let Order { logger, name, message } = unsafe { &*order.cast::<Order<'_>>() };
    if let Some(name) = name {
        name_this_thread(name);
    }
    let _scope = logger.enter();
    info!("{message}");
    null_mut()
}

/// Runs a thread that Rust knows nothing of.
fn run_in_c(order: &Order<'_>) {
    let mut thread = 0;
    let argument = std::ptr::from_ref(order).cast_mut().cast();
    // SAFETY: the thread only reads the order, which lives until the thread was joined.
    unsafe {
        assert_eq!(libc::pthread_create(&raw mut thread, null(), carry_out, argument), 0);
        assert_eq!(libc::pthread_join(thread, null_mut()), 0);
    }
}

#[test]
fn threads_without_a_name_of_rusts_have_that_of_the_system() {
    let mut fixture = LogFixture::new();
    let logger = fixture.logger();
    let order = |name, message| Order { logger, name, message };
    run_in_c(&order(Some(c"rx-queue-0"), "packet"));
    run_in_c(&order(Some(c"rx-queue-0"), "packet of another"));
    run_in_c(&order(Some(c"b\xff\x1b[31m"), "bytes"));
    std::thread::scope(|threads| {
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        named("a name of more than fifteen bytes")
            .spawn_scoped(threads, || {
                let _scope = logger.enter();
                info!("rust");
                // It has the first fifteen bytes of its parent's name in the system.
                std::thread::scope(|threads| {
                    threads.spawn(|| {
                        let _scope = logger.enter();
                        info!("inherited");
                    });
                    threads.spawn(|| {
                        name_this_thread(c"own name");
                        let _scope = logger.enter();
                        info!("self-named");
                    });
                });
            })
            .unwrap();
    });
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    let thread = |text: &str| {
        let record = records.iter().find(|record| message(record) == text).unwrap();
        record["thread"].as_str().unwrap().to_owned()
    };
    assert_eq!(thread("packet"), "rx-queue-0");
    assert_eq!(thread("packet of another"), "rx-queue-0");
    assert_eq!(thread("bytes"), "b\u{fffd}\u{1b}[31m");
    assert_eq!(thread("rust"), "a name of more than fifteen bytes");
    assert_eq!(thread("self-named"), "own name");
    let inherited = thread("inherited");
    assert!(inherited.strip_prefix("thread-").is_some_and(|id| id.parse::<u32>().is_ok()));

    // `steno --thread` asks by this filter.
    let dumps = [Dump::open(path).unwrap()];
    let mut found = 0;
    let filter = Filter::default().with_thread("rx-queue-*");
    let _ = Decoder::new(&dumps).with_filter(filter).for_each(|_| {
        found += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(found, 2);
}

/// The name of the program is no thread's: threads of C that were given none have ids.
#[test]
fn the_name_of_the_program_is_inherited() {
    let program = std::env::current_exe().unwrap();
    let name = program.file_name().unwrap().to_str().unwrap();
    let name = std::ffi::CString::new(&name[..name.len().min(15)]).unwrap();
    let mut fixture = LogFixture::new();
    run_in_c(&Order { logger: fixture.logger(), name: Some(&name), message: "unnamed" });
    let records = fixture.finish();
    assert!(records[0]["thread"].as_str().unwrap().starts_with("thread-"), "{records:?}");
}
