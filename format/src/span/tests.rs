use proptest::prelude::*;

use super::*;
use crate::dictionary::{Level, TimeSource, site};
use crate::value::{Encoding, put_uint};

#[test]
fn events_and_their_flags_are_one_to_one() {
    for event in SpanEvent::ALL {
        assert_eq!(SpanEvent::from_bits(event.bits()), Some(event));
        let parts = [event.begins(), event.enters(), event.exits(), event.ends()];
        assert_eq!(
            event.bits() & 0xf,
            parts.iter().rev().fold(0, |bits, &is_set| bits << 1 | u64::from(is_set))
        );
        let has_depth = event.hidden().contains(&HiddenWord::Depth);
        assert_eq!(has_depth, event.enters() || event.exits());
    }
    for bits in (0..1 << 8).filter(|bits| SpanEvent::ALL.iter().all(|event| event.bits() != *bits))
    {
        assert_eq!(SpanEvent::from_bits(bits), None);
    }
}

#[test]
fn a_mark_fits_only_what_has_its_hidden_slots() {
    let mut enter = site(20, Level::Trace, TimeSource::Counter, &[Type::U64, Type::U64]);
    assert!(!SpanEvent::Enter.fits(&enter), "they are fields");
    enter.slots.iter_mut().for_each(|slot| slot.role = Role::Count);
    assert!(SpanEvent::Enter.fits(&enter));
    assert!(SpanEvent::Close.fits(&enter), "the second word is an ordinary value");
    assert!(!SpanEvent::NewEntered.fits(&enter));
    enter.slots[1].ty = Type::U32;
    assert!(!SpanEvent::Enter.fits(&enter));
}

#[test]
fn hidden_words_are_read_in_either_encoding() {
    let mut raw = Vec::new();
    let mut packed = Vec::new();
    for word in [u64::MAX, 300, 5] {
        raw.extend_from_slice(&word.to_le_bytes());
        put_uint(&mut packed, word);
    }
    let words = SpanWords { id: u64::MAX, other: 300, depth: 5 };
    for (bytes, encoding) in [(&raw, Encoding::Raw), (&packed, Encoding::Packed)] {
        let mut cursor = Cursor::new(bytes, encoding);
        assert_eq!(SpanEvent::NewEntered.read(&mut cursor), Ok(words));
        assert!(cursor.is_empty());
        let mut cut = Cursor::new(&bytes[..bytes.len() - 1], encoding);
        assert_eq!(SpanEvent::NewEntered.read(&mut cut), Err(ValueError::End));
    }
}

#[test]
fn lists_do_not_allocate_by_what_they_claim() {
    let mut payload = Vec::new();
    put_uint(&mut payload, u64::MAX);
    assert!(SpanMark::decode_all(&payload).is_err());
    assert!(SpanContext::decode(&payload).is_err());
    payload.clear();
    payload.extend([1, 1]);
    put_uint(&mut payload, MAX_STACK as u64 + 1);
    payload.extend([1; 2 * MAX_STACK]);
    assert_eq!(SpanContext::decode(&payload), Err(SpanError::Deep { found: MAX_STACK as u64 + 1 }));
}

#[test]
fn a_context_leaves_out_what_does_not_fit() {
    let mut builder = ContextBuilder::default();
    let deep = SpanStack::of((1..=MAX_STACK as u64).map(|n| u64::MAX - n));
    (1..=250).for_each(|ring| builder.put_part(ring, &deep));
    let values = vec![0; MAX_CONTEXT_BYTES / 5];
    let span = |id| SpanDefinition {
        id,
        parent: 0,
        site: 16,
        values: &values,
        records: SpanRecords::default(),
    };
    let fits: Vec<bool> = (1..5).map(|id| builder.define(&span(id))).collect();
    assert_eq!(fits, [true, true, false, false]);
    let mut payload = Vec::new();
    builder.finish(&mut payload);
    assert!(payload.len() <= MAX_CONTEXT_BYTES);
    let context = SpanContext::decode(&payload).unwrap();
    assert_eq!(context.parts()[0], (1, deep));
    assert_eq!(context.parts()[249], (250, SpanStack::default()));
    assert_eq!(context.definitions().count(), 2);
}

/// The stack as FORMAT.md words it: a list that is cut and filled at its top.
#[derive(Default)]
struct Model(Vec<u64>);

impl Model {
    fn heal(&mut self, depth: usize) {
        self.0.truncate(depth);
        while self.0.len() < depth {
            self.0.push(NO_SPAN);
        }
    }
}

proptest! {
    #[test]
    fn marks_survive(marks in prop::collection::vec((any::<u32>(), any::<u64>()), 0..20), cut in any::<usize>()) {
        let marks: Vec<_> = marks.into_iter().map(|(site, bits)| SpanMark { site, bits }).collect();
        let mut payload = Vec::new();
        SpanMark::encode_all(marks.iter().copied(), &mut payload);
        prop_assert!(SpanMark::decode_all(&payload[..cut % payload.len()]).is_err());
        payload.push(7);
        prop_assert_eq!(SpanMark::decode_all(&payload), Ok(marks));
    }

    #[test]
    fn contexts_survive(
        parts in prop::collection::vec((any::<u32>(), prop::collection::vec(0..9_u64, 0..6)), 0..4),
        spans in prop::collection::vec(
            (any::<u64>(), any::<u64>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..9), 0..4_u64),
            0..6,
        ),
        cut in any::<usize>(),
    ) {
        let mut builder = ContextBuilder::default();
        let parts: Vec<_> = parts.into_iter().map(|(ring, ids)| (ring, SpanStack::of(ids))).collect();
        parts.iter().for_each(|(ring, stack)| builder.put_part(*ring, stack));
        let records: Vec<_> = spans
            .iter()
            .map(|(_, _, site, values, count)| {
                let mut bytes = Vec::new();
                (0..*count).for_each(|n| SpanRecord { site: site / 2, values: &values[..values.len() / (n as usize + 1)] }.encode(&mut bytes));
                (*count, bytes)
            })
            .collect();
        let definitions: Vec<_> = spans
            .iter()
            .zip(&records)
            .map(|((id, parent, site, values, _), (count, bytes))| SpanDefinition {
                id: *id, parent: *parent, site: *site, values, records: SpanRecords::of(*count, bytes),
            })
            .collect();
        definitions.iter().for_each(|span| assert!(builder.define(span)));
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        prop_assert!(SpanContext::decode(&payload[..cut % payload.len()]).is_err());
        payload.push(7);
        let context = SpanContext::decode(&payload).unwrap();
        prop_assert_eq!(context.parts(), parts.as_slice());
        prop_assert_eq!(context.definitions().collect::<Vec<_>>(), definitions);
    }

    #[test]
    fn any_bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = SpanMark::decode_all(&payload);
        if let Ok(context) = SpanContext::decode(&payload) {
            for span in context.definitions() {
                prop_assert_eq!(span.records.left, span.records.count() as u64);
            }
        }
    }

    #[test]
    fn stacks_are_those_of_the_model(events in prop::collection::vec((any::<bool>(), 1..6_u64, 0..9_usize), 0..60)) {
        let (mut stack, mut model) = (SpanStack::default(), Model::default());
        for (enters, id, depth) in events {
            if enters {
                stack.enter(id, depth as u64);
                model.heal(depth.saturating_sub(1));
                model.0.push(id);
            } else {
                stack.exit(id, depth as u64);
                if let Some(at) = model.0.iter().rposition(|&on| on == id) {
                    model.0.remove(at);
                }
                model.heal(depth);
            }
            prop_assert_eq!(stack.iter().collect::<Vec<_>>(), model.0.clone());
            prop_assert_eq!(stack.innermost(), model.0.last().copied());
            prop_assert_eq!(stack.depth(), model.0.len());
        }
    }
}

#[test]
fn lost_events_cut_off_no_outer_span() {
    let mut stack = SpanStack::default();
    stack.enter(1, 1);
    // The enters of 2 and 3 are lost.
    stack.enter(4, 4);
    assert_eq!(stack.iter().collect::<Vec<_>>(), [1, NO_SPAN, NO_SPAN, 4]);
    for (id, depth, innermost) in [(4, 3, NO_SPAN), (3, 2, NO_SPAN), (2, 1, 1)] {
        stack.exit(id, depth);
        assert_eq!(stack.innermost(), Some(innermost), "after the exit of {id}");
    }
    // The enter is lost, its exit is not; then the exit is lost, too.
    stack.exit(5, 1);
    stack.enter(6, 3);
    stack.enter(7, 2);
    assert_eq!(stack.iter().collect::<Vec<_>>(), [1, 7]);
}

#[test]
fn deep_stacks_keep_their_outermost_spans() {
    let mut stack = SpanStack::default();
    let deepest = MAX_STACK as u64 + 500;
    (1..=deepest).for_each(|id| stack.enter(id, id));
    assert_eq!(stack.depth(), MAX_STACK);
    assert_eq!(stack.innermost(), Some(MAX_STACK as u64));
    (4..=deepest).rev().for_each(|id| stack.exit(id, id - 1));
    assert_eq!(stack.iter().collect::<Vec<_>>(), [1, 2, 3]);
    stack.enter(9, u64::MAX);
    assert_eq!(stack.depth(), MAX_STACK);
}
