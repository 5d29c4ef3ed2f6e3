//! Plans and the shared board of the kill matrix and of the processes that it kills.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapRaw;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// SIGKILL by its parent, at any time while it logs.
    Kill,
    /// SIGTERM by its parent, with the default action.
    Terminate,
    /// SIGKILL by its parent, while it closes its logger.
    KillAtClose,
    /// It closes its logger, and returns.
    Close,
    /// `abort()` by a thread that logs.
    Abort,
    /// A store to an address that is not mapped.
    Segv,
    /// A recursion without an end.
    Overflow,
    /// A panic in a program that aborts on panics.
    Panic,
    /// `process::exit` by a thread that logs.
    Exit,
    /// `_exit` by a thread that logs.
    UnderscoreExit,
    /// `main` returns while threads log, and never drops its logger.
    ReturnLeaked,
    /// `main` drops its logger while threads log, and returns.
    ReturnDropped,
    /// Another program takes the process over.
    Exec,
}

impl Death {
    /// All ways.
    pub const ALL: [Self; 13] = [
        Self::Kill,
        Self::Terminate,
        Self::KillAtClose,
        Self::Close,
        Self::Abort,
        Self::Segv,
        Self::Overflow,
        Self::Panic,
        Self::Exit,
        Self::UnderscoreExit,
        Self::ReturnLeaked,
        Self::ReturnDropped,
        Self::Exec,
    ];
}

/// The task of a child.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How it ends.
    pub death: Death,
    /// How many threads log, up to [`Board::THREADS`].
    pub threads: usize,
    /// The capacity of their rings; 0 for the default.
    pub ring_bytes: usize,
    /// Where the rings are; the default place if there is none.
    pub rings_in: Option<PathBuf>,
    /// The number of records after which a thread ends and another one continues its numbers; 0 for never.
    pub shift: u64,
    /// The number of the record with which a thread ends the process, or with which `main` does.
    pub at: u64,
    /// The longest that a record may wait until a reader sees it, in milliseconds.
    pub deliver_within_ms: u64,
    /// The pause after each record, in microseconds.
    pub pause_us: u64,
}

/// The words by which a child is called.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { death, threads, ring_bytes, rings_in, shift, at, .. } = self;
        let Self { deliver_within_ms, pause_us, .. } = self;
        let rings_in = rings_in.as_deref().unwrap_or(Path::new("-")).display();
        write!(f, "{death:?},{threads},{ring_bytes},{shift},{at},")?;
        write!(f, "{deliver_within_ms},{pause_us},{rings_in}")
    }
}

impl FromStr for Plan {
    type Err = Box<dyn std::error::Error>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.splitn(8, ',').collect();
        let [death, threads, ring_bytes, shift, at, within, pause_us, rings_in] = parts[..] else {
            return Err(format!("no plan: {text}").into());
        };
        let known = Death::ALL.into_iter().find(|known| format!("{known:?}") == death);
        Ok(Self {
            death: known.ok_or("no such death")?,
            threads: threads.parse()?,
            ring_bytes: ring_bytes.parse()?,
            rings_in: (rings_in != "-").then(|| rings_in.into()),
            shift: shift.parse()?,
            at: at.parse()?,
            deliver_within_ms: within.parse()?,
            pause_us: pause_us.parse()?,
        })
    }
}

/// The message of a thread's record with this number; most are only the two.
#[must_use]
pub fn text(number: u64) -> Option<String> {
    let length = match number % 64 {
        0 => 40,
        17 => number % 251,
        33 if number % 512 == 33 => 1500,
        _ => return None,
    };
    let letters = (b'a'..=b'z').cycle().skip((number % 26) as usize).map(char::from);
    Some(letters.take(length as usize).collect())
}

/// How many records of a thread are in one span.
pub const BATCH: u64 = 12;

/// The spans that a thread's record with this number is in: each is its name and a field, if it has one.
#[must_use]
pub fn spans(number: u64) -> Vec<String> {
    let mut spans = Vec::new();
    let (batch, at) = (number / BATCH, number % BATCH);
    if batch % 3 != 2 {
        spans.push(format!("batch {batch}"));
    }
    if (4..9).contains(&at) {
        spans.push("step".to_owned());
    }
    spans
}

/// How far a child has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Phase {
    /// It has not reached its `main`.
    Born,
    /// It is in `main`.
    Main,
    /// Its logger runs.
    Started,
    /// It is about to end its logger, and has said what must be in the dump then.
    Closing,
    /// Its logger has ended.
    Closed,
}

/// A file that child and parent both have in memory, so what a thread says last outlives it without
/// costing it a system call.
///
/// - **B1.** The mapping has `Board::WORDS` words for as long as the board lives, and each of them
///   is only used as an atomic.
#[derive(Debug)]
pub struct Board {
    map: MmapRaw,
}

impl Board {
    /// No more threads than these.
    pub const THREADS: usize = 8;

    const WORDS: usize = 1 + 2 * Self::THREADS;

    /// Opens the board at `path`, or makes one.
    ///
    /// # Errors
    /// If the file cannot be had.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        file.set_len((8 * Self::WORDS) as u64)?;
        Ok(Self { map: MmapRaw::map_raw(&file)? })
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < Self::WORDS, "the board has no word {index}");
        // SAFETY: the word is within the mapping, which is aligned to a page, and no one uses it
        // but as an atomic (B1).
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().cast::<u64>().add(index)) }
    }

    /// Says how far the child has come.
    pub fn enter(&self, phase: Phase) {
        self.word(0).store(phase as u64, Ordering::SeqCst);
    }

    /// Whether the child has come so far.
    #[must_use]
    pub fn has_entered(&self, phase: Phase) -> bool {
        self.word(0).load(Ordering::SeqCst) >= phase as u64
    }

    /// Says that the calls of a thread up to this number have returned.
    pub fn report(&self, thread: usize, number: u64) {
        self.word(1 + thread).store(number, Ordering::Release);
    }

    /// The number of the last of a thread's calls that is known to have returned.
    #[must_use]
    pub fn reported(&self, thread: usize) -> u64 {
        self.word(1 + thread).load(Ordering::Acquire)
    }

    /// Notes what was reported so far: what is committed later may come too late for a logger that
    /// ends.
    pub fn note_floor(&self) {
        for thread in 0..Self::THREADS {
            let number = self.reported(thread);
            self.word(1 + Self::THREADS + thread).store(number, Ordering::SeqCst);
        }
    }

    /// The number up to which a thread's records must be there.
    #[must_use]
    pub fn floor(&self, thread: usize) -> u64 {
        if self.has_entered(Phase::Closing) {
            self.word(1 + Self::THREADS + thread).load(Ordering::SeqCst)
        } else {
            self.reported(thread)
        }
    }
}
