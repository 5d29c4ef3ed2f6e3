use super::*;

/// Saturday, 2026-05-30, 22:15:30.5 UTC: Sunday, 00:15:30.5 in Berlin.
fn now() -> DateTime<Utc> {
    "2026-05-30T22:15:30.5Z".parse().unwrap()
}

#[track_caller]
fn check_in(zone: &str, text: &str, expected: &str) {
    let zone: Zone = zone.parse().unwrap();
    let expected: DateTime<Utc> = expected.parse().unwrap();
    let found = parse(text, Edge::Since, zone, now()).map(DateTime::from_timestamp_nanos);
    assert_eq!(found, Ok(expected), "{text}");
}

#[track_caller]
fn check(text: &str, expected: &str) {
    check_in("utc", text, expected);
}

#[test]
fn days_and_times() {
    check("now", "2026-05-30T22:15:30.5Z");
    check("today", "2026-05-30T00:00:00Z");
    check("Yesterday", "2026-05-29T00:00:00Z");
    check("tomorrow", "2026-05-31T00:00:00Z");
    check("yesterday 14:30", "2026-05-29T14:30:00Z");
    check("tomorrow  01:00", "2026-05-31T01:00:00Z");
    check("2026-02-28", "2026-02-28T00:00:00Z");
    check("2026-02-28 23:59", "2026-02-28T23:59:00Z");
    check("2026-02-28T23:59:01", "2026-02-28T23:59:01Z");
    check("2026-02-28 23:59:01.000000001", "2026-02-28T23:59:01.000000001Z");
    check("04:05", "2026-05-30T04:05:00Z");
    check("04:05:06.7", "2026-05-30T04:05:06.7Z");
}

#[test]
fn rfc_3339_has_its_own_offset() {
    check_in("Europe/Berlin", "2026-05-30T12:00:00+05:30", "2026-05-30T06:30:00Z");
    check_in("Europe/Berlin", "2026-05-30 12:00:00.123456789Z", "2026-05-30T12:00:00.123456789Z");
    check_in("Europe/Berlin", "2026-05-30 12:00Z", "2026-05-30T12:00:00Z");
}

#[test]
fn relative_times() {
    check("-2h", "2026-05-30T20:15:30.5Z");
    check("-1h30m", "2026-05-30T20:45:30.5Z");
    check("-3d", "2026-05-27T22:15:30.5Z");
    check("+5m", "2026-05-30T22:20:30.5Z");
    check("-1.5s", "2026-05-30T22:15:29Z");
    check("-1w 1d", "2026-05-22T22:15:30.5Z");
    check("-500ms", "2026-05-30T22:15:30Z");
    check("2h ago", "2026-05-30T20:15:30.5Z");
    check("10 minutes ago", "2026-05-30T22:05:30.5Z");
}

#[test]
fn epoch_times() {
    check("@0", "1970-01-01T00:00:00Z");
    check("@1780000000", "2026-05-28T20:26:40Z");
    check("@1780000000.000000001", "2026-05-28T20:26:40.000000001Z");
    check("@-1.5", "1969-12-31T23:59:58.5Z");
}

#[test]
fn the_zone_decides_what_today_is() {
    check_in("Europe/Berlin", "today", "2026-05-30T22:00:00Z");
    check_in("Europe/Berlin", "yesterday", "2026-05-29T22:00:00Z");
    check_in("Europe/Berlin", "00:10", "2026-05-30T22:10:00Z");
    check_in("+05:30", "2026-01-01", "2025-12-31T18:30:00Z");
}

#[test]
fn hours_that_are_missing_or_come_twice() {
    // The clocks of Berlin jumped from 02:00 to 03:00, and back on 2026-10-25 from 03:00 to 02:00.
    check_in("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:30:00Z");
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let at = |edge| {
        let ns = parse("2026-10-25 02:30", edge, berlin, now()).unwrap();
        DateTime::from_timestamp_nanos(ns).to_rfc3339()
    };
    assert_eq!(at(Edge::Since), "2026-10-25T00:30:00+00:00");
    assert_eq!(at(Edge::Until), "2026-10-25T01:30:00+00:00");
}

#[test]
fn what_is_no_time_is_named() {
    #[track_caller]
    fn check(text: &str, expected: fn(String) -> TimeError) {
        let found = parse(text, Edge::Since, Zone::Utc, now());
        assert_eq!(found, Err(expected(text.to_owned())));
    }
    for text in ["", "soon", "25:00", "2026-13-01", "2026-02-30", "@", "@x", "@1.2.3", "@1e9", "T"]
    {
        check(text, TimeError::Form);
    }
    for text in ["-", "-5", "-2x", "-h", "+1h5", "-1..5h", "- ago"] {
        check(text, TimeError::Unit);
    }
    for text in ["1000-01-01", "@99999999999999", "-99999w", "3000-01-01T00:00:00Z"] {
        check(text, TimeError::Range);
    }
}
