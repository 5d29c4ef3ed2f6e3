//! Arguments that never have a value.
#![allow(unreachable_code, reason = "that is what this is about")]

fn returns() {
    stenolog::info!("{}", return);
}

fn breaks() {
    // Not `loop`: without a logger nothing is evaluated.
    for _ in 0..2 {
        stenolog::info!("{:?}", break);
    }
}

fn exits(code: i32) {
    stenolog::info!(code = std::process::exit(code), "never logged");
}

fn main() {
    returns();
    breaks();
    exits(0);
}
