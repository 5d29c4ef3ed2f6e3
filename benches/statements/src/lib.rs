//! The six statements of NanoLog's paper, for any logger's macro.

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
