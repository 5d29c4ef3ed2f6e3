//! A process that logs numbered records as fast as it can, and ends as it is told to.
//!
//! `kill_child PLAN DUMP BOARD`. It prints the ring directory, if it has one, and how the logger
//! refused to start, if it did.
#![expect(clippy::print_stdout, reason = "its output is what the tests read")]

use std::error::Error;

#[cfg(unix)]
fn main() -> Result<(), Box<dyn Error>> {
    unix::main()
}

#[cfg(not(unix))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("only for Unix".into())
}

#[cfg(unix)]
mod unix {
    use std::error::Error;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use stenolog::{Builder, OnFull, Span, info, info_span, span, warn};
    use stenolog_tests::kill::{BATCH, Board, Death, Phase, Plan, spans, text};

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [plan, dump, board] = &arguments[..] else {
            return Err("kill_child PLAN DUMP BOARD".into());
        };
        let plan: &Plan = Box::leak(Box::new(plan.parse()?));
        let board: &Board = Box::leak(Box::new(Board::open(Path::new(board))?));
        prepare(plan);
        board.enter(Phase::Main);

        let mut builder = Builder::new(dump)
            .on_full(OnFull::Block)
            .deliver_within(Duration::from_millis(plan.deliver_within_ms));
        if plan.ring_bytes > 0 {
            builder = builder.ring_capacity_bytes(plan.ring_bytes);
        }
        if let Some(folder) = &plan.rings_in {
            builder = builder.rings_in(folder);
        }
        let log = match builder.start() {
            Ok(log) => log,
            Err(error) => {
                println!("refused: {error}");
                return Ok(());
            }
        };
        if let Some(dir) = log.ring_dir() {
            println!("{}", dir.display());
        }
        board.enter(Phase::Started);
        let threads: Vec<_> = (0..plan.threads)
            .map(|thread| std::thread::spawn(move || work(thread, plan, board)))
            .collect();

        match plan.death {
            Death::Close | Death::KillAtClose => {
                for thread in threads {
                    thread.join().map_err(|_| "a thread panicked")?;
                }
                log.sync()?;
                board.note_floor();
                board.enter(Phase::Closing);
                log.close()?;
                board.enter(Phase::Closed);
            }
            Death::ReturnLeaked => {
                await_record(plan, board);
                std::mem::forget(log);
            }
            Death::ReturnDropped => {
                await_record(plan, board);
                board.note_floor();
                board.enter(Phase::Closing);
                drop(log);
                board.enter(Phase::Closed);
            }
            Death::Exec => {
                await_record(plan, board);
                // Says that it is there, and stays for as long as its standard input does.
                let error = Command::new("sh").args(["-c", "echo taken over; cat"]).exec();
                return Err(error.into());
            }
            // A thread ends the process, or the parent does.
            _ => loop {
                std::thread::park();
            },
        }
        Ok(())
    }

    /// What a process needs to die of its own accord, and of it alone.
    fn prepare(plan: &Plan) {
        let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the limit lives on this stack. The alarm ends a process that hangs: the parent
        // then sees that it did not die as it should have.
        unsafe {
            libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
            libc::alarm(240);
        }
        if plan.death == Death::Panic {
            std::panic::set_hook(Box::new(|_| std::process::abort()));
        }
    }

    /// Waits until all threads together have logged as many records as the plan says.
    fn await_record(plan: &Plan, board: &Board) {
        while (0..plan.threads).map(|thread| board.reported(thread)).sum::<u64>() < plan.at {
            std::thread::yield_now();
        }
    }

    /// A thread of the plan: one that lives, or one after the other.
    fn work(thread: usize, plan: &'static Plan, board: &'static Board) {
        if plan.shift == 0 {
            log_from(1, u64::MAX, thread, plan, board);
            return;
        }
        let mut from = 1;
        loop {
            let end = from + plan.shift;
            let shift = std::thread::spawn(move || log_from(from, end, thread, plan, board));
            if !shift.join().is_ok_and(|goes_on| goes_on) {
                return;
            }
            from = end;
        }
    }

    /// Logs the records from one number to another; `false` if there are to be no more.
    fn log_from(from: u64, end: u64, thread: usize, plan: &Plan, board: &Board) -> bool {
        let closes = matches!(plan.death, Death::Close | Death::KillAtClose);
        let mut open: Vec<(String, Span)> = Vec::new();
        for number in from..end {
            if closes && number > plan.at {
                return false;
            }
            let wanted = spans(number);
            let same = open.iter().zip(&wanted).take_while(|((name, _), it)| name == *it).count();
            // The innermost first.
            while open.len() > same {
                open.pop();
            }
            for name in &wanted[same..] {
                let span = match name.strip_prefix("batch ") {
                    Some(_) => info_span!("batch", number = number / BATCH),
                    None => span!("step"),
                };
                open.push((name.clone(), span));
            }
            match text(number) {
                None => info!("{thread} {number}"),
                Some(text) if number % 3 == 0 => warn!(text, "{thread} {number}"),
                Some(text) => info!("{thread} {number} {text}"),
            }
            board.report(thread, number);
            if plan.pause_us > 0 {
                std::thread::sleep(Duration::from_micros(plan.pause_us));
            }
            if thread == 0 && number == plan.at {
                die(plan.death);
            }
        }
        true
    }

    fn die(death: Death) {
        match death {
            Death::Abort => std::process::abort(),
            // SAFETY: not sound, and not meant to be: nothing is mapped at the first page, and the
            // process ends here.
            Death::Segv => unsafe {
                std::ptr::without_provenance_mut::<u64>(std::hint::black_box(8)).write_volatile(1);
            },
            Death::Overflow => {
                std::hint::black_box(overflow(0));
            }
            Death::Panic => panic!("as planned"),
            Death::Exit => std::process::exit(0),
            // SAFETY: nothing of this process is needed any more.
            Death::UnderscoreExit => unsafe { libc::_exit(0) },
            _ => {}
        }
    }

    #[expect(unconditional_recursion, reason = "it is to have no end")]
    fn overflow(depth: u64) -> u64 {
        let frame = std::hint::black_box([depth; 64]);
        overflow(depth + 1) + frame[0]
    }
}
