//! A file with the filter, which the drain reads again when it changes.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::core::Core;
use crate::event::Event;
use crate::filter::Filter;
use crate::registry;

/// How often the file is looked at.
const READ_EVERY: Duration = Duration::from_secs(1);

/// The longest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The file, and the state of it that was read last.
#[derive(Debug)]
pub(super) struct FilterFile {
    path: PathBuf,
    /// `None` if there is no such file, or if it cannot be looked at.
    seen: Option<State>,
    /// What was read, or why it could not be.
    read: Option<Result<String, String>>,
    look_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl FilterFile {
    /// Nothing was read yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, seen: None, read: None, look_at: Instant::now() }
    }

    /// Applies the file if it has changed. Costs a `stat` a second.
    pub(super) fn poll(&mut self, core: &Core, now: Instant) {
        if now < self.look_at {
            return;
        }
        self.look_at = now + READ_EVERY;
        let metadata = std::fs::metadata(&self.path);
        let state = metadata
            .ok()
            .filter(std::fs::Metadata::is_file)
            .map(|metadata| State { modified: metadata.modified().ok(), bytes: metadata.len() });
        // A file that is gone changes nothing: editors replace files so.
        if state.is_none() || state == self.seen {
            return;
        }
        // A file may change again without another time of change: the file system's clock has steps.
        let is_old = |state: &State| {
            let age = state.modified.and_then(|modified| modified.elapsed().ok());
            age.is_none_or(|age| age > READ_EVERY)
        };
        self.seen = state.filter(is_old);
        let read = self.read(state);
        // A file without a directive is about to be written.
        if self.read.as_ref() == Some(&read) || read.as_ref().is_ok_and(String::is_empty) {
            return;
        }
        self.read = Some(read.clone());
        let parsed = read.and_then(|directives| match Filter::parse(&directives) {
            Ok(filter) => Ok((filter, directives)),
            Err(error) => Err(error.to_string()),
        });
        let event = match parsed {
            Ok((filter, directives)) => {
                registry::set_filter(core, filter);
                Event::FilterChanged {
                    path: core.config.path.clone(),
                    file: self.path.clone(),
                    directives,
                }
            }
            Err(reason) => Event::FilterFileIgnored {
                path: core.config.path.clone(),
                file: self.path.clone(),
                reason,
            },
        };
        core.config.listeners.tell(event);
    }

    /// The directives, on one line.
    fn read(&self, state: Option<State>) -> Result<String, String> {
        if state.is_some_and(|state| state.bytes > MAX_FILE_BYTES) {
            return Err(format!("it has more than {MAX_FILE_BYTES} bytes"));
        }
        let text = std::fs::read_to_string(&self.path).map_err(|error| error.to_string())?;
        let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(line, _)| line));
        let lines: Vec<_> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
        Ok(lines.join(","))
    }
}
