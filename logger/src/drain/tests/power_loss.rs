//! Durability after any sequence of faults: what `flush` confirmed survives the process, and what `sync`
//! confirmed survives the machine, unless a file states that it was taken away.

use proptest::prelude::*;

use super::bench::{Bench, Found, PATH, read};
use crate::drain::testing::disk::{Disk, Fault, Files};

#[derive(Clone, Debug)]
enum Step {
    Log(u16),
    Flush,
    Sync,
    Choppy,
    /// How many bytes more there is room for.
    Room(u16),
    Write(i32, u32),
    FailingSync {
        forgets: bool,
    },
    FailingFolder,
    FailingSuccessor,
    FailingRead,
    Heal,
    Remove,
    Rename,
    /// To this many sixteenths of its length.
    Truncate(u8),
    /// The same, in the moment of a write: this many writes from now on.
    TruncateAtWrite(u8, u64),
    Kill,
    PowerLoss,
}

fn step() -> impl Strategy<Value = Step> {
    let times = prop_oneof![Just(1), Just(3), Just(Fault::FOR_EVER)];
    prop_oneof![
        6 => (1..400_u16).prop_map(Step::Log),
        1 => Just(Step::Log(3000)),
        4 => Just(Step::Flush),
        4 => Just(Step::Sync),
        1 => Just(Step::Choppy),
        1 => (0..5000_u16).prop_map(Step::Room),
        1 => (prop_oneof![Just(libc::EIO), Just(libc::EROFS)], times)
            .prop_map(|(errno, times)| Step::Write(errno, times)),
        2 => any::<bool>().prop_map(|forgets| Step::FailingSync { forgets }),
        1 => Just(Step::FailingFolder),
        1 => Just(Step::FailingSuccessor),
        1 => Just(Step::FailingRead),
        3 => Just(Step::Heal),
        1 => Just(Step::Remove),
        1 => Just(Step::Rename),
        1 => (0..16_u8).prop_map(Step::Truncate),
        2 => (0..17_u8, 0..3_u64).prop_map(|(part, writes)| Step::TruncateAtWrite(part, writes)),
        2 => Just(Step::Kill),
        3 => Just(Step::PowerLoss),
    ]
}

/// The records that must be there.
#[derive(Default)]
struct Promise {
    /// How many of the committed records were there at the last flush, and at the last sync.
    flushed: usize,
    synced: usize,
    /// Something may have been lost since the start that no promise covers.
    was_taken: bool,
    renames: u32,
    /// A sync may have lost what was flushed, which only the next one that succeeds has settled.
    may_be_forgotten: bool,
    /// The file will be truncated by a write, or has been.
    is_cut_ordered: bool,
}

impl Promise {
    /// Nothing holds until the logger has noticed what was done to its file.
    fn void(&mut self) {
        (self.flushed, self.synced, self.was_taken) = (0, 0, true);
    }

    /// Takes back what was promised before a write truncated the file, if one has.
    fn note_cut(&mut self, disk: &Disk) {
        if self.is_cut_ordered && !disk.is_cut_due() {
            self.is_cut_ordered = false;
            self.void();
        }
    }
}

#[track_caller]
fn check(committed: &[u64], promised: usize, was_taken: bool, files: &Files) -> Found {
    let found = read(files);
    if let Some(at) = found.numbers.windows(2).position(|pair| pair[0] >= pair[1]) {
        let near = &found.numbers[at.saturating_sub(3)..found.numbers.len().min(at + 5)];
        panic!("a record twice, or out of order: {near:?} {:#?}", found.summary);
    }
    let is_there = |n: &&u64| found.numbers.binary_search(n).is_ok();
    let missing = committed[..promised].iter().filter(|n| !is_there(n)).count();
    assert!(found.numbers.iter().all(|n| committed.binary_search(n).is_ok()));
    if was_taken {
        // Of damage in the middle of a file a reader knows only the number of bytes.
        let stated = found.summary.missing + found.unreadable();
        let is_damaged = !found.summary.damage.is_empty();
        assert!(
            missing as u64 <= stated || is_damaged,
            "{missing} missing, {stated} stated: {:#?}",
            found.summary
        );
    } else {
        assert_eq!(missing, 0, "{missing} of {promised}");
        assert_eq!(found.gone, 0);
    }
    found
}

/// Does a step that concerns records, or what was confirmed of them.
fn log_or_check(step: &Step, bench: &Bench, promise: &mut Promise) {
    let disk = &bench.disk;
    let committed = bench.committed().len();
    match *step {
        Step::Log(count) => bench.log(count.into()),
        Step::Flush => {
            if bench.flush().is_ok() && !promise.may_be_forgotten {
                promise.flushed = committed;
            }
        }
        Step::Sync => {
            if bench.sync().is_ok() {
                promise.flushed = committed;
                promise.synced = committed;
                promise.may_be_forgotten = false;
            }
        }
        Step::Kill => {
            let files = disk.after_a_kill();
            promise.note_cut(disk);
            check(&bench.committed(), promise.flushed, promise.was_taken, &files);
        }
        Step::PowerLoss => {
            let files = disk.after_a_power_loss();
            promise.note_cut(disk);
            check(&bench.committed(), promise.synced, promise.was_taken, &files);
        }
        _ => do_harm(step, disk, promise),
    }
}

/// Does a step that concerns the disk, or its file.
fn do_harm(step: &Step, disk: &Disk, promise: &mut Promise) {
    let part_of_file = |part| disk.length(PATH).unwrap_or(0) * usize::from(part) / 16;
    match *step {
        Step::Choppy => disk.fail(|faults| faults.is_choppy = true),
        Step::Room(more) => {
            let room = disk.used_bytes() + usize::from(more);
            disk.fail(|faults| faults.room = Some(room));
        }
        Step::Write(errno, times) => {
            disk.fail(|faults| faults.write = Some(Fault { errno, times }));
        }
        Step::FailingSync { forgets } => {
            disk.fail(|faults| {
                faults.sync = Fault::once(libc::EIO);
                faults.forgets = forgets;
            });
            if forgets {
                // What was flushed and not synced may go, and will be stated by a later sync.
                promise.flushed = 0;
                promise.may_be_forgotten = true;
                promise.was_taken = true;
            }
        }
        Step::FailingFolder => disk.fail(|f| f.sync_folder = Fault::once(libc::EIO)),
        Step::FailingSuccessor => disk.fail(|f| f.successor = Fault::for_ever(libc::EACCES)),
        Step::FailingRead => {
            disk.fail(|faults| faults.read = Fault::once(libc::EIO));
            promise.was_taken = true;
        }
        Step::Heal => disk.heal(),
        Step::Remove => {
            disk.remove(PATH);
            promise.void();
        }
        Step::Rename => {
            disk.rename(PATH, format!("rotated-{}.steno", promise.renames));
            promise.renames += 1;
        }
        Step::Truncate(part) => {
            disk.truncate(PATH, part_of_file(part));
            promise.void();
        }
        Step::TruncateAtWrite(part, writes) => {
            // The cut before this one may have happened, and this one is due from now on.
            promise.note_cut(disk);
            let length = part_of_file(part);
            disk.fail(|faults| faults.truncate_at_write = Some((writes, length)));
            promise.is_cut_ordered = true;
            promise.was_taken = true;
        }
        Step::Log(_) | Step::Flush | Step::Sync | Step::Kill | Step::PowerLoss => {}
    }
}

fn run(seed: u64, steps: &[Step]) {
    let mut bench = Bench::with(seed, |builder| builder.ring_capacity_bytes(1 << 13));
    let mut promise = Promise::default();
    steps.iter().for_each(|step| log_or_check(step, &bench, &mut promise));
    bench.disk.heal();
    bench.close().expect("the disk is well");
    let committed = bench.committed();
    let files = bench.disk.after_a_kill();
    let found = check(&committed, committed.len(), promise.was_taken, &files);
    if !promise.was_taken {
        assert!(found.summary.damage.is_empty(), "{:?}", found.summary);
        assert_eq!(found.summary.lost, bench.stats_at_close().lost);
        assert_eq!(found.summary.missing, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(64, |n| n.parse().expect("a number")),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_confirmed_is_there(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        run(seed, &steps);
    }
}
