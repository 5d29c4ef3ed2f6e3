//! Progress of long work, on standard error if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the line is redrawn.
const TICK: Duration = Duration::from_millis(250);

/// Share, rate and time left.
const TEMPLATE: &str = "{percent:>3} % {bar:24} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// A line that shows how much of the input is done. It is removed when this is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Nothing of `total_bytes` is done.
    pub(crate) fn new(total_bytes: u64) -> Self {
        // Nothing is drawn if standard error is no terminal.
        let bar = ProgressBar::with_draw_target(Some(total_bytes), ProgressDrawTarget::stderr());
        // The template is a constant: a test parses it.
        let style =
            ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style);
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self(bar)
    }

    /// Shows how many bytes are done.
    pub(crate) fn show(&self, bytes: u64) {
        self.0.set_position(bytes);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
