//! The six statements of NanoLog's paper, for any logger's macro, and the same with values of high entropy.

mod values;

pub use values::{float, id, text};

/// What the statements are named in the tables.
pub const NAMES: [&str; 6] = [
    "s1 static string",
    "s2 one &str, 39 bytes",
    "s3 one i32",
    "s4 two u32",
    "s5 one f64",
    "s6 u64 u32 u32 u32 f64",
];

/// A statement, to be called in a loop with the loop's counter.
pub type Statement = fn(u32);

/// What the second statement logs.
pub const NAME: &str = "a string of thirty-nine bytes, exactly.";

/// What the statements log for a counter, as `format!` would have it.
#[must_use]
pub fn messages(n: u32) -> [String; 6] {
    [
        "Starting backup replica garbage collector thread".into(),
        format!("Opened session with coordinator at {NAME}"),
        format!("Backup storage speeds (min): {} MB/s read", n as i32),
        format!("Backup storage speeds (avg): {} MB/s read, {} MB/s write", n, n ^ 0x55),
        format!("Using tombstone ratio balancer with ratio = {:.6}", f64::from(n) * 0.37),
        format!(
            "Initialized InfUdDriver buffers: {} receive buffers ({} MB), {} transmit buffers ({} MB), took {:.1} ms",
            u64::from(n) * 50_000,
            n,
            n ^ 7,
            n ^ 11,
            f64::from(n) * 0.26
        ),
    ]
}

/// The six statements by a logger's macro, each in a function of its own, as in a program:
/// `statements!(n: [stenolog::info] [at: n,])`, with what comes before the format string at last.
#[macro_export]
macro_rules! statements {
    ($n:ident: [$($log:tt)+] [$($first:tt)*]) => {{
        #[inline(never)]
        fn s1($n: u32) {
            let _ = $n;
            $($log)+!($($first)* "Starting backup replica garbage collector thread");
        }
        #[inline(never)]
        fn s2($n: u32) {
            let _ = $n;
            $($log)+!(
                $($first)* "Opened session with coordinator at {}",
                std::hint::black_box($crate::NAME)
            );
        }
        #[inline(never)]
        fn s3($n: u32) {
            $($log)+!($($first)* "Backup storage speeds (min): {} MB/s read", $n as i32);
        }
        #[inline(never)]
        fn s5($n: u32) {
            $($log)+!(
                $($first)* "Using tombstone ratio balancer with ratio = {:.6}",
                f64::from($n) * 0.37
            );
        }
        #[inline(never)]
        fn s6($n: u32) {
            $($log)+!(
                $($first)* "Initialized InfUdDriver buffers: {} receive buffers ({} MB), {} transmit buffers ({} MB), took {:.1} ms",
                u64::from($n) * 50_000,
                $n,
                $n ^ 7,
                $n ^ 11,
                f64::from($n) * 0.26
            );
        }
        [s1 as $crate::Statement, s2, s3, $crate::statement!($n: [$($log)+] [$($first)*]), s5, s6]
    }};
}

/// The fourth statement alone.
#[macro_export]
macro_rules! statement {
    ($n:ident: [$($log:tt)+] [$($first:tt)*]) => {{
        #[inline(never)]
        fn s4($n: u32) {
            $($log)+!(
                $($first)* "Backup storage speeds (avg): {} MB/s read, {} MB/s write",
                $n,
                $n ^ 0x55
            );
        }
        s4 as $crate::Statement
    }};
}

/// The six statements, and a seventh with three values, all with values that do not repeat:
/// `high_entropy!(n: [stenolog::info] [])`.
#[macro_export]
macro_rules! high_entropy {
    ($n:ident: [$($log:tt)+] [$($first:tt)*]) => {{
        #[inline(never)]
        fn e1($n: u32) {
            let _ = $n;
            $($log)+!($($first)* "Starting backup replica garbage collector thread");
        }
        #[inline(never)]
        fn e2($n: u32) {
            $($log)+!($($first)* "Opened session with coordinator at {}", $crate::text($n));
        }
        #[inline(never)]
        fn e3($n: u32) {
            $($log)+!($($first)* "Backup storage speeds (min): {} MB/s read", $crate::id($n) as i32);
        }
        #[inline(never)]
        fn e4($n: u32) {
            let id = $crate::id($n);
            $($log)+!(
                $($first)* "Backup storage speeds (avg): {} MB/s read, {} MB/s write",
                id as u32,
                (id >> 32) as u32
            );
        }
        #[inline(never)]
        fn e5($n: u32) {
            $($log)+!(
                $($first)* "Using tombstone ratio balancer with ratio = {:.6}",
                $crate::float($n)
            );
        }
        #[inline(never)]
        fn e6($n: u32) {
            let (id, other) = ($crate::id($n), $crate::id(!$n));
            $($log)+!(
                $($first)* "Initialized InfUdDriver buffers: {} receive buffers ({} MB), {} transmit buffers ({} MB), took {:.1} ms",
                id,
                other as u32,
                (other >> 32) as u32,
                (id ^ other) as u32,
                $crate::float($n)
            );
        }
        #[inline(never)]
        fn e7($n: u32) {
            $($log)+!(
                $($first)* "order {} for {} filled in {:.3} us",
                $crate::id($n),
                $crate::text($n),
                $crate::float($n)
            );
        }
        [e1 as $crate::Statement, e2, e3, e4, e5, e6, e7]
    }};
}

/// What makes the values of the statements of [`high_entropy`] and logs nothing: the floor of their cost.
#[must_use]
pub fn values_alone() -> [Statement; 7] {
    fn nothing(_: u32) {}
    fn texts(n: u32) {
        std::hint::black_box(text(n));
    }
    fn ids(n: u32) {
        std::hint::black_box(id(n));
    }
    fn floats(n: u32) {
        std::hint::black_box(float(n));
    }
    fn five(n: u32) {
        std::hint::black_box((id(n), id(!n), float(n)));
    }
    fn three(n: u32) {
        std::hint::black_box((id(n), text(n), float(n)));
    }
    [nothing, texts, ids, ids, floats, five, three]
}
