//! Types that hold no others.

use std::fmt::{Debug, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::{Duration, SystemTime};

use super::table::{self, Exp, Radix};
use super::*;

macro_rules! recorded {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(impl Recorded for $type {
            fn record(&self) -> Value<'_> {
                Value::$variant(*self)
            }
        })*
    };
}
recorded!(
    bool => Bool, char => Char, u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128, f32 => F32, f64 => F64,
    Duration => Duration, IpAddr => Ip, SocketAddr => Socket, &str => Str,
);

impl Recorded for String {
    fn record(&self) -> Value<'_> {
        Value::Str(self)
    }
}

impl Recorded for () {
    fn record(&self) -> Value<'_> {
        Value::Unit
    }
}

impl Recorded for SystemTime {
    fn record(&self) -> Value<'_> {
        match self.duration_since(Self::UNIX_EPOCH) {
            Ok(since) => Value::SystemTime(since.as_secs() as i64, since.subsec_nanos()),
            Err(before) => {
                let nanos = -i128::try_from(before.duration().as_nanos()).unwrap();
                let seconds = nanos.div_euclid(1_000_000_000) as i64;
                Value::SystemTime(seconds, nanos.rem_euclid(1_000_000_000) as u32)
            }
        }
    }
}

/// All traits of a number: edge values with every case, random ones with random cases.
macro_rules! check_numbers {
    ($type:ty, [$($table:ident as $erased:ty),*], $edges:expr, $random:expr) => {
        $(
            let table = table::$table();
            check_all(&table, |value: &$type| value as &$erased, $edges);
            check_random(&table, |value: &$type| value as &$erased, $random);
        )*
    };
}

macro_rules! integers {
    ($($name:ident: $type:ty),*) => {
        $(#[test]
        fn $name() {
            check_numbers!(
                $type,
                [display as dyn Display, debug as dyn Debug, radix as dyn Radix, exp as dyn Exp],
                [0, 1, 42, <$type>::MIN, <$type>::MAX],
                prop_oneof![any::<$type>(), (0u32..128).prop_perturb(|shift, mut rng| {
                    // All magnitudes alike.
                    rng.random::<$type>() >> (shift % <$type>::BITS)
                })]
            );
        })*
    };
}
integers!(
    unsigned_8: u8, unsigned_16: u16, unsigned_32: u32, unsigned_64: u64, unsigned_128: u128,
    signed_8: i8, signed_16: i16, signed_32: i32, signed_64: i64, signed_128: i128
);

macro_rules! floats {
    ($($name:ident: $type:ident, $bits:ident),*) => {
        $(#[test]
        fn $name() {
            check_numbers!(
                $type,
                [display as dyn Display, debug as dyn Debug, exp as dyn Exp],
                [
                    0.0, -0.0, 1.0, -1.5, 0.1, 0.25, 0.125, 2.5, 0.05, 99.995, 1e-4, 9.9999e-5,
                    1e-7, 1e15, 1e16, 123456789.125, $type::MAX, $type::MIN_POSITIVE,
                    $type::from_bits(1), $type::EPSILON, $type::INFINITY, $type::NEG_INFINITY,
                    $type::NAN,
                ],
                prop_oneof![
                    any::<$bits>().prop_map($type::from_bits),
                    -1000.0 as $type..1000.0,
                    (-10_000_000i64..10_000_000, 0..8).prop_map(|(n, e)| {
                        n as $type / (10.0 as $type).powi(e)
                    }),
                ]
            );
        })*
    };
}
floats!(float_32: f32, u32, float_64: f64, u64);

/// Types with `Display` and `Debug`.
fn check_both<T: Recorded + Debug + Display + Clone + 'static>(
    edges: &[T],
    random: impl Strategy<Value = T> + Clone,
) {
    let displays = table::display();
    check_all(&displays, |value: &T| value as &dyn Display, edges.iter().cloned());
    check_random(&displays, |value: &T| value as &dyn Display, random.clone());
    check_debug(edges, random);
}

fn check_debug<T: Recorded + Debug + Clone + 'static>(
    edges: &[T],
    random: impl Strategy<Value = T>,
) {
    let debugs = table::debug();
    check_all(&debugs, |value: &T| value as &dyn Debug, edges.iter().cloned());
    check_random(&debugs, |value: &T| value as &dyn Debug, random);
}

#[test]
fn booleans_and_unit() {
    check_both(&[false, true], any::<bool>());
    check_debug(&[()], Just(()));
}

#[test]
fn chars() {
    let edges = ['a', '\'', '"', '\\', '\n', '\0', '\x7f', 'é', '\u{301}', '🦀', '\u{200d}'];
    check_both(&edges, any::<char>());
    check_both(&['\u{202e}', '\u{e000}', '\u{10ffff}'], any::<char>());
}

#[test]
fn strings() {
    let edges = [
        "",
        "a",
        "order",
        "it's \"quoted\"\\",
        "a\nb\tc\r\0\x1b[0m",
        "größe",
        "e\u{301}\u{301}x",
        "\u{301}x",
        "👩‍👩‍👧",
        "日本語テキスト",
        "\u{10ffff}\u{feff}\u{202e}",
    ];
    let edges: Vec<_> = edges.map(String::from).into();
    check_both(&edges, any::<String>());
}

#[test]
fn durations() {
    let edges: Vec<_> = [0, 1, 999, 1_000, 1_500, 999_999, 1_000_000, 999_999_999, 2_000_000_000]
        .map(Duration::from_nanos)
        .into_iter()
        .chain([Duration::MAX, Duration::from_secs(3_600), Duration::new(1, 999_999_999)])
        .collect();
    let random = prop_oneof![
        any::<Duration>(),
        any::<u64>().prop_flat_map(|n| (0..64u32).prop_map(move |s| Duration::from_nanos(n >> s))),
    ];
    check_debug(&edges, random.clone().boxed());
}

#[test]
#[cfg(unix)]
fn system_times() {
    let epoch = SystemTime::UNIX_EPOCH;
    let half = Duration::new(1, 500_000_000);
    let random =
        (any::<u32>(), 0..1_000_000_000u32, any::<bool>()).prop_map(move |(s, n, before)| {
            let offset = Duration::new(s.into(), n);
            if before { epoch - offset } else { epoch + offset }
        });
    check_debug(&[epoch, epoch + half, epoch - half], random);
}

#[test]
fn addresses() {
    let ips = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V4(Ipv4Addr::BROADCAST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1)),
        IpAddr::V6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped()),
    ];
    check_both(&ips, any::<IpAddr>());
    let mut sockets: Vec<_> = ips.iter().map(|&ip| SocketAddr::new(ip, 65535)).collect();
    sockets.push(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 7, 3).into());
    check_both(&sockets, any::<SocketAddr>());
}

/// `Value::Ip` also covers the types of one version, which print alike.
#[test]
fn addresses_of_one_version() {
    #[derive(Clone, Debug)]
    struct Of<T>(T);
    macro_rules! one_version {
        ($($type:ty => $variant:ident),*) => {
            $(impl Recorded for Of<$type> {
                fn record(&self) -> Value<'_> {
                    Value::$variant(self.0.into())
                }
            }
            check_random(&table::display(), |of: &Of<$type>| &of.0, any::<$type>().prop_map(Of));
            check_random(&table::debug(), |of: &Of<$type>| &of.0, any::<$type>().prop_map(Of));)*
        };
    }
    one_version!(Ipv4Addr => Ip, Ipv6Addr => Ip, SocketAddrV4 => Socket, SocketAddrV6 => Socket);
}

/// The shortcuts for floats, more densely than the tables can.
#[test]
fn common_floats() {
    let mut out = String::new();
    let mut check = |value: f64| {
        for (digits, template) in
            [(0, "{0:.0}"), (1, "{0:.1}"), (2, "{0:.2}"), (6, "{0:.6}"), (15, "{0:.15}")]
        {
            out.clear();
            CompiledTemplate::new(template, 1).unwrap().write(&mut out, &[Value::F64(value)]);
            assert_eq!(out, format!("{value:.digits$}"));
        }
        out.clear();
        write_display(&mut out, &Value::F64(value));
        write_debug(&mut out, &Value::F64(value));
        write_display(&mut out, &Value::F32(value as f32));
        write_debug(&mut out, &Value::F32(value as f32));
        assert_eq!(out, format!("{value}{value:?}{0}{0:?}", value as f32));
    };
    // Every multiple of 1/1024 is exact and often in the middle of two decimals.
    for n in 0..3000 {
        check(f64::from(n) / 1024.0);
        check(-f64::from(n) / 1000.0);
        check(f64::from(n) * 1e6 / 8.0);
        check(1.0 / f64::from(n));
        check(f64::from_bits((f64::from(n) / 100.0).to_bits() + 1));
    }
    // Between two shortest texts: std rounds up, others to the even digit.
    check(2_023_347_301_156_851.0 + 0.25);
    check(1_097_718_834_198_879.0 + 0.25);
    check(549_755_813_888.0 + 0.031_25);
    for exponent in -1074..1024 {
        check(2f64.powi(exponent));
        check(2f64.powi(exponent) * 1.000_000_1);
    }
}
