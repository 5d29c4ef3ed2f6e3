use super::*;

const HZ: u64 = 2_600_000_000;
const START: i64 = 1_795_388_825_000_000_000;

fn pair(counter: u64, unix_ns: i64) -> ClockPair {
    ClockPair { counter, unix_ns, uncertainty_ticks: 100 }
}

fn map(pairs: &[ClockPair]) -> TimeMap {
    TimeMap::new(pairs.to_vec(), HZ, pair(0, 0))
}

#[track_caller]
fn check(map: &TimeMap, counter: u64, expected: i64) {
    let found = map.at(counter, &mut 0).unix_ns;
    assert!((found - expected).abs() <= 1, "{found} is not {expected} at {counter}");
}

#[test]
fn a_single_pair_uses_the_nominal_frequency() {
    let map = map(&[pair(1_000_000, START)]);
    check(&map, 1_000_000, START);
    check(&map, 1_000_000 + 13, START + 5);
    check(&map, 0, START - 384_615);
    // Ten hours.
    check(&map, 1_000_000 + 36_000 * HZ, START + 36_000_000_000_000);
}

#[test]
fn drift_is_measured_between_pairs_and_kept_beyond_them() {
    // 50 ppm slow, over an hour: exact at every second.
    let ticks = |seconds: u64| seconds * (HZ - HZ / 20_000);
    let second = |n: u64| START + n as i64 * 1_000_000_000;
    let map =
        map(&[pair(0, START), pair(ticks(3600), second(3600)), pair(ticks(7200), second(7200))]);
    for n in [0, 1, 17, 3599, 3600, 3601, 7199, 7200, 9000, 36_000] {
        check(&map, ticks(n), second(n));
    }
}

#[test]
fn a_step_forward_jumps_where_it_is_seen() {
    let map = map(&[
        pair(0, START),
        pair(HZ, START + 1_000_000_000),
        pair(2 * HZ, START + 62_000_000_000),
    ]);
    check(&map, HZ + HZ / 2, START + 1_500_000_000);
    check(&map, 2 * HZ - 13, START + 1_999_999_995);
    check(&map, 2 * HZ, START + 62_000_000_000);
    check(&map, 3 * HZ, START + 63_000_000_000);
}

#[test]
fn a_step_back_shows_in_utc_but_not_in_the_order() {
    let map = map(&[
        pair(0, START),
        pair(HZ, START + 1_000_000_000),
        pair(2 * HZ, START - 8_000_000_000),
    ]);
    check(&map, 2 * HZ - 26, START + 1_999_999_990);
    check(&map, 2 * HZ, START - 8_000_000_000);
    let mut hint = 0;
    let mut before = i64::MIN;
    for counter in (0..20 * HZ).step_by(HZ as usize / 7) {
        let order = map.at(counter, &mut hint).order_ns;
        assert!(order >= before, "at {counter}");
        before = order;
    }
    assert_eq!(map.unix_range(0, 3 * HZ), (START - 8_000_000_000, START + 2_000_000_000));
}

#[test]
fn pairs_close_together_do_not_spoil_what_lies_beyond() {
    // Two readings a microsecond apart, one of them 40 ns late: 4 % off, if it were believed.
    let map = map(&[pair(0, START), pair(2600, START + 1040)]);
    check(&map, 3600 * HZ, START + 3_600_000_000_000 + 40);
}

#[test]
fn absurd_pairs_are_survived() {
    let extremes = [0, 1, u64::MAX / 2, u64::MAX];
    let times = [i64::MIN, -1, 0, i64::MAX];
    for hz in [0, 1, HZ, u64::MAX] {
        for a in extremes {
            for b in extremes {
                for (x, y) in times.iter().zip(times.iter().rev()) {
                    let map = TimeMap::new(vec![pair(a, *x), pair(b, *y)], hz, pair(0, 0));
                    let mut before = i64::MIN;
                    for counter in extremes {
                        let order = map.at(counter, &mut 0).order_ns;
                        assert!(order >= before);
                        before = order;
                        map.unix_range(counter, 0);
                        map.unix_range(0, counter);
                    }
                }
            }
        }
    }
}

#[test]
fn windows_map_as_their_segments_do() {
    let pairs = [
        pair(1_000, START),
        pair(HZ, START + 1_000_000_000),
        pair(2 * HZ, START - 8_000_000_000),
        pair(3 * HZ + 7, START - 7_000_000_001),
    ];
    let mut maps = vec![map(&pairs)];
    for hz in [0, 1, HZ, u64::MAX] {
        for unix_ns in [i64::MIN, -1, START, 1 << 62, i64::MAX] {
            maps.push(TimeMap::new(vec![pair(5, unix_ns)], hz, pair(0, 0)));
        }
    }
    let ends = [0, 1, 5, 1_000, HZ, 2 * HZ, 3 * HZ + 7, 1 << 40, u64::MAX - 3];
    let mut found = 0;
    for map in maps {
        for at in ends {
            for near in 0..4_u64 {
                let (mut hint, first) = (0, at.wrapping_sub(near * 13));
                map.at(first, &mut hint);
                let window = map.window(hint);
                for end in ends {
                    for counter in (0..200).map(|n| end.saturating_add(n * 7_919)) {
                        let Some(moment) = window.at(counter) else { continue };
                        assert_eq!(moment, map.at(counter, &mut 0), "at {counter}");
                        found += 1;
                    }
                }
            }
        }
    }
    assert!(found > 10_000);
}

#[test]
fn ranges_are_those_of_all_steps_between() {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for count in [1, 2, 3, 4, 5, 8, 17] {
        let pairs: Vec<_> =
            (0..count).map(|at| pair(at * HZ, START + random(40) as i64 * 1_000_000_000)).collect();
        let map = map(&pairs);
        for first in 0..2 * count {
            for last in first..2 * count {
                let (from, to) = (first * HZ / 2, last * HZ / 2);
                let ends = [from, to].map(|counter| map.at(counter, &mut 0).unix_ns);
                let within = map
                    .segments
                    .windows(2)
                    .filter(|pair| pair[1].start > from && pair[1].start <= to);
                let steps = within.flat_map(|pair| [pair[0].at(pair[1].start), pair[1].unix_ns]);
                let all: Vec<i64> = ends.into_iter().chain(steps).collect();
                let expected = (*all.iter().min().unwrap(), *all.iter().max().unwrap());
                assert_eq!(map.unix_range(from, to), expected, "{from} to {to} of {count}");
            }
        }
    }
}
