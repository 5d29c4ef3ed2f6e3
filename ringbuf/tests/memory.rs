//! Rings take no memory after their creation, and no page before it is written to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use stenolog_ringbuf::queue::{mpsc, overwrite, spsc};

/// Counts what each thread allocates.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: as the system's allocator, which does all of the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller vouches.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

#[test]
fn queues_allocate_nothing_after_their_creation() {
    macro_rules! check {
        ($kind:ident) => {{
            let (mut producer, mut consumer) = $kind::new(256);
            let allocations = allocations(|| {
                for round in 0..1000 {
                    while let Ok(mut claim) = producer.try_claim(1 + round % 60) {
                        claim.fill(1);
                        claim.commit_tagged(1);
                    }
                    drop(producer.try_claim_within(8, 200));
                    drop(consumer.try_claim());
                    assert!(consumer.batch(100).records().next().is_some());
                    let end = consumer.scan_from(consumer.position(), 50, |_| ());
                    consumer.release_to(end);
                    consumer.drain(usize::MAX, |_| ());
                    assert_eq!(consumer.readable_bytes(), 0);
                }
            });
            assert_eq!(allocations, 0);
            (producer, consumer)
        }};
    }
    drop(check!(spsc));
    let (producer, mut consumer) = check!(mpsc);
    let allocations = allocations(|| {
        let mut clone = producer.clone();
        std::mem::forget(clone.try_claim(8).unwrap());
        drop((producer, clone));
        assert!(consumer.unblock());
    });
    assert_eq!(allocations, 0);
}

#[cfg(feature = "std")]
#[test]
fn channels_allocate_nothing_after_their_creation() {
    use std::time::Duration;
    use stenolog_ringbuf::{RecvError, TrySendError, channel};
    let (mut sender, mut receiver) = channel::mpsc::new(64);
    let allocations = allocations(|| {
        for _ in 0..3 {
            let mut other = sender.clone();
            for tag in 0..4 {
                other.send(8).unwrap().commit_tagged(tag);
            }
            sender.notify();
            assert_eq!(sender.try_send(8).unwrap_err(), TrySendError::Full);
            while receiver.recv(Some(Duration::ZERO)).is_ok() {}
            let wait = Some(Duration::from_millis(1));
            assert_eq!(receiver.recv(wait).unwrap_err(), RecvError::Timeout);
        }
        sender.send(8).unwrap().commit();
        drop(sender);
        assert!(receiver.recv(None).is_ok());
        assert_eq!(receiver.recv(None).unwrap_err(), RecvError::Disconnected);
    });
    assert_eq!(allocations, 0);
}

#[test]
fn overwriting_allocates_for_longer_records_and_snapshots_alone() {
    let (mut producer, reader) = overwrite::new(1024);
    let mut write = |lens: std::ops::RangeInclusive<usize>| {
        allocations(|| lens.for_each(|len| producer.try_claim(len).unwrap().commit()))
    };
    assert!(write(100..=100) > 0);
    assert_eq!((write(1..=100), write(1..=100)), (0, 0));
    assert!(write(101..=300) > 0);
    assert_eq!(write(1..=300), 0);
    assert_eq!(allocations(|| drop(reader.snapshot())), 1);
}

/// The largest ring there can be, of which one record is used.
#[cfg(target_os = "linux")]
#[test]
fn pages_that_were_never_written_take_none() {
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
    let before = resident_kib();
    let (mut one, mut consumer_of_one) = spsc::new(1 << 30);
    let (mut many, mut consumer_of_many) = mpsc::new(1 << 30);
    assert_eq!((one.capacity(), many.max_record_bytes()), (1 << 30, (1 << 30) - 8));
    one.try_claim(100).unwrap().commit();
    many.try_claim(100).unwrap().commit();
    assert_eq!(consumer_of_one.drain(usize::MAX, |_| ()), 1);
    assert_eq!(consumer_of_many.drain(usize::MAX, |_| ()), 1);
    let taken = resident_kib() - before;
    assert!(taken < 16 * 1024, "{taken} KiB of 2 GiB were touched");
}

/// A lap through memory that was there from the start.
#[cfg(all(target_os = "linux", feature = "mmap"))]
#[test]
fn pages_that_are_there_from_the_start_take_no_fault() {
    use stenolog_ringbuf::memory::Options;

    fn faults() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // After the name, which is in brackets: the state, and minor faults as the eighth.
        let fields = stat.rsplit_once(')').unwrap().1;
        fields.split_ascii_whitespace().nth(7).unwrap().parse().unwrap()
    }
    faults();
    for huge_pages in [false, true] {
        let options = Options::new(1 << 20).huge_pages(huge_pages);
        let (mut one, mut consumer_of_one) = options.create_spsc().unwrap();
        let (mut many, mut consumer_of_many) = options.create_mpsc().unwrap();
        assert_eq!((one.capacity(), many.max_record_bytes()), (1 << 20, (1 << 20) - 8));
        // The system may take a page away from anybody at any time: not three times in a row.
        let mut laps = (0..3).map(|lap| {
            let before = faults();
            for n in 0..1000_u32 {
                let mut claim = one.try_claim(1000).unwrap();
                claim.fill(lap);
                claim.commit_tagged(n + 1);
                many.try_claim(1000).unwrap().commit_tagged(n + 1);
            }
            let faults = faults() - before;
            for consumer in [&mut consumer_of_one, &mut consumer_of_many] {
                let mut tags = Vec::new();
                consumer.drain(usize::MAX, |record| tags.push(record.tag()));
                assert!(tags.into_iter().eq(1..=1000));
            }
            faults
        });
        assert!(laps.any(|faults| faults < 10), "a lap of 512 pages");
    }
}
