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
fn a_time_of_day_may_have_an_offset() {
    check_in("Europe/Berlin", "2026-10-25 02:30+01:00", "2026-10-25T01:30:00Z");
    check_in("Europe/Berlin", "2026-10-25 02:30 +02:00", "2026-10-25T00:30:00Z");
    check_in("Europe/Berlin", "2026-11-01T01:30:15-05:00", "2026-11-01T06:30:15Z");
    check("today 14:30-01:30", "2026-05-30T16:00:00Z");
    check_in("Europe/Berlin", "14:30+00:00", "2026-05-30T14:30:00Z");
    for text in ["2026-05-31-05:00", "+02:00", "14:30+99:00", "14:30+2:00"] {
        let found = parse(text, Edge::Since, Zone::UTC, now());
        assert!(found.is_err(), "{text}: {found:?}");
    }
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
        let found = parse(text, Edge::Since, Zone::UTC, now());
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

/// Zones with transitions of all kinds: by half an hour and by two, at midnight, after it by the
/// hours of the day before, southern ones, and ones whose winter time counts as the exception.
const ZONES: [&str; 12] = [
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "America/St_Johns",
    "Europe/Berlin",
    "Europe/Dublin",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
];

/// The moments of 2026 at which the offset changes, by the offsets alone.
fn transitions(zone: Zone) -> Vec<DateTime<Utc>> {
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let moments = (0..365 * 96).map(|quarter| start + Duration::minutes(15 * quarter));
    let before = |moment: DateTime<Utc>| offset_at(zone, moment - Duration::seconds(1));
    moments.filter(|&moment| before(moment) != offset_at(zone, moment)).collect()
}

/// Reads what the clocks of the zone show at a moment.
fn read_back(moment: DateTime<Utc>, edge: Edge, zone: Zone) -> DateTime<Utc> {
    let shown = moment.with_timezone(&offset_at(zone, moment)).format("%Y-%m-%d %H:%M:%S%.f");
    let ns = parse(&shown.to_string(), edge, zone, now()).unwrap();
    DateTime::from_timestamp_nanos(ns)
}

/// Around each transition of a year each time means the moment at which it is shown; of a time that is
/// shown twice the first is meant by `--since`, the second by `--until`.
fn check_transitions(zone: Zone) -> usize {
    let transitions = transitions(zone);
    for &transition in &transitions {
        let [before, after] = [transition - Duration::seconds(1), transition]
            .map(|moment| offset_at(zone, moment).local_minus_utc());
        let back = Duration::seconds((before - after).max(0).into());
        for minutes in (-300..300).step_by(5).chain([-1, 1]) {
            let moment = transition + Duration::minutes(minutes);
            let is_first = moment >= transition - back && moment < transition;
            let is_second = moment >= transition && moment < transition + back;
            let since = if is_second { moment - back } else { moment };
            let until = if is_first { moment + back } else { moment };
            let found = [Edge::Since, Edge::Until].map(|edge| read_back(moment, edge, zone));
            assert_eq!(found, [since, until], "{zone:?}: {moment}");
        }
        // What the clocks jump over counts on from before the jump.
        let forward = Duration::seconds((after - before).max(0).into());
        let jump = transition.naive_utc() + Duration::seconds(before.into());
        for minutes in (0..forward.num_minutes()).step_by(5) {
            let skipped = jump + Duration::minutes(minutes);
            let text = skipped.format("%Y-%m-%d %H:%M").to_string();
            let ns = parse(&text, Edge::Until, zone, now()).unwrap();
            let expected = transition + Duration::minutes(minutes);
            assert_eq!(DateTime::from_timestamp_nanos(ns), expected, "{zone:?}: {text}");
        }
    }
    transitions.len()
}

#[test]
fn every_transition_of_a_year() {
    let all: usize = ZONES.iter().map(|zone| check_transitions(zone.parse().unwrap())).sum();
    assert_eq!(all, 22, "eleven zones with two transitions each");
}

/// A child whose local zone is one of these; without the variable there is nothing to do.
#[test]
fn child_of_the_local_zone() {
    let Ok(name) = std::env::var("STENO_TEST_ZONE") else { return };
    let (local, named): (Zone, Zone) = (Zone::LOCAL, name.parse().unwrap());
    assert_eq!(check_transitions(local), check_transitions(named));
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    for half_hour in 0..365 * 48 {
        let moment = start + Duration::minutes(30 * half_hour);
        assert_eq!(offset_at(local, moment), offset_at(named, moment), "{name}: {moment}");
        let ns = moment.timestamp_nanos_opt().unwrap();
        assert_eq!(show(ns, local), show(ns, named));
    }
}

/// The local zone is one for the whole process: each gets a process of its own.
#[cfg(unix)]
#[test]
fn the_local_zone_is_as_the_named_one() {
    let database = std::path::Path::new("/usr/share/zoneinfo");
    // Without the system's database there is no local zone but UTC.
    for zone in ZONES.into_iter().filter(|zone| database.join(zone).exists()) {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::time::tests::child_of_the_local_zone", "--nocapture"])
            .env("TZ", zone)
            .env("STENO_TEST_ZONE", zone)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{zone}: {said}");
    }
}
