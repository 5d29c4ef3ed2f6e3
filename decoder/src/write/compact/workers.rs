//! Workers of a recompression: windows are merged and compressed in several threads, and come out in order.
//!
//! ```text
//!   steps ─▶ window ─▶ queue ─▶ worker ─▶ its blocks ─┐
//!        └─▶ frame ───────────────────────────────────┴─▶ output, in the order of the steps
//! ```
//!
//! What a worker makes depends on its window alone: the output is the same for any number of threads.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::packer::{Packed, Packer};
use super::steps::{Step, Window};
use crate::dump::Dump;

/// The number of windows that wait, for each thread: they are merged, compressed or ready to be written.
const WINDOWS_A_THREAD: usize = 2;

/// The result of a window.
type PackedWindow = io::Result<Vec<Packed>>;

/// A window to be merged, and the place for the result.
struct Job {
    window: Window,
    done: Sender<PackedWindow>,
}

/// A step whose turn comes.
enum Waiting {
    Step(Step),
    /// The end of the window in the file, and its result.
    Window(u64, Receiver<PackedWindow>),
}

/// Takes what the steps make, in order.
pub(super) trait Output {
    /// Takes a step that is no window.
    fn put_step(&mut self, step: &Step) -> io::Result<()>;

    /// Takes the blocks of a window that ends there in the file.
    fn put_window(&mut self, end: u64, packed: Vec<Packed>) -> io::Result<()>;
}

/// Makes all steps.
pub(super) fn run(
    dump: &Dump,
    level: i32,
    threads: NonZero<usize>,
    mut steps: impl Iterator<Item = Step>,
    output: &mut impl Output,
) -> io::Result<()> {
    // An invalid level is told before anything is written.
    let packer = Packer::new(dump, level)?;
    let is_over = AtomicBool::new(false);
    let (jobs, queue) = mpsc::channel::<Job>();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let mut workers = 0;
        while threads.get() > 1 && workers < threads.get() {
            let work = || work(dump, level, &queue, &is_over);
            // Where there are no threads, this one works.
            if thread::Builder::new().name("repack".into()).spawn_scoped(scope, work).is_err() {
                break;
            }
            workers += 1;
        }
        let result = if workers == 0 {
            run_alone(packer, &mut steps, output)
        } else {
            pass_on(&jobs, WINDOWS_A_THREAD * workers, &mut steps, output)
        };
        is_over.store(true, Ordering::Relaxed);
        drop(jobs);
        result
    })
}

fn run_alone(
    mut packer: Packer<'_>,
    steps: &mut impl Iterator<Item = Step>,
    output: &mut impl Output,
) -> io::Result<()> {
    steps.try_for_each(|step| match step {
        Step::Window(window) => output.put_window(window.end, packer.pack(&window)?),
        step => output.put_step(&step),
    })
}

fn pass_on(
    jobs: &Sender<Job>,
    most_windows: usize,
    steps: &mut impl Iterator<Item = Step>,
    output: &mut impl Output,
) -> io::Result<()> {
    let mut waiting = VecDeque::new();
    let mut windows = 0;
    let mut put_first = |waiting: &mut VecDeque<Waiting>, windows: &mut usize| {
        match waiting.pop_front() {
            Some(Waiting::Step(step)) => output.put_step(&step),
            Some(Waiting::Window(end, result)) => {
                *windows -= 1;
                // A worker that panics ends the scope with its panic.
                let ended = |_| io::Error::other("a thread that compresses blocks has ended");
                output.put_window(end, result.recv().map_err(ended)??)
            }
            None => Ok(()),
        }
    };
    for step in steps {
        match step {
            Step::Window(window) => {
                let (done, result) = mpsc::channel();
                waiting.push_back(Waiting::Window(window.end, result));
                windows += 1;
                // The receiver lives as long as the workers.
                let _ = jobs.send(Job { window, done });
            }
            step => waiting.push_back(Waiting::Step(step)),
        }
        while windows > most_windows {
            put_first(&mut waiting, &mut windows)?;
        }
    }
    while !waiting.is_empty() {
        put_first(&mut waiting, &mut windows)?;
    }
    Ok(())
}

/// Merges windows until no more come.
fn work(dump: &Dump, level: i32, queue: &Mutex<Receiver<Job>>, is_over: &AtomicBool) {
    let mut packer = Packer::new(dump, level);
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { window, done }) = job else { return };
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let packed = match &mut packer {
            Ok(packer) => packer.pack(&window),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        // After an error of the output it is not received.
        let _ = done.send(packed);
    }
}
