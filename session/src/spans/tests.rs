use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stenolog_format::dictionary::{Level, Role, Slot, TimeSource};
use stenolog_format::span::SpanContext;
use stenolog_format::types::Type;
use stenolog_format::value::put_uint;

use super::*;

/// A call site for each event, with one field after the hidden words.
fn site(event: SpanEvent) -> CallSite {
    let hidden = Slot { name: String::new(), role: Role::Count, ty: Type::U64 };
    let mut slots = vec![hidden; event.hidden().len()];
    slots.push(Slot { name: "field".into(), role: Role::Field, ty: Type::U32 });
    let id = 16 + SpanEvent::ALL.iter().position(|it| *it == event).unwrap() as u32;
    CallSite {
        id,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "t".into(),
        module: "m".into(),
        file: "f".into(),
        line: 1,
        column: 1,
        template: None,
        slots,
    }
}

#[derive(Clone, Copy, Debug)]
struct Told {
    event: SpanEvent,
    words: [u64; 3],
    field: u32,
}

impl Told {
    fn words(&self) -> (u64, u64, u64) {
        let [id, second, third] = self.words;
        match self.event {
            SpanEvent::NewEntered => (id, second, third),
            SpanEvent::New | SpanEvent::Follows => (id, second, 0),
            _ => (id, 0, second),
        }
    }

    fn tell(&self, tracker: &mut SpanTracker, encoding: Encoding) {
        let mut values = Vec::new();
        for word in &self.words[..self.event.hidden().len()] {
            match encoding {
                Encoding::Raw => values.extend(word.to_le_bytes()),
                Encoding::Packed => put_uint(&mut values, *word),
            }
        }
        match encoding {
            Encoding::Raw => values.extend(self.field.to_le_bytes()),
            Encoding::Packed => put_uint(&mut values, self.field.into()),
        }
        tracker.note(self.event, &site(self.event), &values, encoding).unwrap();
    }

    fn packed(&self) -> Vec<u8> {
        let mut values = Vec::new();
        put_uint(&mut values, self.field.into());
        values
    }
}

type Stacks = Vec<(u32, Vec<u64>)>;

/// Parent, call site, values, and what it was given later.
type Defined = (u64, u32, Vec<u8>, Vec<(u32, Vec<u8>)>);

/// Everything at once, in lists, as FORMAT.md words it.
#[derive(Clone, Default)]
struct Model {
    stacks: BTreeMap<u32, Vec<u64>>,
    spans: BTreeMap<u64, Defined>,
    ended: BTreeSet<u64>,
}

impl Model {
    /// The stacks and the definitions of a block, in which `events` happen.
    fn context(&mut self, parts: &[(u32, Vec<Told>)]) -> (Stacks, BTreeMap<u64, Defined>) {
        let before = self.clone();
        let mut begun = BTreeSet::new();
        let mut needed = BTreeSet::new();
        let mut stacks = Vec::new();
        let mut closed = Vec::new();
        let mut records = Vec::new();
        for (ring, events) in parts {
            let stack = self.stacks.entry(*ring).or_default();
            stacks.push((*ring, stack.clone()));
            needed.extend(stack.iter().copied());
            for told in events {
                let (id, other, depth) = told.words();
                needed.extend([id, other]);
                let site = site(told.event).id;
                if told.event.begins() {
                    begun.insert(id);
                    self.spans.insert(id, (other, site, told.packed(), Vec::new()));
                }
                if told.event == SpanEvent::Record {
                    // The part with its beginning may be a later one.
                    records.push((id, site, told.packed()));
                }
                let depth = depth as usize;
                if told.event.enters() {
                    stack.truncate(depth.saturating_sub(1));
                    while stack.len() + 1 < depth {
                        stack.push(0);
                    }
                    stack.push(id);
                } else if told.event.exits() {
                    if let Some(at) = stack.iter().rposition(|on| *on == id) {
                        stack.remove(at);
                    }
                    stack.truncate(depth);
                    while stack.len() < depth {
                        stack.push(0);
                    }
                }
                if told.event.ends() {
                    closed.push(id);
                }
            }
        }
        // With all ancestors, also through spans that begin in the block.
        loop {
            let parents: Vec<u64> =
                needed.iter().filter_map(|id| Some(self.spans.get(id)?.0)).collect();
            let count = needed.len();
            needed.extend(parents);
            if needed.len() == count {
                break;
            }
        }
        let defined = |id: &u64| Some((*id, before.spans.get(id)?.clone()));
        let defined = needed.difference(&begun).filter_map(defined).collect();
        for (id, site, values) in records {
            if let Some(span) = self.spans.get_mut(&id) {
                span.3.retain(|(of, _)| *of != site);
                span.3.push((site, values));
            }
        }
        self.end(closed);
        (stacks, defined)
    }

    fn end(&mut self, closed: Vec<u64>) {
        self.ended.extend(closed.into_iter().filter(|id| self.spans.contains_key(id)));
        // A span outlives its children.
        while let Some(id) =
            self.ended.iter().copied().find(|id| {
                !self.spans.iter().any(|(child, (parent, ..))| parent == id && child != id)
            })
        {
            self.ended.remove(&id);
            self.spans.remove(&id);
        }
    }
}

fn told() -> impl Strategy<Value = Told> {
    let event = prop::sample::select(SpanEvent::ALL.to_vec());
    (event, 1..12_u64, 0..12_u64, 0..5_u64, any::<u32>()).prop_map(
        |(event, id, other, depth, field)| {
            let words = match event {
                SpanEvent::NewEntered => [id, other, depth + 1],
                SpanEvent::New | SpanEvent::Follows => [id, other, 0],
                SpanEvent::Enter => [id, depth + 1, 0],
                _ => [id, depth, 0],
            };
            Told { event, words, field }
        },
    )
}

fn blocks() -> impl Strategy<Value = Vec<Vec<(u32, Vec<Told>)>>> {
    let part = (1..4_u32, prop::collection::vec(told(), 0..8));
    let block = prop::collection::vec(part, 1..4).prop_map(|mut parts| {
        parts.sort_by_key(|(ring, _)| *ring);
        parts.dedup_by_key(|(ring, _)| *ring);
        parts
    });
    prop::collection::vec(block, 1..12).prop_map(with_fresh_ids)
}

/// Each span begins once. Other events may name it before that.
fn with_fresh_ids(mut blocks: Vec<Vec<(u32, Vec<Told>)>>) -> Vec<Vec<(u32, Vec<Told>)>> {
    let events = blocks.iter_mut().flatten().flat_map(|(_, events)| events);
    for (at, told) in events.filter(|told| told.event.begins()).enumerate() {
        told.words[0] = at as u64 + 1;
    }
    blocks
}

/// The parent of a span began before it. Of spans that end in a circle it is not said when they are forgotten.
fn without_circles(mut blocks: Vec<Vec<(u32, Vec<Told>)>>) -> Vec<Vec<(u32, Vec<Told>)>> {
    let events = blocks.iter_mut().flatten().flat_map(|(_, events)| events);
    events.filter(|told| told.event.begins()).for_each(|told| told.words[1] %= told.words[0]);
    blocks
}

fn tell(tracker: &mut SpanTracker, parts: &[(u32, Vec<Told>)], encoding: Encoding) -> Vec<u8> {
    tracker.begin_block();
    for (ring, events) in parts {
        tracker.begin_part(*ring, None);
        events.iter().for_each(|told| told.tell(tracker, encoding));
    }
    tracker.is_any_unknown();
    let mut payload = Vec::new();
    tracker.context().finish(&mut payload);
    payload
}

fn read(payload: &[u8]) -> (Stacks, Vec<(u64, Defined)>) {
    let context = SpanContext::decode(payload).unwrap();
    let parts = context.parts().iter().map(|(ring, stack)| (*ring, stack.iter().collect()));
    let defined = context.definitions().map(|span| {
        // The last values of each call site count.
        let mut records: Vec<(u32, Vec<u8>)> = Vec::new();
        for record in span.records {
            records.retain(|(site, _)| *site != record.site);
            records.push((record.site, record.values.to_vec()));
        }
        (span.id, (span.parent, span.site, span.values.to_vec(), records))
    });
    (parts.collect(), defined.collect())
}

proptest! {
    #[test]
    fn contexts_are_those_of_the_model(blocks in blocks().prop_map(without_circles), is_raw in any::<bool>()) {
        let encoding = if is_raw { Encoding::Raw } else { Encoding::Packed };
        let (mut tracker, mut model) = (SpanTracker::default(), Model::default());
        for parts in &blocks {
            let (stacks, defined) = model.context(parts);
            let (found_stacks, found) = read(&tell(&mut tracker, parts, encoding));
            pass(&mut tracker);
            prop_assert_eq!(found_stacks, stacks);
            for (at, (_, span)) in found.iter().enumerate() {
                let parent = found.iter().position(|(id, _)| *id == span.0);
                // Random parents may form circles, in which one has to be first.
                let is_circle = parent.is_some_and(|parent| parent >= at)
                    && ancestors(&defined, span.0).contains(&found[at].0);
                prop_assert!(parent.is_none_or(|parent| parent < at) || is_circle);
            }
            let count = found.len();
            let found: BTreeMap<_, _> = found.into_iter().collect();
            prop_assert_eq!(found.len(), count, "one definition each");
            prop_assert_eq!(found, defined);
            prop_assert_eq!(tracker.open_spans(), model.spans.len());
        }
    }

    #[test]
    fn what_is_taken_back_is_told_again(blocks in blocks(), kept in 0..12_usize) {
        let (mut tracker, mut model) = (SpanTracker::default(), Model::default());
        let (kept, lost) = blocks.split_at(kept.min(blocks.len()));
        for parts in kept {
            tell(&mut tracker, parts, Encoding::Packed);
            model.context(parts);
        }
        tracker.commit();
        for parts in lost {
            tell(&mut tracker, parts, Encoding::Packed);
        }
        tracker.rewind();
        for parts in lost {
            let (stacks, defined) = model.context(parts);
            let (found_stacks, found) = read(&tell(&mut tracker, parts, Encoding::Packed));
            prop_assert_eq!(found_stacks, stacks);
            // It may know more spans: those that began in what was taken back.
            let found: BTreeSet<u64> = found.into_iter().map(|(id, _)| id).collect();
            prop_assert!(defined.keys().all(|id| found.contains(id)));
        }
    }
}

fn ancestors(defined: &BTreeMap<u64, Defined>, from: u64) -> BTreeSet<u64> {
    let mut all = BTreeSet::new();
    let mut next = from;
    while all.insert(next) {
        let Some(span) = defined.get(&next) else { break };
        next = span.0;
    }
    all
}

/// Ends passes until what has ended is forgotten.
fn pass(tracker: &mut SpanTracker) {
    tracker.commit();
    tracker.end_pass();
    tracker.end_pass();
}

fn told_of(event: SpanEvent, words: [u64; 3]) -> Told {
    Told { event, words, field: 0 }
}

#[test]
fn millions_of_spans_take_the_memory_of_those_that_are_open() {
    let mut tracker = SpanTracker::default();
    let mut id = 0;
    let mut most = 0;
    for _ in 0..1000 {
        let mut events = Vec::new();
        for _ in 0..1000 {
            id += 1;
            events.push(told_of(SpanEvent::NewEntered, [id, 0, 1]));
            events.push(told_of(SpanEvent::ExitClose, [id, 0, 0]));
        }
        tell(&mut tracker, &[(1, events)], Encoding::Packed);
        pass(&mut tracker);
        most = most.max(tracker.open_spans());
    }
    assert_eq!((tracker.open_spans(), most), (0, 0));
}

#[test]
fn the_oldest_of_too_many_open_spans_are_forgotten() {
    let mut tracker = SpanTracker::default();
    let all = MAX_OPEN as u64 + 1000;
    for first in (1..=all).step_by(1000) {
        let ids = first..=(first + 999).min(all);
        let events = ids.map(|id| told_of(SpanEvent::New, [id, 0, 0])).collect();
        tell(&mut tracker, &[(1, events)], Encoding::Packed);
        pass(&mut tracker);
        assert!(tracker.open_spans() <= MAX_OPEN);
    }
    let of = |tracker: &mut SpanTracker, id| {
        let of = told_of(SpanEvent::Of, [id, 0, 0]);
        read(&tell(tracker, &[(1, vec![of])], Encoding::Packed)).1.len()
    };
    assert_eq!((of(&mut tracker, 1), of(&mut tracker, all)), (0, 1));
    assert!(tracker.open_spans() > MAX_OPEN / 2);
}

#[test]
fn a_ring_continues_the_stack_of_another_one() {
    let mut tracker = SpanTracker::default();
    let begin = told_of(SpanEvent::NewEntered, [5, 0, 1]);
    tell(&mut tracker, &[(1, vec![begin]), (2, vec![])], Encoding::Raw);
    tracker.end_ring(1);
    tracker.end_ring(2);
    tracker.begin_block();
    tracker.begin_part(3, Some(1));
    tracker.begin_part(4, Some(2));
    let mut payload = Vec::new();
    tracker.context().finish(&mut payload);
    assert_eq!(read(&payload).0, [(3, vec![5]), (4, vec![])]);
}

#[test]
fn a_span_that_begins_later_in_another_ring_is_found_ahead() {
    let mut tracker = SpanTracker::default();
    tracker.begin_block();
    tracker.begin_part(1, None);
    told_of(SpanEvent::Enter, [6, 1, 0]).tell(&mut tracker, Encoding::Packed);
    assert!(tracker.is_any_unknown());
    for (id, parent) in [(5, 0), (6, 5), (7, 6)] {
        let values = [id, parent, 33];
        let new = site(SpanEvent::New);
        tracker.note_ahead(SpanEvent::New, &new, &values, Encoding::Packed).unwrap();
    }
    let mut payload = Vec::new();
    tracker.context().finish(&mut payload);
    let ids: Vec<u64> = read(&payload).1.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [5, 6]);
    assert_eq!(tracker.sites(), [site(SpanEvent::New).id]);
}

#[test]
fn a_span_that_has_ended_is_known_until_other_rings_were_visited() {
    let mut tracker = SpanTracker::default();
    let events =
        vec![told_of(SpanEvent::NewEntered, [5, 0, 1]), told_of(SpanEvent::ExitClose, [5, 0, 0])];
    tell(&mut tracker, &[(1, events)], Encoding::Packed);
    let defined = |tracker: &mut SpanTracker| {
        let of = told_of(SpanEvent::Of, [5, 0, 0]);
        let payload = tell(tracker, &[(2, vec![of])], Encoding::Packed);
        tracker.commit();
        read(&payload).1.len()
    };
    // Its end and other rings may be told in either order within a pass, and then in the next one.
    tracker.commit();
    assert_eq!(defined(&mut tracker), 1);
    tracker.end_pass();
    assert_eq!(defined(&mut tracker), 1);
    tracker.end_pass();
    assert_eq!((defined(&mut tracker), tracker.open_spans()), (0, 0));
}

#[test]
fn a_span_that_has_ended_is_known_in_its_children() {
    let mut tracker = SpanTracker::default();
    let defined = |tracker: &mut SpanTracker, id| {
        let of = told_of(SpanEvent::Of, [id, 0, 0]);
        let payload = tell(tracker, &[(1, vec![of])], Encoding::Packed);
        read(&payload).1.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    };
    let event = |tracker: &mut SpanTracker, event, words| {
        tell(tracker, &[(1, vec![told_of(event, words)])], Encoding::Packed);
        pass(tracker);
    };
    // The child of 5 is told before 5, which another ring has.
    for (id, parent) in [(6, 5), (5, 4), (4, 0), (7, 5)] {
        event(&mut tracker, SpanEvent::New, [id, parent, 0]);
    }
    for id in [4, 5] {
        event(&mut tracker, SpanEvent::Close, [id, 0, 0]);
    }
    assert_eq!(defined(&mut tracker, 6), [4, 5, 6]);
    event(&mut tracker, SpanEvent::Close, [6, 0, 0]);
    assert_eq!((defined(&mut tracker, 7), tracker.open_spans()), (vec![4, 5, 7], 3));
    event(&mut tracker, SpanEvent::Close, [7, 0, 0]);
    assert_eq!((defined(&mut tracker, 7), tracker.open_spans()), (vec![], 0));
}

#[test]
fn spans_that_end_before_their_only_child_take_bounded_memory() {
    let mut tracker = SpanTracker::default();
    let begin = |id| told_of(SpanEvent::New, [id, id - 1, 0]);
    tell(&mut tracker, &[(1, vec![begin(1)])], Encoding::Packed);
    for id in 2..1000 {
        let events = vec![begin(id), told_of(SpanEvent::Close, [id - 1, 0, 0])];
        tell(&mut tracker, &[(1, events)], Encoding::Packed);
        pass(&mut tracker);
        assert!(tracker.open_spans() < 70);
    }
    let of = vec![told_of(SpanEvent::Close, [999, 0, 0])];
    let payload = tell(&mut tracker, &[(1, of)], Encoding::Packed);
    assert!(read(&payload).1.len() > 60);
    pass(&mut tracker);
    assert_eq!(tracker.open_spans(), 0);
}

#[test]
fn values_that_are_given_later_than_a_block_begins_are_left_out() {
    let mut tracker = SpanTracker::default();
    tracker.begin_block();
    tracker.begin_part(1, None);
    told_of(SpanEvent::New, [5, 0, 0]).tell(&mut tracker, Encoding::Packed);
    for (time, field) in [(10, 1), (20, 2), (30, 3)] {
        tracker.set_time(time);
        let told = Told { event: SpanEvent::Record, words: [5, 0, 0], field };
        told.tell(&mut tracker, Encoding::Packed);
    }
    tracker.context();
    for (first, expected) in [(5, None), (15, Some(1)), (25, Some(2)), (35, Some(3))] {
        tracker.begin_block();
        tracker.begin_part(2, None);
        tracker.note_first_time(first + 100);
        tracker.note_first_time(first);
        told_of(SpanEvent::Of, [5, 0, 0]).tell(&mut tracker, Encoding::Packed);
        let mut payload = Vec::new();
        tracker.context().finish(&mut payload);
        let (_, defined) = read(&payload);
        let given = defined[0].1.3.last().map(|(_, values)| values[0]);
        assert_eq!(given, expected);
    }
}

#[test]
fn malformed_events_change_nothing() {
    let mut tracker = SpanTracker::default();
    tracker.begin_block();
    tracker.begin_part(1, None);
    let new = site(SpanEvent::NewEntered);
    assert!(tracker.note(SpanEvent::NewEntered, &new, &[1, 0], Encoding::Packed).is_err());
    assert!(tracker.note(SpanEvent::NewEntered, &new, &[1; 20], Encoding::Raw).is_err());
    tracker.context();
    assert_eq!(tracker.open_spans(), 0);
}
