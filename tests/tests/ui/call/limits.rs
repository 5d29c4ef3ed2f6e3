use stenolog::{enabled, info, Level};

fn main() {
    info!(every_n: 10, once: true, "two limits");
    info!(every_n: 10, suppressed = 1, "a field of the limit");
    info!(per_second: "x", "no number");
    let _ = enabled!(every_n: 10, Level::Info);
}
