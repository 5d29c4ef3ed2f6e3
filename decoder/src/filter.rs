//! Filter of records. Conditions that hold for a whole call site or block are evaluated once, not for each
//! record.

mod budget;
mod deprecated;
mod field;
mod pattern;
mod prefilter;
mod requirements;
mod searched_text;
mod span;

use regex::{Regex, RegexBuilder};
use stenolog_format::block::BlockHeader;
use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::span::EVENT_TARGET;
use stenolog_format::value::Value;

pub(crate) use budget::Budget;
pub use field::{FieldMatch, FieldMatchError};

use crate::clock::TimeMap;
use crate::dump::Dump;
use crate::model::loss::{LOSS_TARGET, LossCause, LossEntry};
use crate::model::origin::RingName;
use crate::model::record::Record;
use crate::model::site::CompiledSite;
use pattern::{TargetPattern, ThreadPattern};
pub(crate) use prefilter::{
    Condition, Hits, Leaf, LeafKind, RequiredLiteral, TextSearch, Wanted, fold, may_hold_text,
    search,
};
use prefilter::{LineAutomaton, Prefilter};
pub(crate) use requirements::Requirements;
pub(crate) use searched_text::SearchedText;

/// A set of levels.
///
/// ```
/// use stenolog_decoder::{Level, Levels};
///
/// assert!(Levels::at_least(Level::Warn).contains(Level::Error));
/// assert!(!Levels::only(&[Level::Warn]).contains(Level::Error));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels(u8);

impl Levels {
    /// All levels.
    pub const ALL: Self = Self(0b1_1111);

    /// This level and all more severe ones.
    #[must_use]
    pub const fn at_least(level: Level) -> Self {
        Self((level.bit() << 1) - 1)
    }

    /// These levels.
    #[must_use]
    pub fn only(levels: &[Level]) -> Self {
        Self(levels.iter().fold(0, |bits, level| bits | level.bit()))
    }

    /// Whether the set has the level.
    #[must_use]
    pub const fn contains(self, level: Level) -> bool {
        self.0 & level.bit() != 0
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::ALL
    }
}

/// Conditions that a record must meet. A record must meet all of them; without any, every record passes.
///
/// A filter applies to loss statements too. A statement passes if its thread and time match and if a lost
/// record may have had a wanted level; it then states only the losses of wanted levels. A lost record of
/// unknown level counts as wanted. Targets, expressions and values are matched against the statement itself:
/// its target is `stenolog`, its text is its message, and its fields are those of its JSON
/// (`cause=ring_full`). The [`Summary`](crate::Summary) counts all losses, whether they are shown or not.
///
/// Records in [spans](crate::Record::spans) can be filtered by these: see [`FieldMatch`]. Expressions do not search them.
/// Events of spans, if they are [shown](crate::Decoder::with_span_events), pass by the level and the target of their span.
///
/// Damage is always reported, except in parts that are not read: blocks whose headers or
/// [summaries](crate::format::summary) state that they hold no wanted record, and the values of records that
/// cannot match. [`verify`](crate::verify) reads everything.
///
/// ```
/// use stenolog_decoder::{FieldMatch, Filter, Level, Levels};
///
/// let filter = Filter::default()
///     .with_levels(Levels::at_least(Level::Warn))
///     .with_target("app::net")
///     .with_field(FieldMatch::new("peer", "10.0.0.7"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    levels: Levels,
    targets: Vec<TargetPattern>,
    threads: Vec<ThreadPattern>,
    since: Option<i64>,
    until: Option<i64>,
    greps: Vec<Grep>,
    invert_greps: bool,
    fields: Vec<FieldMatch>,
    pub(crate) spans: SpanScope,
}

/// What spans have to do with a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpanScope {
    /// Whether the dumps have any: records may be in them.
    pub(crate) exist: bool,
    /// Whether events of spans are shown.
    pub(crate) are_shown: bool,
}

/// A condition on the text of a record.
#[derive(Clone, Debug)]
struct Grep {
    regex: Regex,
    prefilter: Option<Prefilter>,
    /// Whether a match depends on where the text begins or ends, as with `^`.
    looks_around: bool,
    /// Whether a match depends on the text around it at all, as with `\b`.
    has_context: bool,
}

/// A filter, applied to a call site: which of its records may pass.
#[derive(Clone, Debug)]
pub(crate) enum SitePredicate {
    /// None of them.
    Never,
    /// All, so far as can be told without their values.
    Always,
    /// Those whose values meet all of these.
    Requires(Requirements),
}

impl Filter {
    /// Lets only these levels pass.
    #[must_use]
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = levels;
        self
    }

    /// Lets only targets pass that match: the target itself and everything in it (`net` also matches
    /// `net::tcp`, not `network`), or a pattern with `*` and `?`. If called several times, one must match.
    #[must_use]
    pub fn with_target(mut self, pattern: &str) -> Self {
        self.targets.push(TargetPattern::new(pattern));
        self
    }

    /// Lets only threads pass that match: by name, by a pattern with `*` and `?`, or by the id that the
    /// operating system assigned. If called several times, one must match.
    #[must_use]
    pub fn with_thread(mut self, pattern: &str) -> Self {
        self.threads.push(ThreadPattern::new(pattern));
        self
    }

    /// Lets only entries pass that are not earlier than this time.
    #[must_use]
    pub fn with_since(mut self, unix_ns: i64) -> Self {
        self.since = Some(unix_ns);
        self
    }

    /// Lets only entries pass that are not later than this time.
    #[must_use]
    pub fn with_until(mut self, unix_ns: i64) -> Self {
        self.until = Some(unix_ns);
        self
    }

    /// Lets only records pass that match: in the message and fields as [`Format::Short`](crate::Format::Short)
    /// shows them, in the message as `format!` would have written it, or in the value of a field as it was
    /// logged, without quotes and escapes. Text that is shown with an escape is therefore found both by `a\\tb`
    /// and by a tab between two letters. If called several times, all expressions must match, each in any of
    /// these places.
    ///
    /// Every record must be rendered to match it: [`with_grep_pattern`](Self::with_grep_pattern) is faster,
    /// because it knows the text of the expression.
    #[must_use]
    pub fn with_grep(mut self, regex: Regex) -> Self {
        let (looks_around, has_context) = (true, true);
        self.greps.push(Grep { regex, prefilter: None, looks_around, has_context });
        self
    }

    /// Like [`with_grep`](Self::with_grep), but takes the expression as text. It first searches for literals
    /// that every match must contain: in the call sites, in the summaries of blocks, and in their bytes.
    ///
    /// # Errors
    /// If the pattern is not a regular expression, or is too large.
    ///
    /// ```
    /// use stenolog_decoder::Filter;
    ///
    /// let filter = Filter::default().with_grep_pattern("write .* failed", true)?;
    /// assert!(Filter::default().with_grep_pattern("(", true).is_err());
    /// # Ok::<(), regex::Error>(())
    /// ```
    pub fn with_grep_pattern(
        mut self,
        pattern: &str,
        ignore_case: bool,
    ) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(pattern).case_insensitive(ignore_case).build()?;
        let prefilter = Prefilter::new(pattern, ignore_case);
        let looks = regex_syntax::parse(pattern).map(|hir| hir.properties().look_set());
        // Boundaries of words are the same in all places: what surrounds a value is no word.
        let looks_around = looks.as_ref().map_or(true, |looks| looks.contains_anchor());
        let has_context = looks.map_or(true, |looks| !looks.is_empty());
        self.greps.push(Grep { regex, prefilter, looks_around, has_context });
        Ok(self)
    }

    /// Sets whether [`with_grep`](Self::with_grep) is inverted: then only records pass that match none of
    /// the expressions.
    #[must_use]
    pub fn with_inverted_grep(mut self, invert: bool) -> Self {
        self.invert_greps = invert;
        self
    }

    /// Lets only records pass that have a field with this value. If called several times, all must match.
    #[must_use]
    pub fn with_field(mut self, field: FieldMatch) -> Self {
        self.fields.push(field);
        self
    }

    /// Whether the dump has a call site with a wanted target. The target of losses counts too.
    ///
    /// ```
    /// use stenolog_decoder::{Dump, Filter};
    ///
    /// # let dump = &Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// if !Filter::default().with_target("net").wants_some_target_of(dump) {
    ///     eprintln!("nothing was logged for the target `net`");
    /// }
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    #[must_use]
    pub fn wants_some_target_of(&self, dump: &Dump) -> bool {
        let targets = dump.sites().map(|site| &*site.call_site().target);
        targets.chain([LOSS_TARGET]).any(|target| self.wants_target(target))
    }

    /// Whether a thread of the dump has a name or id that the filter wants.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use stenolog_decoder::{Dump, Filter};
    ///
    /// let dump = Dump::open("app.steno")?;
    /// if !Filter::default().with_thread("worker").wants_some_thread_of(&dump) {
    ///     eprintln!("there is no thread `worker`");
    /// }
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    #[must_use]
    pub fn wants_some_thread_of(&self, dump: &Dump) -> bool {
        let mut blocks = dump.blocks().iter().map(|block| block.header.ring);
        let is_wanted = |ring: u32, thread: Option<&Thread>| {
            self.wants_thread(&RingName::new(ring, 0, thread).name, thread)
        };
        dump.threads().any(|thread| is_wanted(thread.ring, Some(thread)))
            || blocks.any(|ring| dump.thread(ring).is_none() && is_wanted(ring, None))
    }

    fn wants_target(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|pattern| pattern.matches(target))
    }

    /// Applies the filter to a call site. This takes no more than `budget`.
    pub(crate) fn predicate(&self, site: &CompiledSite, budget: &mut Budget) -> SitePredicate {
        if site.is_span_event() {
            // Its level and target are those of the span.
            let is_shown = self.spans.are_shown;
            return if is_shown { SitePredicate::Always } else { SitePredicate::Never };
        }
        let call_site = site.call_site();
        let of_site = || self.fields.iter().filter(|field| !self.is_of_spans(field));
        let is_named = self.levels.contains(call_site.level)
            && self.wants_target(&call_site.target)
            && of_site().all(|field| field.may_match(site));
        if !is_named {
            return SitePredicate::Never;
        }
        let prefilters = self.greps.iter().filter_map(|grep| grep.prefilter.as_ref());
        let mut lines = None;
        let of_greps = prefilters.filter(|_| !self.invert_greps).map(|prefilter| {
            let is_readable = site.has_readable_template();
            let lines =
                lines.get_or_insert_with(|| LineAutomaton::new(call_site, is_readable, budget));
            prefilter.required(lines, budget)
        });
        let of_fields = of_site().map(|field| field.required(site));
        let mut all = Vec::new();
        for required in of_greps.chain(of_fields) {
            match required {
                RequiredLiteral::Never => return SitePredicate::Never,
                RequiredLiteral::Unknown => {}
                RequiredLiteral::OneOf(_) => all.push(required),
            }
        }
        if all.is_empty() {
            SitePredicate::Always
        } else {
            SitePredicate::Requires(Requirements::new(all, call_site))
        }
    }

    /// Whether the condition may be met by a span that a record is in, whatever the record.
    fn is_of_spans(&self, field: &FieldMatch) -> bool {
        self.spans.exist && field.is_of_spans()
    }

    /// The part of a loss that passes the filter. Its thread was matched before.
    pub(crate) fn wanted_loss(&self, loss: &LossEntry<'_>) -> Option<LossCause> {
        if !self.wants_time(loss.unix_ns()) {
            return None;
        }
        let mut cause = loss.cause();
        if let LossCause::Unrecorded { full, too_large } = &mut cause {
            for level in Level::ALL.into_iter().filter(|level| !self.levels.contains(*level)) {
                full[level.index()] = 0;
                too_large[level.index()] = 0;
            }
            if full.iter().chain(&*too_large).all(|&count| count == 0) {
                return None;
            }
        }
        let shown = LossEntry::new(loss.origin, loss.unix_ns(), cause);
        (self.wants_target(LOSS_TARGET) && self.wants_statement(&shown)).then_some(cause)
    }

    /// The conditions on text and values, applied to a statement of a loss.
    fn wants_statement(&self, loss: &LossEntry<'_>) -> bool {
        let mut text = String::new();
        let first = match loss.cause() {
            LossCause::Unrecorded { .. } => None,
            LossCause::Missing { first, .. } | LossCause::Gone { first, .. } => Some(first),
        };
        let values = [
            Value::U64(loss.total()),
            Value::U32(loss.ring()),
            Value::Str(loss.kind().as_str()),
            first.map_or(Value::None, Value::U64),
        ];
        let is_met = |field: &FieldMatch, text: &mut String| {
            let mut fields = FieldMatch::OF_LOSSES.iter().zip(&values);
            fields.any(|(name, value)| field.is_of(name, value, text))
        };
        if !self.fields.iter().all(|field| is_met(field, &mut text)) {
            return false;
        }
        if self.greps.is_empty() {
            return true;
        }
        let text = loss.to_string();
        let mut matches = self.greps.iter().map(|grep| grep.regex.is_match(&text));
        if self.invert_greps { !matches.any(|is| is) } else { matches.all(|is| is) }
    }

    pub(crate) fn wants_thread(&self, name: &str, thread: Option<&Thread>) -> bool {
        self.threads.is_empty() || self.threads.iter().any(|pattern| pattern.matches(name, thread))
    }

    #[inline]
    pub(crate) fn wants_time(&self, unix_ns: i64) -> bool {
        self.since.is_none_or(|since| unix_ns >= since)
            && self.until.is_none_or(|until| unix_ns <= until)
    }

    /// Whether a block may hold a wanted record, or a loss: statements are totals, so the next one would repeat
    /// a skipped loss.
    pub(crate) fn wants_block(&self, block: &BlockHeader, map: &TimeMap) -> bool {
        block.flags & BlockHeader::HAS_LOSS != 0
            || self.wants_levels_of(block) && self.wants_times_of(block, map)
    }

    fn wants_levels_of(&self, block: &BlockHeader) -> bool {
        // A block without any level is damaged, which is reported when it is read.
        let wanted = self.levels.0 | if self.spans.are_shown { Level::Trace.bit() } else { 0 };
        self.levels == Levels::ALL || block.levels & wanted != 0
    }

    fn wants_times_of(&self, block: &BlockHeader, map: &TimeMap) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let overlaps = |(first, last): (i64, i64)| {
            self.since.is_none_or(|since| last >= since)
                && self.until.is_none_or(|until| first <= until)
        };
        let has = |flag| block.flags & flag != 0;
        has(BlockHeader::HAS_COUNTER)
            && overlaps(map.unix_range(block.counter_first, block.counter_last))
            || has(BlockHeader::HAS_UNIX) && overlaps((block.unix_first, block.unix_last))
    }

    /// Whether any condition needs the values of records.
    pub(crate) fn needs_values(&self) -> bool {
        !self.fields.is_empty() || !self.greps.is_empty()
    }

    /// Whether all conditions on values are expressions that text must match.
    pub(crate) fn only_searches_text(&self) -> bool {
        self.fields.is_empty() && !self.greps.is_empty()
    }

    /// Whether any text with one of these pieces in it matches, whatever else it has.
    pub(crate) fn matches_any_with(&self, pieces: &[&str]) -> bool {
        let matches = |grep: &Grep| {
            !grep.has_context && pieces.iter().any(|piece| grep.regex.is_match(piece))
        };
        !self.invert_greps && self.greps.iter().all(matches)
    }

    /// Whether the expressions want a record whose message and fields are shown so; `None` if what was logged
    /// may decide.
    pub(crate) fn wants_shown(&self, shown: &str) -> Option<bool> {
        let mut is_escaped = None;
        for grep in &self.greps {
            if grep.regex.is_match(shown) {
                if self.invert_greps {
                    return Some(false);
                }
            } else if grep.looks_around || *is_escaped.get_or_insert_with(|| shown.contains('\\')) {
                return None;
            } else if !self.invert_greps {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Applies the conditions on values. `texts` is a buffer.
    #[inline]
    pub(crate) fn wants_values(&self, record: &Record<'_>, texts: &mut SearchedText) -> bool {
        (!record.site.is_span_event() || self.wants_event(record))
            && self.fields.iter().all(|field| field.matches(record, texts.buffer()))
            && (self.greps.is_empty() || self.wants_text(record, texts))
    }

    /// Whether the level and the target of the span that an event is about are wanted.
    fn wants_event(&self, record: &Record<'_>) -> bool {
        let span = record.span();
        let target = span.and_then(|span| span.call_site()).map(|site| &*site.target);
        self.levels.contains(span.map_or(Level::Trace, |span| span.level()))
            && self.wants_target(target.unwrap_or(EVENT_TARGET))
    }

    fn wants_text(&self, record: &Record<'_>, texts: &mut SearchedText) -> bool {
        texts.show(record);
        let mut is_match = |grep: &Grep| texts.has_match(&grep.regex, grep.looks_around, record);
        if self.invert_greps {
            !self.greps.iter().any(&mut is_match)
        } else {
            self.greps.iter().all(is_match)
        }
    }
}

#[cfg(test)]
mod tests;
