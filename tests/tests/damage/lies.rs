//! Frames with right checksums and wrong contents, and what must hold whatever is read.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::abort;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use stenolog_decoder::{
    Decoder, Dump, Entry, Format, RenderOptions, Renderer, Summary, info, verify,
};
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter, VERSION};
use stenolog_format::index::End;

use crate::memory;

/// The most memory that reading takes for each byte of the file: 64 values that take no bytes, and
/// what growing vectors leave unused. A dictionary takes at most 257, by the nodes of a type.
const BYTES_A_BYTE: usize = 4096;

/// The memory that reading takes for any file: 65 536 values without size in a record, the table
/// of call sites, and the text of a record.
const BYTES_ALWAYS: usize = 16 << 20;

/// Far beyond what any case takes: a reader that takes longer is taken to go on for ever.
const FOR_EVER: Duration = Duration::from_secs(300);

/// A dump made by hand, whose frames have right numbers and checksums.
pub(crate) struct Forgery {
    bytes: Vec<u8>,
    frames: FrameWriter,
}

impl Forgery {
    /// A header, a clock pair, and a thread for ring 1.
    pub(crate) fn new() -> Self {
        let mut forgery = Self::bare();
        let mut pair = Vec::new();
        ClockPair { counter: 0, unix_ns: 0, uncertainty_ticks: 1 }.encode(&mut pair);
        forgery.frame(FrameKind::Clock, &pair);
        let mut thread = Vec::new();
        Thread { ring: 1, os_id: 1, name: "forger".into(), continues: None }.encode(&mut thread);
        forgery.frame(FrameKind::Thread, &thread);
        forgery
    }

    pub(crate) fn bare() -> Self {
        let header = FileHeader {
            version: VERSION,
            session: [7; 16],
            created_unix_ns: 0,
            sequence: 0,
            process_id: 1,
            counter_hz: 1_000_000_000,
        };
        Self { bytes: header.encode().to_vec(), frames: FrameWriter::default() }
    }

    pub(crate) fn frame(&mut self, kind: FrameKind, payload: &[u8]) -> usize {
        let start = self.bytes.len();
        self.frames.frame(&mut self.bytes, kind, |out| out.extend_from_slice(payload));
        start
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut end = Vec::new();
        End { index: 0, records: 0, lost: 0, continues: false }.encode(&mut end);
        self.frame(FrameKind::End, &end);
        self.bytes
    }
}

pub(crate) fn varint(out: &mut Vec<u8>, value: u64) {
    stenolog_format::value::put_uint(out, value);
}

/// What came out of a file that cannot be trusted.
pub(crate) struct Survival {
    /// Records that were shown.
    pub(crate) records: u64,
    /// `None` if it is no dump.
    pub(crate) summary: Option<Summary>,
}

/// Opens, decodes and verifies a file in every way, and checks what must hold whatever it is:
/// no panic, an end, and bounded memory and work.
#[track_caller]
pub(crate) fn survive(what: &str, bytes: &[u8]) -> Survival {
    let (survival, peak) = memory::peak(|| ends(what, || read(bytes)));
    let most = BYTES_A_BYTE * bytes.len() + BYTES_ALWAYS;
    assert!(peak <= most, "{what}: {} bytes took {peak} of memory", bytes.len());
    // A record takes 3 bytes of a block at least, and a loss entry needs a record or a frame.
    assert!(survival.records <= bytes.len() as u64 / 3, "{what}: {} records", survival.records);
    survival
}

/// Has the process aborted if some work does not end.
fn ends<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let (done, wait) = channel::<()>();
    let name = what.to_owned();
    std::thread::spawn(move || {
        if wait.recv_timeout(FOR_EVER) == Err(RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "{name}: does not end");
            abort();
        }
    });
    let result = work();
    drop(done);
    result
}

fn read(bytes: &[u8]) -> Survival {
    let Ok(dump) = Dump::from_bytes("hostile.steno", bytes.to_vec()) else {
        return Survival { records: 0, summary: None };
    };
    let verified = verify(&dump);
    let _ = info(&dump);
    let dumps = [dump];
    let mut decoder = Decoder::new(&dumps);
    let mut renderers =
        [Format::Short, Format::Json].map(|format| Renderer::new(format, RenderOptions::default()));
    let (mut text, mut records, mut entries) = (String::new(), 0, 0);
    let _ = decoder.for_each(|entry| {
        entries += 1;
        records += u64::from(matches!(entry, Entry::Record(_)));
        for renderer in &mut renderers {
            text.clear();
            renderer.write(entry, &mut text);
        }
        ControlFlow::Continue(())
    });
    let summary = decoder.summary();
    assert_eq!(records, summary.shown);
    // Nothing is shown that was not read, and nothing intact was not read.
    assert!(records <= summary.records && entries <= 2 * bytes.len());
    if verified.is_intact() {
        assert!(summary.damage.is_empty(), "{:?}", summary.damage);
    }
    Survival { records, summary: Some(summary) }
}
