//! Types of other packages print as they print themselves, and are strings in JSON.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveTime, TimeDelta, Timelike as _, Utc};
use jiff::ToSpan as _;
use rust_decimal::Decimal;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};
use stenolog::{Record, info};
use stenolog_decoder::{Decoder, Dump, Entry, Filter, Format};
use stenolog_tests::LogFixture;
use stenolog_tests::second_reader::{Reading, values};

/// How many records of a dump meet a condition.
fn count_where(path: &Path, condition: &str) -> usize {
    let filter = Filter::default().with_field(condition.parse().unwrap());
    let mut records = 0;
    let mut decoder = Decoder::new(Dump::open(path).unwrap()).with_filter(filter);
    let _all = decoder.for_each(|entry| {
        records += usize::from(matches!(entry, Entry::Record(_)));
        ControlFlow::Continue(())
    });
    records
}

/// Logs each value by several specs, and as fields, and compares each with what `format!` and the like write.
macro_rules! check_each {
    ($($value:expr),+ $(,)?) => {{
        let mut fixture = LogFixture::new();
        let mut expected = Vec::new();
        $(
            let value = $value;
            info!(
                bare = value, percent = %value, question = ?value, some = Some(&value), list = [&value],
                "{value} {value:?} {value:#} {value:#?} {value:>44} {value:<44?}| {value:.3} {value:*^50.1} {value:.0} \
                 {:?}", (&value, Some(&value)),
            );
            let message = format!(
                "{value} {value:?} {value:#} {value:#?} {value:>44} {value:<44?}| {value:.3} {value:*^50.1} {value:.0} \
                 {:?}", (&value, Some(&value)),
            );
            expected.push((message, value.to_string(), format!("{value:?}")));
        )+
        let path = fixture.path().to_owned();
        let records = fixture.finish();
        assert_eq!(records.len(), expected.len());
        let (short, _) = stenolog_tests::render(&path, Format::Short);
        for ((record, line), (message, display, debug)) in
            records.iter().zip(short.lines()).zip(&expected)
        {
            assert_eq!(stenolog_tests::message(record), message);
            for name in ["bare", "percent", "question", "some"] {
                assert_eq!(record["fields"][name], *display, "{name}");
            }
            assert_eq!(record["fields"]["list"], json!([display]));
            let bare = if display.contains(' ') || display.contains('=') {
                format!("bare={display:?}")
            } else {
                format!("bare={display}")
            };
            assert!(line.contains(&bare), "{line} has no {bare}");
            assert!(line.contains(&format!("question={debug} ")), "{line}");
            assert!(line.contains(&format!("some=Some({debug}) ")), "{line}");
        }
        let (read, _) = stenolog_tests::read(&path);
        assert_eq!(read.len(), expected.len());
    }};
}

#[test]
fn uuids_print_as_they_do() {
    let id = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    check_each!(id, uuid::Uuid::nil(), uuid::Uuid::max());
    let mut fixture = LogFixture::new();
    info!("{id:x} {id:X} {id:#X}");
    assert_eq!(fixture.messages(), [format!("{id:x} {id:X} {id:#X}")]);
}

#[test]
fn chrono_prints_as_it_does() {
    let utc = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
    let east = FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
    check_each!(
        utc,
        DateTime::<Utc>::UNIX_EPOCH,
        DateTime::from_timestamp(-1, 999_000_000).unwrap(),
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
        // A leap second.
        DateTime::from_timestamp(1_483_228_799, 1_500_000_000).unwrap(),
        utc.with_timezone(&east),
        utc.with_timezone(&FixedOffset::west_opt(3600).unwrap()),
        utc.with_timezone(&Local),
        utc.naive_utc(),
        utc.date_naive(),
        NaiveDate::MIN,
        NaiveDate::MAX,
        NaiveDate::from_ymd_opt(-5, 2, 28).unwrap(),
        utc.time(),
        NaiveTime::from_hms_milli_opt(23, 59, 59, 1_200).unwrap(),
        TimeDelta::milliseconds(-1_500),
        TimeDelta::zero(),
        TimeDelta::MIN,
        TimeDelta::MAX,
        east,
    );
    // Leap seconds that are not at :59.
    let leap = utc.with_nanosecond(1_999_999_999).unwrap();
    let offset = FixedOffset::east_opt(3600 + 13).unwrap();
    let at_59 = DateTime::from_timestamp(1_483_228_799, 1_000_000_000).unwrap();
    check_each!(
        leap,
        leap.naive_utc(),
        leap.time(),
        leap.with_timezone(&east),
        leap.with_timezone(&offset),
        leap.with_timezone(&Local),
        at_59.with_timezone(&offset),
        at_59.with_timezone(&offset).naive_local(),
        at_59.with_timezone(&offset).time(),
        DateTime::from_timestamp(-61, 0).unwrap().with_nanosecond(1_000_000_000).unwrap(),
        NaiveTime::MIN.with_nanosecond(1_000_000_000).unwrap(),
        NaiveTime::from_hms_opt(23, 59, 58).unwrap().with_nanosecond(1_500_000_000).unwrap(),
    );
}

#[test]
fn jiff_prints_as_it_does() {
    use jiff::civil::{date, time};
    use jiff::tz::{self, Offset, TimeZone};
    use jiff::{SignedDuration, Span, Timestamp};

    let now = Timestamp::new(1_700_000_000, 120_000_000).unwrap();
    check_each!(
        now,
        Timestamp::UNIX_EPOCH,
        Timestamp::new(-1, -1).unwrap(),
        Timestamp::MIN,
        Timestamp::MAX,
        now.in_tz("America/New_York").unwrap(),
        now.in_tz("Asia/Kolkata").unwrap(),
        now.to_zoned_datetime(TimeZone::UTC),
        now.to_zoned_datetime(TimeZone::unknown()),
        now.to_zoned_datetime(TimeZone::fixed(tz::offset(-3))),
        now.to_zoned_datetime(TimeZone::fixed(Offset::from_seconds(5 * 3600 + 31).unwrap())),
        date(2024, 2, 29).at(1, 2, 3, 4_000),
        date(-44, 3, 15).at(12, 0, 0, 0),
        date(9999, 12, 31),
        date(-9999, 1, 1),
        time(23, 59, 59, 999_999_999),
        time(0, 0, 0, 0),
        SignedDuration::new(3_723, 500_000_000),
        SignedDuration::new(-3_723, -5_000),
        SignedDuration::ZERO,
        SignedDuration::from_secs(60),
        SignedDuration::from_nanos(-7),
        SignedDuration::MIN,
        SignedDuration::MAX,
        Span::new(),
        1.year().months(2).days(3).hours(4).minutes(5).seconds(6).milliseconds(7).nanoseconds(8),
        -5.weeks(),
        90.seconds().microseconds(1_500_000),
        3.hours(),
        Offset::UTC,
        tz::offset(-11),
        Offset::from_seconds(5 * 3600 + 1800).unwrap(),
        Offset::from_seconds(-30).unwrap(),
        Offset::MIN,
    );
}

#[test]
fn time_prints_as_it_does() {
    use time::{
        Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcDateTime, UtcOffset,
    };

    let utc = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_120_000_000).unwrap();
    let offset = UtcOffset::from_hms(-3, -30, -1).unwrap();
    check_each!(
        utc,
        utc.to_offset(offset),
        OffsetDateTime::UNIX_EPOCH,
        UtcDateTime::from_unix_timestamp(-1).unwrap(),
        PrimitiveDateTime::new(utc.date(), utc.time()),
        PrimitiveDateTime::MIN,
        PrimitiveDateTime::MAX,
        Date::from_calendar_date(2024, Month::February, 29).unwrap(),
        Date::MIN,
        Date::MAX,
        Time::MIDNIGHT,
        Time::from_hms_nano(9, 8, 7, 10).unwrap(),
        offset,
        UtcOffset::UTC,
        Duration::ZERO,
        Duration::new(93_784, 5_006_007),
        Duration::new(-3, -500_000_000),
        Duration::nanoseconds(1),
        Duration::MIN,
        Duration::MAX,
    );
}

#[test]
fn decimals_print_as_they_do() {
    let number = |text| Decimal::from_str(text).unwrap();
    check_each!(
        number("12.3450"),
        number("-0.05"),
        number("0"),
        number("0.000"),
        -Decimal::ZERO,
        number("0.0000000000000000000000000001"),
        number("1000"),
    );
    let mut fixture = LogFixture::new();
    // With a precision the package itself panics on these.
    let mut expected = Vec::new();
    for number in [Decimal::MAX, Decimal::MIN] {
        info!("{number} {number:?} {number:>40} {number:e}");
        expected.push(format!("{number} {number:?} {number:>40} {number:e}"));
    }
    for text in ["12.345", "-1000", "0", "5", "0.000120", "7.5"] {
        let number = number(text);
        info!("{number:e} {number:E} {number:.2e} {number:.0e} {number:+} {number:012}");
        expected.push(format!(
            "{number:e} {number:E} {number:.2e} {number:.0e} {number:+} {number:012}"
        ));
    }
    assert_eq!(fixture.messages(), expected);
}

#[test]
fn urls_print_as_they_do() {
    let url = |text| url::Url::parse(text).unwrap();
    check_each!(
        url("https://user:pw@example.com:8443/a/b?x=1&y=2#frag"),
        url("http://[2001:db8::1]/"),
        url("http://127.1/"),
        url("http://[::1]:81/?q"),
        url("file:///etc/passwd"),
        url("mailto:a@example.com"),
        url("data:text/plain,hi?x#y"),
        url("unix:/run/a.sock"),
        url("foo://1.2.3.4/x"),
        url("foo://user@host"),
        url("foo:///x"),
        url("web+demo:/.//not-a-host/"),
        url("https://:pw@h/"),
        url("redis://:secret@cache:6379/0"),
        url("http://a.example/x@y:z"),
    );
}

#[test]
fn bytes_floats_and_small_vectors_print_as_they_do() {
    let body = bytes::Bytes::from_static(b"GET / \"\\\r\n\t\0\x01\xff~");
    let buffer = bytes::BytesMut::from(&b"ab"[..]);
    let small: smallvec::SmallVec<[u16; 4]> = smallvec::smallvec![1, 2, 3];
    let (price, other) =
        (ordered_float::OrderedFloat(1.5), ordered_float::NotNan::new(2.0_f32).unwrap());
    let mut fixture = LogFixture::new();
    info!(
        body, buffer, small, price, other, question = ?body,
        "{body:?} {body:x} {buffer:X} {small:?} {small:#?} {price} {price:?} {price:>8.3} {other} {other:?} {price:e}"
    );
    let message = format!(
        "{body:?} {body:x} {buffer:X} {small:?} {small:#?} {price} {price:?} {price:>8.3} {other} {other:?} {price:e}"
    );
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    assert_eq!(stenolog_tests::message(&records[0]), message);
    let fields = &records[0]["fields"];
    assert_eq!(fields["body"], json!(body.to_vec()));
    assert_eq!(fields["buffer"], json!([97, 98]));
    assert_eq!(fields["small"], json!([1, 2, 3]));
    assert_eq!((&fields["price"], &fields["other"]), (&json!(1.5), &json!(2.0)));
    let (short, _) = stenolog_tests::render(&path, Format::Short);
    assert!(short.contains(&format!("body={body:?} buffer=b\"ab\"")), "{short}");
}

#[derive(Debug, Record)]
struct Trade {
    id: uuid::Uuid,
    at: DateTime<Utc>,
    price: Decimal,
    link: Option<url::Url>,
    ids: Vec<uuid::Uuid>,
    tags: smallvec::SmallVec<[String; 2]>,
}

fn trade() -> Trade {
    let id = uuid::Uuid::from_u128(7);
    Trade {
        id,
        at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        price: Decimal::new(12_50, 2),
        link: Some(url::Url::parse("https://example.com/x").unwrap()),
        ids: vec![id],
        tags: smallvec::smallvec!["a".to_owned()],
    }
}

#[test]
fn records_have_them_as_fields() {
    let mut fixture = LogFixture::new();
    let trade = trade();
    info!(trade, "{trade:?} {trade:#?}");
    let records = fixture.finish();
    assert_eq!(stenolog_tests::message(&records[0]), format!("{trade:?} {trade:#?}"));
    assert_eq!(
        records[0]["fields"]["trade"],
        json!({
            "id": "00000000-0000-0000-0000-000000000007",
            "at": "2023-11-14 22:13:20 UTC",
            "price": "12.50",
            "link": "https://example.com/x",
            "ids": ["00000000-0000-0000-0000-000000000007"],
            "tags": ["a"],
        })
    );
}

#[test]
fn filters_know_what_is_meant() {
    let mut fixture = LogFixture::new();
    let (trade, other) = (trade(), uuid::Uuid::from_u128(8));
    let delta = TimeDelta::milliseconds(1500);
    info!(
        id = trade.id,
        at = trade.at,
        price = trade.price,
        delta,
        link = trade.link,
        trade,
        "one"
    );
    info!(id = other, at = DateTime::<Utc>::UNIX_EPOCH, price = Decimal::ONE, "two");
    let path = fixture.path().to_owned();
    fixture.finish();
    let count = |condition: &str| count_where(&path, condition);
    for condition in [
        "id=00000000-0000-0000-0000-000000000007",
        "id=00000000000000000000000000000007",
        "id={00000000-0000-0000-0000-000000000007}",
        "at=2023-11-14 22:13:20 UTC",
        "at=2023-11-14T22:13:20Z",
        "at=2023-11-14T23:13:20+01:00",
        "price=12.5",
        "price=12.50",
        "delta=1.5s",
        "delta=1500ms",
        "link=https://example.com/x",
        "trade.id=00000000000000000000000000000007",
        "trade.price=12.500",
        "trade.link=https://example.com/x",
    ] {
        assert_eq!(count(condition), 1, "{condition}");
    }
    for condition in ["id=7", "price=12.51", "at=2023-11-14T22:13:21Z", "delta=2s"] {
        assert_eq!(count(condition), 0, "{condition}");
    }
    assert_eq!(count("price=1"), 1);
}

#[test]
fn hex_dumps_are_lines() {
    let mut fixture = LogFixture::new();
    let bytes: Vec<u8> = (0..40).map(|n| n * 3).collect();
    info!(packet = stenolog::hexdump(&bytes), "{}", stenolog::hexdump(b"hello"));
    info!(packet = stenolog::hexdump(""), "none");
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    let (verbose, _) = stenolog_tests::render(&path, Format::Verbose);
    let below = "    packet: stenolog::Hexdump =\n        00000000  00 03";
    assert!(verbose.contains(below), "{verbose}");
    assert!(verbose.contains("|...........!$'*-|\n        00000010  30"), "{verbose}");
    let lines = "00000000  00 03 06 09 0c 0f 12 15  18 1b 1e 21 24 27 2a 2d  |...........!$'*-|\n\
                 00000010  30 33 36 39 3c 3f 42 45  48 4b 4e 51 54 57 5a 5d  |0369<?BEHKNQTWZ]|\n\
                 00000020  60 63 66 69 6c 6f 72 75                           |`cfiloru|";
    assert_eq!(records[0]["fields"]["packet"], lines);
    let line = "00000000  68 65 6c 6c 6f                                    |hello|";
    assert_eq!(stenolog_tests::message(&records[0]), line);
    assert_eq!(line, stenolog::hexdump(b"hello").to_string());
    assert_eq!(records[1]["fields"]["packet"], Value::from(""));
}

/// The second reader sees the parts.
#[test]
fn another_reader_loses_nothing() {
    let mut fixture = LogFixture::new();
    info!(
        id = uuid::Uuid::from_u128(1),
        at = DateTime::from_timestamp(-1, 5).unwrap(),
        price = Decimal::new(-125, 2),
    );
    let path = fixture.path().to_owned();
    fixture.finish();
    let [line] = &Reading::of(&path).whole()[..] else { panic!("one record") };
    let expected = r#"{"uuid::Uuid":[[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]]},{"chrono::DateTime<Utc>":[-1,5]},{"rust_decimal::Decimal":[-125,2]}"#;
    assert_eq!(values(line), expected);
}

#[derive(Debug)]
struct Outer(std::io::Error);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("load failed")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn outer() -> Outer {
    Outer(std::io::Error::other("disk on fire"))
}

#[test]
fn reports_of_anyhow_and_eyre_keep_their_sources() {
    let mut fixture = LogFixture::new();
    let anyhow = anyhow::Error::new(outer()).context("start");
    let eyre = eyre::Report::new(outer()).wrap_err("start");
    let result: anyhow::Result<u8> = Err(anyhow::Error::new(outer()));
    info!(
        anyhow,
        eyre,
        percent = %anyhow,
        eyre_percent = %eyre,
        reference = &eyre,
        some = Some(&anyhow),
        none = None::<anyhow::Error>,
        err = result.as_ref().unwrap_err(),
        question = ?eyre,
        "{anyhow} {anyhow:#} {eyre} {anyhow:?}"
    );
    let records = fixture.finish();
    let fields = &records[0]["fields"];
    let chain = json!({"message": "start", "sources": ["load failed", "disk on fire"]});
    for name in ["anyhow", "eyre", "percent", "eyre_percent", "reference", "some"] {
        assert_eq!(fields[name], chain, "{name}");
    }
    assert_eq!(fields["none"], Value::Null);
    assert_eq!(fields["err"]["message"], "load failed");
    assert_eq!(fields["question"], format!("{eyre:?}"));
    let message = format!("{anyhow} {anyhow:#} {eyre} {anyhow:?}");
    assert_eq!(stenolog_tests::message(&records[0]), message);
}
