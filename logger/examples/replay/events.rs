//! The events of an order book, as an exchange's feed has them, and as CSV.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

/// A line of the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// The exchange's time, in nanoseconds since the Unix epoch.
    pub(crate) time_ns: i64,
    /// What is traded.
    pub(crate) symbol: String,
    /// What happened.
    pub(crate) kind: Kind,
    /// The order that it happened to.
    pub(crate) order_id: u64,
    /// `B` or `S`.
    pub(crate) side: char,
    /// The price, in the currency of the instrument.
    pub(crate) price: f64,
    /// How much: negative where a correction takes back.
    pub(crate) quantity: i32,
    /// Who; absent where the exchange does not tell.
    pub(crate) participant: Option<String>,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// It came into the book.
    Add,
    /// It was matched.
    Execute,
    /// It left the book.
    Cancel,
    /// A trade was corrected.
    Correct,
}

const SYMBOLS: [&str; 8] = ["AAPL", "MSFT", "ÖMV", "SAP", "BRK.B", "7203.T", "\"Q\"", "A,B"];

/// Makes up `count` events; the same ones each time.
pub(crate) fn generate(count: usize) -> Vec<Event> {
    let mut random = Random(0x5eed);
    let mut time_ns = 1_767_225_600_000_000_000;
    (0..count as u64)
        .map(|n| {
            time_ns += 1 + random.below(50_000) as i64;
            let kind = match random.below(10) {
                0..=4 => Kind::Add,
                5..=7 => Kind::Execute,
                8 => Kind::Cancel,
                _ => Kind::Correct,
            };
            let quantity = 1 + random.below(10_000) as i32;
            let participant = (random.below(3) > 0).then(|| match random.below(50) {
                0 => "line\nbreak \u{1b}[31m".to_owned(),
                n => format!("P{n:03}"),
            });
            Event {
                time_ns,
                symbol: SYMBOLS[random.below(8) as usize].to_owned(),
                kind,
                order_id: n << 20 | random.below(1 << 20),
                side: if random.below(2) == 0 { 'B' } else { 'S' },
                price: random.below(10_000_000) as f64 / 128.0,
                quantity: if kind == Kind::Correct { -quantity } else { quantity },
                participant,
            }
        })
        .collect()
}

/// Writes events with a line of column names before them.
pub(crate) fn write_csv(events: &[Event], out: impl Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    events.iter().try_for_each(|event| writer.serialize(event))?;
    Ok(writer.flush()?)
}

/// Reads what [`write_csv`] writes.
pub(crate) fn read_csv(input: impl Read) -> csv::Result<Vec<Event>> {
    csv::Reader::from_reader(input).deserialize().collect()
}

/// A generator (SplitMix64) that gives the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }
}
