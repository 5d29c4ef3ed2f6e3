//! Addresses and times are what std prints.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use stenolog_format::value::Value;

use super::*;
use crate::json::write_json;
use crate::render::text_buffer::TextBuffer;

#[track_caller]
fn check(write: impl Fn(Spare<'_>) -> Spare<'_>, expected: &str) {
    let mut buffer = TextBuffer::default();
    buffer.write(0, write);
    assert_eq!(std::str::from_utf8(buffer.text()).unwrap(), expected);
}

/// Numbers of each length, and those around powers of ten.
fn numbers() -> impl Iterator<Item = u64> {
    let mut state = 3_u64;
    (0..30_000_u32).map(move |n| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let scrambled = state ^ state >> 29;
        let ten = 10_u64.pow(scrambled as u32 % 20);
        match n % 6 {
            0 => ten,
            1 => ten - 1,
            2 => ten / 2,
            3 => ((scrambled >> 8) % 100).wrapping_mul(ten),
            _ => scrambled >> (n % 64),
        }
    })
}

fn bytes<const N: usize>(words: [u64; N]) -> Vec<u8> {
    words.map(u64::to_le_bytes).concat()
}

#[test]
fn addresses_are_what_display_prints() {
    let mut last = 0;
    for (number, turn) in numbers().zip(0..) {
        // Words with zeros in them.
        let second = last & [u64::MAX, 0xffff, 0xffff_0000, 0, 0xffff_ffff_0000_0000][turn % 5];
        last = number;
        let words = [number, second];
        let second = if turn % 7 == 0 { number << 32 | 0xffff_0000 } else { second };
        let words = if turn % 7 == 0 { [0, second] } else { words };
        let [a, b, c, d, port, more, ..] = number.to_le_bytes();
        let v4 = Ipv4Addr::new(a, b, c, d);
        check(|spare| put_ipv4(spare, number & 0xffff_ffff), &v4.to_string());
        let socket = SocketAddrV4::new(v4, u16::from_le_bytes([port, more]));
        check(|spare| put_socket_v4(spare, number & 0xffff_ffff_ffff), &socket.to_string());
        let v6 = Ipv6Addr::from(<[u8; 16]>::try_from(bytes(words)).unwrap());
        check(|spare| put_ipv6(spare, words), &v6.to_string());
        let scope = if turn % 3 == 0 { 0 } else { number as u32 };
        let port = number as u16;
        let rest = u64::from(port) | u64::from(number as u32) << 16 | u64::from(scope) << 48;
        let words = [words[0], words[1], rest, u64::from(scope >> 16)];
        let socket = SocketAddrV6::new(v6, port, number as u32, scope);
        check(|spare| put_socket_v6(spare, words), &socket.to_string());
    }
    check(|spare| put_ipv6(spare, [0, 0]), "::");
    check(|spare| put_ipv6(spare, [0, 1 << 56]), "::1");
}

#[test]
fn digits_of_base_16() {
    for number in numbers() {
        check(|spare| put_hex(spare, number, 1), &format!("{number:x}"));
        check(|spare| put_hex(spare, number, 9), &format!("{number:09x}"));
        check(|spare| put_hex(spare, number, 16), &format!("{number:016x}"));
    }
}

#[test]
fn durations_are_what_debug_prints() {
    let mut rounded = 0;
    for (number, turn) in numbers().zip(0..) {
        let nanos = (number.rotate_left(13) % 1_000_000_000) as u32;
        for duration in
            [Duration::from_nanos(number), Duration::new(number, nanos), Duration::new(0, nanos)]
        {
            let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
            check(|spare| put_duration(spare, seconds, nanos), &format!("{duration:?}"));
            let mut json = String::new();
            write_json(&mut json, &Value::Duration(duration));
            check(|spare| put_seconds(spare, seconds, nanos), &json);
            let decimals = turn % 10;
            let mut buffer = TextBuffer::default();
            let mut is_written = false;
            buffer.write(0, |spare| {
                let written = put_rounded_duration(spare, (seconds, nanos), decimals);
                is_written = written.is_ok();
                written.unwrap_or_else(|spare| spare)
            });
            if is_written {
                rounded += 1;
                let expected = format!("{duration:.decimals$?}");
                assert_eq!(std::str::from_utf8(buffer.text()).unwrap(), expected);
            }
        }
    }
    assert!(rounded > 30_000);
}

#[test]
fn moments_are_what_json_has() {
    for number in numbers() {
        let nanos = (number % 1_000_000_000) as u32;
        for seconds in [number as i64, -(number as i64 >> 20), number as i64 % 300_000_000_000] {
            let mut json = String::new();
            write_json(&mut json, &Value::SystemTime(seconds, nanos));
            let mut buffer = TextBuffer::default();
            let mut is_written = false;
            buffer.write(0, |spare| {
                let written = put_moment(spare, seconds, nanos);
                is_written = written.is_ok();
                written.unwrap_or_else(|spare| spare)
            });
            assert_eq!(is_written, json.contains('T'));
            if is_written {
                assert_eq!(std::str::from_utf8(buffer.text()).unwrap(), json.trim_matches('"'));
            }
        }
    }
}
