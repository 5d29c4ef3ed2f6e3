use super::*;

fn begin(parent: Option<u64>) -> Id {
    open(SpanSlot { span: NO_SPAN, parent, callsite: None })
}

#[test]
fn indices_fill_the_blocks() {
    assert_eq!(place(0), (0, 0));
    assert_eq!(place(1023), (0, 1023));
    assert_eq!(place(1024), (1, 0));
    assert_eq!(place(1024 + 2047), (1, 2047));
    assert_eq!(place(1024 + 2048), (2, 0));
    assert!(place(u32::MAX >> 1).0 < BLOCKS);
}

#[test]
fn a_stale_id_finds_nothing_and_no_two_spans_have_one_id() {
    let mut seen = std::collections::HashSet::new();
    let mut indices = std::collections::HashSet::new();
    for _ in 0..10_000 {
        let id = begin(None);
        assert!(seen.insert(id.into_u64()), "an id is given twice");
        indices.insert(id.into_u64() as u32);
        hold(&id);
        assert!(!release(&id) && get(&id).is_some());
        assert!(release(&id) && get(&id).is_none());
        assert!(!release(&id), "it has ended");
    }
    assert!(indices.len() < 1000, "indices are reused");
}

#[test]
fn a_parent_stays_open_as_long_as_its_children() {
    let outer = begin(None);
    let middle = begin(Some(outer.into_u64()));
    let inner = begin(Some(middle.into_u64()));
    assert!(!release(&outer) && !release(&middle));
    assert!(get(&outer).is_some() && get(&middle).is_some());
    assert!(release(&inner));
    assert!(get(&outer).is_none() && get(&middle).is_none());
}

#[test]
fn spans_of_one_thread_may_end_in_another() {
    let (send, spans) = std::sync::mpsc::sync_channel::<Id>(64);
    let closing = std::thread::spawn(move || spans.iter().filter(release).count());
    let mut highest = 0;
    for _ in 0..100_000 {
        let id = begin(None);
        highest = highest.max(id.into_u64() as u32);
        send.send(id).unwrap();
    }
    drop(send);
    assert_eq!(closing.join().unwrap(), 100_000);
    assert!(highest < 20_000, "the slab has grown to {highest}");
}

#[test]
fn many_threads_open_and_close() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let ids: Vec<Id> = (0..50).map(|_| begin(None)).collect();
                    let distinct: std::collections::HashSet<_> =
                        ids.iter().map(|id| id.into_u64() as u32).collect();
                    assert_eq!(distinct.len(), ids.len());
                    assert!(ids.iter().all(release));
                }
            });
        }
    });
}

#[test]
fn entered_spans_are_left_in_any_order() {
    let ids: Vec<Id> = (0..4).map(|_| begin(None)).collect();
    ids.iter().for_each(enter);
    enter(&ids[0]);
    exit(&ids[2]);
    exit(&ids[0]);
    assert_eq!(innermost(), Some(ids[3].into_u64()));
    exit(&ids[3]);
    exit(&ids[1]);
    assert_eq!(innermost(), Some(ids[0].into_u64()));
    exit(&ids[0]);
    exit(&ids[0]);
    assert_eq!(innermost(), None);
    assert!(ids.iter().all(release));
}
