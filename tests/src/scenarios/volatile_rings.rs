//! Scenarios of `tests/volatile_rings.rs`: processes whose rings cannot all be files.
//!
//! `volatile_rings/NAME DUMP RINGS_IN END`; `-` for the usual folders.

use std::fs;
use std::path::PathBuf;

use stenolog::{Builder, Drain, Logger, Rings, info};

use super::limits::limit;
use super::{Call, Outcome, die};

pub(super) fn run(call: &Call<'_>) -> Outcome {
    let [rings_in, end] = call.rest else { return call.unknown() };
    let rings_in = (rings_in != "-").then(|| rings_in.into());
    let plan = Plan { path: call.dump.into(), rings_in, end: end.clone() };
    match call.name {
        "file-size" => file_size(&plan),
        "descriptors" => descriptors(&plan),
        "asked-for" => asked_for(&plan),
        "deleted" => deleted(&plan),
        "elsewhere" => elsewhere(&plan),
        "no-room-to-explain" => no_room_to_explain(&plan),
        "many" => many(&plan),
        "rights" => rights(&plan),
        "no-memory" => no_memory(&plan),
        _ => call.unknown(),
    }
}

/// How a process is to log, and to end. Its drain is polled by the scenario, as a rule: what it has not
/// written is in the rings for sure.
struct Plan {
    path: PathBuf,
    rings_in: Option<PathBuf>,
    end: String,
}

impl Plan {
    fn builder(&self) -> Builder {
        let builder = Builder::new(&self.path)
            .ring_capacity_bytes(1 << 16)
            .on_event(|event| println!("{event}"));
        match &self.rings_in {
            Some(folder) => builder.rings_in(folder),
            None => builder,
        }
    }

    /// Ends the process as it is, or cleanly.
    fn end(&self, log: Logger, drain: Option<Drain>) -> Outcome {
        if self.end == "close" {
            log.close()?;
            drain.map_or(Ok(()), Drain::close)?;
            return Ok(());
        }
        die()
    }
}

/// A ring needs a file that is longer than files may be. The signal that would tell is not caught.
fn file_size(plan: &Plan) -> Outcome {
    let policy = if plan.end == "require" { Rings::RequireFiles } else { Rings::PreferFiles };
    let (log, mut drain) = plan.builder().rings(policy).start_manual()?;
    drain.flush()?;
    limit(libc::RLIMIT_FSIZE, Some(1 << 14))?;
    (0..3).for_each(|n| info!("record {n}"));
    println!("{} in memory", log.stats().memory_rings);
    plan.end(log, Some(drain))
}

/// A second thread comes when no file can be opened any more.
fn descriptors(plan: &Plan) -> Outcome {
    let (log, mut drain) = plan.builder().start_manual()?;
    (0..3).for_each(|n| info!("record {n}"));
    drain.flush()?;
    (3..6).for_each(|n| info!("record {n}"));
    limit(libc::RLIMIT_NOFILE, Some(0))?;
    let other = std::thread::Builder::new().name("other".to_owned());
    let other = other.spawn(|| (0..3).for_each(|n| info!("other {n}")))?;
    other.join().map_err(|_| "the thread panicked")?;
    plan.end(log, Some(drain))
}

/// All rings are in memory.
fn asked_for(plan: &Plan) -> Outcome {
    let (log, drain) = plan.builder().rings(Rings::Memory).filter("off").start_manual()?;
    log.set_filter("trace")?;
    info!("record 0");
    plan.end(log, Some(drain))
}

/// The files of the rings are deleted while the logger uses them: `END` says which, and what is done
/// before the end.
fn deleted(plan: &Plan) -> Outcome {
    let (log, mut drain) = plan.builder().start_manual()?;
    let call = |n: u32| info!("record {n}");
    (0..10).for_each(call);
    drain.flush()?;
    let dir = log.ring_dir().ok_or("a ring directory")?.to_owned();
    let (what, then) = plan.end.split_once('+').ok_or("what is deleted, and then")?;
    match what {
        "directory" => fs::remove_dir_all(&dir)?,
        "folder" => {
            fs::remove_dir_all(dir.parent().ok_or("a folder")?)?;
        }
        file => {
            for entry in fs::read_dir(&dir)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.starts_with(file) {
                    fs::remove_file(&path)?;
                }
            }
        }
    }
    (10..20).for_each(call);
    if then != "unnoticed" {
        drain.flush()?;
    }
    if then == "noticed" {
        // By the hot path: the thread has the ring that is gone until it has called once more.
        (20..30).for_each(call);
        // The drain has all of that ring, and says nothing of it any more.
        drain.flush()?;
        (30..40).for_each(call);
    }
    plan.end(log, Some(drain))
}

/// The first ring directory is gone when a second thread comes, and not noticed yet.
fn elsewhere(plan: &Plan) -> Outcome {
    let (log, mut drain) = plan.builder().start_manual()?;
    (0..3).for_each(|n| info!("record {n}"));
    drain.flush()?;
    let dir = log.ring_dir().ok_or("a ring directory")?.to_owned();
    let aside = dir.with_extension("aside");
    fs::rename(&dir, &aside)?;
    let other = std::thread::Builder::new().name("other".to_owned());
    let other = other.spawn(|| (0..3).for_each(|n| info!("other {n}")))?;
    other.join().map_err(|_| "the thread panicked")?;
    fs::rename(&aside, &dir)?;
    println!("{} in memory", log.stats().memory_rings);
    plan.end(log, Some(drain))
}

/// No file may grow when a call site logs for the first time, but for the dump, which is shorter.
fn no_room_to_explain(plan: &Plan) -> Outcome {
    let log = plan.builder().start()?;
    info!("record 0");
    log.flush()?;
    std::thread::scope(|scope| {
        for n in 0..100 {
            let name = format!("a thread with a name of some length, which takes room {n}");
            let thread = std::thread::Builder::new().name(name);
            let _ = thread.spawn_scoped(scope, stenolog::prepare_thread);
        }
    });
    let dir = log.ring_dir().ok_or("a ring directory")?;
    limit(libc::RLIMIT_FSIZE, Some(fs::metadata(dir.join("meta.steno"))?.len()))?;
    info!("record 1");
    info!("record {}", 2);
    (3..6).for_each(|n| info!("record {n}"));
    plan.end(log, None)
}

/// More threads than the folder has room for; the last calls are in the rings.
fn many(plan: &Plan) -> Outcome {
    let (log, mut drain) = plan.builder().ring_capacity_bytes(1 << 20).start_manual()?;
    let barrier = std::sync::Barrier::new(101);
    std::thread::scope(|scope| -> Outcome {
        for n in 0..100 {
            let barrier = &barrier;
            let thread = std::thread::Builder::new().name(format!("thread {n}"));
            thread.spawn_scoped(scope, move || {
                info!("first of {n}");
                barrier.wait();
                barrier.wait();
                info!("last of {n}");
                barrier.wait();
                barrier.wait();
            })?;
        }
        barrier.wait();
        drain.flush()?;
        barrier.wait();
        barrier.wait();
        println!("{} in memory", log.stats().memory_rings);
        die()
    })
}

/// A process without the rights that it began with, when a second thread comes.
fn rights(plan: &Plan) -> Outcome {
    let (log, mut drain) = plan.builder().start_manual()?;
    (0..3).for_each(|n| info!("record {n}"));
    drain.flush()?;
    let folder = plan.path.parent().ok_or("a folder")?.to_string_lossy().into_owned();
    let folder = std::ffi::CString::new(folder)?;
    // SAFETY: the path ends with a zero; nothing else of this process is concerned.
    let result = unsafe {
        match &*plan.end {
            "chroot" => libc::chroot(folder.as_ptr()),
            _ => libc::setuid(65534),
        }
    };
    if result != 0 {
        println!("refused");
        return Ok(());
    }
    (3..6).for_each(|n| info!("record {n}"));
    drain.flush()?;
    (6..9).for_each(|n| info!("record {n}"));
    let other = std::thread::Builder::new().name("other".to_owned());
    let other = other.spawn(|| (0..3).for_each(|n| info!("other {n}")))?;
    other.join().map_err(|_| "the thread panicked")?;
    plan.end(log, Some(drain))
}

/// A thread's first calls when there is hardly any memory, and some when there is again. `END` says
/// how many KiB there are, and perhaps that the process is killed before.
fn no_memory(plan: &Plan) -> Outcome {
    let (kib, then) = plan.end.split_once('+').unwrap_or((&plan.end, ""));
    let kib: u64 = kib.parse()?;
    let log = plan.builder().ring_capacity_bytes(1 << 20).start()?;
    log.flush()?;
    // Takes what the allocator has in hand, from large pieces to small ones, but for so much.
    let kept = Vec::<u8>::with_capacity((kib << 10) as usize);
    let mut hoard: Vec<Vec<u8>> = Vec::with_capacity(1 << 16);
    limit(libc::RLIMIT_AS, Some(1))?;
    for bytes in [1 << 20, 1 << 16, 1 << 12, 1 << 8] {
        loop {
            let mut piece = Vec::new();
            if hoard.len() == hoard.capacity() || piece.try_reserve_exact(bytes).is_err() {
                break;
            }
            hoard.push(piece);
        }
    }
    drop(kept);
    (0..10).for_each(|n| info!("short {n}"));
    if then == "kill" {
        return plan.end(log, None);
    }
    drop(hoard);
    limit(libc::RLIMIT_AS, None)?;
    (0..10).for_each(|n| info!("again {n}"));
    let lost = log.stats().lost;
    log.close()?;
    println!("{lost} lost");
    Ok(())
}
