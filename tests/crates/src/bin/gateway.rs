//! The program of docs/guides/low-latency.md.

use std::time::Duration;

use stenolog::{OnFull, Record, Timestamp, info, warn};

#[derive(Clone, Copy, Record)]
enum Side {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Record)]
struct Quote {
    side: Side,
    price: u64,
    quantity: u32,
}

/// Answers a quote. Takes one reading of the clock, which all records of the quote share.
fn on_quote(sequence: u64, quote: &Quote, received: Timestamp) {
    info!(at: received, sequence, ?quote, "quote");
    let limit = 1_000;
    if quote.quantity > limit {
        warn!(at: received, sequence, limit, "refused {} of {}", quote.quantity, quote.price);
        return;
    }
    info!(sequence, waited = ?received.elapsed(), "answered");
}

fn feed() {
    stenolog::prepare_thread();
    let sides = [Side::Buy, Side::Sell];
    for sequence in 0..4_u32 {
        let received = Timestamp::now();
        let side = sides[sequence as usize % 2];
        let quote = Quote { side, price: 99_500 + u64::from(sequence), quantity: 400 * sequence };
        on_quote(sequence.into(), &quote, received);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let log = stenolog::Builder::new("gateway.steno")
        .default_filter("info")
        .drain_core(0) // not one of those that the hot threads have
        .ring_capacity_bytes(16 << 20)
        .on_full(OnFull::Drop)
        .deliver_within(Duration::from_millis(500))
        .start()?;
    std::thread::Builder::new().name("feed".into()).spawn(feed)?.join().expect("it ends");
    assert_eq!(log.stats().lost, 0);
    Ok(())
}
