use stenolog::instrument;

#[instrument(skipp(a))]
fn unknown_option(a: u32) -> u32 {
    a
}

#[instrument(skip(b))]
fn no_such_parameter(a: u32) -> u32 {
    a
}

#[instrument(skip_all, skip_all, level = "loud")]
fn bad_level() {}

#[instrument(level = "info", level = "debug")]
fn twice() {}

#[instrument(err(Quietly))]
fn bad_form() -> Result<(), String> {
    Ok(())
}

#[instrument(err)]
fn no_result() {}

#[instrument]
const fn constant() {}

#[instrument]
struct NoFunction;

struct Opaque;

#[instrument]
fn not_recordable(opaque: Opaque) {
    drop(opaque);
}

fn main() {
    let _ = (unknown_option(1), no_such_parameter(1));
}
