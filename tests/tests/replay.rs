//! A real input: every field of every event of an order book's feed comes back, as JSON and as
//! text.

#[path = "../../logger/examples/replay/events.rs"]
mod events;
#[path = "../../logger/examples/replay/log.rs"]
mod log;

use serde_json::json;
use stenolog_decoder::Format;
use stenolog_tests::{LogFixture, message, render};

use events::{Event, Kind};

const EVENTS: usize = 50_000;

/// What a record must say of its event.
fn expected_message(event: &Event) -> String {
    let Event { symbol, kind, order_id, side, price, quantity, .. } = event;
    match kind {
        Kind::Add => format!("add {order_id}: {side} {quantity} {symbol} @ {price:.4}"),
        Kind::Execute => {
            format!("execute {order_id}: {side} {quantity:>6} {symbol:<6} @ {price:+e}")
        }
        Kind::Cancel => "cancel".to_owned(),
        Kind::Correct => {
            format!("correct {order_id:#x}: {side:?} {quantity} {symbol:?} @ {price}")
        }
    }
}

#[test]
fn every_field_of_every_event_comes_back() {
    // By way of the file, as the example reads it.
    let mut csv = Vec::new();
    events::write_csv(&events::generate(EVENTS), &mut csv).unwrap();
    assert!(csv.len() > 3_000_000, "a few megabytes: {}", csv.len());
    let events = events::read_csv(&csv[..]).unwrap();
    assert_eq!(events, events::generate(EVENTS));

    let mut fixture = LogFixture::with(|builder| {
        builder.on_full(stenolog::OnFull::Block).ring_capacity_bytes(1 << 16)
    });
    log::replay(&events, fixture.logger()).unwrap();
    let records = fixture.finish();
    assert_eq!(records.len(), EVENTS);

    // Times of the exchange are all different, so the order is the feed's own.
    for (event, record) in events.iter().zip(&records) {
        assert_eq!(message(record), expected_message(event));
        let expected = json!({
            "participant": event.participant,
            "order_id": event.order_id,
            "side": event.side,
            "quantity": event.quantity,
            "symbol": event.symbol,
            "price": event.price,
        });
        assert_eq!(record["fields"], expected);
        let level = match event.kind {
            Kind::Add => "DEBUG",
            Kind::Execute | Kind::Cancel => "INFO",
            Kind::Correct => "WARN",
        };
        assert_eq!(record["level"], level);
        assert_eq!(record["thread"], format!("book-{}", log::part_of(event)));
        let (seconds, nanos) = (event.time_ns / 1_000_000_000, event.time_ns % 1_000_000_000);
        let timestamp = record["timestamp"].as_str().unwrap();
        assert!(timestamp.ends_with(&format!(".{nanos:09}Z")), "{timestamp}");
        let day_seconds = seconds % 86_400;
        let clock = format!(
            "{:02}:{:02}:{:02}",
            day_seconds / 3600,
            day_seconds / 60 % 60,
            day_seconds % 60
        );
        assert_eq!(&timestamp[..19], format!("2026-01-01T{clock}"));
    }

    let (text, _) = render(fixture.path(), Format::Short);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), EVENTS, "a line a record, whatever the strings hold");
    for (event, line) in events.iter().zip(lines) {
        let message = expected_message(event);
        assert!(line.contains(&message), "{line}");
        let participant = match &event.participant {
            None => "participant=None".to_owned(),
            Some(name) if name.contains('\n') => r#"participant=Some("line\nbreak"#.to_owned(),
            Some(name) => format!("participant=Some({name:?})"),
        };
        assert!(line.contains(&participant), "{line}");
    }
}
