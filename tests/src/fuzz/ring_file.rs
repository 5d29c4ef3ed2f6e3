//! Files of rings, as bytes or as positions and memory.

use std::sync::LazyLock;

use stenolog_ringbuf::file::{Damage, Kind, Options, Recovered};

use super::input::Input;

/// Where the records begin, and where the positions of head, consumer and tail stand: see the table
/// in the documentation of `stenolog_ringbuf::file`.
const DATA_AT: usize = 4096;
const POSITIONS_AT: [usize; 3] = [128, 136, 256];

/// The ring files that are put together have `64 << n` bytes of records.
const CAPACITIES: u32 = 4;

/// Recovers the records of a ring file.
///
/// | first byte | what follows |
/// |---|---|
/// | even | the bytes of a file |
/// | odd | which ring (1 byte: capacity, kind); head, then consumed and tail as words after it (8, 2, 2 bytes); the records' bytes: fewer than the ring has mean that the file is cut |
///
/// # Panics
/// If the reader of ring files breaks a promise.
pub fn ring_file(bytes: &[u8]) {
    let mut input = Input(bytes);
    if input.u8() % 2 == 0 {
        recover(input.0);
    } else {
        recover(&file(&mut input));
    }
}

fn file(input: &mut Input<'_>) -> Vec<u8> {
    let which = usize::from(input.u8()) % EMPTY.len();
    let mut file = EMPTY[which].clone();
    let capacity = file.len() - DATA_AT;
    let head = input.u64();
    let mut after = || head.wrapping_add(u64::from(input.u16()) * 8);
    let positions = [head, after(), after()];
    for (at, position) in POSITIONS_AT.into_iter().zip(positions) {
        file[at..at + 8].copy_from_slice(&position.to_le_bytes());
    }
    file.truncate(DATA_AT);
    file.extend_from_slice(input.bytes(capacity));
    file
}

/// Recovers, and checks what must hold whatever the bytes are.
fn recover(bytes: &[u8]) {
    let recovered = match Recovered::from_bytes(bytes) {
        Ok(recovered) => recovered,
        Err(error) => return drop(error.to_string()),
    };
    let capacity = recovered.capacity() as u64;
    let mut reached = recovered.start();
    let (mut seen, mut payload_bytes) = (0, 0);
    let records = recovered.records();
    let stated = records.len();
    for record in records {
        seen += 1;
        let (position, length) = (record.position(), record.payload().len() as u64);
        assert!(position >= reached, "record at {position} begins before {reached}");
        assert!(length > 0, "record at {position} is empty");
        reached = position + 8 + length;
        payload_bytes += record.payload().len();
        assert!(position % capacity + 8 + length <= capacity, "record at {position} wraps");
    }
    assert_eq!(seen, stated, "as many records as were promised");
    assert!(payload_bytes <= bytes.len() - DATA_AT);
    assert!(reached <= recovered.end().next_multiple_of(8));
    let extent = recovered.end() - recovered.start();
    assert!(extent <= capacity, "{extent} bytes of {capacity}");
    assert!(8 * recovered.open_claims() as u64 <= extent);
    if recovered.kind() == Kind::OneProducer {
        assert_eq!(recovered.open_claims(), 0);
    }
    if let Some(Damage::Truncated { position } | Damage::Header { position, .. }) =
        recovered.damage()
    {
        assert_eq!(position, recovered.end(), "reading ends at the damage");
    }
    let again = Recovered::from_bytes(bytes).expect("it was read before");
    assert!(again.records().map(|record| record.tag()).eq(recovered.records().map(|r| r.tag())));
}

/// Empty ring files of several capacities and both kinds.
static EMPTY: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ring");
    let mut files = Vec::new();
    for options in (0..CAPACITIES).map(|n| Options::new(64 << n)) {
        for kind in [Kind::OneProducer, Kind::ManyProducers] {
            match kind {
                Kind::OneProducer => drop(options.create_spsc(&path)),
                _ => drop(options.create_mpsc(&path)),
            }
            files.push(std::fs::read(&path).expect("the ring was created"));
            std::fs::remove_file(&path).expect("the ring's file can be removed");
        }
    }
    files
});
