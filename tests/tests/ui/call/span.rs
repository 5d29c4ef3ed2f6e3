use stenolog::{Empty, Level, info_span, record, span};

fn main() {
    let _ = span!();
    let _ = span!("named", message = 1, "and a message");
    let _ = span!(name: "named", "twice");
    let _ = info_span!(level: Level::Debug, "two levels");
    let _ = span!(level: Level::Debug, level: Level::Info, "two levels");
    let _ = span!(once: true, "limited");
    let _ = span!("fields", a = 1, a = Empty);
    let span = span!("one");
    record!(span, target: "t", a = 1);
    record!(span, "a message");
    record!(7, a = 1);
    std::thread::spawn(move || drop(span));
}
