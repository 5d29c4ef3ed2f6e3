//! Readings of a ring that changes while it is read.

use super::*;

/// Another process put another ring's header into the file while it was read.
#[test]
fn positions_that_go_back_are_an_error() {
    for kind in [Kind::OneProducer, Kind::ManyProducers] {
        let fixed = Fixed { kind, capacity: 16, process_id: 0, thread_id: 0, ring_id: 0 };
        let images = Images { first: alloc::vec![0; 16], second: alloc::vec![0; 16], third: None };
        let at = |position| Changing {
            head: position,
            consumed: position,
            tail: position,
            user_words: [0; USER_WORDS],
        };
        let read =
            |before, after| Recovered::new(fixed.clone(), images.clone(), at(before), at(after));
        assert!(matches!(read(1 << 60, 0), Err(RecoverError::Positions { .. })));
        assert!(matches!(read(16, 8), Err(RecoverError::Positions { .. })));
        assert_eq!(read(8, 16).unwrap().records().count(), 0);
    }
}

/// A ring's memory with these words in it, by their places.
fn image(capacity: usize, words: &[(usize, u64)]) -> Vec<u8> {
    let mut image = alloc::vec![0; capacity];
    for &(at, word) in words {
        image[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
    image
}

fn at(head: u64, tail: u64) -> Changing {
    Changing { head, consumed: head, tail, user_words: [0; USER_WORDS] }
}

/// The consumer has freed something since the positions were read, and the producer has gone on there:
/// the record lies across what was free then. It came later, and nothing is damaged.
#[test]
fn a_record_across_the_limit_came_later() {
    let fixed = |kind| Fixed { kind, capacity: 64, process_id: 0, thread_id: 0, ring_id: 0 };
    let record = |len: usize| Header::record(len, 9).to_word();
    // At position 64 a record of 16 bytes; at 80 one of 32, which ends at 112.
    let bytes = image(64, &[(0, record(8)), (16, record(24))]);
    let images = || Images { first: bytes.clone(), second: bytes.clone(), third: None };
    let read = |before, after| {
        Recovered::new(fixed(Kind::OneProducer), images(), at(before, 0), at(after, 0)).unwrap()
    };
    // From 32 on, 64 bytes end at 96.
    let recovered = read(32, 64);
    assert_eq!((recovered.records().count(), recovered.end()), (1, 80));
    assert_eq!(recovered.damage(), None);
    // With nothing freed meanwhile it could not be there: the producer had no room for it.
    let bytes = image(64, &[(32, record(8)), (48, record(8)), (0, record(8)), (16, record(24))]);
    let images = Images { first: bytes.clone(), second: bytes, third: None };
    let recovered = Recovered::new(fixed(Kind::OneProducer), images, at(32, 0), at(32, 0)).unwrap();
    assert_eq!(recovered.records().count(), 3);
    assert!(matches!(recovered.damage(), Some(Damage::Header { position: 80, .. })));
}

/// A claim that was made while the ring was read, and marked late: the second reading has its payload,
/// and only the third one tells how long it is.
#[test]
fn the_third_reading_tells_the_length_of_a_late_claim() {
    let kind = Kind::ManyProducers;
    let fixed = Fixed { kind, capacity: 64, process_id: 0, thread_id: 0, ring_id: 0 };
    let record = (24, Header::record(8, 7).to_word());
    // What would be taken for a mark, a header or a record.
    for payload in [1 << 40, 5 << 32 | 9, u64::MAX] {
        let images = Images {
            first: image(64, &[record]),
            second: image(64, &[(8, payload), (16, payload), record]),
            third: Some(image(
                64,
                &[(0, crate::header::mark(16)), (8, payload), (16, payload), record],
            )),
        };
        let recovered = Recovered::new(fixed.clone(), images, at(0, 40), at(0, 40)).unwrap();
        let found: Vec<_> = recovered.records().map(|found| found.position()).collect();
        assert_eq!((found, recovered.open_claims()), (alloc::vec![24], 1));
        assert_eq!(recovered.damage(), None);
    }
}
