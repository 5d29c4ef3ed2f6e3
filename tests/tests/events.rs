//! An operator is told of losses as they happen, and of a logger that was not kept.

use std::sync::{Arc, Mutex};

use stenolog::{Builder, Event, OnFull};

type Told = Arc<Mutex<Vec<Event>>>;

/// A builder that notes the events, and what it has noted.
fn listening(path: &std::path::Path) -> (Builder, Told) {
    let told = Told::default();
    let hears = Arc::clone(&told);
    let builder = Builder::new(path).filter("trace");
    (builder.on_event(move |event| hears.lock().unwrap().push(event.clone())), told)
}

#[test]
fn losses_are_told_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lossy.steno");
    let (builder, told) = listening(&path);
    let builder = builder.on_full(OnFull::Drop).ring_capacity_bytes(4096);
    // Without a drain thread the ring is full when it is full.
    let (log, mut drain) = builder.rings_in(folder.path()).start_manual().unwrap();
    for n in 0..1000_u32 {
        stenolog::info!(n, "a record of a ring that is drained too late");
    }
    let lost = log.stats().lost;
    assert!(lost > 0, "the ring took all");
    drain.flush().unwrap();
    let losses = || -> Vec<(u64, u64)> {
        let of = |event: &Event| match event {
            Event::Lost { records, total, .. } => Some((*records, *total)),
            _ => None,
        };
        told.lock().unwrap().iter().filter_map(of).collect()
    };
    assert_eq!(losses(), [(lost, lost)]);
    let text = told.lock().unwrap()[0].to_string();
    assert!(text.contains(&format!("{lost} records of the dump {}", path.display())), "{text}");
    for n in 0..1000_u32 {
        stenolog::info!(n, "more of them");
    }
    let total = log.stats().lost;
    log.close().unwrap();
    drain.close().unwrap();
    // Whatever a second's pause held back is told at the end.
    let sum: u64 = losses().iter().map(|(records, _)| records).sum();
    assert_eq!((sum, losses().last().unwrap().1), (total, total));

    // There is one global logger at a time: the same test goes on.
    let unused = folder.path().join("unused.steno");
    let (builder, told) = listening(&unused);
    let _ = builder.rings_in(folder.path()).start().unwrap();
    let told = told.lock().unwrap();
    assert!(matches!(&told[..], [Event::EndedUnused { path, .. }] if *path == unused), "{told:?}");
    drop(told);

    let used = folder.path().join("used.steno");
    let (builder, told) = listening(&used);
    let log = builder.rings_in(folder.path()).start().unwrap();
    stenolog::info!("one");
    drop(log);
    assert!(told.lock().unwrap().is_empty(), "{told:?}");
}
