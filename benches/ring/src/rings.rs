//! The rings, each written and read the way its documentation advises for records of bytes.

use std::hint::black_box;

/// The writing end. Implementations are inlined, so a constant length stays one.
pub(crate) trait Write: Send {
    /// Writes a record, unless the ring is full.
    fn write(&mut self, payload: &[u8]) -> bool;
}

/// The reading end.
pub(crate) trait Read: Send {
    /// Reads what is there, at most about [`BATCH_BYTES`], and shows each record; returns how many.
    fn read(&mut self, visit: &mut impl Visit) -> usize;
}

/// What is done with a record that is read.
pub(crate) trait Visit: Send {
    fn visit(&mut self, payload: &[u8]);
}

/// A reader that looks at one byte.
pub(crate) struct Look;

impl Visit for Look {
    #[inline(always)]
    fn visit(&mut self, payload: &[u8]) {
        black_box(payload[0]);
    }
}

/// A reader that copies the payload to memory of its own.
pub(crate) struct Copying(Box<[u8; 4096]>);

impl Copying {
    pub(crate) fn new() -> Self {
        Self(Box::new([0; 4096]))
    }
}

impl Visit for Copying {
    #[inline(always)]
    fn visit(&mut self, payload: &[u8]) {
        self.0[..payload.len()].copy_from_slice(payload);
        black_box(&mut *self.0);
    }
}

pub(crate) trait Ring {
    const NAME: &'static str;
    type Writer: Write;
    type Reader: Read;
    fn new(capacity: usize) -> (Self::Writer, Self::Reader);
}

macro_rules! claims {
    ($writer:ty) => {
        impl Write for $writer {
            #[inline(always)]
            fn write(&mut self, payload: &[u8]) -> bool {
                let Ok(mut claim) = self.try_claim(payload.len()) else { return false };
                claim.copy_from_slice(payload);
                claim.commit();
                true
            }
        }
    };
}
claims!(stenolog_ringbuf::queue::spsc::Producer);
claims!(stenolog_ringbuf::queue::mpsc::Producer);
claims!(nexus_logbuf::queue::spsc::Producer);
claims!(nexus_logbuf::queue::mpsc::Producer);

macro_rules! reads_one_by_one {
    ($reader:ty) => {
        impl Read for $reader {
            #[inline(always)]
            fn read(&mut self, visit: &mut impl Visit) -> usize {
                let (mut records, mut bytes) = (0, 0);
                while bytes < BATCH_BYTES
                    && let Some(record) = self.try_claim()
                {
                    visit.visit(&record);
                    records += 1;
                    bytes += 8 + record.len();
                }
                records
            }
        }
    };
}
reads_one_by_one!(nexus_logbuf::queue::spsc::Consumer);
reads_one_by_one!(nexus_logbuf::queue::mpsc::Consumer);

/// Ours, read in batches.
pub(crate) struct Batches(stenolog_ringbuf::Consumer);

impl Read for Batches {
    #[inline(always)]
    fn read(&mut self, visit: &mut impl Visit) -> usize {
        self.0.drain(BATCH_BYTES, |record| visit.visit(record.payload()))
    }
}

/// After about how many bytes a reader returns.
const BATCH_BYTES: usize = 128 * 1024;

/// Ours, read record by record.
pub(crate) struct OneByOne(stenolog_ringbuf::Consumer);

impl Read for OneByOne {
    #[inline(always)]
    fn read(&mut self, visit: &mut impl Visit) -> usize {
        let (mut records, mut bytes) = (0, 0);
        while bytes < BATCH_BYTES
            && let Some(record) = self.0.try_claim()
        {
            visit.visit(&record);
            records += 1;
            bytes += 8 + record.len();
        }
        records
    }
}

macro_rules! ring {
    ($type:ident, $name:literal, $writer:ty, $reader:ty, $new:expr) => {
        pub(crate) struct $type;
        impl Ring for $type {
            const NAME: &'static str = $name;
            type Writer = $writer;
            type Reader = $reader;
            fn new(capacity: usize) -> ($writer, $reader) {
                $new(capacity)
            }
        }
    };
}

use nexus_logbuf::queue as nexus;
use stenolog_ringbuf::queue::{mpsc, overwrite, spsc};

ring!(Spsc, "stenolog spsc", spsc::Producer, Batches, |capacity| {
    let (writer, reader) = spsc::new(capacity);
    (writer, Batches(reader))
});
ring!(SpscSingle, "stenolog spsc, one by one", spsc::Producer, OneByOne, |capacity| {
    let (writer, reader) = spsc::new(capacity);
    (writer, OneByOne(reader))
});
ring!(Mpsc, "stenolog mpsc", mpsc::Producer, Batches, |capacity| {
    let (writer, reader) = mpsc::new(capacity);
    (writer, Batches(reader))
});
ring!(MpscSingle, "stenolog mpsc, one by one", mpsc::Producer, OneByOne, |capacity| {
    let (writer, reader) = mpsc::new(capacity);
    (writer, OneByOne(reader))
});
ring!(
    NexusSpsc,
    "nexus-logbuf spsc",
    nexus::spsc::Producer,
    nexus::spsc::Consumer,
    nexus::spsc::new
);
ring!(
    NexusMpsc,
    "nexus-logbuf mpsc",
    nexus::mpsc::Producer,
    nexus::mpsc::Consumer,
    nexus::mpsc::new
);
ring!(Overwrite, "stenolog overwrite", overwrite::Producer, Nothing, |capacity| {
    (overwrite::new(capacity).0, Nothing)
});

claims!(overwrite::Producer);

/// For a ring that needs no reader.
pub(crate) struct Nothing;

impl Read for Nothing {
    fn read(&mut self, _: &mut impl Visit) -> usize {
        0
    }
}

// Records as a length of four bytes and the payload, split by the ring's end if need be.
ring!(Rtrb, "rtrb", rtrb::Producer<u8>, rtrb::Consumer<u8>, rtrb::RingBuffer::new);

impl Write for rtrb::Producer<u8> {
    #[inline(always)]
    fn write(&mut self, payload: &[u8]) -> bool {
        let Ok(mut chunk) = self.write_chunk_uninit(4 + payload.len()) else { return false };
        let len = (payload.len() as u32).to_le_bytes();
        let (first, second) = chunk.as_mut_slices();
        // SAFETY: initialised bytes are a fine thing to write to uninitialised ones.
        let uninit = |bytes: &[u8]| unsafe {
            std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len())
        };
        if second.is_empty() {
            first[..4].copy_from_slice(uninit(&len));
            first[4..].copy_from_slice(uninit(payload));
        } else {
            for (to, &from) in first.iter_mut().chain(second).zip(len.iter().chain(payload)) {
                to.write(from);
            }
        }
        // SAFETY: all of it was written.
        unsafe { chunk.commit_all() };
        true
    }
}

impl Read for rtrb::Consumer<u8> {
    #[inline(always)]
    fn read(&mut self, visit: &mut impl Visit) -> usize {
        let mut records = 0;
        // One chunk for all that is there, which is the fastest way to read from it.
        let available = self.slots();
        let Ok(chunk) = self.read_chunk(available) else { return 0 };
        let (first, second) = chunk.as_slices();
        let byte = |at: usize| if at < first.len() { first[at] } else { second[at - first.len()] };
        let mut at = 0;
        while at < available {
            let len = match first.get(at..at + 4) {
                Some(len) => u32::from_le_bytes(len.try_into().expect("four bytes")),
                None => u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]),
            };
            let (from, to) = (at + 4, at + 4 + len as usize);
            match (first.get(from..to), from.checked_sub(first.len())) {
                (Some(payload), _) => visit.visit(payload),
                (None, Some(from)) => visit.visit(&second[from..to - first.len()]),
                (None, None) => {
                    visit.visit(&first[from..]);
                    visit.visit(&second[..to - first.len()]);
                }
            }
            at = to;
            records += 1;
        }
        chunk.commit_all();
        records
    }
}

type BbStorage = bbqueue::traits::storage::BoxedSlice;
type BbCoord = bbqueue::traits::coordination::cas::AtomicCoord;
type BbNotifier = bbqueue::traits::notifier::polling::Polling;
type BbQueue = std::sync::Arc<bbqueue::BBQueue<BbStorage, BbCoord, BbNotifier>>;
type BbWriter = bbqueue::prod_cons::framed::FramedProducer<BbQueue>;
type BbReader = bbqueue::prod_cons::framed::FramedConsumer<BbQueue>;

ring!(Bb, "bbqueue, framed", BbWriter, BbReader, |capacity| {
    let queue = bbqueue::ArcBBQueue::<BbStorage, BbCoord, BbNotifier>::new_with_storage(
        BbStorage::new(capacity),
    );
    (queue.framed_producer(), queue.framed_consumer())
});

impl Write for BbWriter {
    #[inline(always)]
    fn write(&mut self, payload: &[u8]) -> bool {
        let len = payload.len() as u16;
        let Ok(mut grant) = self.grant(len) else { return false };
        grant.copy_from_slice(payload);
        grant.commit(len);
        true
    }
}

impl Read for BbReader {
    #[inline(always)]
    fn read(&mut self, visit: &mut impl Visit) -> usize {
        let (mut records, mut bytes) = (0, 0);
        while bytes < BATCH_BYTES
            && let Ok(grant) = BbReader::read(self)
        {
            visit.visit(&grant);
            bytes += grant.len();
            grant.release();
            records += 1;
        }
        records
    }
}

// A channel of owned records: what one would use without a ring of bytes. Bounded by records, not
// by bytes; each is allocated.
ring!(
    Crossbeam,
    "crossbeam-channel, boxed",
    crossbeam_channel::Sender<Box<[u8]>>,
    crossbeam_channel::Receiver<Box<[u8]>>,
    |_| crossbeam_channel::bounded(4096)
);

impl Write for crossbeam_channel::Sender<Box<[u8]>> {
    #[inline(always)]
    fn write(&mut self, payload: &[u8]) -> bool {
        self.try_send(payload.into()).is_ok()
    }
}

impl Read for crossbeam_channel::Receiver<Box<[u8]>> {
    #[inline(always)]
    fn read(&mut self, visit: &mut impl Visit) -> usize {
        self.try_iter().take(1024).inspect(|payload| visit.visit(payload)).count()
    }
}
