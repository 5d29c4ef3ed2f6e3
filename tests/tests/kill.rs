//! What was committed before a process died is decoded, once and in order, whatever killed it.
//!
//! Each kill is a real process that logs from up to eight threads as fast as it can, and that dies
//! at a moment that a seed decides. The seed is printed; `STENOLOG_SEED` repeats a run, in which
//! processes do the same and the scheduler does not. `STENOLOG_KILLS` says how many random kills
//! there are; `just kills 5000` runs as many.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use fastrand::Rng;
use stenolog::__private::Step;
use stenolog_decoder::{Decoder, Dump, Entry, Limits, Order, Record, RingDir, Tail, Value};
use stenolog_tests::kill::{Board, Death, Phase, Plan, text};
use tempfile::TempDir;

/// Random kills in a run, unless the environment says otherwise.
const KILLS: usize = 160;

/// One kill in so many is read by the program `steno` too.
const BY_PROGRAM: usize = 8;

#[test]
fn whatever_kills_a_process_loses_nothing() {
    let kills = number("STENOLOG_KILLS").map_or(KILLS, |kills| kills as usize);
    let figures = Figures::default();
    run(kills, &figures, |index, rng| {
        let death = Death::ALL[index % Death::ALL.len()];
        let scene = Scene::new(index);
        let plan = random_plan(death, rng, &scene);
        let mut running = Running::start(&scene, &plan, None);
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
            let scene = Scene::new(index);
            let plan = Plan {
                death: Death::Close,
                threads: rng.usize(1..4),
                ring_bytes: 4096 << rng.u32(0..3),
                rings_in: Some(scene.folder().to_owned()),
                shift: rng.u64(300..800),
                at: rng.u64(1000..3000),
                deliver_within_ms: 5,
            };
            let die_after = format!("{step:?}:{times}");
            let mut running = Running::start(&scene, &plan, Some(&die_after));
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

#[test]
fn a_second_process_is_refused_and_does_not_disturb_the_first() {
    let figures = Figures::default();
    run(4, &figures, |index, rng| {
        let scene = Scene::new(index);
        let plan = Plan { ring_bytes: 0, ..random_plan(Death::Kill, rng, &scene) };
        let mut first = Running::start(&scene, &plan, None);
        first.await_or_exit(|board| total(board, &plan) > 100);
        let second = Scene::beside(&scene, "second");
        let mut refused = Running::start(&second, &plan, None);
        refused.wait();
        if !refused.lines.iter().any(|line| line.starts_with("refused: ")) {
            return Err(format!("the second logger was not refused: {:?}", refused.lines));
        }
        let so_far = total(&scene.board, &plan);
        first.await_or_exit(|board| total(board, &plan) > so_far + 100);
        first.kill(libc::SIGKILL);
        // The next run may have the path, and must not destroy what the first one left.
        let third = Scene::beside(&scene, "third");
        let mut next = Running::start(&third, &plan, None);
        next.await_or_exit(|board| total(board, &plan) > 100);
        next.kill(libc::SIGKILL);
        next.examine(&figures, true)?;
        first.path = scene.folder().join("app.1.steno");
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

fn random_plan(death: Death, rng: &mut Rng, scene: &Scene) -> Plan {
    let at_bits = rng.u32(0..13);
    let ring_bytes = [4096, 4096, 1 << 14, 1 << 16, 0];
    Plan {
        death,
        threads: rng.usize(1..=Board::THREADS),
        ring_bytes: ring_bytes[rng.usize(..ring_bytes.len())],
        // Few in the default place: a test that is killed itself would leave them there.
        rings_in: (rng.u8(..) >= 16).then(|| scene.folder().to_owned()),
        shift: if rng.u8(..) < 64 { rng.u64(1..2000) } else { 0 },
        at: rng.u64(..1 << at_bits) + 1,
        deliver_within_ms: [1, 5, 100, 1000][rng.usize(..4)],
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

/// A folder, and what is in it.
struct Scene {
    /// `None` if another scene owns it.
    _owned: Option<TempDir>,
    path: PathBuf,
    board_path: PathBuf,
    board: Board,
    index: usize,
}

impl Scene {
    fn new(index: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        Self::at(path, folder.path().join("board"), Some(folder), index)
    }

    /// Another process that wants the same path.
    fn beside(other: &Self, board: &str) -> Self {
        Self::at(other.path.clone(), other.folder().join(board), None, other.index)
    }

    fn at(path: PathBuf, board_path: PathBuf, owned: Option<TempDir>, index: usize) -> Self {
        let board = Board::open(&board_path).unwrap();
        Self { _owned: owned, path, board_path, board, index }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    fn stderr(&self) -> PathBuf {
        self.board_path.with_extension("stderr")
    }
}

/// A process that logs, or has.
struct Running<'s> {
    scene: &'s Scene,
    plan: Plan,
    die_after: Option<String>,
    /// Where the dump is; a later process may have moved it.
    path: PathBuf,
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// What it has printed.
    lines: Vec<String>,
    status: Option<ExitStatus>,
}

impl<'s> Running<'s> {
    fn start(scene: &'s Scene, plan: &Plan, die_after: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kill_child"));
        command.env_remove("STENOLOG").env_remove("RUST_LOG").env_remove("STENOLOG_DIE_AFTER");
        if let Some(die_after) = die_after {
            command.env("STENOLOG_DIE_AFTER", die_after);
        }
        let mut child = command
            .arg(plan.to_string())
            .args([&scene.path, &scene.board_path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(scene.stderr()).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            scene,
            plan: plan.clone(),
            die_after: die_after.map(str::to_owned),
            path: scene.path.clone(),
            child,
            output,
            lines: Vec::new(),
            status: None,
        }
    }

    /// Waits until the process is dead, or another program has taken it over; kills it if that is
    /// the plan.
    fn await_death(&mut self, rng: &mut Rng) {
        match self.plan.death {
            Death::Kill | Death::Terminate => {
                self.await_moment(rng);
                let is_kill = self.plan.death == Death::Kill;
                self.kill(if is_kill { libc::SIGKILL } else { libc::SIGTERM });
            }
            Death::KillAtClose => {
                self.await_or_exit(|board| board.has_entered(Phase::Closing));
                self.look_on(1 << rng.u32(0..20));
                self.kill(libc::SIGKILL);
            }
            Death::Exec => {
                let is_over = |line: &String| line == "taken over";
                while !self.lines.last().is_some_and(is_over) {
                    let Some(line) = self.output.next() else { break };
                    self.lines.push(line.unwrap());
                }
            }
            _ => self.wait(),
        }
    }

    /// Waits for a moment at the start, near the first records, or in the midst of things.
    fn await_moment(&mut self, rng: &mut Rng) {
        let Plan { threads, rings_in, .. } = self.plan.clone();
        match rng.u8(..6) {
            // What is to be tidied up in the default place is found by the dump.
            0 if rings_in.is_some() => {
                let phase = [Phase::Main, Phase::Started][rng.usize(..2)];
                self.await_or_exit(|board| board.has_entered(phase));
                self.look_on(1 << rng.u32(0..16));
            }
            0 | 1 => {
                let records = rng.u64(1..64);
                let plan = self.plan.clone();
                self.await_or_exit(|board| total(board, &plan) >= records);
            }
            _ => {
                let (thread, bits) = (rng.usize(..threads), rng.u32(6..14));
                let number = rng.u64(..1 << bits);
                self.await_or_exit(|board| board.reported(thread) >= number);
            }
        }
    }

    /// Waits until the board says so, or there is nobody any more who could write on it.
    fn await_or_exit(&mut self, is_so: impl Fn(&Board) -> bool) {
        while !is_so(&self.scene.board) && self.child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
    }

    /// Lets a little time pass, in which the process goes on.
    fn look_on(&self, times: u32) {
        for _ in 0..times {
            std::hint::black_box(self.scene.board.reported(0));
        }
    }

    fn kill(&mut self, signal: libc::c_int) {
        // SAFETY: a process that was not waited for yet keeps its id, dead or not.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
        self.wait();
    }

    fn wait(&mut self) {
        self.status = Some(self.child.wait().unwrap());
        self.lines.extend((&mut self.output).map(Result::unwrap));
    }

    /// Reads what the process has left.
    fn examine(mut self, figures: &Figures, by_program: bool) -> Result<(), String> {
        count(&figures.kills, 1);
        let mut found = self.check(figures, by_program);
        if found.is_err() && self.plan.rings_in.is_none() {
            // In the default place a logger of another test seals the dumps of rings that held nothing,
            // and removes these; that may have been in the midst of it.
            found = self.check(figures, by_program);
        }
        if self.status.is_none() {
            // What has taken the process over ends with its input.
            drop(self.child.stdin.take());
            self.wait();
        }
        // What is in the default place goes; what is in the scene's folder goes with it.
        let ring_dir = self.lines.first().filter(|line| line.starts_with('/'));
        if self.plan.rings_in.is_none()
            && let Some(dir) = ring_dir
        {
            let _ = fs::remove_dir_all(dir);
        }
        found.and_then(|()| self.check_status()).map_err(|why| {
            let Self { plan, die_after, scene, status, .. } = &self;
            let mut stderr = String::new();
            let _ = fs::File::open(scene.stderr()).and_then(|mut f| f.read_to_string(&mut stderr));
            let kept = self.keep();
            format!("{plan:?} {die_after:?} in {}, {status:?}: {why}\n{stderr}", kept.display())
        })
    }

    /// A copy of the scene, for whoever wants to know.
    fn keep(&self) -> PathBuf {
        let kept = std::env::temp_dir().join(format!(
            "stenolog-kill-{}-{}",
            std::process::id(),
            self.scene.index
        ));
        let _ = Command::new("cp").arg("-r").arg(self.scene.folder()).arg(&kept).status();
        kept
    }

    /// Whether the process died of what it was to die of.
    fn check_status(&self) -> Result<(), String> {
        let status = self.status.ok_or("it was not waited for")?;
        let signal = match self.plan.death {
            _ if self.die_after.is_some() => Some(libc::SIGKILL),
            Death::Kill | Death::KillAtClose => Some(libc::SIGKILL),
            Death::Terminate => Some(libc::SIGTERM),
            Death::Abort | Death::Overflow | Death::Panic => Some(libc::SIGABRT),
            Death::Segv => Some(libc::SIGSEGV),
            _ => None,
        };
        // It may have taken the step less often, or have ended before it was killed.
        let may_end = self.die_after.is_some() || self.plan.death == Death::KillAtClose;
        if status.signal() == signal && (signal.is_some() || status.success())
            || may_end && status.success()
        {
            Ok(())
        } else {
            Err(format!("the process was to die of {signal:?}"))
        }
    }

    fn check(&self, figures: &Figures, by_program: bool) -> Result<(), String> {
        let Self { scene: Scene { board, .. }, plan, path, .. } = self;
        let floors: Vec<_> = (0..plan.threads).map(|thread| board.floor(thread)).collect();
        let dump = match Dump::open(path) {
            Ok(dump) => dump,
            // It had not got that far.
            Err(_) if !board.has_entered(Phase::Started) => return Ok(()),
            Err(error) => return Err(format!("{error}")),
        };
        if dump.writer_is_alive() == Some(true) {
            return Err("the writer is said to live".into());
        }
        let mut check = Check::new(&floors);
        let is_sealed = dump.tail() == Tail::Sealed;
        count(&figures.sealed, is_sealed.into());
        count(&figures.torn, matches!(dump.tail(), Tail::Torn { .. }).into());
        // Of a process that ends by itself, loggers that still run are sealed.
        let has_ended = matches!(plan.death, Death::Exit | Death::ReturnLeaked);
        if board.has_entered(Phase::Closed) || has_ended && self.die_after.is_none() {
            self.check_clean_end(is_sealed)?;
        }
        let search = RingDir::find(&dump, &[]);
        let mut dumps = Vec::new();
        if !is_sealed {
            let rings = search.found.as_ref().ok_or(format!("no rings: {:?}", search.refused))?;
            let recovery = rings
                .read(Some(&dump), &Limits::default())
                .map_err(|error| format!("the rings cannot be read: {error}"))?;
            count(&figures.from_rings, recovery.records);
            dumps.push(recovery.dump);
        }
        dumps.push(dump);
        let mut decoder = Decoder::new(&dumps).with_order(Order::Time);
        let _ = decoder.for_each(|entry| {
            match entry {
                Entry::Record(record) => check.take_record(record),
                other => check.fail(format!("an entry that is no record: {other:?}")),
            }
            ControlFlow::Continue(())
        });
        let summary = decoder.summary();
        if !summary.is_complete() {
            check.fail(format!("{summary:?}"));
        }
        count(&figures.records, check.finish()?);
        if by_program {
            self.check_by_program(&floors, figures)?;
        }
        Ok(())
    }

    fn check_clean_end(&self, is_sealed: bool) -> Result<(), String> {
        if !is_sealed {
            return Err("the logger ended, and the dump is not sealed".into());
        }
        let dir = self.lines.first().ok_or("it has not said where its rings are")?;
        if Path::new(dir).exists() { Err(format!("{dir} was left behind")) } else { Ok(()) }
    }

    /// Has `steno` read it, as a user would.
    fn check_by_program(&self, floors: &[u64], figures: &Figures) -> Result<(), String> {
        let program = Path::new(env!("CARGO_BIN_EXE_kill_child")).with_file_name("steno");
        if !program.exists() && std::env::var_os("CI").is_none() {
            // Built by `cargo test --workspace`, and by `cargo build -p stenolog-cli`.
            return Ok(());
        }
        count(&figures.by_program, 1);
        let steno = |arguments: &[&Path]| {
            let output = Command::new(&program).args(arguments).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                Ok((output.stdout, stderr))
            } else {
                Err(format!("steno {arguments:?}: {}: {stderr}", output.status))
            }
        };
        let check = |path: &Path| {
            let (lines, stderr) = steno(&["--json".as_ref(), path])?;
            let mut check = Check::new(floors);
            for line in String::from_utf8_lossy(&lines).lines() {
                let value: serde_json::Value =
                    serde_json::from_str(line).map_err(|error| error.to_string())?;
                let message = value["message"].as_str().unwrap_or_default();
                check.take(message, value["fields"]["text"].as_str());
            }
            check.finish().map_err(|why| format!("steno {}: {why}: {stderr}", path.display()))
        };
        let found = check(&self.path)?;
        // Recovered, it is a dump like any other.
        let recovered = self.path.with_extension("recovered.steno");
        steno(&["recover".as_ref(), &self.path, "--to".as_ref(), &recovered])?;
        let again = check(&recovered)?;
        if Dump::open(&recovered).map_err(|error| error.to_string())?.tail() != Tail::Sealed {
            return Err("what was recovered is not sealed".into());
        }
        if found == again { Ok(()) } else { Err(format!("{again} of {found} were recovered")) }
    }
}

/// Whether the records of each thread are all there, once and in order.
struct Check<'a> {
    floors: &'a [u64],
    /// The number of each thread's last record.
    last: Vec<u64>,
    buffer: String,
    failure: Option<String>,
}

impl<'a> Check<'a> {
    fn new(floors: &'a [u64]) -> Self {
        Self { floors, last: vec![0; floors.len()], buffer: String::new(), failure: None }
    }

    /// The first failure counts.
    fn fail(&mut self, why: String) {
        self.failure.get_or_insert(why);
    }

    fn take_record(&mut self, record: &Record<'_>) {
        let mut message = std::mem::take(&mut self.buffer);
        message.clear();
        record.write_message(&mut message);
        let field = record.fields().find_map(|(name, value)| match value {
            Value::Str(text) if name == "text" => Some(&**text),
            _ => None,
        });
        self.take(&message, field);
        self.buffer = message;
    }

    fn take(&mut self, message: &str, field: Option<&str>) {
        let mut words = message.splitn(3, ' ');
        let (thread, number) = (words.next(), words.next());
        let (Some(Ok(thread)), Some(Ok(number))) =
            (thread.map(str::parse::<usize>), number.map(str::parse::<u64>))
        else {
            return self.fail(format!("nobody has logged `{message}`"));
        };
        let Some(last) = self.last.get_mut(thread) else {
            return self.fail(format!("there is no thread {thread}"));
        };
        let before = std::mem::replace(last, number);
        if number != before + 1 {
            self.fail(format!("thread {thread}: {number} comes after {before}"));
        }
        if words.next().or(field) != text(number).as_deref() {
            self.fail(format!("thread {thread}: record {number} is `{message}`, {field:?}"));
        }
    }

    /// How many records there were.
    fn finish(mut self) -> Result<u64, String> {
        for (thread, (&floor, last)) in self.floors.iter().zip(self.last.clone()).enumerate() {
            if last < floor {
                self.fail(format!("thread {thread}: ends with {last}, and {floor} had returned"));
            }
        }
        self.failure.map_or(Ok(self.last.iter().sum()), Err)
    }
}
