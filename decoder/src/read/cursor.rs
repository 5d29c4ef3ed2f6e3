//! Cursors over the entries of a decoder: one at a time, lent or owned.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::batch::UndecodedRecord;
use super::decoder::Decoder;
use super::ring::Turn;
use super::statement::{Losses, Statement};
use crate::model::entry::Entry;
use crate::model::loss::LossEntry;
use crate::model::owned::{OwnedEntry, OwnedKind};
use crate::model::raw_values::OwnedValues;
use crate::model::record::{Record, RecordValues};

impl Decoder {
    /// A cursor that lends one entry at a time. It starts where the decoder is, and the decoder continues
    /// where the cursor stopped.
    ///
    /// Use it where a visitor is in the way, such as in a loop that reads two decoders.
    /// [`for_each`](Self::for_each) is faster: the cursor allocates the values of each record.
    ///
    /// ```
    /// use stenolog_decoder::{Decoder, Dump};
    ///
    /// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// let mut decoder = Decoder::new(dump);
    /// let mut records = decoder.records();
    /// let mut threads = Vec::new();
    /// while let Some(entry) = records.next() {
    ///     threads.push(entry.thread_name().to_owned());
    /// }
    /// assert_eq!(threads, ["main", "thread-1235", "main", "main"]);
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn records(&mut self) -> Records<'_> {
        Records { decoder: self }
    }

    /// An iterator over entries that a program can keep. It starts where the decoder is, and the decoder
    /// continues where the iterator stopped.
    ///
    /// ```
    /// use stenolog_decoder::{Decoder, Dump};
    ///
    /// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// let mut decoder = Decoder::new(dump);
    /// let first: Vec<_> = decoder.entries().take(3).collect();
    /// let rest = std::thread::spawn(move || decoder.entries().count()).join().unwrap();
    /// assert_eq!((first.len(), rest), (3, 1));
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn entries(&mut self) -> Entries<'_> {
        Entries { decoder: self }
    }

    /// Moves to the next entry that is shown. A record stays at the head of its ring until the next call.
    fn step(&mut self) -> Option<CursorStep> {
        self.start();
        self.pass_delivered();
        loop {
            let Some(&Reverse((_, index))) = self.heap.peek() else {
                return self.pending.pop().map(CursorStep::Loss);
            };
            let Self { plan, rings, buffers, state, .. } = self;
            let candidate = match rings.get(index)?.turn(index, None) {
                Turn::Nothing | Turn::Pause => Candidate::Nothing,
                Turn::Loss(loss) => Candidate::Loss(Statement::new(&loss, index)),
                Turn::Records(run) => {
                    let raw = run.records().next()?;
                    let goes_on = |_: &Entry<'_>| ControlFlow::Continue(());
                    match buffers.visit(&raw, &plan.sites, &plan.filter, goes_on) {
                        Ok((true, _)) => Candidate::Record,
                        Ok((false, _)) => Candidate::Nothing,
                        Err(why) => {
                            state.tally.lose_values(run.place(), 1, why);
                            Candidate::Loss(Statement::new(&raw.loss(), index))
                        }
                    }
                }
            };
            match candidate {
                Candidate::Nothing => self.pass(),
                Candidate::Loss(loss) => {
                    self.pass();
                    match self.losses {
                        Losses::Inline => return Some(CursorStep::Loss(loss)),
                        Losses::Merged => self.pending.push(&loss),
                        Losses::None => {}
                    }
                }
                Candidate::Record => {
                    if let Some(loss) = self.pending.pop() {
                        return Some(CursorStep::Loss(loss));
                    }
                    self.is_delivered = true;
                    self.state.tally.shown += 1;
                    return Some(CursorStep::Record(index));
                }
            }
        }
    }

    /// The record at the head of a ring.
    fn head(&self, ring: usize) -> Option<UndecodedRecord<'_>> {
        match self.rings.get(ring)?.turn(ring, None) {
            Turn::Records(run) => run.records().next(),
            Turn::Nothing | Turn::Pause | Turn::Loss(_) => None,
        }
    }
}

/// The next entry of one ring.
enum Candidate {
    /// Nothing that is shown.
    Nothing,
    Loss(Statement),
    Record,
}

/// The next entry that is shown.
enum CursorStep {
    Loss(Statement),
    /// The record at the head of this ring.
    Record(usize),
}

/// A cursor that lends entries: see [`Decoder::records`].
#[derive(Debug)]
pub struct Records<'d> {
    decoder: &'d mut Decoder,
}

impl Records<'_> {
    /// The next entry; `None` at the end. It borrows the cursor: drop it before the next call, or take
    /// [`Decoder::entries`] to keep entries.
    #[expect(clippy::should_implement_trait, reason = "an entry borrows the cursor")]
    pub fn next(&mut self) -> Option<Entry<'_>> {
        match self.decoder.step()? {
            CursorStep::Loss(Statement { ring, facts }) => {
                let name = self.decoder.rings.get(ring)?.name();
                Some(Entry::Loss(LossEntry::of(name.origin(0), facts)))
            }
            CursorStep::Record(ring) => {
                let raw = self.decoder.head(ring)?;
                let UndecodedRecord { site_index, origin, unix_ns, number, spans, .. } = raw;
                let site = self.decoder.plan.sites.get(site_index)?;
                let mut values = Vec::with_capacity(site.call_site().slots.len());
                // It was decoded once, so this does not fail.
                raw.values.decode(site, &mut values).ok()?;
                let values = RecordValues::Owned(values);
                let record = Record { site, site_index, origin, unix_ns, number, values, spans };
                Some(Entry::of(record))
            }
        }
    }
}

/// An iterator over owned entries: see [`Decoder::entries`].
#[derive(Debug)]
pub struct Entries<'d> {
    decoder: &'d mut Decoder,
}

impl Iterator for Entries<'_> {
    type Item = OwnedEntry;

    fn next(&mut self) -> Option<OwnedEntry> {
        let step = self.decoder.step()?;
        let (CursorStep::Loss(Statement { ring, .. }) | CursorStep::Record(ring)) = step;
        let origin = Arc::clone(self.decoder.rings.get(ring)?.name());
        Some(match step {
            CursorStep::Loss(Statement { facts, .. }) => {
                let (unix_ns, kind) = (facts.unix_ns, OwnedKind::Loss(facts));
                OwnedEntry { origin, dump: 0, unix_ns, kind }
            }
            CursorStep::Record(_) => {
                let raw = self.decoder.head(ring)?;
                let UndecodedRecord { site_index, unix_ns, number, spans, .. } = raw;
                let spans = spans.cloned();
                let site = Arc::clone(self.decoder.plan.sites.get(site_index)?);
                let values = OwnedValues::copy_of(&raw.values, &site);
                let kind = OwnedKind::Record { site, site_index, number, values, spans };
                OwnedEntry { origin, dump: raw.origin.dump, unix_ns, kind }
            }
        })
    }
}
