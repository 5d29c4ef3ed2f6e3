//! Scenarios of `tests/setup.rs`.

use std::path::Path;

use stenolog::{Builder, Event, info};

use super::{Call, Outcome};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    match call.name {
        "env" => env(call.dump),
        "panic" => panic(call.dump),
        _ => call.unknown(),
    }
}

/// A logger that the environment configures. Prints what it is told, then where it logs and its rings are.
fn env(path: &Path) -> Outcome {
    let log = Builder::new(path).on_event(tell).configure_from_env().start()?;
    info!("configured");
    println!("{} {:?}", log.path().display(), log.ring_dir().is_some());
    log.close()?;
    Ok(())
}

/// Not what is told about rings of other programs.
fn tell(event: &Event) {
    if let Event::SettingIgnored { .. } = event {
        println!("{event}");
    }
}

/// Panics on a thread, then on the main one, which ends the process without unwinding. Prints what the hook
/// that was installed before is told.
fn panic(path: &Path) -> Outcome {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        println!("before: {}", text.unwrap_or_default());
    }));
    let log = Builder::new(path).capture_panics().start()?;
    let number = 7;
    std::thread::spawn(move || panic!("thread {number}")).join().unwrap_err();
    std::mem::forget(log);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        before(info);
        std::process::abort();
    }));
    panic!("main")
}
