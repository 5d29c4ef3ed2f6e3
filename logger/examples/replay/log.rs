//! The call sites: one for each kind of event.

use std::io;

use stenolog::{Logger, debug, info, warn};

use super::events::{Event, Kind};

/// How many threads replay.
pub(crate) const THREADS: usize = 4;

/// Logs every event, each instrument's on one thread.
pub(crate) fn replay(events: &[Event], logger: &Logger) -> io::Result<()> {
    std::thread::scope(|scope| {
        for part in 0..THREADS {
            std::thread::Builder::new().name(format!("book-{part}")).spawn_scoped(
                scope,
                move || {
                    let _scope = logger.enter();
                    events.iter().filter(|event| part_of(event) == part).for_each(log);
                },
            )?;
        }
        Ok(())
    })
}

/// Which thread an event belongs to.
pub(crate) fn part_of(event: &Event) -> usize {
    event.symbol.bytes().map(usize::from).sum::<usize>() % THREADS
}

fn log(event: &Event) {
    let Event { time_ns, symbol, kind, order_id, side, price, quantity, participant } = event;
    match kind {
        Kind::Add => debug!(
            at: *time_ns, participant,
            "add {order_id}: {side} {quantity} {symbol} @ {price:.4}"
        ),
        Kind::Execute => info!(
            at: *time_ns, participant,
            "execute {order_id}: {side} {quantity:>6} {symbol:<6} @ {price:+e}"
        ),
        Kind::Cancel => info!(
            at: *time_ns, order_id, symbol, side, price, quantity, participant, "cancel"
        ),
        Kind::Correct => warn!(
            at: *time_ns, participant,
            "correct {order_id:#x}: {side:?} {quantity} {symbol:?} @ {price}"
        ),
    }
}
