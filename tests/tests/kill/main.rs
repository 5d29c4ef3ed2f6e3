//! Records that were committed before a process died are decoded, once and in order, whatever killed it.
//!
//! Each kill is a real process that logs from up to eight threads as fast as it can, and that dies
//! at a moment that a seed decides. The seed is printed; `STENOLOG_SEED` repeats a run, in which
//! processes do the same and the scheduler does not. `STENOLOG_KILLS` says how many random kills
//! there are; `just kills 5000` runs as many.
#![cfg(unix)]

mod check;
mod process;

use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fastrand::Rng;
use stenolog::__private::Step;
use stenolog_tests::kill::{Board, Death, Plan};

use crate::process::{Running, Workspace};

/// Random kills in a run, unless the environment says otherwise.
const KILLS: usize = 160;

/// One kill in this many is read by the program `steno` too.
const BY_PROGRAM: usize = 8;

#[test]
fn whatever_kills_a_process_loses_nothing() {
    let kills = number("STENOLOG_KILLS").map_or(KILLS, |kills| kills as usize);
    let figures = Figures::default();
    run(kills, &figures, |index, rng| {
        let death = Death::ALL[index % Death::ALL.len()];
        let workspace = Workspace::new(index);
        let plan = random_plan(death, rng, &workspace);
        let mut running = Running::start(&workspace, &plan, None);
        running.await_death(rng);
        running.examine(&figures, index % BY_PROGRAM == 0)
    });
    figures.print("random kills");
}

#[test]
fn a_death_between_any_two_steps_of_the_drain_loses_nothing() {
    // A long run takes each number, a short one leaves more and more of them out.
    let kills = number("STENOLOG_KILLS");
    let bound = kills.map_or(20, |kills| 20.max(kills / 50));
    let figures = Figures::default();
    run(Step::ALL.len(), &figures, |index, rng| {
        let step = Step::ALL[index];
        let mut times = 1;
        while times <= bound {
            let workspace = Workspace::new(index);
            let plan = Plan {
                death: Death::Close,
                threads: rng.usize(1..4),
                ring_bytes: 4096 << rng.u32(0..3),
                rings_in: Some(workspace.folder().to_owned()),
                shift: rng.u64(300..800),
                at: rng.u64(1000..3000),
                deliver_within_ms: 5,
                pause_us: 0,
            };
            let die_after = format!("{step:?}:{times}");
            let mut running = Running::start(&workspace, &plan, Some(&die_after));
            running.wait();
            let has_died = running.status.and_then(|status| status.signal()) == Some(libc::SIGKILL);
            running.examine(&figures, times == 3)?;
            if !has_died {
                // The process took the step less often than that.
                return if times > 1 { Ok(()) } else { Err(format!("{step:?} is never taken")) };
            }
            times += if kills.is_some() { 1 } else { 1 + times / 3 };
        }
        Ok(())
    });
    figures.print("deaths between two steps");
}

/// The tail is for programs that log little. Their threads change, and the rings that the former ones leave are
/// packed together from time to time.
#[test]
fn a_death_between_any_two_steps_of_the_tail_loses_nothing() {
    let figures = Figures::default();
    run(Step::OF_TAIL.len(), &figures, |index, rng| {
        let step = Step::OF_TAIL[index];
        let mut times = 1;
        while times <= 8 {
            let workspace = Workspace::new(index);
            let plan = Plan {
                death: Death::Close,
                threads: rng.usize(1..4),
                ring_bytes: 0,
                rings_in: Some(workspace.folder().to_owned()),
                shift: rng.u64(10..30),
                at: 400,
                deliver_within_ms: 1,
                pause_us: 100,
            };
            let die_after = format!("{step:?}:{times}");
            let mut running = Running::start(&workspace, &plan, Some(&die_after));
            running.wait();
            let has_died = running.status.and_then(|status| status.signal()) == Some(libc::SIGKILL);
            running.check_without_rings()?;
            running.examine(&figures, times == 1)?;
            if !has_died {
                return if times > 1 { Ok(()) } else { Err(format!("{step:?} is never taken")) };
            }
            times += 1 + times / 3;
        }
        Ok(())
    });
    figures.print("deaths between two steps of the tail");
}

#[test]
fn a_second_process_is_refused_and_does_not_disturb_the_first() {
    let figures = Figures::default();
    run(4, &figures, |index, rng| {
        let workspace = Workspace::new(index);
        let plan = Plan { ring_bytes: 0, ..random_plan(Death::Kill, rng, &workspace) };
        let mut first = Running::start(&workspace, &plan, None);
        first.await_or_exit(|board| total(board, &plan) > 100);
        let second = Workspace::beside(&workspace, "second");
        let mut refused = Running::start(&second, &plan, None);
        refused.wait();
        if !refused.lines.iter().any(|line| line.starts_with("refused: ")) {
            return Err(format!("the second logger was not refused: {:?}", refused.lines));
        }
        let so_far = total(&workspace.board, &plan);
        first.await_or_exit(|board| total(board, &plan) > so_far + 100);
        first.kill(libc::SIGKILL);
        // The next run may have the path, and must not destroy what the first one left.
        let third = Workspace::beside(&workspace, "third");
        let mut next = Running::start(&third, &plan, None);
        next.await_or_exit(|board| total(board, &plan) > 100);
        next.kill(libc::SIGKILL);
        next.examine(&figures, true)?;
        first.path = workspace.folder().join("app.1.steno");
        first.examine(&figures, true)
    });
    figures.print("kills of processes that want one path");
}

/// A number that the environment gives.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{variable}={text}: {e}")))
}

/// Calls `kill` for each index, several at a time, and tells which have failed.
#[track_caller]
fn run(
    count: usize,
    figures: &Figures,
    kill: impl Fn(usize, &mut Rng) -> Result<(), String> + Sync,
) {
    let seed = number("STENOLOG_SEED").unwrap_or_else(|| Rng::new().u64(..));
    let only = number("STENOLOG_ONLY");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    if only.is_some_and(|only| only != index as u64) {
                        continue;
                    }
                    let mut rng = Rng::with_seed(seed.wrapping_add(index as u64));
                    if let Err(why) = kill(index, &mut rng) {
                        failures.lock().unwrap().push(format!("{index}: {why}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "STENOLOG_SEED={seed}: {} of {} failed\n{}",
        failures.len(),
        figures.kills.load(Ordering::Relaxed),
        failures.join("\n")
    );
}

fn random_plan(death: Death, rng: &mut Rng, workspace: &Workspace) -> Plan {
    let at_bits = rng.u32(0..13);
    let ring_bytes = [4096, 4096, 1 << 14, 1 << 16, 0];
    Plan {
        death,
        threads: rng.usize(1..=Board::THREADS),
        ring_bytes: ring_bytes[rng.usize(..ring_bytes.len())],
        // Few in the default place: a test that is killed itself would leave them there.
        rings_in: (rng.u8(..) >= 16).then(|| workspace.folder().to_owned()),
        shift: if rng.u8(..) < 64 { rng.u64(1..2000) } else { 0 },
        at: rng.u64(..1 << at_bits) + 1,
        deliver_within_ms: [1, 5, 100, 1000][rng.usize(..4)],
        pause_us: if rng.u8(..4) == 0 { 20 } else { 0 },
    }
}

/// How many calls of all threads have returned.
fn total(board: &Board, plan: &Plan) -> u64 {
    (0..plan.threads).map(|thread| board.reported(thread)).sum()
}

/// What was done, for the log of the run.
#[derive(Default)]
struct Figures {
    kills: AtomicU64,
    records: AtomicU64,
    from_rings: AtomicU64,
    torn: AtomicU64,
    sealed: AtomicU64,
    by_program: AtomicU64,
}

impl Figures {
    #[expect(clippy::print_stderr, reason = "a test run shows it with --nocapture")]
    fn print(&self, what: &str) {
        let Self { kills, records, from_rings, torn, sealed, by_program } = self;
        eprintln!(
            "{what}: {kills:?} processes, {records:?} records, {from_rings:?} of them from rings; \
             {sealed:?} dumps were sealed, {torn:?} torn; {by_program:?} were read by `steno` too"
        );
    }
}

fn count(figure: &AtomicU64, by: u64) {
    figure.fetch_add(by, Ordering::Relaxed);
}
