//! The end of a logger: calls that are under way then, and a file that is truncated then.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::bench::{Bench, PATH, read};
use crate::config::Rings;
use crate::drain::storage::{Standing, Storage};
use crate::drain::testing::disk::{Disk, DiskFile, Fault};
use crate::error::{DrainError, FileEvent};
use crate::event::Event;
use crate::{Builder, info};

/// A file that says when it is written, and is written when it is told to be.
#[derive(Debug)]
struct Watched {
    file: DiskFile,
    begun: Sender<()>,
    /// Once its other end is gone, writes no longer wait.
    go_on: Receiver<()>,
}

impl Storage for Watched {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(offset, bytes);
        let _ = self.begun.send(());
        let _ = self.go_on.recv();
        written
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.file.sync_folder()
    }

    fn check(&mut self, written: u64) -> io::Result<Standing> {
        self.file.check(written)
    }

    fn look(&mut self, written: u64) -> io::Result<Standing> {
        self.file.look(written)
    }

    fn successor(&mut self) -> io::Result<Box<dyn Storage>> {
        self.file.successor()
    }
}

/// An argument that takes its time to be formatted: the call has been let in by then, and has committed nothing.
struct Slow<'a> {
    begun: &'a Sender<()>,
    go_on: &'a Receiver<()>,
}

impl fmt::Display for Slow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = self.begun.send(());
        let _ = self.go_on.recv();
        f.write_str("formatted")
    }
}

/// It has a pass to end: a record that is committed during the last but one is in the dump.
#[test]
fn a_call_that_is_under_way_when_the_logger_closes_is_heard() {
    let disk = Disk::new(0);
    let (begun, is_begun) = channel();
    let (let_write, go_on) = channel();
    let file = Watched { file: disk.create(PATH), begun, go_on };
    // The beginning of the dump.
    let_write.send(()).unwrap();
    let builder = Builder::new(PATH)
        .filter("trace")
        .rings(Rings::Memory)
        .deliver_within(Duration::from_secs(3600));
    let logger = builder.start_detached_on(file);
    is_begun.recv().unwrap();

    let (call_begun, is_call_begun) = channel();
    let (let_call, call_goes_on) = channel();
    let core = Arc::clone(logger.core());
    let caller = std::thread::spawn(move || {
        crate::thread::enter(&core);
        for n in 0..2 {
            info!("late {n} {}", Slow { begun: &call_begun, go_on: &call_goes_on });
        }
        crate::thread::leave(&core);
    });
    // The first call gives the thread its ring.
    is_call_begun.recv().unwrap();
    let_call.send(()).unwrap();
    is_call_begun.recv().unwrap();

    let closing = std::thread::spawn(move || logger.close());
    // The first pass of the end writes the first record.
    is_begun.recv().unwrap();
    let_call.send(()).unwrap();
    caller.join().unwrap();
    drop(let_write);
    closing.join().unwrap().unwrap();
    let found = read(&disk.after_a_kill());
    assert_eq!(found.lines, ["late 0 formatted", "late 1 formatted"]);
    assert!(found.summary.is_complete(), "{:?}", found.summary);
}

/// The end frame is in the file, but the file has a hole, and at first no other one can be created.
#[test]
fn a_truncation_while_the_end_is_written_is_not_forgotten() {
    let mut bench = Bench::new(21);
    bench.log(100);
    bench.flush().unwrap();
    bench.disk.fail(|faults| {
        faults.truncate_at_write = Some((0, 100));
        faults.successor = Some(Fault { errno: libc::EIO, times: 2 });
    });
    bench.close().unwrap();
    let told = bench.told();
    assert!(
        matches!(
            told[..],
            [
                Event::Dump(DrainError::Replace { fate: FileEvent::Truncated, .. }),
                Event::Replaced { cause: FileEvent::Truncated, lost: 100, .. },
                Event::Resumed { .. },
            ]
        ),
        "{told:?}"
    );
    let found = read(&bench.disk.after_a_kill());
    assert_eq!((found.numbers.len(), found.summary.missing), (0, 100));
}
