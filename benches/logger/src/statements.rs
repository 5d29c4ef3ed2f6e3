//! The six statements of NanoLog's paper.

use stenolog::info;

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

/// Each in a function of its own, as in a program.
pub const ALL: [Statement; 6] = [s1, s2, s3, s4, s5, s6];

/// The same with a time that the caller has.
pub const ALL_AT: [Statement; 6] = [at1, at2, at3, at4, at5, at6];

const NAME: &str = "a string of thirty-nine bytes, exactly.";

#[inline(never)]
fn s1(_: u32) {
    info!("Starting backup replica garbage collector thread");
}

#[inline(never)]
fn s2(_: u32) {
    info!("Opened session with coordinator at {}", std::hint::black_box(NAME));
}

#[inline(never)]
fn s3(n: u32) {
    info!("Backup storage speeds (min): {} MB/s read", n as i32);
}

#[inline(never)]
fn s4(n: u32) {
    info!("Backup storage speeds (avg): {} MB/s read, {} MB/s write", n, n ^ 0x55);
}

#[inline(never)]
fn s5(n: u32) {
    info!("Using tombstone ratio balancer with ratio = {:.6}", f64::from(n) * 0.37);
}

#[inline(never)]
fn s6(n: u32) {
    info!(
        "Initialized InfUdDriver buffers: {} receive buffers ({} MB), {} transmit buffers ({} MB), took {:.1} ms",
        u64::from(n) * 50_000,
        n,
        n ^ 7,
        n ^ 11,
        f64::from(n) * 0.26
    );
}

#[inline(never)]
fn at1(n: u32) {
    info!(at: u64::from(n), "Starting backup replica garbage collector thread");
}

#[inline(never)]
fn at2(n: u32) {
    info!(at: u64::from(n), "Opened session with coordinator at {}", std::hint::black_box(NAME));
}

#[inline(never)]
fn at3(n: u32) {
    info!(at: u64::from(n), "Backup storage speeds (min): {} MB/s read", n as i32);
}

#[inline(never)]
fn at4(n: u32) {
    info!(at: u64::from(n), "Backup storage speeds (avg): {} MB/s read, {} MB/s write", n, n ^ 0x55);
}

#[inline(never)]
fn at5(n: u32) {
    info!(at: u64::from(n), "Using tombstone ratio balancer with ratio = {:.6}", f64::from(n) * 0.37);
}

#[inline(never)]
fn at6(n: u32) {
    info!(
        at: u64::from(n),
        "Initialized InfUdDriver buffers: {} receive buffers ({} MB), {} transmit buffers ({} MB), took {:.1} ms",
        u64::from(n) * 50_000,
        n,
        n ^ 7,
        n ^ 11,
        f64::from(n) * 0.26
    );
}

/// A call that the filter refuses.
#[inline(never)]
pub fn disabled(n: u32) {
    info!(target: "quiet", "Backup storage speeds (avg): {} MB/s read, {} MB/s write", n, n ^ 0x55);
}
