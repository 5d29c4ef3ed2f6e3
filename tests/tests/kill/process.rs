//! Processes that log and die, and what they leave.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use fastrand::Rng;
use stenolog_decoder::{Decoder, Dump, Entry, Limits, Order, RingDir, Tail};
use stenolog_tests::kill::{Board, Death, Phase, Plan};
use tempfile::TempDir;

use crate::check::{Check, shown};
use crate::{Figures, count, total};

/// A folder, and what is in it.
pub(crate) struct Workspace {
    /// `None` if another workspace owns it.
    pub(crate) _owned: Option<TempDir>,
    pub(crate) path: PathBuf,
    pub(crate) board_path: PathBuf,
    pub(crate) board: Board,
    pub(crate) index: usize,
}

impl Workspace {
    pub(crate) fn new(index: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        Self::at(path, folder.path().join("board"), Some(folder), index)
    }

    /// Another process that wants the same path.
    pub(crate) fn beside(other: &Self, board: &str) -> Self {
        Self::at(other.path.clone(), other.folder().join(board), None, other.index)
    }

    pub(crate) fn at(
        path: PathBuf,
        board_path: PathBuf,
        owned: Option<TempDir>,
        index: usize,
    ) -> Self {
        let board = Board::open(&board_path).unwrap();
        Self { _owned: owned, path, board_path, board, index }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap()
    }

    pub(crate) fn stderr(&self) -> PathBuf {
        self.board_path.with_extension("stderr")
    }
}

/// A process that logs, or has.
pub(crate) struct Running<'s> {
    pub(crate) workspace: &'s Workspace,
    pub(crate) plan: Plan,
    pub(crate) die_after: Option<String>,
    /// Where the dump is; a later process may have moved it.
    pub(crate) path: PathBuf,
    pub(crate) child: Child,
    pub(crate) output: Lines<BufReader<ChildStdout>>,
    /// What it has printed.
    pub(crate) lines: Vec<String>,
    pub(crate) status: Option<ExitStatus>,
}

impl<'s> Running<'s> {
    pub(crate) fn start(workspace: &'s Workspace, plan: &Plan, die_after: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kill_child"));
        command.env_remove("STENOLOG").env_remove("RUST_LOG").env_remove("STENOLOG_DIE_AFTER");
        if let Some(die_after) = die_after {
            command.env("STENOLOG_DIE_AFTER", die_after);
        }
        let mut child = command
            .arg(plan.to_string())
            .args([&workspace.path, &workspace.board_path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(workspace.stderr()).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            workspace,
            plan: plan.clone(),
            die_after: die_after.map(str::to_owned),
            path: workspace.path.clone(),
            child,
            output,
            lines: Vec::new(),
            status: None,
        }
    }

    /// Waits until the process is dead, or another program has taken it over; kills it if that is
    /// the plan.
    pub(crate) fn await_death(&mut self, rng: &mut Rng) {
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
    pub(crate) fn await_moment(&mut self, rng: &mut Rng) {
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

    /// Waits until the board says so, or no process is left to write on it.
    pub(crate) fn await_or_exit(&mut self, is_so: impl Fn(&Board) -> bool) {
        while !is_so(&self.workspace.board) && self.child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
    }

    /// Lets a little time pass, in which the process goes on.
    pub(crate) fn look_on(&self, times: u32) {
        for _ in 0..times {
            std::hint::black_box(self.workspace.board.reported(0));
        }
    }

    pub(crate) fn kill(&mut self, signal: libc::c_int) {
        // SAFETY: a process that was not waited for yet keeps its id, dead or not.
        unsafe { libc::kill(self.child.id() as libc::pid_t, signal) };
        self.wait();
    }

    pub(crate) fn wait(&mut self) {
        self.status = Some(self.child.wait().unwrap());
        self.lines.extend((&mut self.output).map(Result::unwrap));
    }

    /// Reads what the process has left.
    pub(crate) fn examine(mut self, figures: &Figures, by_program: bool) -> Result<(), String> {
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
        // What is in the default place goes; what is in the workspace's folder goes with it.
        let ring_dir = self.lines.first().filter(|line| line.starts_with('/'));
        if self.plan.rings_in.is_none()
            && let Some(dir) = ring_dir
        {
            let _ = fs::remove_dir_all(dir);
        }
        found.and_then(|()| self.check_status()).map_err(|why| {
            let Self { plan, die_after, workspace, status, .. } = &self;
            let mut stderr = String::new();
            let _ =
                fs::File::open(workspace.stderr()).and_then(|mut f| f.read_to_string(&mut stderr));
            let kept = self.keep();
            format!("{plan:?} {die_after:?} in {}, {status:?}: {why}\n{stderr}", kept.display())
        })
    }

    /// A copy of the workspace, to look into.
    pub(crate) fn keep(&self) -> PathBuf {
        let kept = std::env::temp_dir().join(format!(
            "stenolog-kill-{}-{}",
            std::process::id(),
            self.workspace.index
        ));
        let _ = Command::new("cp").arg("-r").arg(self.workspace.folder()).arg(&kept).status();
        kept
    }

    /// Whether the process died of what it was to die of.
    pub(crate) fn check_status(&self) -> Result<(), String> {
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

    pub(crate) fn check(&self, figures: &Figures, by_program: bool) -> Result<(), String> {
        let Self { workspace: Workspace { board, .. }, plan, path, .. } = self;
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

    /// Reads what would be left if the rings were gone, as after a reboot: what the dump and its tail have. Then
    /// has a logger start on the path, and reads that again.
    pub(crate) fn check_without_rings(&self) -> Result<(), String> {
        let plan = &self.plan;
        let nothing = vec![0; plan.threads];
        let elsewhere = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.workspace.folder()).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), elsewhere.path().join(entry.file_name())).unwrap();
            }
        }
        let path = elsewhere.path().join("app.steno");
        let read = |path: &Path| {
            let dump = Dump::open(path).map_err(|error| error.to_string())?;
            let has_tail = dump.tail_dump().is_some();
            let is_sealed = dump.tail() == Tail::Sealed;
            let mut check = Check::new(&nothing);
            let mut decoder = Decoder::new(dump).with_order(Order::Time);
            let _ = decoder.for_each(|entry| {
                match entry {
                    Entry::Record(record) => check.take_record(record),
                    other => check.fail(format!("an entry that is no record: {other:?}")),
                }
                ControlFlow::Continue(())
            });
            let summary = decoder.summary();
            if summary.missing > 0 || summary.duplicates > 0 || summary.is_complete() != is_sealed {
                check.fail(format!("{summary:?}"));
            }
            Ok::<_, String>((check.finish()?, has_tail, is_sealed))
        };
        let (records, has_tail, is_sealed) = read(&path)?;
        let log = stenolog::Builder::new(&path).rings(stenolog::Rings::Memory).start_detached();
        log.map_err(|error| error.to_string())?.close().map_err(|error| error.to_string())?;
        let earlier = path.with_file_name("app.1.steno");
        let after = read(&earlier)?;
        if after != (records, false, is_sealed) {
            return Err(format!("{records} records, tail: {has_tail}; then {after:?}"));
        }
        let is_tail = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".tail");
        let mut left =
            fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name());
        if left.any(|name| is_tail(&name)) {
            return Err("the tail was not removed".into());
        }
        Ok(())
    }

    pub(crate) fn check_clean_end(&self, is_sealed: bool) -> Result<(), String> {
        if !is_sealed {
            return Err("the logger ended, and the dump is not sealed".into());
        }
        let dir = self.lines.first().ok_or("it has not said where its rings are")?;
        if Path::new(dir).exists() { Err(format!("{dir} was not removed")) } else { Ok(()) }
    }

    /// Has `steno` read it, as a user would.
    pub(crate) fn check_by_program(&self, floors: &[u64], figures: &Figures) -> Result<(), String> {
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
                let spans = value["spans"].as_array().into_iter().flatten();
                let of_span = |span: &serde_json::Value| {
                    shown(span["name"].as_str(), span["fields"]["number"].as_u64())
                };
                let spans: Vec<_> = spans.map(of_span).collect();
                check.take(message, value["fields"]["text"].as_str(), &spans);
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
