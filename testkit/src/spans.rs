//! A program with spans: what its threads do, the dump of it, and which spans each of its records was in.
//!
//! The truth is kept as the program runs, by other means than readers and writers use: no stack is healed, nothing
//! is replayed.

mod write;

use std::collections::BTreeMap;

use crate::dump::{DumpBuilder, Rec, str_bytes};

/// The call sites of a [`SpanProgram`].
pub mod sites {
    /// `request`, with the field `path`.
    pub const REQUEST: u32 = 40;
    /// `query`, with the field `n`; entered at once.
    pub const QUERY: u32 = 41;
    /// A span is entered.
    pub const ENTER: u32 = 42;
    /// A span is left.
    pub const EXIT: u32 = 43;
    /// A span ends.
    pub const CLOSE: u32 = 44;
    /// A span is left and ends.
    pub const EXIT_CLOSE: u32 = 45;
    /// A span is given a `status`.
    pub const RECORD: u32 = 46;
    /// A span follows from another one.
    pub const FOLLOWS: u32 = 47;
    /// `of {n}`, which names its span.
    pub const OF: u32 = 48;
    /// `n {n}`.
    pub const LOG: u32 = 16;
}

/// How a [`SpanProgram`] writes its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanBlocks {
    /// A packed block for each ring.
    Packed,
    /// A block in columns for each ring, if the records go into columns.
    Columns,
    /// A block of all rings.
    Groups,
    /// A raw block for each ring, as recovery makes them.
    Raw,
}

/// A span of the program.
#[derive(Clone, Debug)]
struct Truth {
    parent: u64,
    name: &'static str,
    site: u32,
    /// The field that it began with, as text and packed.
    field: String,
    packed: Vec<u8>,
    status: Option<u32>,
}

/// A record that the program logged, and the spans that it was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanLine {
    /// When it was logged, and in which ring.
    pub at: (u64, u32),
    /// The number that it logged.
    pub n: u32,
    /// The ids of its spans, outermost first.
    pub ids: Vec<u64>,
    /// The spans as text shows them, and the message.
    pub text: String,
}

/// A running program.
#[derive(Debug)]
pub struct SpanProgram {
    /// Its dump so far.
    pub dump: DumpBuilder,
    /// The records that it logged, in the order of the calls.
    pub lines: Vec<SpanLine>,
    /// How blocks are written from now on.
    pub blocks: SpanBlocks,
    /// Whether contexts are written.
    pub has_contexts: bool,
    counter: u64,
    spans: BTreeMap<u64, Truth>,
    stacks: BTreeMap<u32, Vec<u64>>,
    pending: BTreeMap<u32, Vec<Rec>>,
    /// The stack of each ring when its pending records began, and the status of each span as far as it is written.
    written: BTreeMap<u32, Vec<u64>>,
    statuses: BTreeMap<u64, u32>,
    begun: Vec<u64>,
}

impl SpanProgram {
    /// A program with rings 1 and 2, in a dump with this number in its session.
    #[must_use]
    pub fn new(blocks: SpanBlocks) -> Self {
        let mut program = Self {
            dump: DumpBuilder::bare(1, 0),
            lines: Vec::new(),
            blocks,
            has_contexts: true,
            counter: 0,
            spans: BTreeMap::new(),
            stacks: BTreeMap::new(),
            pending: BTreeMap::new(),
            written: BTreeMap::new(),
            statuses: BTreeMap::new(),
            begun: Vec::new(),
        };
        program.prelude();
        program
    }

    /// The time of the next call.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.counter + 10
    }

    fn push(&mut self, ring: u32, site: u32, words: &[u64], rest: &[u8]) -> u64 {
        self.counter += 10;
        let mut values: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        values.extend_from_slice(rest);
        self.pending.entry(ring).or_default().push(Rec(site, self.counter, values));
        self.counter
    }

    fn depth(&self, ring: u32) -> u64 {
        self.stacks.get(&ring).map_or(0, Vec::len) as u64
    }

    /// The span that a thread has entered last; 0 if there is none.
    #[must_use]
    pub fn current(&self, ring: u32) -> u64 {
        self.stacks.get(&ring).and_then(|stack| stack.last()).copied().unwrap_or_default()
    }

    /// Begins a request.
    pub fn request(&mut self, ring: u32, id: u64, parent: u64, path: &str) {
        let mut packed = Vec::new();
        stenolog_format::value::put_uint(&mut packed, path.len() as u64);
        packed.extend(path.as_bytes());
        let field = format!("path={path:?}");
        let (name, site, status) = ("request", sites::REQUEST, None);
        self.spans.insert(id, Truth { parent, name, site, field, packed, status });
        self.begun.push(id);
        self.push(ring, sites::REQUEST, &[id, parent], &str_bytes(path));
    }

    /// Begins a query, in the thread's current span, and enters it.
    pub fn query(&mut self, ring: u32, id: u64, n: u32) {
        let parent = self.current(ring);
        let mut packed = Vec::new();
        stenolog_format::value::put_uint(&mut packed, n.into());
        let (name, site, field, status) = ("query", sites::QUERY, format!("n={n}"), None);
        self.spans.insert(id, Truth { parent, name, site, field, packed, status });
        self.begun.push(id);
        self.stacks.entry(ring).or_default().push(id);
        let depth = self.depth(ring);
        self.push(ring, sites::QUERY, &[id, parent, depth], &n.to_le_bytes());
    }

    /// Enters a span.
    pub fn enter(&mut self, ring: u32, id: u64) {
        self.stacks.entry(ring).or_default().push(id);
        let depth = self.depth(ring);
        self.push(ring, sites::ENTER, &[id, depth], &[]);
    }

    fn leave(&mut self, ring: u32, id: u64) {
        let stack = self.stacks.entry(ring).or_default();
        if let Some(at) = stack.iter().rposition(|&of| of == id) {
            stack.remove(at);
        }
    }

    /// Leaves a span.
    pub fn exit(&mut self, ring: u32, id: u64) {
        self.leave(ring, id);
        let depth = self.depth(ring);
        self.push(ring, sites::EXIT, &[id, depth], &[]);
    }

    /// Leaves a span, which ends.
    pub fn exit_close(&mut self, ring: u32, id: u64) {
        self.leave(ring, id);
        let depth = self.depth(ring);
        self.push(ring, sites::EXIT_CLOSE, &[id, depth], &[]);
    }

    /// Ends a span.
    pub fn close(&mut self, ring: u32, id: u64) {
        self.push(ring, sites::CLOSE, &[id], &[]);
    }

    /// Gives a span a status.
    pub fn record(&mut self, ring: u32, id: u64, status: u32) {
        if let Some(span) = self.spans.get_mut(&id) {
            span.status = Some(status);
        }
        self.push(ring, sites::RECORD, &[id], &status.to_le_bytes());
    }

    /// A span follows from another one.
    pub fn follows(&mut self, ring: u32, id: u64, other: u64) {
        self.push(ring, sites::FOLLOWS, &[id, other], &[]);
    }

    /// Logs `n {n}`.
    pub fn log(&mut self, ring: u32, n: u32) {
        let time = self.push(ring, sites::LOG, &[], &n.to_le_bytes());
        self.line(ring, time, n, self.current(ring), "n");
    }

    /// Logs `of {n}`, in this span; 0 for none.
    pub fn log_of(&mut self, ring: u32, id: u64, n: u32) {
        let time = self.push(ring, sites::OF, &[id], &n.to_le_bytes());
        self.line(ring, time, n, id, "of");
    }

    fn line(&mut self, ring: u32, time: u64, n: u32, span: u64, word: &str) {
        let ids = self.lineage(span);
        let shown = ids.iter().map(|id| {
            let Some(of) = self.spans.get(id) else { return format!("#{id}") };
            let status = of.status.map(|status| format!(" status={status}")).unwrap_or_default();
            format!("{}{{{}{status}}}", of.name, of.field)
        });
        let shown = shown.collect::<Vec<_>>().join(":");
        let colon = if ids.is_empty() { "" } else { ": " };
        let text = format!("{shown}{colon}{word} {n}");
        self.lines.push(SpanLine { at: (time, ring), n, ids, text });
    }

    /// A span and its ancestors, outermost first.
    fn lineage(&self, span: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        let mut next = span;
        while next != 0 {
            ids.push(next);
            next = self.spans.get(&next).map_or(0, |of| of.parent);
        }
        ids.reverse();
        ids
    }

    /// Takes away the pending records, and forgets that the program logged any of them.
    pub fn lose(&mut self) {
        let lost: Vec<_> = self
            .pending
            .iter()
            .flat_map(|(ring, of)| of.iter().map(|rec| (rec.1, *ring)))
            .collect();
        self.lines.retain(|line| !lost.contains(&line.at));
        for (ring, records) in std::mem::take(&mut self.pending) {
            self.dump.skip(ring, records.len() as u64);
        }
    }

    /// Goes on in another dump, as the rings of a dead process are read: raw blocks without contexts. Returns the
    /// bytes of the file, which has no end.
    pub fn crash(&mut self) -> Vec<u8> {
        self.flush();
        let next = self.next(0);
        let before = std::mem::replace(&mut self.dump, next);
        (self.has_contexts, self.blocks) = (false, SpanBlocks::Raw);
        self.prelude();
        before.into_bytes()
    }

    /// Ends the file and begins the next one of the session. Returns the bytes of the first.
    pub fn rotate(&mut self, sequence: u32) -> Vec<u8> {
        self.flush();
        let next = self.next(sequence);
        let mut before = std::mem::replace(&mut self.dump, next);
        before.seal(0);
        self.prelude();
        before.into_bytes()
    }

    /// A dump in which the rings go on.
    fn next(&self, sequence: u32) -> DumpBuilder {
        let mut next = DumpBuilder::bare(1, sequence);
        for ring in [1, 2] {
            let (position, number) = self.dump.place(ring);
            next.ring_at(ring, position, number);
        }
        next
    }

    /// The lines in the order of time.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{}: {}\n", line.at.1, line.text)).collect()
    }

    /// Whether a span has children that are open: it does not end before them.
    fn has_children(&self, id: u64, open: &[u64]) -> bool {
        open.iter().any(|child| self.spans.get(child).is_some_and(|of| of.parent == id))
    }

    /// Does something at random with a few open spans, in ring 1 or 2.
    pub fn step(
        &mut self,
        random: &mut impl FnMut(u64) -> u64,
        next_id: &mut u64,
        open: &mut Vec<u64>,
    ) {
        let ring = 1 + random(2) as u32;
        let pick = |random: &mut dyn FnMut(u64) -> u64, open: &[u64]| {
            if open.is_empty() { 0 } else { open[random(open.len() as u64) as usize] }
        };
        let some = pick(random, open);
        let n = random(1000) as u32;
        match random(16) {
            0 => {
                *next_id += 1;
                let parent = if random(3) == 0 { some } else { self.current(ring) };
                self.request(ring, *next_id, parent, &format!("/{n}"));
                open.push(*next_id);
            }
            1 => {
                *next_id += 1;
                self.query(ring, *next_id, n);
                open.push(*next_id);
            }
            2 | 3 if some != 0 && self.depth(ring) < 12 => self.enter(ring, some),
            4 | 5 => {
                // In any order.
                let stack = self.stacks.get(&ring).cloned().unwrap_or_default();
                let id = pick(random, &stack);
                if id != 0 {
                    self.exit(ring, id);
                }
            }
            6 => {
                let id = self.current(ring);
                let is_entered = |stack: &Vec<u64>| stack.iter().filter(|&&of| of == id).count();
                let times = self.stacks.values().map(is_entered).sum::<usize>();
                if id != 0 && times == 1 && !self.has_children(id, open) {
                    self.exit_close(ring, id);
                    open.retain(|&of| of != id);
                }
            }
            7 if some != 0
                && !self.stacks.values().any(|stack| stack.contains(&some))
                && !self.has_children(some, open) =>
            {
                self.close(ring, some);
                open.retain(|&of| of != some);
            }
            8 if some != 0 => {
                // Other rings' blocks before and after it show what it was before and after.
                self.flush();
                self.record(ring, some, n);
                self.flush();
            }
            9 if some != 0 => self.follows(ring, some, pick(random, open)),
            10 => self.log_of(ring, some, n),
            _ => self.log(ring, n),
        }
    }
}
