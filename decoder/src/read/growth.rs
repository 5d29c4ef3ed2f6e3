//! Growth of what a decoder reads: dumps that are refreshed, updated or added.

use super::decoder::Decoder;
use crate::dump::{Dump, Refresh};
use crate::error::OpenError;

impl Decoder {
    /// Continues with a later state of the dump at `index`, such as one that was read from a pipe or
    /// refreshed elsewhere. [`refresh`](Self::refresh) says which entries come then.
    ///
    /// Returns whether `dump` was taken. It is not if it does not begin with everything that the present
    /// one holds, or if there is no dump at `index`.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump};
    ///
    /// # fn f() -> Result<(), stenolog_decoder::OpenError> {
    /// let mut decoder = Decoder::new(Dump::open("app.steno")?);
    /// loop {
    ///     let _ = decoder.for_each(|_| ControlFlow::Continue(()));
    ///     std::thread::sleep(std::time::Duration::from_secs(1));
    ///     decoder.update(0, Dump::open("app.steno")?);
    ///     # break;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn update(&mut self, index: usize, dump: Dump) -> bool {
        let present = self.plan.dumps.get(index);
        if !present.is_some_and(|present| present.is_beginning_of(&dump)) {
            return false;
        }
        self.pass_delivered();
        if let Some(present) = self.plan.dumps_mut().get_mut(index) {
            *present = dump;
        }
        self.update_tails();
        self.go_on();
        true
    }

    /// [Refreshes](Dump::refresh) the dumps, and continues with the entries that were added to their files.
    ///
    /// They come next, in order; none comes twice. They are merged with what was not delivered yet. After
    /// the end, they are merged with each other only: an entry that reaches a file late may have an earlier
    /// time than entries that were delivered.
    ///
    /// Returns whether any dump has changed. A dump whose file was replaced or became shorter stays as it
    /// is; to be told, refresh a [`Dump`] of your own and pass it to [`update`](Self::update).
    ///
    /// # Errors
    /// If a file cannot be read. All others are refreshed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, DumpState};
    ///
    /// let mut decoder = Decoder::new(Dump::open("app.steno")?);
    /// loop {
    ///     let _ = decoder.for_each(|entry| {
    ///         println!("{}", entry.unix_ns());
    ///         ControlFlow::Continue(())
    ///     });
    ///     if decoder.dumps().iter().all(|dump| dump.state() != DumpState::Growing) {
    ///         break;
    ///     }
    ///     std::thread::sleep(std::time::Duration::from_millis(200));
    ///     decoder.refresh()?;
    /// }
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn refresh(&mut self) -> Result<bool, OpenError> {
        // Added entries may come before it.
        self.pass_delivered();
        let (mut has_changed, mut result) = (false, Ok(()));
        for dump in self.plan.dumps_mut() {
            let before = dump.state();
            match dump.refresh() {
                Ok(found) => {
                    has_changed |= matches!(found, Refresh::Grown { .. }) || dump.state() != before;
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        if has_changed {
            self.update_tails();
            self.go_on();
        }
        result.map(|()| has_changed)
    }

    /// Adds a dump, such as the next file of a log, or the [rings](crate::Recovery) of a writer that died
    /// while its dump was followed.
    ///
    /// Its entries come next, as those of a [refreshed](Self::refresh) dump do; records that were delivered
    /// from another file of the same run do not come again.
    ///
    /// Returns whether `dump` was added. It is not if reading has begun and another dump is a later file of
    /// the same run: a ring is read from its beginning to its end.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, DumpState, Limits, RingDir};
    ///
    /// let mut decoder = Decoder::new(Dump::open("app.steno")?);
    /// let _ = decoder.for_each(|_| ControlFlow::Continue(()));
    /// decoder.refresh()?;
    /// let dump = &decoder.dumps()[0];
    /// if dump.state() == DumpState::Unfinished
    ///     && let Some(rings) = RingDir::find(dump, &[]).found
    /// {
    ///     let recovery = rings.read(Some(dump), &Limits::default())?;
    ///     decoder.add(recovery.dump);
    /// }
    /// let _ = decoder.for_each(|_| ControlFlow::Continue(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add(&mut self, dump: Dump) -> bool {
        let (header, from_rings) = (dump.header(), dump.is_from_rings());
        let is_later_file = |other: &Dump| {
            let other_header = other.header();
            !other.is_from_rings()
                && !other.is_tail()
                && other_header.session == header.session
                && other_header.sequence > header.sequence
        };
        if self.is_started && !from_rings && self.plan.dumps.iter().any(is_later_file) {
            return false;
        }
        // It may have entries that come before one that a cursor has delivered.
        self.pass_delivered();
        self.plan.dumps = self.plan.dumps.iter().cloned().chain([dump]).collect();
        self.update_tails();
        self.go_on();
        true
    }

    /// Takes over the tails that the dumps have by now.
    fn update_tails(&mut self) {
        let tails: Vec<_> =
            self.plan.dumps.iter().filter_map(|dump| dump.tail_dump().cloned()).collect();
        for tail in tails {
            let session = tail.header().session;
            let is_place = |at: &usize| {
                let place = &self.plan.dumps[*at];
                place.is_tail() && place.header().session == session
            };
            // A block of the old one may be open.
            let is_free = |at: &usize| !self.rings.iter().any(|ring| ring.reads(*at));
            let place = (0..self.plan.dumps.len()).filter(is_place).find(is_free);
            match place {
                Some(at) => self.plan.replace_tail(at, tail),
                None => {
                    self.plan.dumps = self.plan.dumps.iter().cloned().chain([tail]).collect();
                }
            }
        }
    }

    /// Continues with dumps that have changed.
    fn go_on(&mut self) {
        self.plan.update_sessions();
        self.state.pools.unpacker.forget_groups();
        self.state.pools.checked.clear();
        if self.is_started {
            self.plan.apply_filter();
            self.extend();
        }
    }
}
