//! Scenarios, one file for each test file that runs them.

use std::error::Error;
use std::path::Path;

mod console;
#[cfg(unix)]
mod drain_places;
mod faults;
mod filters;
#[cfg(unix)]
mod forks;
mod lifecycle;
#[cfg(unix)]
mod limits;
mod losses;
#[cfg(unix)]
mod process_end;
mod setup;
#[cfg(unix)]
mod signal_handlers;
#[cfg(unix)]
mod unread_rings;
#[cfg(unix)]
mod volatile_rings;

type Outcome = Result<(), Box<dyn Error>>;

/// What the command line asks for.
struct Call<'a> {
    name: &'a str,
    dump: &'a Path,
    /// The arguments after the dump.
    rest: &'a [String],
}

impl Call<'_> {
    fn unknown(&self) -> Outcome {
        Err(format!("no scenario `{}` with {} arguments", self.name, self.rest.len()).into())
    }
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let [scenario, dump, rest @ ..] = arguments else {
        return Err("child PROMISE/SCENARIO DUMP [ARGUMENTS]".into());
    };
    let (promise, name) = scenario.split_once('/').ok_or("PROMISE/SCENARIO")?;
    let call = Call { name, dump: Path::new(dump), rest };
    match promise {
        "console" => console::run(&call),
        "faults" => faults::run(&call),
        "filters" => filters::run(&call),
        "lifecycle" => lifecycle::run(&call),
        "losses" => losses::run(&call),
        "setup" => setup::run(&call),
        #[cfg(unix)]
        "drain_places" => drain_places::run(&call),
        #[cfg(unix)]
        "forks" => forks::run(&call),
        #[cfg(unix)]
        "process_end" => process_end::run(&call),
        #[cfg(unix)]
        "signal_handlers" => signal_handlers::run(&call),
        #[cfg(unix)]
        "unread_rings" => unread_rings::run(&call),
        #[cfg(unix)]
        "volatile_rings" => volatile_rings::run(&call),
        _ => call.unknown(),
    }
}

/// Kills this process.
#[cfg(unix)]
fn die() -> Outcome {
    // SAFETY: it ends this process at once.
    unsafe { libc::raise(libc::SIGKILL) };
    Err("the process lives on".into())
}
