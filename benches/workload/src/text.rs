//! Text: the events for loggers that take a line.

use std::cell::RefCell;
use std::fmt::Write as _;

use crate::Event;

/// Renders an event as one line into reused memory, and hands it over.
pub fn with_text<T>(event: &Event, log: impl FnOnce(&str) -> T) -> T {
    thread_local! {
        static LINE: RefCell<String> = const { RefCell::new(String::new()) };
    }
    LINE.with_borrow_mut(|line| {
        line.clear();
        // A string takes what is written.
        let _ = write!(line, "{event}");
        if line.contains('\n') {
            // Lines are counted.
            *line = line.replace('\n', "\\n");
        }
        log(line)
    })
}

/// A function that renders an event on the calling thread and logs the line by a logger's macro:
/// `service!(event: [log::info] [])`.
#[macro_export]
macro_rules! service {
    ($event:ident: [$($log:tt)+] [$($first:tt)*]) => {{
        fn call($event: &$crate::Event) {
            $crate::with_text($event, |line| {
                $($log)+!($($first)* "{}", line);
            });
        }
        call
    }};
}
