//! Former names of the methods of filters.

use regex::Regex;

use super::{FieldMatch, Filter, Levels};

impl Filter {
    /// The former name of [`with_levels`](Self::with_levels).
    #[deprecated(note = "use `with_levels`")]
    #[must_use]
    pub fn levels(self, levels: Levels) -> Self {
        self.with_levels(levels)
    }

    /// The former name of [`with_target`](Self::with_target).
    #[deprecated(note = "use `with_target`")]
    #[must_use]
    pub fn target(self, pattern: &str) -> Self {
        self.with_target(pattern)
    }

    /// The former name of [`with_thread`](Self::with_thread).
    #[deprecated(note = "use `with_thread`")]
    #[must_use]
    pub fn thread(self, pattern: &str) -> Self {
        self.with_thread(pattern)
    }

    /// The former name of [`with_since`](Self::with_since).
    #[deprecated(note = "use `with_since`")]
    #[must_use]
    pub fn since(self, unix_ns: i64) -> Self {
        self.with_since(unix_ns)
    }

    /// The former name of [`with_until`](Self::with_until).
    #[deprecated(note = "use `with_until`")]
    #[must_use]
    pub fn until(self, unix_ns: i64) -> Self {
        self.with_until(unix_ns)
    }

    /// The former name of [`with_grep`](Self::with_grep).
    #[deprecated(note = "use `with_grep`")]
    #[must_use]
    pub fn grep(self, regex: Regex) -> Self {
        self.with_grep(regex)
    }

    /// The former name of [`with_grep_pattern`](Self::with_grep_pattern).
    ///
    /// # Errors
    /// As [`with_grep_pattern`](Self::with_grep_pattern).
    #[deprecated(note = "use `with_grep_pattern`")]
    pub fn grep_pattern(self, pattern: &str, ignore_case: bool) -> Result<Self, regex::Error> {
        self.with_grep_pattern(pattern, ignore_case)
    }

    /// The former name of [`with_inverted_grep`](Self::with_inverted_grep).
    #[deprecated(note = "use `with_inverted_grep`")]
    #[must_use]
    pub fn grep_invert(self, invert: bool) -> Self {
        self.with_inverted_grep(invert)
    }

    /// The former name of [`with_field`](Self::with_field).
    #[deprecated(note = "use `with_field`")]
    #[must_use]
    pub fn field(self, field: FieldMatch) -> Self {
        self.with_field(field)
    }
}
